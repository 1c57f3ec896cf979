import { z } from 'zod';
import { evidence } from './evidence.ts';
import { wipeRecord } from './end-of-life.ts';
import { serialSchema } from './identity.ts';
import { firstKeys, keyReleaseRecord } from './key-custody.ts';
import { keyRecord } from './key-record.ts';
import { lifecycleState } from './lifecycle.ts';
import { signedDocument } from './signed.ts';
import { reasonText } from './reason.ts';

/** W5: paths of the life of a terminal. */
export const lifePaths = {
  lifecycleImports: '/api/v1/lifecycle/imports',
  workOrders: '/api/v1/workshop/orders',
  workOrder: (id: string) => `/api/v1/workshop/orders/${encodeURIComponent(id)}`,
  workEntries: (id: string) => `/api/v1/workshop/orders/${encodeURIComponent(id)}/entries`,
  workParts: '/api/v1/workshop/parts',
  workFigures: '/api/v1/workshop/figures',
  workStock: '/api/v1/workshop/stock',
  workStockMoves: '/api/v1/workshop/stock/moves',
  death: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/death-certificate`,
  deathRecord: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/death-certificate/record`,
  deathReport: (serial: string, language: 'ja' | 'en') =>
    `/api/v1/terminals/${encodeURIComponent(serial)}/death-certificate/report?lang=${language}`,
  wipeCertificate: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/wipe-certificate`,
  inspectionPlans: '/api/v1/inspections/plans',
  inspections: '/api/v1/inspections',
  devices: '/api/v1/inspections/devices',
  assessorPack: '/api/v1/assessor/pack',
  swaps: '/api/v1/swaps',
  swap: (id: string) => `/api/v1/swaps/${encodeURIComponent(id)}`,
  swapActs: (id: string) => `/api/v1/swaps/${encodeURIComponent(id)}/acts`,
  custodyHolders: '/api/v1/custody/holders',
  custodyRevocation: (kid: string) => `/api/v1/custody/holders/${encodeURIComponent(kid)}/revocation`,
  custodyHandovers: '/api/v1/custody/handovers',
  custodyAlarms: '/api/v1/custody/alarms',
  custodyExport: '/api/v1/custody/export',
  custody: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/custody`,
  custodyMismatch: (serial: string) => `/api/v1/terminals/${encodeURIComponent(serial)}/custody/mismatches`,
} as const;

export const importMoves = z
  .strictObject({
    csv: z
      .string()
      .max(1_048_576)
      .describe(
        'CSV (RFC 4180) with a head: serial, to, reason; and from, bag, photo, seals, connections, kcv, wipeJob, owedJob, testJob.',
      ),
    dryRun: z.boolean().default(false).describe('Say what would be done, and do nothing.'),
  })
  .describe('Steps of many lives, 2,000 at most. Each has its own outcome; one that fails stops no other.');
export const importedMoves = z
  .object({
    dryRun: z.boolean().describe('Nothing was done.'),
    total: z.number().int(),
    succeeded: z.number().int(),
    failed: z.number().int(),
    items: z.array(
      z.object({
        line: z.number().int().describe('Line of the file, counted from 1.'),
        serial: z.string(),
        ok: z.boolean(),
        code: z.string().nullable().describe('Code of the error table.'),
        field: z.string().nullable().describe('The column, or the item of evidence, at fault.'),
        clause: z.string().nullable().describe('The clause that wants the item.'),
        pending: z.string().nullable().describe('The approval that it waits for.'),
      }),
    ),
  })
  .describe('What became of it.');

const time = z.iso.datetime().describe('RFC 3339, UTC.');

export const custodyView = z
  .object({
    seq: z.number().int().describe('How many hand-overs there were.'),
    hash: z.string().describe('Hash of the newest: what the next one names.'),
    holder: z.object({ kid: z.string(), name: z.string() }).nullable().describe('In whose hands it is.'),
    bag: z.string().nullable().describe('The bag of the newest hand-over.'),
    handovers: z
      .array(
        z.object({
          seq: z.number().int(),
          at: time,
          from: z.string().describe('Who gave it.'),
          to: z.string().describe('Who took it.'),
          bag: z.string().nullable(),
        }),
      )
      .describe('Newest first.'),
  })
  .describe('The custody of a terminal.');
