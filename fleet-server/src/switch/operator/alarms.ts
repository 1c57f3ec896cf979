import type { Fault } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { alarmList } from '../../alarms/index.ts';
import type { Store } from '../../store/index.ts';
import type { SwitchAlarm } from '../ports.ts';

/** So often one alarm is written at most: what is raised meanwhile is counted, and written together. */
const apartMs = 1_000;

/** Alarms of the switch that nobody has seen yet: one for each code and place. */
export const switchAlarms = alarmList({ table: 'switch_alarms', origin: 'place', unknown: 'SWITCH_ALARM_UNKNOWN' });

/** Alarms of the switch on their way to the store: one row for each code and place, however often it is raised. */
export interface AlarmDesk {
  raise(alarm: SwitchAlarm): void;
  /** Resolves when what was raised is on disk, or could not be written. */
  close(): Promise<void>;
}

/**
 * Opens the desk. Whoever has the switch refuse a thousand frames a second has it write one row a second: the first of a kind is written at once, the
 * next ones together.
 *
 * @param told hears of every alarm that is written
 */
export function openAlarmDesk(
  world: Pick<World, 'clock' | 'timers' | 'id' | 'log'>,
  store: Pick<Store, 'write'>,
  told: (alarm: SwitchAlarm) => void,
): AlarmDesk {
  /** What was raised since the last write, by code and place; undefined for nothing. */
  const held = new Map<
    string,
    { readonly alarm: SwitchAlarm; readonly count: number; readonly lastMs: number } | undefined
  >();
  const writing = new Set<Promise<void>>();
  let isClosed = false;

  function write(key: string, alarm: SwitchAlarm, count: number, lastMs: number): void {
    told(alarm);
    held.set(key, undefined);
    const { place: from, fault } = alarm;
    const raised = { id: world.id(), code: fault.code, from, facts: factsOf(fault), count, atMs: lastMs };
    const written = store
      .write((tx) => switchAlarms.raise(tx, raised))
      .catch((cause: unknown) => {
        world.log('error', 'alarmNotKept', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      })
      .finally(() => writing.delete(written));
    writing.add(written);
    if (!isClosed) world.timers.after(apartMs, () => look(key));
  }

  function look(key: string): void {
    const raised = held.get(key);
    held.delete(key);
    if (raised) write(key, raised.alarm, raised.count, raised.lastMs);
  }

  return {
    raise(alarm) {
      const key = keyOf(alarm);
      const lastMs = world.clock.now();
      if (!held.has(key)) return write(key, alarm, 1, lastMs);
      held.set(key, { alarm, count: (held.get(key)?.count ?? 0) + 1, lastMs });
    },
    async close() {
      isClosed = true;
      for (const key of Array.from(held.keys())) look(key);
      await Promise.all(writing);
    },
  };
}

const keyOf = ({ place, fault }: SwitchAlarm): string => `${fault.code} ${place}`;

/** What a person is told of it: facts, the element that it is about, and the code of what is below it. */
const factsOf = ({ facts, field, cause }: Fault): NonNullable<Fault['facts']> => ({
  ...(typeof cause === 'object' &&
    cause !== null &&
    'code' in cause &&
    typeof cause.code === 'string' && { because: cause.code }),
  ...(field !== undefined && field !== '' && { field }),
  ...facts,
});
