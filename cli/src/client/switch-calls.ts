import {
  type reconcileDay,
  type settleDay,
  type SwitchAdvice,
  type AlarmsSeen,
  alarmsSeen,
  type SwitchAlarmView,
  switchAlarmView,
  switchAdvice,
  type SwitchDifference,
  switchDifferences,
  type SwitchLink,
  type switchLinkOrder,
  type SwitchLinkOrdered,
  switchLinkOrdered,
  switchLinks,
  switchPaths,
  type SwitchReconciliation,
  switchReconciliation,
  type SwitchSearch,
  type SwitchTransaction,
  switchTransaction,
  type SwitchTransactionDetail,
  switchTransactionDetail,
} from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Calls } from './access-calls.ts';

/** The switch, as the CLI uses it. */
export interface SwitchClient {
  switchLinks(): Promise<Result<readonly SwitchLink[]>>;
  orderLink(id: string, verb: z.infer<typeof switchLinkOrder>['verb']): Promise<Result<SwitchLinkOrdered>>;
  /** The newest that a search finds, `count` at most. */
  switchTransactions(search: SwitchSearch, count: number): Promise<Result<readonly SwitchTransaction[]>>;
  switchTransaction(id: string): Promise<Result<SwitchTransactionDetail>>;
  switchAdvices(isDead: boolean): Promise<Result<readonly SwitchAdvice[]>>;
  retryAdvice(id: string): Promise<Result<unknown>>;
  settleAdvice(id: string, reason: string): Promise<Result<unknown>>;
  /** Alarms of the switch that nobody has seen; by code or origin. */
  switchAlarms(filter: Readonly<Record<string, string>>): Promise<Result<readonly SwitchAlarmView[]>>;
  alarmSeen(id: string): Promise<Result<unknown>>;
  /** All that a filter finds and that were not raised after `until`. */
  alarmsSeen(which: Readonly<Record<string, string>>): Promise<Result<AlarmsSeen>>;
  reconciliations(count: number): Promise<Result<readonly SwitchReconciliation[]>>;
  reconcileDay(what: z.input<typeof reconcileDay>): Promise<Result<SwitchReconciliation>>;
  settleDay(link: string, day: string, what: z.input<typeof settleDay>): Promise<Result<SwitchReconciliation>>;
  differencesOf(link: string, day: string): Promise<Result<readonly SwitchDifference[]>>;
}

const nothing = z.object({});

/** A day whose items are compared is asked for page by page, each page within the deadline of its link. */
const reconcileTimeoutMs = 120_000;

export function switchCalls({ call, all }: Calls): SwitchClient {
  const items = async <T>(answer: Promise<Result<{ readonly items: readonly T[] }>>): Promise<Result<readonly T[]>> => {
    const answered = await answer;
    return answered.ok ? ok(answered.value.items) : answered;
  };
  return {
    switchLinks: () => items(call(switchLinks, switchPaths.links)),
    orderLink: (id, verb) => call(switchLinkOrdered, switchPaths.linkOrders(id), { verb }),
    switchTransactions(search, count) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(search)) if (value !== undefined) query.set(name, String(value));
      return all(switchTransaction, `${switchPaths.transactions}?${query.toString()}`, count);
    },
    switchTransaction: (id) => call(switchTransactionDetail, switchPaths.transaction(id)),
    switchAdvices: (isDead) => all(switchAdvice, `${switchPaths.advices}?state=${isDead ? 'dead' : 'all'}`),
    retryAdvice: (id) => call(nothing, switchPaths.adviceRetry(id), {}),
    settleAdvice: (id, reason) => call(nothing, switchPaths.adviceSettlement(id), { reason }),
    switchAlarms: (filter) => all(switchAlarmView, `${switchPaths.alarms}?${new URLSearchParams(filter).toString()}`),
    alarmSeen: (id) => call(nothing, switchPaths.alarmSeen(id), {}),
    alarmsSeen: (which) => call(alarmsSeen, switchPaths.alarmsSeen, which),
    reconciliations: (count) => all(switchReconciliation, switchPaths.reconciliations, count),
    reconcileDay: (what) => call(switchReconciliation, switchPaths.reconciliations, what, 'POST', reconcileTimeoutMs),
    settleDay: (link, day, what) => call(switchReconciliation, switchPaths.daySettlement(link, day), what),
    differencesOf: (link, day) => items(call(switchDifferences, switchPaths.differences(link, day))),
  };
}
