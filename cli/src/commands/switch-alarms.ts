import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import {
  type Column,
  type Console,
  exit,
  type ExitCode,
  explain,
  momentOf,
  printFault,
  refuse,
} from '../console/index.ts';
import type { Context } from './context.ts';
import { show, wordOf } from './switch.ts';

/** Whose alarms: `tsunagu switch alarms`, `tsunagu alarms`. */
export type AlarmsOf = 'switch' | 'terminals';

/** Which alarms, as the API filters them. */
export type AlarmFilter = Readonly<Record<string, string>>;

/** Where they are read, and marked as seen. */
const callsOf = (client: Context['client'], of: AlarmsOf) =>
  of === 'switch'
    ? {
        list: (filter: AlarmFilter) => client.switchAlarms(filter),
        seen: (id: string) => client.alarmSeen(id),
        seenAll: (which: AlarmFilter) => client.alarmsSeen(which),
      }
    : {
        list: (filter: AlarmFilter) => client.alarms(filter),
        seen: (id: string) => client.terminalAlarmSeen(id),
        seenAll: (which: AlarmFilter) => client.terminalAlarmsSeen(which),
      };

/** What nobody has seen yet, with what it means and what to do. Exit 5 when there are some. */
export async function showAlarms(context: Context, of: AlarmsOf, filter: AlarmFilter): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await callsOf(client, of).list(filter);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { alarmColumns: heads, noAlarms } = console.texts.switch;
  const columns: readonly Column<SwitchAlarmView>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.from, cell: ({ from }) => from },
    { head: heads.code, cell: ({ code }) => code },
    { head: heads.about, cell: ({ facts }) => factsText(console, facts) || console.texts.none },
    { head: heads.count, cell: ({ count }) => String(count), right: true },
    { head: heads.since, cell: ({ firstAt }) => momentOf(firstAt) },
    { head: heads.last, cell: ({ lastAt }) => momentOf(lastAt) },
  ];
  show(context, answer.value, columns, noAlarms);
  for (const code of json ? [] : new Set(answer.value.map((alarm) => alarm.code))) {
    const { says, next } = explain(code, console.language);
    console.out(`${code}: ${says} ${next}`.trimEnd());
  }
  return answer.value.length > 0 ? exit.otherOutcome : exit.ok;
}

/** What an alarm is about, as the dashboard says it; an element of a message by its number. */
const factsText = ({ texts }: Console, facts: SwitchAlarmView['facts']): string =>
  Object.entries(facts)
    .map(([name, value]) =>
      name === 'field' && /^\d+$/.test(String(value))
        ? `DE${value}`
        : `${wordOf({ ...texts.switch.facts, ...texts.facts }, name)} ${value}`,
    )
    .join(' · ');

/** `tsunagu switch seen`, `tsunagu alarms seen`: one by its id, or all that a filter finds now; without either only where `isAll`. */
export async function seeAlarms(
  { client, console, json }: Context,
  of: AlarmsOf,
  { id, filter, isAll }: { readonly id: string | undefined; readonly filter: AlarmFilter; readonly isAll: boolean },
): Promise<ExitCode> {
  const ways = [id !== undefined, Object.keys(filter).length > 0, isAll].filter(Boolean).length;
  if (ways !== 1) {
    printFault(
      console,
      { code: 'OPTION_INVALID', field: '--all', facts: { example: 'ID | --code CODE | --all' } },
      json,
    );
    return exit.usage;
  }
  const calls = callsOf(client, of);
  if (id !== undefined) {
    const answer = await calls.seen(id);
    if (!answer.ok) return refuse(console, answer.fault, json);
    console.out(json ? JSON.stringify({}) : console.texts.switch.seen(id));
    return exit.ok;
  }
  // What is raised after the list was read has been seen by nobody.
  const listed = await calls.list(filter);
  if (!listed.ok) return refuse(console, listed.fault, json);
  const until = listed.value.reduce((newest, { lastAt }) => (lastAt > newest ? lastAt : newest), '');
  const answer = until === '' ? ok({ seen: 0 }) : await calls.seenAll({ ...filter, until });
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify(answer.value) : console.texts.switch.seenAll(answer.value.seen));
  return exit.ok;
}
