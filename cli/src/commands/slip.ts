import type { SlipOrder } from '@tsunagu/protocols/fleet';
import { type ExitCode, exit, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { sayFailed } from './sale.ts';
import { runJob } from './watch-job.ts';

/** `tsunagu slip SERIAL`: a slip as the terminal prints it; the bytes go to standard output as they are. */
export async function printSlip(
  context: Context,
  serial: string,
  order: SlipOrder,
  write: (bytes: Uint8Array) => void,
): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const ended = await runJob(
    world,
    client,
    () => client.startSlip(serial, order),
    () => undefined,
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  // The live events leave the document out.
  const whole = await client.job(ended.value.id);
  if (!whole.ok) return refuse(console, whole.fault, json);
  const { document } = whole.value;
  if (json) console.out(JSON.stringify(whole.value, null, console.isLive ? 2 : 0));
  else if (document) write(Buffer.from(document.base64, 'base64'));
  else sayFailed(console, whole.value);
  return document ? exit.ok : exit.failed;
}