export type CustodyView = z.infer<typeof custodyView>;

export const revokeHolder = z
  .strictObject({
    at: z.iso.datetime().optional().describe('When the key was lost; now where nobody says. Not in the future.'),
    reason: reasonText(),
    successor: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .optional()
      .describe('A registered key that gives away what the revoked one holds.'),
  })
  .describe('Revokes a hand. Done again, the earlier moment counts.');
export type RevokeHolder = z.infer<typeof revokeHolder>;
export const holderRevocation = z
  .strictObject({
    kid: z.string(),
    revokedAt: z.iso.datetime(),
    successor: z.string().nullable(),
    holds: z.array(z.string()).describe('Serials of what is in its hands now; the first 500.'),
    doubtful: z
      .array(z.string())
      .describe('Serials with a hand-over that it signed at that moment or later; the first 500.'),
  })
  .describe('A hand that was revoked, and what has to be looked at.');
export type HolderRevocation = z.infer<typeof holderRevocation>;

export const custodyAlarmView = z
  .object({
    serial: serialSchema,
    state: lifecycleState,
    kind: z.enum(['dwell', 'gap']).describe('It stays too long, or it moved with no hand on it.'),
    since: time,
  })
  .describe('Something that is wrong with where a terminal is.');
export type CustodyAlarm = z.infer<typeof custodyAlarmView>;

export const startSwap = z
  .strictObject({
    old: serialSchema.describe('The unit that goes.'),
    new: serialSchema.describe('The unit that takes its place; in transit, with its own keys.'),
    reason: reasonText().describe('Why.'),
    evidence: evidence.default({}).describe('What the way of the new unit into the shop asks for.'),
  })
  .describe('Has one unit take the place of another.');
export type StartSwap = z.infer<typeof startSwap>;
export const swapAct = z
  .strictObject({
    verb: z
      .enum(['advance', 'old-is-dead', 'abort'])
      .describe('Look again now; the old unit does not answer; take it back.'),
  })
  .describe('What a person does to a swap. It goes on by itself otherwise.');
export const swapView = z
  .object({
    id: z.string(),
    old: serialSchema,
    new: serialSchema,
    step: z
      .enum(['begun', 'prepared', 'drained', 'handed', 'closed', 'aborted'])
      .describe('How far it is; `handed`: the new unit sells, the old one is locked.'),
    waitsFor: z
      .enum(['report', 'old-approves-alone', 'old-state', 'new-state', 'new-keys-missing', 'new-keys-copied'])
      .nullable()
      .describe('What keeps it: a report of the old unit, or something that a person has to see to.'),
    reason: z.string(),
    by: z.string().describe('Who began it.'),
    begunAt: time,
    changedAt: time,
    isOldDead: z.boolean().describe('The old unit does not answer; what it owes is declared when it is returned.'),
  })
  .describe('A swap.');
export type SwapView = z.infer<typeof swapView>;

const shopOf = { merchant: z.string().min(1).max(60), shop: z.string().min(1).max(60) };
export const planInspections = z
  .strictObject({ ...shopOf, everyDays: z.number().int().min(1).max(366).describe('How often, days.') })
  .describe('How often the terminals of a shop are looked at.');
export const inspectionPlan = z
  .object({ ...shopOf, everyDays: z.number().int(), plannedAt: time, plannedBy: z.string() })
  .describe('The rounds of a shop.');
export type InspectionPlan = z.infer<typeof inspectionPlan>;
export const inspectionTaken = z
  .object({
    findings: z
      .array(z.string())
      .describe('What differs from what is known: surface, seals, connections, photo-missing.'),
  })
  .describe('A report that was taken.');
