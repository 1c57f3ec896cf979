import type { JobState } from '@tsunagu/protocols/fleet';
import { z } from 'zod';

/** What the terminals themselves wrote of their jobs and sales: the log of their host, which nobody kills. */
export const said = z.discriminatedUnion('event', [
  z.object({ event: z.literal('jobBegun'), job: z.string(), attempt: z.number(), type: z.string() }),
  z.object({ event: z.literal('jobRestarts'), job: z.string(), attempt: z.number() }),
  z.object({ event: z.literal('jobFinished'), job: z.string(), attempt: z.number(), state: z.string() }),
  z.object({ event: z.literal('saleFinished'), serial: z.string(), stan: z.string(), outcome: z.string() }),
]);
export type Said = z.infer<typeof said>;

/** A sale that stands in the switch's journal, or in the books of a card company. */
export interface StandingSale {
  readonly serial: string;
  readonly stan: string;
  readonly amountMinor: number;
  /** The link that it went to and its trace number there; null when it went nowhere. */
  readonly link: string | null;
  readonly outStan: string | null;
}

/** One entry of a card company's books that nothing took back. */
export interface BookedSale {
  readonly link: string;
  readonly outStan: string;
  readonly amountMinor: number;
}

/** Everything that a run leaves behind. What terminals say of themselves is believed; the server's word is held against it. */
export interface KilledRecord {
  readonly serials: readonly string[];
  /** What the terminals said, in order. */
  readonly said: readonly Said[];
  /** Ids of the jobs that were ordered and have to be done. */
  readonly ordered: readonly string[];
  /** Every job in the store at the end. */
  readonly jobs: ReadonlyMap<string, JobState>;
  /** Jobs for later, held or cancelled: how they were left, and must be still. */
  readonly untouched: ReadonlyMap<string, JobState>;
  readonly campaign: { readonly phase: string; readonly cohort: number; readonly done: number };
  /** What has to be in force at each terminal, and what it reported; by serial. */
  readonly configurations: ReadonlyMap<string, { readonly wanted: string; readonly reported: string }>;
  /** Books of the terminals: sales that stand, and their sum. */
  readonly totals: ReadonlyMap<string, { readonly count: number; readonly minor: number; readonly refused: number }>;
  readonly journal: readonly StandingSale[];
  readonly books: readonly BookedSale[];
  /** Sales that never left their terminals, as the server was told of them: how many, by serial. */
  readonly told: ReadonlyMap<string, number>;
}

/** What is wrong with a run, a line each, by what was claimed. */
export type Verdict = Readonly<Record<Claim, readonly string[]>>;

const tally = (keys: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};
const twice = (keys: readonly string[], what: string): readonly string[] =>
  [...tally(keys)].flatMap(([key, count]) => (count > 1 ? [`${key}: ${what} ${count} times`] : []));

/** The names of events that happened to a job again although it was done at the terminal. */
function againAfterDone(words: readonly Said[]): readonly string[] {
  const done = new Set<string>();
  return words.flatMap((one) => {
    if (one.event === 'saleFinished') return [];
    if (one.event === 'jobFinished' && one.state === 'succeeded') done.add(one.job);
    return one.event !== 'jobFinished' && done.has(one.job) ? [`${one.job}: ${one.event} after it was done`] : [];
  });
}

/** The jobs on which the two sides have another last word: the terminal's last report is what must stand. */
function reportsLost({ said: words, jobs }: KilledRecord): readonly string[] {
  const last = new Map<string, string>();
  for (const one of words) if (one.event === 'jobFinished') last.set(one.job, one.state);
  return [
    ...[...last].flatMap(([job, state]) =>
      jobs.get(job) === state ? [] : [`${job}: ${state} at the terminal, ${jobs.get(job) ?? 'unknown'} at the server`],
    ),
    ...[...jobs].flatMap(([job, state]) =>
      state === 'succeeded' && !last.has(job) ? [`${job}: succeeded at the server, never finished at a terminal`] : [],
    ),
  ];
}

/** Sales told of by a terminal that never left it, against those that the server has: neither fewer nor more. */
function salesToldWrongly({ serials, said: words, told }: KilledRecord): readonly string[] {
  const own = tally(words.flatMap((one) => (one.event === 'saleFinished' && one.stan === '' ? [one.serial] : [])));
  return serials.flatMap((serial) => {
    const [here, there] = [own.get(serial) ?? 0, told.get(serial) ?? 0];
    return here === there ? [] : [`${serial}: ${here} sales ended without the switch, the server knows of ${there}`];
  });
}

/** One by one: what a terminal calls approved stands in the journal, and what stands there is approved at its terminal. */
function salesOtherThanJournal({ said: words, journal }: KilledRecord): readonly string[] {
  const outcomes = new Map<string, string>();
  for (const one of words)
    if (one.event === 'saleFinished' && one.stan !== '') outcomes.set(`${one.serial} ${one.stan}`, one.outcome);
  const standing = new Set(journal.map(({ serial, stan }) => `${serial} ${stan}`));
  return [
    ...[...outcomes].flatMap(([key, outcome]) =>
      outcome === 'approved' && !standing.has(key) ? [`${key}: approved at the terminal, does not stand`] : [],
    ),
    ...[...standing].flatMap((key) => {
      const outcome = outcomes.get(key);
      return outcome === 'approved' ? [] : [`${key}: stands in the journal, ${outcome ?? 'unknown'} at the terminal`];
    }),
  ];
}

