import type { SwitchAlarmView } from '@tsunagu/protocols/fleet';
import { type Column, exit, type ExitCode, explain, momentOf, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { show } from './switch.ts';

/** `tsunagu switch alarms`: what nobody has seen yet, with what it means and what to do. Exit 5 when there are some. */
export async function showAlarms(context: Context): Promise<ExitCode> {
  return listAlarms(context, await context.client.switchAlarms());
}

/** `tsunagu alarms`: as `switch alarms`, those of terminals. */
export async function showTerminalAlarms(
  context: Context,
  filter: Readonly<Record<string, string>>,
): Promise<ExitCode> {
  return listAlarms(context, await context.client.alarms(filter));
}

function listAlarms(context: Context, answer: Awaited<ReturnType<Context['client']['alarms']>>): ExitCode {
  const { console, json } = context;
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { alarmColumns: heads, noAlarms } = console.texts.switch;
  const columns: readonly Column<SwitchAlarmView>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.from, cell: ({ from }) => from },
    { head: heads.code, cell: ({ code }) => code },
    { head: heads.about, cell: ({ facts }) => factsText(facts) || console.texts.none },
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
const factsText = (facts: SwitchAlarmView['facts']): string =>
  Object.entries(facts)
    .map(([name, value]) => (name === 'field' && /^\d+$/.test(String(value)) ? `DE${value}` : `${name} ${value}`))
    .join(' · ');

/** `tsunagu switch seen`, `tsunagu alarms seen`. */
export async function seeAlarm(
  { client, console, json }: Context,
  id: string,
  of: 'switch' | 'terminals' = 'switch',
): Promise<ExitCode> {
  const answer = await (of === 'switch' ? client.alarmSeen(id) : client.terminalAlarmSeen(id));
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify({}) : console.texts.switch.seen(id));
  return exit.ok;
}
