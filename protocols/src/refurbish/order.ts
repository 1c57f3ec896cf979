import { z } from 'zod';
import { evidence } from '../fleet/evidence.ts';
import { type Serial, serialSchema } from '../fleet/identity.ts';
import { attestationCharactersMax } from '../workshop/attestation.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** What ails a terminal. The first two letters say where. */
export const faultCodes = {
  'RD-CONTACT': { en: 'contact reader', ja: '接触ICリーダー' },
  'RD-STRIPE': { en: 'stripe reader', ja: '磁気リーダー' },
  'RD-ANTENNA': { en: 'contactless antenna', ja: '非接触アンテナ' },
  'PR-HEAD': { en: 'printer head', ja: 'プリンタヘッド' },
  'PR-FEED': { en: 'paper feed', ja: '給紙' },
  'DS-PANEL': { en: 'display or touch panel', ja: '画面・タッチパネル' },
  'KB-KEYS': { en: 'keys', ja: 'キー' },
  'PW-BATTERY': { en: 'battery', ja: '電池' },
  'PW-SUPPLY': { en: 'power supply', ja: '電源' },
  'LK-LAN': { en: 'LAN', ja: 'LAN' },
  'LK-MOBILE': { en: 'mobile link', ja: 'モバイル回線' },
  'SW-BOOT': { en: 'does not start', ja: '起動不良' },
  'TM-TAMPER': { en: 'tamper detected', ja: '耐タンパ検知' },
  'CS-CASE': { en: 'case', ja: '筐体' },
} as const;
export type FaultCode = keyof typeof faultCodes;
const faultCode = z.enum(Object.keys(faultCodes) as [FaultCode, ...FaultCode[]]);
const yen = z.number().int().nonnegative().max(10_000_000).describe('Yen.');
/** A part by its number. */
export const partNumber = z
  .string()
  .regex(/^[A-Z0-9][A-Z0-9-]{1,31}$/)
  .describe('Part number.');

export const workIntake = z.enum(['fault', 'end-of-contract', 'swap', 'recall']).describe('Why it came in.');
export const openWork = z
  .strictObject({
    serial: serialSchema,
    intake: workIntake,
    reported: faultCode.optional().describe('What the shop says ails it.'),
    warrantyUntil: z.iso.date().optional(),
  })
  .describe('Takes a terminal in.');
/** What an intake says. */
export type OpenWork = z.infer<typeof openWork>;

/** What is done to a terminal on the bench: one entry each, never changed. */
export const workEntry = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('diagnosed'), fault: faultCode.nullable().describe('null: no fault found.') }),
    z.strictObject({
      kind: z.literal('part-fitted'),
      part: partNumber,
      costYen: yen,
      from: serialSchema.nullable().describe('The terminal it was harvested from; null: a bought one, from stock.'),
    }),
    z.strictObject({ kind: z.literal('part-harvested'), part: partNumber }),
    z.strictObject({ kind: z.literal('labour'), minutes: z.number().int().min(1).max(10_000), costYen: yen }),
    z.strictObject({
      kind: z.literal('bench-test'),
      attestation: z
        .string()
        .max(attestationCharactersMax)
        .describe('The signed file that `tsunagu bridge attest --nonce WORK-ORDER` wrote.'),
    }),
    z.strictObject({
      kind: z.literal('rma-out'),
      vendor: z.string().min(1).max(60),
      number: z.string().min(1).max(40),
    }),
    z.strictObject({
      kind: z.literal('rma-in'),
      outcome: z.enum(['repaired', 'replaced', 'refused']),
      costYen: yen,
      replacement: z
        .strictObject({
          serial: serialSchema,
          model: z.string().max(32).optional().describe('As the old one, unless told.'),
        })
        .optional()
        .describe(
          'Of `replaced`: what its vendor sent instead. It comes on the inventory as `ordered`, and the order is closed.',
        ),
      evidence: evidence
        .pick({ wipeProof: true, nothingOwed: true })
        .optional()
        .describe(
          'Of `replaced`: that the old one holds no key and owes nothing. It goes to `scrap` when a second person approves.',
        ),
    }),
    z.strictObject({
      kind: z.literal('closed'),
      outcome: z.enum(['repaired', 'no-fault-found', 'beyond-repair']),
      grade: z.enum(['A', 'B', 'C']).nullable().describe('What it is good for again; null when it is not.'),
    }),
  ])
  .describe('Something that was done to a terminal on the bench.');
