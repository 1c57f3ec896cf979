import { chmod, writeFile } from 'node:fs/promises';
import { lifecycleState, lifecycleStates, type LifecycleView, nextStates } from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { type Console, type ExitCode, exit, layOut, pad, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu lifecycle show SERIAL`: where a terminal is in its life, and how it came there. */
export async function showLifecycle({ client, console, json }: Context, serial: string): Promise<ExitCode> {
  const life = await client.lifecycle(serial);
  if (!life.ok) return refuse(console, life.fault, json);
  if (json) console.out(JSON.stringify(life.value));
  else tell(console, serial, life.value);
  return exit.ok;
}

function tell(console: Console, serial: string, { state, since, permits, next, history }: LifecycleView): void {
  const { identity } = console.texts;
  const line = (label: string, text: string): void =>
    console.out(`  ${console.paint('muted', pad(label, 12))}${text || identity.nothing}`);
  console.out(`${console.paint('bold', serial)}  ${state} (${identity.state[state]})  ${since.slice(0, 10)}`);
  line(identity.permits, permits.map((permit) => identity.permit[permit]).join(', '));
  line(identity.next, next.map(({ to }) => to).join(', '));
  console.out(console.paint('muted', identity.history));
  for (const { at, from, to, by, reason } of history)
    console.out(
      `  ${at.slice(0, 16).replace('T', ' ')}  ${from ? `${from} → ${to}` : identity.began(to)}  ${by}  ${reason}`,
    );
}

/** `tsunagu lifecycle move SERIAL STATE`: one step along the graph. */
export async function moveLifecycle(
  { client, console, json }: Context,
  serial: string,
  state: string,
  { reason, from }: { readonly reason: string; readonly from?: string },
): Promise<ExitCode> {
  const to = lifecycleState.safeParse(state);
  const believed = lifecycleState.optional().safeParse(from);
  if (!to.success || !believed.success) {
    printFault(console, fail('OPTION_INVALID', { field: to.success ? 'from' : 'state' }).fault, json);
    return exit.usage;
  }
  const moved = await client.moveLifecycle(serial, {
    to: to.data,
    reason,
    ...(believed.data !== undefined && { from: believed.data }),
  });
  if (!moved.ok) return refuse(console, moved.fault, json);
  if (json) console.out(JSON.stringify(moved.value));
  else console.out(console.texts.identity.moved(serial, console.texts.identity.state[moved.value.state]));
  return exit.ok;
}

/** `tsunagu lifecycle graph`: every state and where it leads. Needs no server. */
export function showGraph(console: Console, json: boolean): ExitCode {
  if (json) console.out(JSON.stringify(Object.fromEntries(lifecycleStates.map((state) => [state, nextStates(state)]))));
  else
    for (const line of layOut(
      [
        { head: '', cell: (state: (typeof lifecycleStates)[number]) => state },
        { head: '', cell: (state) => console.texts.identity.state[state] },
        { head: '', cell: (state) => `→ ${nextStates(state).join(', ') || console.texts.identity.nothing}` },
      ],
      lifecycleStates,
    ).slice(1))
      console.out(line);
  return exit.ok;
}

/** `tsunagu claim SERIAL --out FILE`: a lost claim again, mode 0600. It is never printed. */
export async function reissueClaim(
  { client, console, json }: Context,
  serial: string,
  file: string,
): Promise<ExitCode> {
  const claim = await client.reissueClaim(serial);
  if (!claim.ok) return refuse(console, claim.fault, json);
  await writeFile(file, `${JSON.stringify(claim.value, null, 2)}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  if (json) console.out(JSON.stringify({ serial, file }));
  else console.out(console.texts.identity.claimWritten(serial, file));
  return exit.ok;
}
