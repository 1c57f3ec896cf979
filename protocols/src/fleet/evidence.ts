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
          at: z.iso.datetime().optional().describe('When it was destroyed. Asked for; steps of before have none.'),
        }),
      ])
      .optional()
      .describe('A wipe job that the terminal swore to; or, of one that does not answer, its secure part destroyed.'),
    nothingOwed: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('job'), job: jobId }),
        z.strictObject({
          by: z.literal('declaration'),
          words: declaredWords,
          silentSince: z.iso
            .datetime()
            .optional()
            .describe('Since when it says nothing. Asked for; steps of before have none.'),
          waiting: z
            .number()
            .int()
            .nonnegative()
            .max(100_000)
            .optional()
            .describe('How many sales, advices and reversals wait in it by what it said last.'),
          became: z
            .string()
            .min(10)
            .max(500)
            .optional()
            .describe('What became of those: how each was made good, from receipts or by hand.'),
        }),
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

/** How far a receipt may be from what the model weighs, as a share of it: cables, paper and scales. */
export const massTolerance = 0.15;
/**
 * A recycler's receipt beside the mass of the model. `heavy` is refused: what weighs more than the terminal is not it alone. `short` is taken and said: parts
 * that were harvested, and what goes another way, are missing from an honest receipt, too. `unweighed`: materials are not stated.
 */
export interface MassBalance {
  readonly receiptGrams: number;
  readonly modelGrams: number | null;
  readonly toleranceGrams: number | null;
  readonly verdict: 'within' | 'short' | 'heavy' | 'unweighed' | 'model-unknown';
}
/** Compares a receipt with the mass of a model; undefined without a receipt. */
export function massBalanceOf(recycling: Evidence['recycling'], modelGrams: number | null): MassBalance | undefined {
  if (recycling === undefined) return undefined;
  const materials = Object.values(recycling.materialGrams ?? {});
  const receiptGrams = materials.reduce((sum, grams) => sum + grams, recycling.batteryGrams);
  if (modelGrams === null) return { receiptGrams, modelGrams, toleranceGrams: null, verdict: 'model-unknown' };
  const toleranceGrams = Math.round(modelGrams * massTolerance);
  const verdict =
    receiptGrams > modelGrams + toleranceGrams
      ? 'heavy'
      : materials.length === 0
        ? 'unweighed'
        : receiptGrams < modelGrams - toleranceGrams
          ? 'short'
          : 'within';
  return { receiptGrams, modelGrams, toleranceGrams, verdict };
}

/** What the house has heard of a terminal, whatever anybody says of it. */
export interface HeardOf {
  readonly isConnected: boolean;
  /** When it was heard of last, on any wire, ms since 1970; null: never. */
  readonly at: number | null;
  /** How many sales, advices and reversals wait in it at least: by what it said last, and by those that it told of and the switch never got. */
  readonly waiting: number;
}

/** For so long a terminal has to be silent before two persons' word ends its life: one that was unplugged a minute ago is not dead. */
export const silenceMinMs = 86_400_000;

/** What the rooms of the house say about evidence that names something of theirs. */
export interface KnownEvidence {
  readonly now: number;
  readonly heard: HeardOf;
  /** Whether a closed bag of this number was ever used for any terminal. */
  readonly isBagUsed: boolean;
  /** Check values of the keys that the ledger holds as loaded, and how many of its keys count at all. */
  readonly keys: readonly { readonly slot: string; readonly kcv: string }[];
  /** Slots of those that hang on a key that is suspect. */
  readonly suspectSlots: readonly string[];
  readonly liveKeys: number;
  /** Of the named wipe: succeeded, sworn to by the terminal's own key, and no key was given to it after that. */
  readonly isWipeProven: boolean;
  /** Of the named diagnosis or wipe: empty queues, and no sale after it. */
  readonly isReportClear: boolean;
  readonly isTestPassed: boolean;
  /** What its model weighs by the catalogue; null: nobody knows. */
  readonly massGrams: number | null;
  /** Of the named inspection: of this terminal, made in the state that it is in, and it read the very seals and cables that are handed in. */
  readonly isInvestigated: boolean;
}

/**
 * Why an item is not there: nothing was handed in, it is another than was expected, what it names does not prove it, the terminal speaks although it
 * is said to be silent, something waits in it, keys of it count, one of them hangs on a key that is suspect, or the receipt weighs more than the
 * terminal.
 */
export type LackReason = 'missing' | 'differs' | 'unproven' | 'speaks' | 'owes' | 'keyed' | 'suspect' | 'heavy';
/** What an edge lacks, and why. */
export type Lack = {
  readonly item: EvidenceItem;
  readonly why: LackReason;
  /** Numbers and moments that a person needs to see why. */
  readonly facts?: Readonly<Record<string, string | number>>;
};

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n');

