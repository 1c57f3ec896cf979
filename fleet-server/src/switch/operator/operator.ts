import { businessDay, isTerminalId } from '@tsunagu/protocols/acquiring';
import type {
  SwitchAdvice,
  SwitchAlarmView,
  SwitchDifference,
  SwitchLink,
  SwitchLinkOrdered,
  SwitchReconciliation,
  SwitchSearch,
  SwitchTransaction,
  SwitchTransactionDetail,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { AlarmCount, AlarmFilter } from '../../alarms/index.ts';
import { isoTime, type Page, type PageRequest, type Store } from '../../store/index.ts';
import type { AcquirerLink } from '../acquirer-link/listener.ts';
import type { IssuerLink, LinkVerb } from '../issuer-link/issuer-link.ts';
import type { Advices } from '../journal/advices.ts';
import type { Numbers } from '../journal/numbers.ts';
import { linkUnknown } from '../link/link-unknown.ts';
import { type MismatchBook, mismatchText } from '../link/matching.ts';
import { countedOf, type DayRow, differenceRows, type HandFault } from '../reconciliation/days.ts';
import type { ReconciliationDesk } from '../reconciliation/desk.ts';
import { terminalsOrigin } from '../transaction/asking.ts';
import type { Lane } from '../transaction/store-and-forward.ts';
import { switchAlarms } from './alarms.ts';
import {
  adviceCounts,
  adviceStates,
  advicesWaiting,
  hasTransactions,
  reconciliations,
  searchTransactions,
  transactionDetail,
} from './queries.ts';

/** What the operator's desk needs of the switch. */
export interface OperatorRooms {
  links(): readonly (IssuerLink | AcquirerLink)[];
  issuer(id: string): IssuerLink | undefined;
  lane(link: string): Lane;
  numbers(link: string): Numbers;
  /** Whether such a terminal is on the inventory. */
  isTerminal(serial: string): Promise<boolean>;
}

/** A link that is named where another is wanted: there is none, or it is on the other side. */
type LinkCode = 'LINK_UNKNOWN' | 'LINK_OTHER_SIDE';

/** The faults of a comparison. */
type ReconcileCode =
  | LinkCode
  | 'SWITCH_DAY_AHEAD'
  | 'SWITCH_DAY_CLOSED'
  | 'SWITCH_DAY_OPEN'
  | 'ISSUER_DAY_REFUSED'
  | 'ISSUER_LINK_DOWN'
  | 'ISSUER_TIMEOUT';

/** Figures of the switch as they are now. */
export interface SwitchFigures {
  readonly links: readonly {
    readonly id: string;
    readonly state: SwitchLink['state'];
    readonly inFlight: number;
    readonly queued: number;
    readonly dead: number;
  }[];
  readonly alarmsUnseen: readonly AlarmCount[];
}

/** Which alarms a person asks for. */
export type SwitchAlarmFilter = Pick<AlarmFilter, 'code' | 'from'>;

/** What a person who runs the switch sees and does. Every act is in the journal with who did it. */
export interface Operator extends MismatchBook {
  links(): Promise<readonly SwitchLink[]>;
  /** What an operator's alarms outside of this house are made of: what waits on each link, dead or not, and alarms that nobody has seen. */
  figures(): Promise<SwitchFigures>;
  /** What a test found is in the result; of any other order it is null. LINK_UNKNOWN. LINK_NOT_CONNECTED: there is no connection to do it on; what it does when it comes back its session decides. */
  order(
    link: string,
    verb: LinkVerb,
    by: string,
  ): Promise<Result<SwitchLinkOrdered, 'LINK_UNKNOWN' | 'LINK_NOT_CONNECTED'>>;
  /** Newest first. Nothing is found of what there is; a link or a terminal that there is not is a slip of the pen. */
  transactions(
    search: SwitchSearch,
    page: PageRequest,
  ): Promise<Result<Page<SwitchTransaction>, 'INPUT_INVALID' | LinkCode | 'SWITCH_TERMINAL_UNKNOWN'>>;
  transaction(id: string): Promise<Result<SwitchTransactionDetail, 'SWITCH_TRANSACTION_UNKNOWN'>>;
  /** What issuers have not taken yet, oldest first; only what a person has to look at where `isDead`. */
  advices(isDead: boolean, page: PageRequest): Promise<Result<Page<SwitchAdvice>, 'INPUT_INVALID'>>;
  retry(id: string, by: string): Promise<Result<void, 'SWITCH_ADVICE_UNKNOWN'>>;
  settle(
    id: string,
    by: string,
    reason: string,
  ): Promise<Result<void, 'SWITCH_ADVICE_UNKNOWN' | 'SWITCH_ADVICE_UNDER_WAY'>>;
  /** Alarms that nobody has seen yet, newest first. */
  alarms(filter: SwitchAlarmFilter, page: PageRequest): Promise<Result<Page<SwitchAlarmView>, 'INPUT_INVALID'>>;
  seen(alarm: string, by: string): Promise<Result<void, 'SWITCH_ALARM_UNKNOWN'>>;
  /** A person has seen all that a filter finds and that were not raised after `until`; says how many they were. */
  seenAll(filter: SwitchAlarmFilter & { readonly until: string }, by: string): Promise<number>;
  /** Newest day first. */
  reconciliations(page: PageRequest): Promise<Result<Page<SwitchReconciliation>, 'INPUT_INVALID'>>;
  differences(
    link: string,
    day: string,
  ): Promise<Result<readonly SwitchDifference[], 'LINK_UNKNOWN' | 'SWITCH_DAY_NOT_COMPARED'>>;
  /** Compares a day of an issuer link; the current one where none is named. */
  reconcile(
    link: string,
    day: string | undefined,
    close: boolean,
    by: string,
  ): Promise<Result<SwitchReconciliation, ReconcileCode>>;
  /** Closes a day that is held by the figures of one side: a person says so, and why. LINK_UNKNOWN; the others in the order of `ReconciliationDesk.settle`. */
  settleDay(
    link: string,
    day: string,
    figures: 'ours' | 'theirs',
    by: string,
    reason: string,
  ): Promise<Result<SwitchReconciliation, 'LINK_UNKNOWN' | HandFault>>;
  /** Compares every day that is over and was not compared yet. */
  reconcileDue(): Promise<void>;
}

/** How many mismatches of a link are remembered. */
const mismatchesMax = 20;

export function openOperator(
  world: Pick<World, 'clock' | 'log'>,
  store: Pick<Store, 'db' | 'write'>,
  advices: Advices,
  desk: ReconciliationDesk,
  rooms: OperatorRooms,
): Operator {
  const mismatches = new Map<string, SwitchLink['mismatches']>();
  let reconciling: Promise<void> | undefined;

  const sideOf = (link: string) => rooms.links().find((live) => live.link.id === link)?.link.side;

  /** The answer to who names a link where one of another side is wanted. */
  function notThere(link: string, wants: SwitchLink['side'], field = 'link'): Result<never, LinkCode> {
    const side = sideOf(link);
    return side === undefined
      ? linkUnknown(link, field)
      : fail('LINK_OTHER_SIDE', { field, facts: { link, side, wants } });
  }

  /** What a search names that there is not, and of which the journal has nothing either: a link may be gone, and its transactions are there. */
  async function namedInVain({
    link,
    origin,
    terminal,
  }: SwitchSearch): Promise<Result<never, LinkCode | 'SWITCH_TERMINAL_UNKNOWN'> | undefined> {
    if (link !== undefined && sideOf(link) !== 'issuer' && !(await hasTransactions(store.db, { link })))
      return notThere(link, 'issuer');
    const isOrigin = origin === undefined || origin === terminalsOrigin || sideOf(origin) === 'acquirer';
    if (!isOrigin && !(await hasTransactions(store.db, { origin }))) return notThere(origin, 'acquirer', 'origin');
    if (terminal === undefined || isTerminalId(terminal) || (await rooms.isTerminal(terminal))) return undefined;
    if (await hasTransactions(store.db, { terminal })) return undefined;
    return fail('SWITCH_TERMINAL_UNKNOWN', { field: 'terminal' });
  }

  async function reconcile(
    link: string,
    day: string | undefined,
    close: boolean,
    by: string,
  ): Promise<Result<SwitchReconciliation, ReconcileCode>> {
    const issuer = rooms.issuer(link);
    if (!issuer) return notThere(link, 'issuer');
    const today = businessDay(issuer.link, world.clock.now());
    const wanted = day ?? today;
    // A slip of the pen would stand among the days that agree.
    if (await desk.isAhead(link, wanted, today))
      return fail('SWITCH_DAY_AHEAD', { field: 'day', facts: { day: wanted, today } });
    const compared = await desk.reconcile(issuer, rooms.numbers(link), wanted, close, by);
    if (!compared.ok) return compared;
    return ok(viewOfDay(compared.value.day));
  }

  async function reconcileDue(): Promise<void> {
    for (const live of rooms.links()) {
      const { link } = live;
      const issuer = rooms.issuer(link.id);
      if (!issuer?.isReady || link.calendar.reconcileAfterMinutes === 0) continue;
      for (const day of await desk.due(link)) {
        const compared = await reconcile(link.id, day, true, 'calendar');
        if (!compared.ok) {
          world.log('warn', 'reconciliationPutOff', { link: link.id, day, fault: compared.fault });
          break;
        }
      }
    }
  }

  return {
    async links() {
      const counts = await adviceCounts(store.db);
      return rooms.links().map((live) => {
        const { state, since } = live.status();
        const { id, name, side, kind, profile, parties } = live.link;
        return {
          id,
          name: { ...name },
          side,
          kind,
          parties: { own: parties.own, far: parties.far, acquirers: [...parties.acquirers] },
          profile: profile.name,
          state,
          since: isoTime(since),
          businessDay: businessDay(live.link, world.clock.now()),
          advices: counts.get(id) ?? 0,
          lines: live
            .lines()
            .map((line) => ({ state: line.state, since: isoTime(line.since), inFlight: line.inFlight })),
          mismatches: [...(mismatches.get(id) ?? [])],
          lenient: live.lenient().map(({ leniency, count, lastAt }) => ({ leniency, count, lastAt: isoTime(lastAt) })),
        };
      });
    },
    async figures() {
      const states = await adviceStates(store.db);
      const countOf = (link: string, wanted: 'queued' | 'dead'): number =>
        states.find((row) => row.link === link && row.state === wanted)?.count ?? 0;
      return {
        links: rooms.links().map((live) => ({
          id: live.link.id,
          state: live.status().state,
          inFlight: live.lines().reduce((sum, { inFlight }) => sum + inFlight, 0),
          queued: countOf(live.link.id, 'queued'),
          dead: countOf(live.link.id, 'dead'),
        })),
        alarmsUnseen: await switchAlarms.counts(store.db),
      };
    },
    async order(link, verb, by) {
      const live = rooms.links().find((each) => each.link.id === link);
      if (!live) return linkUnknown(link);
      if (live.status().state === 'down') return fail('LINK_NOT_CONNECTED', { facts: { link, verb } });
      world.log('info', 'linkOrdered', { link, verb, by });
      if (verb === 'echo') {
        const echoes = await live.echo();
        return ok({ echo: { sent: echoes.length, answered: echoes.filter(Boolean).length } });
      }
      live.order(verb);
      return ok({ echo: null });
    },
    async transactions(search, page) {
      const found = await searchTransactions(store.db, search, page);
      // What was found is there: nothing is looked up for it.
      if (!found.ok || found.value.items.length > 0 || page.cursor !== undefined) return found;
      return (await namedInVain(search)) ?? found;
    },
    transaction: (id) => transactionDetail(store.db, id),
    advices: (isDead, page) => advicesWaiting(store.db, isDead, page),
    async retry(id, by) {
      const row = await advices.retry(id, by);
      if (!row.ok) return row;
      if (row.value.link !== null) rooms.lane(row.value.link).touched(row.value);
      return ok(undefined);
    },
    async settle(id, by, reason) {
      const link = await advices.deadOn(id);
      return link.ok ? await rooms.lane(link.value).settle(id, () => advices.settle(id, by, reason)) : link;
    },
    alarms: (filter, page) => switchAlarms.unseen(store.db, filter, page),
    seen: (id, by) => switchAlarms.seen(store, id, by, world.clock.now()),
    seenAll: ({ until, ...filter }, by) =>
      switchAlarms.seenAll(store, { ...filter, untilMs: Date.parse(until) }, by, world.clock.now()),
    reconciliations: (page) => reconciliations(store.db, page, viewOfDay),
    async differences(link, day) {
      const compared = await store.db
        .selectFrom('switch_days')
        .select('day')
        .where('link', '=', link)
        .where('day', '=', day)
        .executeTakeFirst();
      // No differences are good news only of a day that was compared.
      if (!compared)
        return rooms.links().some((live) => live.link.id === link)
          ? fail('SWITCH_DAY_NOT_COMPARED', { facts: { link, day } })
          : linkUnknown(link);
      const rows = await differenceRows(store.db, link, day);
      return ok(
        rows.map((row) => ({
          stan: row.stan,
          localTime: row.local_time,
          kind: row.kind,
          oursMinor: row.ours_minor,
          theirsMinor: row.theirs_minor,
          transaction: row.sale_id,
        })),
      );
    },
    reconcile,
    async settleDay(link, day, figures, by, reason) {
      if (!rooms.links().some((live) => live.link.id === link)) return linkUnknown(link);
      const settled = await desk.settle(link, day, figures, by, reason);
      return settled.ok ? ok(viewOfDay(settled.value)) : settled;
    },
    reconcileDue() {
      reconciling ??= reconcileDue().finally(() => {
        reconciling = undefined;
      });
      return reconciling;
    },
    noteMismatch(link, answer, why) {
      const known = mismatches.get(link) ?? [];
      const { waiting, differs } = why;
      const added = {
        at: isoTime(world.clock.now()),
        ...answer,
        why: mismatchText(why),
        waiting,
        differs: [...differs],
      };
      mismatches.set(link, [added, ...known].slice(0, mismatchesMax));
    },
  };
}

const viewOfDay = (row: DayRow): SwitchReconciliation => ({
  link: row.link,
  day: row.day,
  state: row.state,
  result: row.result,
  ours: JSON.parse(row.ours) as SwitchReconciliation['ours'],
  theirs: row.theirs === null ? null : (JSON.parse(row.theirs) as SwitchReconciliation['ours']),
  differences: row.differences,
  at: isoTime(row.at),
  counted: countedOf(row),
  settled:
    row.state === 'closed'
      ? { figures: row.figures, why: row.settled_why, by: row.settled_by, at: isoTime(row.at) }
      : null,
});