export type WorkEntry = z.infer<typeof workEntry>;
/** Everything that can be done to a terminal on the bench. */
export const workKinds = workEntry.options.map(({ shape: { kind } }) => kind.value);

/** A work order as its entries make it. */
export interface WorkOrder {
  readonly fault: FaultCode | null | undefined;
  readonly costYen: number;
  readonly minutes: number;
  readonly harvested: readonly string[];
  readonly hasPassedTest: boolean;
  readonly isAtVendor: boolean;
  readonly outcome: 'repaired' | 'no-fault-found' | 'beyond-repair' | 'replaced' | null;
  /** Who has it for repair, and under which number; what was sent to nobody has none. */
  readonly vendor: { readonly name: string; readonly number: string } | null;
  readonly replacedBy: Serial | null;
  readonly grade: 'A' | 'B' | 'C' | null;
}
/** A work order without an entry. */
export const freshOrder: WorkOrder = {
  fault: undefined,
  costYen: 0,
  minutes: 0,
  harvested: [],
  hasPassedTest: false,
  isAtVendor: false,
  outcome: null,
  vendor: null,
  replacedBy: null,
  grade: null,
};

/** What a work order can lack for an entry, as WORK_NOT_READY names it in its fact `wants`, parted by spaces. */
export const workWants = [
  'diagnosed',
  'bench-test',
  'grade',
  'closed:beyond-repair',
  'rma-out',
  'returned',
  'refurbish',
] as const;
export type WorkWant = (typeof workWants)[number];

/** Whether an entry may follow; `isPassed`: of a bench test, that its attestation is signed and nothing in it failed. */
export function addEntry(
  order: WorkOrder,
  entry: WorkEntry,
  isPassed = false,
): Result<WorkOrder, 'WORK_CLOSED' | 'WORK_AT_VENDOR' | 'WORK_NOT_READY'> {
  if (order.outcome !== null && entry.kind !== 'part-harvested') return fail('WORK_CLOSED');
  if (order.isAtVendor && entry.kind !== 'rma-in') return fail('WORK_AT_VENDOR');
  switch (entry.kind) {
    case 'diagnosed':
      return ok({ ...order, fault: entry.fault });
    case 'part-fitted':
      // What was changed after a test is not what was tested.
      return ok({ ...order, costYen: order.costYen + entry.costYen, hasPassedTest: false });
    case 'part-harvested':
      // A part is taken out of what will not work again.
      return order.outcome === 'beyond-repair'
        ? ok({ ...order, harvested: [...order.harvested, entry.part] })
        : fail('WORK_NOT_READY', { facts: { wants: 'closed:beyond-repair' } });
    case 'labour':
      return ok({ ...order, costYen: order.costYen + entry.costYen, minutes: order.minutes + entry.minutes });
    case 'bench-test':
      return ok({ ...order, hasPassedTest: isPassed });
    case 'rma-out':
      return ok({
        ...order,
        isAtVendor: true,
        hasPassedTest: false,
        vendor: { name: entry.vendor, number: entry.number },
      });
    case 'rma-in': {
      if (!order.isAtVendor) return fail('WORK_NOT_READY', { facts: { wants: 'rma-out' } });
      const back = { ...order, isAtVendor: false, costYen: order.costYen + entry.costYen };
      // What its vendor kept does not come back to the bench.
      return ok(entry.replacement ? { ...back, outcome: 'replaced', replacedBy: entry.replacement.serial } : back);
    }
    case 'closed': {
      const isGood = entry.outcome !== 'beyond-repair';
      const isDiagnosed = order.fault !== undefined && (entry.outcome === 'no-fault-found') === (order.fault === null);
      const missing: readonly WorkWant[] = [
        ...(isDiagnosed ? [] : (['diagnosed'] as const)),
        ...(isGood && !order.hasPassedTest ? (['bench-test'] as const) : []),
        ...(isGood === (entry.grade !== null) ? [] : (['grade'] as const)),
      ];
      if (missing.length > 0) return fail('WORK_NOT_READY', { facts: { wants: missing.join(' ') } });
      return ok({ ...order, outcome: entry.outcome, grade: entry.grade });
    }
  }
}
