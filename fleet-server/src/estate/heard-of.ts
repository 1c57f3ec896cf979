import { type HeardOf, hello, jobReport, parseJson, type Serial } from '@tsunagu/protocols/fleet';
import type { Queryable } from '../store/index.ts';

const result = jobReport.partial();
/** What a job ended with; empty where it says nothing, or nothing that is understood. */
export function reportOf(text: string | null) {
  const read = text === null ? undefined : parseJson(result, text, 1_048_576);
  return read?.ok ? read.value : {};
}

type Queues = { readonly reversals: number; readonly advices: number; readonly sales: number };
const sum = ({ reversals, advices, sales }: Queues): number => reversals + advices + sales;

/** What a report says that waits in its terminal; undefined where it says nothing of it. */
export const waitingIn = ({ diagnostics }: ReturnType<typeof reportOf>): number | undefined =>
  diagnostics && sum(diagnostics.queues);

/** What the switch knows of a terminal. */
export interface SwitchHeard {
  /** When a message of it came last, ms since 1970; null: never. */
  readonly at: number | null;
  /** Of these trace numbers, those that came. */
  readonly came: ReadonlySet<string>;
}

/** Who else hears terminals. */
export interface HeardRooms {
  readonly isConnected: (serial: Serial) => boolean;
  /** Messages of before `since`, ms since 1970, carry trace numbers of another count. */
  readonly atSwitch: (on: Queryable, serial: Serial, stans: readonly string[], since: number) => Promise<SwitchHeard>;
}

/** As many sales as are told of and looked for. */
const toldMax = 500;

/**
 * What the house has heard of a terminal: on the fleet's wire and at the switch, and what waits in it by its last hello, diagnosis or wipe, or by the
 * sales that it told of as queued and that the switch never got.
 */
export const heardOfWith =
  ({ isConnected, atSwitch }: HeardRooms) =>
  async (on: Queryable, serial: Serial): Promise<HeardOf> => {
    const presence = await on
      .selectFrom('presence')
      .select(['state', 'since', 'hello_at', 'hello'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    const job = await on
      .selectFrom('jobs')
      .select(['type', 'result', 'finished_at'])
      .where('serial', '=', serial)
      .where('type', 'in', ['terminal.diagnose', 'terminal.wipe'])
      .where('state', '=', 'succeeded')
      .orderBy('finished_at', 'desc')
      .executeTakeFirst();
    // A report of any job, where the hello before it is older.
    const reported = await on
      .selectFrom('jobs')
      .select((all) => all.fn.max<number | null>('finished_at').as('at'))
      .where('serial', '=', serial)
      .where('state', '=', 'succeeded')
      .executeTakeFirst();
    const wipe = await on
      .selectFrom('wipes')
      .select('at')
      .where('serial', '=', serial)
      .orderBy('at', 'desc')
      .executeTakeFirst();
    const told = await on
      .selectFrom('queued_sales')
      .select(['stan', 'at'])
      .where('serial', '=', serial)
      .orderBy('at', 'desc')
      .limit(toldMax)
      .execute();
    const stans = [...new Set(told.map(({ stan }) => stan))];
    // A wipe begins to count trace numbers anew: what came before it is another sale.
    const { at: atTheSwitch, came } = await atSwitch(on, serial, stans, wipe?.at ?? 0);
    const read = presence && parseJson(hello, presence.hello, 1_048_576);
    const inHello = read?.ok === true ? read.value.waiting : undefined;
    const said = [
      presence && inHello && { at: presence.hello_at, waiting: sum(inHello) },
      job && { at: job.finished_at ?? 0, waiting: job.type === 'terminal.wipe' ? 0 : waitingIn(reportOf(job.result)) },
      wipe && { at: wipe.at, waiting: 0 },
    ].flatMap((one) => (one?.waiting === undefined ? [] : [{ at: one.at, waiting: one.waiting }]));
    const last = said.toSorted((one, other) => other.at - one.at)[0];
    const missing = told.filter(({ stan, at }) => at > (last?.at ?? 0) && !came.has(stan));
    const heard = [presence?.since, presence?.hello_at, reported?.at, wipe?.at, told[0]?.at, atTheSwitch].flatMap(
      (at) => (at == null ? [] : [at]),
    );
    return {
      isConnected: isConnected(serial) || presence?.state === 'ready',
      at: heard.length === 0 ? null : Math.max(...heard),
      waiting: Math.max(last?.waiting ?? 0, missing.length),
    };
  };
