import { type ExitCode, exit, layOut, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

type Reason = 'lost' | 'stolen' | 'fraud' | 'other';

/** `tsunagu negative add PAN`: lists a card at once. The PAN is sent and forgotten; only its last four digits are shown. */
export async function addToNegative(
  { client, console, json }: Context,
  pan: string,
  reason: Reason,
): Promise<ExitCode> {
  if (!/^\d{12,19}$/.test(pan)) {
    printFault(console, { code: 'CARD_NUMBER_INVALID' }, json);
    return exit.usage;
  }
  const answer = await client.addNegative({ pan, reason });
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { entry, version, overlaySeq, already } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else
    console.out(
      already
        ? console.texts.negative.already(entry.lastFour)
        : console.texts.negative.added(entry.lastFour, version, overlaySeq),
    );
  return exit.ok;
}

/** `tsunagu negative list`: what is listed, newest first. */
export async function listNegative({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.negative();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value, null, console.isLive ? 2 : 0));
    return exit.ok;
  }
  const { version, overlaySeq, entries, terminals } = answer.value;
  const { columns, state } = console.texts.negative;
  console.out(state(version, overlaySeq, terminals.current, terminals.behind));
  const lines = layOut(
    [
      { head: columns.lastFour, cell: (entry: (typeof entries)[number]) => `…${entry.lastFour}` },
      { head: columns.reason, cell: (entry) => entry.reason },
      { head: columns.added, cell: (entry) => entry.addedAt },
    ],
    entries,
  );
  for (const line of lines) console.out(line);
  return exit.ok;
}
