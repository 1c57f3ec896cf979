import type { ExpiryEntry } from '@tsunagu/protocols/fleet';
import { type Column, type ExitCode, exit, layOut, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

const tones = { fine: 'muted', near: 'warn', urgent: 'error', passed: 'error' } as const;

/**
 * `tsunagu expiry`: the terminals that are lost first, and why. Exit 5 when one of them is near, so that a script can watch it.
 */
export async function showExpiry(
  { client, console, json }: Context,
  { count, reasons }: { readonly count: number; readonly reasons: boolean },
): Promise<ExitCode> {
  const answer = await client.expiry(count);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const code = answer.value.some(({ level }) => level !== 'fine') ? exit.otherOutcome : exit.ok;
  if (json) {
    console.out(JSON.stringify(answer.value));
    return code;
  }
  const { identity } = console.texts;
  const { expiryColumns: heads } = identity;
  if (answer.value.length === 0) console.out(identity.noTerminals);
  const columns: readonly Column<ExpiryEntry>[] = [
    { head: heads.serial, cell: ({ serial }) => serial },
    { head: heads.lastDay, cell: ({ lastDay }) => lastDay },
    { head: heads.level, cell: ({ level }) => identity.level[level] },
    { head: heads.first, cell: ({ first }) => identity.kind[first] },
    { head: heads.endsAt, cell: ({ endsAt }) => endsAt.slice(0, 10) },
    { head: heads.silence, cell: ({ silence }) => identity.silence(silence.longestHours, silence.isAssumed) },
  ];
  const [head, ...lines] = layOut(columns, answer.value);
  if (lines.length > 0) console.out(console.paint('muted', head ?? ''));
  for (const [index, line] of lines.entries()) {
    const entry = answer.value[index];
    console.out(entry ? console.paint(tones[entry.level], line) : line);
    // What is an alarm and no loss is not what ends first, and the state may be of it.
    const shown = entry?.reasons.filter(({ level, kind }) => reasons || (level !== 'fine' && kind !== entry.first));
    for (const { kind, name, endsAt, lastDay } of shown ?? [])
      console.out(
        `    ${lastDay ?? identity.never}  ${identity.kind[kind]}  ${name}  ${endsAt?.slice(0, 10) ?? identity.never}`,
      );
  }
  return code;
}
