import { writeFile } from 'node:fs/promises';
import { fail } from '@tsunagu/protocols/kit';
import { encodeSoftwareImage, type SoftwareHeader } from '@tsunagu/protocols/software';
import { type Console, type ExitCode, exit, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { sayFailed } from './sale.ts';
import { ensurePublished, readImage } from './software-repository.ts';
import { runJob } from './watch-job.ts';

/** `tsunagu software make FILE`: an image for emulated terminals, which may hang or stay mute on purpose. */
export async function makeImage(
  console: Console,
  path: string,
  { programBytes, ...header }: SoftwareHeader & { readonly programBytes: number },
  json: boolean,
): Promise<ExitCode> {
  const image = encodeSoftwareImage(header, new Uint8Array(programBytes).fill(header.counter));
  try {
    await writeFile(path, image);
  } catch (cause) {
    printFault(console, fail('FILE_NOT_WRITTEN', { facts: { path }, cause }).fault, json);
    return exit.failed;
  }
  if (json) console.out(JSON.stringify({ path, size: image.length, ...header }));
  else console.out(console.texts.software.made(path, image.length));
  return exit.ok;
}

/** How an image is installed. */
export interface InstallOptions {
  readonly proofTimeoutMs: number;
  readonly allowDowngrade: boolean;
  /** The folder of keys that publish it when it is not published yet. */
  readonly keys: string;
}

/** `tsunagu software install SERIAL FILE`: uploads an image and has a terminal install it. Exit 0 when it runs and has proven itself. */
export async function installImage(
  context: Context,
  serial: string,
  path: string,
  { proofTimeoutMs, allowDowngrade, keys }: InstallOptions,
): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const image = await readImage(path);
  if (!image.ok) return refuse(console, image.fault, json);
  const uploaded = await client.uploadSoftware(image.value);
  if (!uploaded.ok) return refuse(console, uploaded.fault, json);
  const published = await ensurePublished(context, image.value, uploaded.value.digest, { keys });
  if (!published.ok) return refuse(console, published.fault, json);
  const { digest, version } = uploaded.value;
  if (!json) console.err(console.texts.software.installing(serial, version, digest.slice(0, 16)));
  const ended = await runJob(
    world,
    client,
    () => client.startSoftware(serial, { digest, proofTimeoutMs, allowDowngrade }),
    () => undefined,
    proofTimeoutMs * 2 + 60_000,
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  if (json) console.out(JSON.stringify(ended.value));
  else if (ended.value.state === 'succeeded') console.out(console.texts.software.installed(serial, version));
  else sayFailed(console, ended.value);
  return ended.value.state === 'succeeded' ? exit.ok : exit.otherOutcome;
}