export const deviceListEntry = z
  .object({
    serial: serialSchema,
    make: z.string(),
    model: z.string(),
    place: z.object({ merchant: z.string(), shop: z.string(), lane: z.string() }),
    state: lifecycleState,
    software: z.string().nullable().describe('Version of what it runs, as it said last.'),
    seals: z.array(z.string()).nullable(),
    connections: z.number().int().nullable(),
    lastInspection: z.object({ at: time, surface: z.string(), findings: z.array(z.string()) }).nullable(),
    dueAt: time.nullable().describe('When it is to be looked at; null when nothing is planned, or it is not deployed.'),
    isOverdue: z.boolean(),
    isPlanned: z.boolean().describe('Its shop has a plan.'),
  })
  .describe('A line of the list of PCI DSS 4.0.1, 9.5.1.1.');
export type DeviceListEntry = z.infer<typeof deviceListEntry>;

export const workOrderView = z
  .object({
    id: z.string(),
    serial: serialSchema,
    intake: z.string().describe('Why it came in.'),
    reported: z.string().nullable().describe('Fault code that the shop named.'),
    isUnderWarranty: z.boolean().describe('When it came in.'),
    openedAt: time,
    openedBy: z.string(),
    closedAt: time.nullable(),
    fault: z.string().nullable().describe('Fault code of the diagnosis; null: none yet, or no fault found.'),
    costYen: z.number().int(),
    minutes: z.number().int(),
    hasPassedTest: z.boolean().describe('A bench test passed, and nothing was fitted after it.'),
    isAtVendor: z.boolean(),
    outcome: z
      .enum(['repaired', 'no-fault-found', 'beyond-repair', 'replaced'])
      .nullable()
      .describe('`replaced`: its vendor kept it, and sent another.'),
    replacedBy: serialSchema.nullable().describe('What its vendor sent in its place.'),
    grade: z.enum(['A', 'B', 'C']).nullable(),
    entries: z
      .array(z.object({ id: z.string(), at: time, by: z.string(), kind: z.string(), says: z.string() }))
      .describe('What was done, oldest first. The id of a bench test is evidence for `redeploy`.'),
  })
  .describe('A work order of the refurbish workshop.');
export type WorkOrderView = z.infer<typeof workOrderView>;

export const harvestedPart = z
  .object({
    id: z.string().describe('The entry that harvested it.'),
    part: z.string().describe('Part number.'),
    from: serialSchema.describe('The terminal that it was taken out of.'),
    harvestedAt: time,
    harvestedBy: z.string(),
    fitted: z
      .object({ serial: serialSchema, work: z.string().describe('The work order.'), at: time, by: z.string() })
      .nullable()
      .describe('Where it went; null while it lies in its drawer.'),
  })
  .describe('A part that was taken out of a terminal beyond repair, and what became of it.');
export type HarvestedPart = z.infer<typeof harvestedPart>;

export const partStockView = z
  .object({
    part: z.string().describe('Part number.'),
    count: z.number().int().describe('How many lie there.'),
    minimum: z.number().int().describe('Fewer are too few.'),
    isLow: z.boolean().describe('It is time to buy.'),
    countedAt: time.nullable().describe('When somebody counted last.'),
    changedAt: time,
  })
  .describe('The stock of a bought part.');
export type PartStockView = z.infer<typeof partStockView>;
export const stockEntry = z
  .object({
    id: z.string(),
    part: z.string(),
    at: time,
    by: z.string(),
    kind: z.enum(['received', 'fitted', 'counted', 'adjusted', 'minimum']),
    change: z.number().int().describe('More, or fewer.'),
    count: z.number().int().describe('How many lay there after it.'),
    says: z.string().describe('Receipt, reason, minimum or work order.'),
    serial: serialSchema.nullable().describe('The terminal that it was fitted into.'),
  })
  .describe('What was done to the stock of a bought part. It is never changed.');