/** What an edge asks for, and how it takes it. */
export interface Asked {
  /** In the order in which the items are named to a person. */
  readonly evidence: readonly EvidenceItem[];
  readonly bag?: BagUse;
  /** Seals and cables may be others than those that were known, where an investigation says why. */
  readonly settles?: true;
  /** The end of its life: what is on a person's word alone has to have been true for a while. */
  readonly ends?: true;
}

/** What an edge still lacks; empty when it may be taken, but for the second person, which is asked for last. */
export function lackingEvidence(
  asked: Asked,
  given: Evidence,
  standing: Standing,
  known: KnownEvidence,
): readonly Lack[] {
  const { evidence: wanted, settles } = asked;
  const isSettled = settles === true && given.investigation !== undefined;
  const items = isSettled ? (['investigation', ...wanted] as const) : wanted;
  return items.flatMap((item): Lack[] => {
    if (item === 'secondPerson') return [];
    if (given[item] === undefined) return [{ item, why: 'missing' }];
    if (isSettled && (item === 'seals' || item === 'connections')) return [];
    const found = faultOf(item, asked, given, standing, known);
    return found === undefined ? [] : typeof found === 'string' ? [{ item, why: found }] : [{ item, ...found }];
  });
}

type Found = LackReason | Omit<Lack, 'item'> | undefined;

/** Whether the house heard of a terminal after it is said to have fallen silent, or so lately that nobody can know. */
function speaksAfter(since: string, isTheEnd: boolean, { now, heard }: KnownEvidence): Found {
  const from = Date.parse(since);
  if (from > now) return 'differs';
  const heardAt = heard.at === null ? '' : new Date(heard.at).toISOString();
  if (heard.isConnected) return { why: 'speaks', facts: { connected: 1, heardAt } };
  if (heard.at !== null && heard.at > from) return { why: 'speaks', facts: { heardAt, saidSince: since } };
  if (isTheEnd && heard.at !== null && now - heard.at < silenceMinMs)
    return { why: 'speaks', facts: { heardAt, silentHoursWanted: silenceMinMs / 3_600_000 } };
  return undefined;
}

function declared(
  { silentSince, waiting = 0, became }: Extract<NonNullable<Evidence['nothingOwed']>, { by: 'declaration' }>,
  isTheEnd: boolean,
  known: KnownEvidence,
): Found {
  if (silentSince === undefined) return { why: 'missing', facts: { part: 'silentSince' } };
  const speaks = speaksAfter(silentSince, isTheEnd, known);
  if (speaks !== undefined) return speaks;
  const counts = { waiting: known.heard.waiting, declared: waiting };
  if (waiting !== known.heard.waiting) return { why: 'owes', facts: counts };
  return waiting > 0 && became === undefined ? { why: 'owes', facts: { ...counts, part: 'became' } } : undefined;
}

function faultOf(
  item: Exclude<EvidenceItem, 'secondPerson'>,
  { bag: bagUse, ends }: Asked,
  given: Evidence,
  standing: Standing,
  known: KnownEvidence,
): Found {
  const isTheEnd = ends === true;
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
      if (!same(known.keys.map(text), (given.keyCheckValues ?? []).map(text))) return 'differs';
      const [slot] = known.suspectSlots;
      return slot === undefined ? undefined : { why: 'suspect', facts: { slot } };
    }
    case 'wipeProof':
      if (given.wipeProof?.by === 'destruction') {
        // What was destroyed does not go out again.
        if (!isTheEnd) return 'differs';
        const { at } = given.wipeProof;
        return at === undefined ? { why: 'missing', facts: { part: 'at' } } : speaksAfter(at, isTheEnd, known);
      }
      if (!known.isWipeProven) return 'unproven';
      return known.liveKeys > 0 ? { why: 'keyed', facts: { keys: known.liveKeys } } : undefined;
    case 'nothingOwed':
      if (given.nothingOwed?.by === 'declaration') return declared(given.nothingOwed, isTheEnd, known);
      if (known.heard.waiting > 0) return { why: 'owes', facts: { waiting: known.heard.waiting } };
      return known.isReportClear ? undefined : 'unproven';
    case 'tests':
      return known.isTestPassed ? undefined : 'unproven';
    case 'investigation':
      return known.isInvestigated ? undefined : 'unproven';
    case 'recycling': {
      const balance = massBalanceOf(given.recycling, known.massGrams);
      if (balance?.verdict !== 'heavy') return undefined;
      return { why: 'heavy', facts: { receiptGrams: balance.receiptGrams, modelGrams: balance.modelGrams ?? 0 } };
    }
    case 'photo':
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
