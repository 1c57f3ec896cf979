import { among, type Queryable } from '../store/index.ts';
import { backoffMs } from './rules.ts';

/** The pause before what was refused is ordered again: it doubles with each refusal, up to a day. */
const backoff = { firstMs: 60_000, maxMs: 86_400_000 } as const;
/** After so many refusals in a row, and again after as many more, people are told. */
const refusalsTold = 3;

/**
 * Jobs that stand for one wish of the house, by their subjects in the order of the steps: it is fulfilled when one of the last succeeded.
 * A later step is ordered by the success of the one before it.
 */
export type Chain = readonly [string, ...string[]];

/** How often in a row a wish was refused, and how it was refused last. */
export interface Refusals {
  readonly count: number;
  readonly fault: string | null;
  /** When it may be ordered again, server time in milliseconds; spread over a fleet that refuses as one. */
  readonly againAt: number;
}

const none: Refusals = { count: 0, fault: null, againAt: 0 };

/** Whether people are to be told of so many refusals. */
export const isTold = ({ count }: Pick<Refusals, 'count'>): boolean => count > 0 && count % refusalsTold === 0;

/**
 * Counts refusals since the wish was last fulfilled or a person took the order back, which asks for another try at once. Whose time
 * passed without an answer did not refuse.
 */
export async function refusalsOf(
  on: Queryable,
  serials: readonly string[],
  chain: Chain,
): Promise<(serial: string) => Refusals> {
  const rows = await on
    .selectFrom('jobs')
    .select(['id', 'serial', 'subject', 'state', 'fault', 'finished_at'])
    .where(among('serial', serials))
    .where('subject', 'in', chain)
    .where('state', 'in', ['failed', 'succeeded', 'cancelled'])
    .orderBy('serial')
    .orderBy('finished_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  const last = chain.at(-1);
  /** The newest refusal of each, and how many there are. */
  const found = new Map<string, { readonly newest: (typeof rows)[number]; count: number }>();
  const over = new Set<string>();
  for (const row of rows) {
    const { serial, subject, state } = row;
    if (over.has(serial)) continue;
    if (state === 'cancelled' || (state === 'succeeded' && subject === last)) over.add(serial);
    else if (state === 'failed') {
      const known = found.get(serial);
      if (known) known.count += 1;
      else found.set(serial, { newest: row, count: 1 });
    }
  }
  return (serial) => {
    const known = found.get(serial);
    if (!known) return none;
    const { newest, count } = known;
    const pauseMs = backoffMs({ backoff }, count, spreadOf(newest.id));
    return { count, fault: newest.fault, againAt: (newest.finished_at ?? 0) + pauseMs };
  };
}

/** From 0 to 1, out of the random part of an id: the same whenever it is asked. */
const spreadOf = (id: string): number => (Number.parseInt(id.slice(-4), 16) || 0) / 0xffff;