export type StockEntry = z.infer<typeof stockEntry>;
const share = z.number().nullable();
export const workFigures = z
  .object({
    finished: z.number().int().describe('Orders that were closed in the time.'),
    reuseRate: share.describe('Of those that left the workshop, how many went back into the field, 0 to 1.'),
    noFaultFoundRate: share,
    repairYield: z.array(z.object({ fault: z.string(), tried: z.number().int(), repaired: z.number().int() })),
    costYenPerRedeployment: share,
    daysPerRedeployment: share,
    wasteAvoidedKg: z.number(),
    co2AvoidedKg: z.number().describe('At 40 kg of CO2 equivalent a kilogram of device: an assumption.'),
  })
  .describe('Figures of the refurbish workshop.');
/** Files of an assessor's pack whose lines come as they are. */
const packTexts = ['devices.jsonl', 'custody.jsonl', 'audit.jsonl', 'edges.json', 'clauses.json'] as const;
/** Files of an assessor's pack that the lines of a kind go to, word for word. */
export const packFiles = {
  step: 'steps.jsonl',
  inspection: 'inspections.jsonl',
  key: 'keys.jsonl',
  release: 'releases.jsonl',
  wipe: 'wipes.jsonl',
  death: 'deaths.jsonl',
  report: 'reports.jsonl',
  run: 'runs.jsonl',
  house: 'house.jsonl',
} as const;
/** All files of a pack that its seal covers. */
export const sealedFiles = [...Object.values(packFiles), ...packTexts] as const;

export const packSeal = z
  .object({
    record: z.literal('pack').describe('The kind of record.'),
    from: z.iso.date().describe('First day.'),
    to: z.iso.date().describe('Last day.'),
    at: time,
    files: z
      .record(z.string(), z.object({ lines: z.number().int(), sha256: z.string().describe('Of its text, hex.') }))
      .describe('What was shown, by file.'),
  })
  .describe(
    'The last line of what an assessor is shown: a signed record, purpose `tsunagu-key-record-v1`, over all before it.',
  );
export type PackSeal = z.infer<typeof packSeal>;

export const assessorLine = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('step'),
      id: z.number().int(),
      serial: z.string(),
      at: time,
      from: lifecycleState.nullable(),
      to: lifecycleState,
      by: z.string(),
      approvedBy: z.string().nullable(),
      reason: z.string(),
      evidence: z.record(z.string(), z.unknown()).nullable().describe('null: older than evidence.'),
      isInTime: z
        .boolean()
        .describe('Within the time that was asked for; earlier ones are there so that it can be followed.'),
    }),
    z.object({
      kind: z.literal('inspection'),
      deliveredAt: time,
      findings: z.array(z.string()),
      document: signedDocument,
    }),
    z.object({
      kind: z.literal('key'),
      id: z.string(),
      serial: z.string(),
      slot: z.string(),
      kcv: z.string(),
      initialKeyId: z.string().nullable(),
      parent: z.string(),
      state: z.string(),
      allocatedAt: time,
      loadedAt: time.nullable(),
    }),
    z.object({ kind: z.literal('release'), ...keyReleaseRecord.shape }),
    z.object({ kind: z.literal('wipe'), ...wipeRecord.shape }),
    z.object({
      kind: z.literal('death'),
      serial: z.string(),
      record: keyRecord.describe('The signed certificate of death: `deathRecord`.'),
    }),
    z.object({
      kind: z.literal('report'),
      job: z.string().describe('As a step names it.'),
      serial: z.string(),
      type: z.enum(['terminal.test', 'terminal.diagnose']),
      at: time,
      orderedBy: z.string(),
      report: z
        .record(z.string(), z.unknown())
        .describe('What the terminal said of its tests, or of what waits in it.'),
    }),
    z.object({ kind: z.literal('house'), firstKeys }),
    z.object({
      kind: z.literal('run'),
      id: z.string(),
      record: keyRecord.describe('The signed report of an injection run, as it is now.'),
    }),
    z.object({
      kind: z.literal('file'),
      name: z.enum(packTexts).describe('A file of the pack.'),
      line: z.string().describe('Its next line, exactly as it was hashed.'),
    }),
    z.object({ kind: z.literal('seal'), record: keyRecord.describe('What was shown, signed: `packSeal`.') }),
  ])
  .describe('A line of what an assessor is shown.');
export type AssessorLine = z.infer<typeof assessorLine>;