function totalsOtherThanJournal({ serials, totals, journal }: KilledRecord): readonly string[] {
  return serials.flatMap((serial) => {
    const own = totals.get(serial);
    if (own === undefined) return [];
    const there = journal.filter((sale) => sale.serial === serial);
    const minor = there.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    if (own.count === there.length && own.minor === minor) return [];
    return [`${serial}: ${own.count} sales, ${own.minor} in its books; ${there.length}, ${minor} in the journal`];
  });
}

/** Each sale that stands and went to a card company stands there once, with its amount; and nothing else does. */
function booksOtherThanJournal({ journal, books }: KilledRecord): readonly string[] {
  const keyOf = (link: string, outStan: string, amountMinor: number) => `${link} ${outStan} ${amountMinor}`;
  const booked = tally(books.map((one) => keyOf(one.link, one.outStan, one.amountMinor)));
  const links = new Set(books.map(({ link }) => link));
  const wanted = tally(
    journal.flatMap(({ link, outStan, amountMinor }) =>
      link !== null && outStan !== null && links.has(link) ? [keyOf(link, outStan, amountMinor)] : [],
    ),
  );
  return [...new Set([...booked.keys(), ...wanted.keys()])].flatMap((key) => {
    const [there, here] = [booked.get(key) ?? 0, wanted.get(key) ?? 0];
    return there === here ? [] : [`${key}: ${here} times in the journal, ${there} times at the card company`];
  });
}

/**
 * The claims that a run is held to. Each is a function of the record alone, so that a test can plant what it has to notice
 * (`test/unit/fleet/killed.test.ts`).
 */
export const claims = {
  'jobs lost: ordered, and not in the store': ({ ordered, jobs }) => ordered.filter((id) => !jobs.has(id)),
  'jobs that ended otherwise than well': ({ ordered, jobs }) =>
    ordered.flatMap((id) => (jobs.get(id) === 'succeeded' ? [] : [`${id}: ${jobs.get(id) ?? 'unknown'}`])),
  'jobs whose effect came twice': ({ said: words }) =>
    twice(
      words.flatMap((one) => (one.event === 'jobFinished' && one.state === 'succeeded' ? [one.job] : [])),
      'done',
    ),
  'attempts that were begun twice': ({ said: words }) => {
    // A reboot is gone on with by the boot that follows: begun again, but restarted once.
    const restarting = new Set(words.flatMap((one) => (one.event === 'jobRestarts' ? [one.job] : [])));
    return twice(
      words.flatMap((one) =>
        one.event === 'jobRestarts' || (one.event === 'jobBegun' && !restarting.has(one.job))
          ? [`${one.job} attempt ${one.attempt}`]
          : [],
      ),
      'begun',
    );
  },
  'jobs that were begun again after they were done': ({ said: words }) => againAfterDone(words),
  'reports of jobs lost: another word at the terminal than at the server': reportsLost,
  'jobs for later, held or cancelled that were touched': ({ untouched, jobs, said: words }) => {
    const heard = new Set(words.flatMap((one) => (one.event === 'saleFinished' ? [] : [one.job])));
    return [...untouched].flatMap(([id, state]) => [
      ...(jobs.get(id) === state ? [] : [`${id}: left ${state}, now ${jobs.get(id) ?? 'unknown'}`]),
      ...(heard.has(id) ? [`${id}: a terminal had it in hand`] : []),
    ]);
  },
  'campaigns that are not through': ({ campaign: { phase, cohort, done }, serials }) => [
    ...(phase === 'completed' ? [] : [`it is ${phase}`]),
    ...(cohort === serials.length ? [] : [`its cohort is ${cohort} of ${serials.length}`]),
    ...(done === cohort ? [] : [`${done} of ${cohort} are done`]),
  ],
  'terminals with another configuration than was made': ({ serials, configurations }) =>
    serials.flatMap((serial) => {
      const { wanted, reported } = configurations.get(serial) ?? { wanted: '?', reported: 'none' };
      return wanted === reported ? [] : [`${serial}: ${reported} instead of ${wanted}`];
    }),
  'terminals that did not come back': ({ serials, totals }) => serials.filter((serial) => !totals.has(serial)),
  'terminals whose totals are other than the journal': totalsOtherThanJournal,
  'sales that stand on one side only': salesOtherThanJournal,
  'sales that stand twice in the journal': ({ journal }) =>
    twice(
      journal.map(({ serial, stan }) => `${serial} ${stan}`),
      'in the journal',
    ),
  'sales that the card companies have otherwise': booksOtherThanJournal,
  'reports of sales lost or doubled': salesToldWrongly,
  'advices that the switch refused': ({ totals }) =>
    [...totals].flatMap(([serial, { refused }]) => (refused === 0 ? [] : [`${serial}: ${refused}`])),
} as const satisfies Record<string, (record: KilledRecord) => readonly string[]>;
export type Claim = keyof typeof claims;

/** Holds a run against every claim. */
export const judge = (record: KilledRecord): Verdict =>
  Object.fromEntries((Object.keys(claims) as Claim[]).map((claim) => [claim, claims[claim](record)])) as Record<
    Claim,
    readonly string[]
  >;
