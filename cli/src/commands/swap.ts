import { evidence, lifePaths, parseWith, type SwapView, swapView } from '@tsunagu/protocols/fleet';

import { optionFault, exit, type ExitCode, printList, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { evidenceOf, type MoveOptions } from './lifecycle.ts';

function tell({ console, json }: Context, swap: SwapView): ExitCode {
  const { life } = console.texts;
  if (json) console.out(JSON.stringify(swap));
  else {
    console.out(`${swap.id}  ${swap.old} → ${swap.new}  ${life.swapStep[swap.step]}`);
    if (swap.waitsFor) console.out(console.paint('warn', life.swapWaits[swap.waitsFor]));
  }
  return swap.step === 'closed' || swap.step === 'handed' ? exit.ok : exit.otherOutcome;
}

/** `tsunagu swap start OLD NEW`: exit 5 while the new unit does not sell yet; the swap goes on by itself. */
export async function startSwap(context: Context, old: string, fresh: string, options: MoveOptions): Promise<ExitCode> {
  const { client, console, json } = context;
  const given = await evidenceOf(options);
  if (!given.ok) return refuse(console, given.fault, json);
  const read = parseWith(evidence, given.value);
  if (!read.ok) return refuse(console, optionFault(read.fault), json);
  const body = { old, new: fresh, reason: options.reason, evidence: read.value };
  const answer = await client.ask(swapView, lifePaths.swaps, body);
  return answer.ok ? tell(context, answer.value) : refuse(console, answer.fault, json);
}

/** `tsunagu swap show ID`, and what a person can do to a swap. */
export async function actOnSwap(
  context: Context,
  id: string,
  verb?: 'advance' | 'old-is-dead' | 'abort',
): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer =
    verb === undefined
      ? await client.ask(swapView, lifePaths.swap(id))
      : await client.ask(swapView, lifePaths.swapActs(id), { verb });
  if (!answer.ok) return refuse(console, answer.fault, json);
  const code = tell(context, answer.value);
  return verb === 'abort' ? exit.ok : code;
}

/** `tsunagu swap list`: newest first. */
export async function listSwaps({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.askAll(swapView, lifePaths.swaps);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { life } = console.texts;
  if (json) console.out(JSON.stringify(answer.value));
  else
    printList(
      console,
      answer.value.map(({ id, old, new: fresh, step, waitsFor, begunAt }) =>
        [id, `${old} → ${fresh}`, life.swapStep[step], begunAt.slice(0, 10), waitsFor && life.swapWaits[waitsFor]]
          .filter(Boolean)
          .join('  '),
      ),
    );
  return exit.ok;
}
