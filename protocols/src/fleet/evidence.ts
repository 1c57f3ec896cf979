import { z } from 'zod';
import type { ErrorCode } from '../errors/index.ts';
import { keySlot } from './held-key.ts';

/** A tamper-evident bag or a seal by its printed number. */
export const sealNumber = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{2,39}$/)
  .describe('Number printed on a tamper-evident bag or seal.');
export const photoHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of the photo file, hex; the file stays with whoever took it.');
const jobId = z
  .string()
  .regex(/^[0-9a-f-]{36}$/)
  .describe('Id of a job of this terminal.');
/** At least enough to say why: "ok" is no declaration. */
const tooShortOrLong = 'EVIDENCE_DECLARATION_LENGTH' satisfies ErrorCode;
const declaredWords = z.string().min(10, tooShortOrLong).max(200, tooShortOrLong);
const grams = z.number().int().nonnegative().max(100_000);

/** Everything that an edge can ask for and a person or machine can hand in. What is proven elsewhere is named by its id. */
export const evidence = z
  .strictObject({
    bagNumber: sealNumber.optional().describe('The bag that it is taken out of, or put into.'),
    photo: photoHash.optional(),
    seals: z.array(sealNumber).min(1).max(16).optional().describe('The seals on its case, as they were read.'),
    connections: z.number().int().min(0).max(32).optional().describe('How many cables are plugged in.'),
    keyCheckValues: z
      .array(z.strictObject({ slot: keySlot, kcv: z.string().regex(/^[0-9A-Fa-f]{4,10}$/) }))
      .min(1)
      .max(8)
      .optional()
      .describe('Check values as the terminal shows them, to be compared with the ledger.'),
    wipeProof: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('job'), job: jobId }),
        z.strictObject({
          by: z.literal('destruction'),
          method: z.enum(['shredded', 'crushed', 'drilled']),
          photo: photoHash,
        }),
      ])
      .optional()
      .describe('A wipe job that the terminal swore to; or, of one that does not answer, its secure part destroyed.'),
    nothingOwed: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('job'), job: jobId }),
        z.strictObject({ by: z.literal('declaration'), words: declaredWords }),
      ])
      .optional()
      .describe('A diagnosis with empty queues, or a wipe; or, of one that does not answer, two persons who say so.'),
    tests: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('job'), job: jobId }),
        z.strictObject({ by: z.literal('bench'), test: jobId }),
      ])
      .optional()
      .describe('A self-test of the terminal, or a test at the bench.'),
    investigation: z
      .strictObject({
        inspection: z.uuid().describe('The signed report of an inspection, made since the terminal was quarantined.'),
        words: z.string().min(10).max(500).describe('What it came to.'),
      })
      .optional()
      .describe('Of a case that is not as it was known: who looked into it, and what it came to.'),
    recycling: z
      .strictObject({
        recycler: z.string().min(1).max(80),
        receipt: z.string().min(1).max(60),
        batteryGrams: grams,
        materialGrams: z.partialRecord(z.enum(['plastic', 'metal', 'boards', 'display', 'other']), grams).optional(),
      })
      .optional()
      .describe('The receipt of the recycler, with batteries and materials by mass, grams.'),
  })
  .describe('What is handed in for an edge.');
export type Evidence = z.infer<typeof evidence>;

/** The items that edges ask for, and the clause that wants each. `secondPerson` is an approval, and is not handed in. */
export const evidenceItems = {
  bagNumber: {
    clause: 'PCI PIN 3.1, 30-1; P2PE FAQ 1347',
    title: { en: 'bag number', ja: '封印袋番号' },
  },
  photo: { clause: 'PCI DSS 4.0.1, 9.5.1.2', title: { en: 'photo', ja: '写真' } },
  seals: { clause: 'PCI DSS 4.0.1, 9.5.1.2; P2PE 3A-1', title: { en: 'seals', ja: '封印シール' } },
  connections: { clause: 'P2PE 3A-1', title: { en: 'number of connections', ja: '接続ケーブル数' } },
  secondPerson: { clause: 'PCI PIN 3.1, 21 to 23', title: { en: 'second person', ja: '第二の承認者' } },
  keyCheckValues: { clause: 'PCI PIN 3.1, 30-3', title: { en: 'key check values', ja: '鍵検査値' } },
  wipeProof: { clause: 'PCI PIN 3.1, 31; PCI DSS 4.0.1, 9.4.7', title: { en: 'proof of wipe', ja: '消去証明' } },
  nothingOwed: {
    clause: 'house rule 2: nobody loses data',
    title: { en: 'nothing undelivered', ja: '未送信取引なし' },
  },
  tests: { clause: 'PCI PIN 3.1, 30-1 (repair)', title: { en: 'test results', ja: '試験結果' } },
  investigation: {
    clause: 'PCI PIN 3.1, 30-2; PCI DSS 4.0.1, 9.5.1.2',
    title: { en: 'investigation', ja: '調査記録' },
  },
  recycling: { clause: 'WEEE 2012/19/EU, 8; 2006/66/EC', title: { en: 'recycler’s receipt', ja: '再資源化受領書' } },
} as const satisfies Record<
  keyof Evidence | 'secondPerson',
  { readonly clause: string; readonly title: { readonly en: string; readonly ja: string } }
>;
export type EvidenceItem = keyof typeof evidenceItems;
/** The names in `evidenceItems`, in their order. */
export const evidenceNames = Object.keys(evidenceItems) as [EvidenceItem, ...EvidenceItem[]];

/** What an edge does with the bag: the one that it came in is opened, or it is put into a fresh one. */
export type BagUse = 'opened' | 'closed';

/** What is known of a terminal from the evidence of its steps so far. */
export interface Standing {
  /** The closed bag that it is in; null when it is in none, or nobody wrote it down. */
  readonly bag: string | null;
  /** Seals and connections as they were last taken; null before. */
  readonly seals: readonly string[] | null;
  readonly connections: number | null;
}
/** What is known of a terminal without any step. */
export const freshStanding: Standing = { bag: null, seals: null, connections: null };

/** What the rooms of the house say about evidence that names something of theirs. */
export interface KnownEvidence {
  /** Whether a closed bag of this number was ever used for any terminal. */
  readonly isBagUsed: boolean;
  /** Check values of the keys that the ledger holds as loaded, and whether any key of it counts at all. */
  readonly keys: readonly { readonly slot: string; readonly kcv: string }[];
  readonly hasLiveKeys: boolean;
  /** Of the named wipe: succeeded, sworn to by the terminal's own key, and no key was given to it after that. */
  readonly isWipeProven: boolean;
  /** Of the named diagnosis or wipe: empty queues, and no sale after it. */
  readonly isReportClear: boolean;
  /** The last report of the terminal says that something is undelivered. */
  readonly isKnownToOwe: boolean;
  readonly isTestPassed: boolean;
  /** Of the named inspection: of this terminal, made in the state that it is in, and it read the very seals and cables that are handed in. */
  readonly isInvestigated: boolean;
}

/** Why an item is not there: nothing was handed in, it is another than was expected, or what it names does not prove it. */
export type Lack = { readonly item: EvidenceItem; readonly why: 'missing' | 'differs' | 'unproven' };

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n');

/** What an edge asks for, and how it takes it. */
export interface Asked {
  /** In the order in which the items are named to a person. */
  readonly evidence: readonly EvidenceItem[];
  readonly bag?: BagUse;
  /** Seals and cables may be others than those that were known, where an investigation says why. */
  readonly settles?: true;
}

/** What an edge still lacks; empty when it may be taken, but for the second person, which is asked for last. */
export function lackingEvidence(
  { evidence: wanted, bag, settles }: Asked,
  given: Evidence,
  standing: Standing,
  known: KnownEvidence,
): readonly Lack[] {
  const isSettled = settles === true && given.investigation !== undefined;
  const items = isSettled ? (['investigation', ...wanted] as const) : wanted;
  return items.flatMap((item): Lack[] => {
    if (item === 'secondPerson') return [];
    if (given[item] === undefined) return [{ item, why: 'missing' }];
    if (isSettled && (item === 'seals' || item === 'connections')) return [];
    const why = faultOf(item, bag, given, standing, known);
    return why === undefined ? [] : [{ item, why }];
  });
}

function faultOf(
  item: Exclude<EvidenceItem, 'secondPerson'>,
  bagUse: BagUse | undefined,
  given: Evidence,
  standing: Standing,
  known: KnownEvidence,
): Lack['why'] | undefined {
  switch (item) {
    case 'bagNumber':
      if (bagUse === 'closed') return known.isBagUsed ? 'differs' : undefined;
      return standing.bag === null || standing.bag === given.bagNumber ? undefined : 'differs';
    case 'seals':
      // A repair or a closed bag may bring new seals; until then they are those that were there.
      return bagUse === 'closed' || !standing.seals || same(standing.seals, given.seals ?? []) ? undefined : 'differs';
    case 'connections':
      return standing.connections === null || standing.connections === given.connections ? undefined : 'differs';
    case 'keyCheckValues': {
      const text = ({ slot, kcv }: { readonly slot: string; readonly kcv: string }) => `${slot} ${kcv.toUpperCase()}`;
      if (known.keys.length === 0) return 'unproven';
      return same(known.keys.map(text), (given.keyCheckValues ?? []).map(text)) ? undefined : 'differs';
    }
    case 'wipeProof':
      if (given.wipeProof?.by === 'destruction') return undefined;
      return known.isWipeProven && !known.hasLiveKeys ? undefined : 'unproven';
    case 'nothingOwed':
      if (given.nothingOwed?.by === 'declaration') return known.isKnownToOwe ? 'differs' : undefined;
      return known.isReportClear ? undefined : 'unproven';
    case 'tests':
      return known.isTestPassed ? undefined : 'unproven';
    case 'investigation':
      return known.isInvestigated ? undefined : 'unproven';
    case 'photo':
    case 'recycling':
      return undefined;
  }
}

/** Whether what is handed in stands on a person's word alone, so that a second one has to give theirs. */
export const needsSecondWord = ({ wipeProof, nothingOwed }: Evidence): boolean =>
  wipeProof?.by === 'destruction' || nothingOwed?.by === 'declaration';

/** What is known of a terminal after an edge was taken. */
export const standingAfter = (standing: Standing, bagUse: BagUse | undefined, given: Evidence): Standing => ({
  bag: bagUse === 'closed' ? (given.bagNumber ?? null) : bagUse === 'opened' ? null : standing.bag,
  seals: given.seals ?? standing.seals,
  connections: given.connections ?? standing.connections,
});
