import { readFile, writeFile } from 'node:fs/promises';
import { fail } from '@tsunagu/protocols/kit';
import { encodeSoftwareImage, type SoftwareHeader, softwareBytesMax } from '@tsunagu/protocols/software';
import { type Console, type ExitCode, exit, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { sayFailed } from './sale.ts';
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

/** `tsunagu software install SERIAL FILE`: uploads an image and has a terminal install it. Exit 0 when it runs and has proven itself. */
export async function installImage(
  { client, console, json, world }: Context,
  serial: string,
  path: string,
  proofTimeoutMs: number,
): Promise<ExitCode> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length > softwareBytesMax) {
    printFault(console, fail('SOFTWARE_IMAGE_INVALID', { facts: { path } }).fault, json);
    return exit.failed;
  }
  const uploaded = await client.uploadSoftware(bytes);
  if (!uploaded.ok) return refuse(console, uploaded.fault, json);
  const { digest, version } = uploaded.value;
  if (!json) console.err(console.texts.software.installing(serial, version, digest.slice(0, 16)));
  const ended = await runJob(
    world,
    client,
    () => client.startSoftware(serial, { digest, proofTimeoutMs }),
    () => undefined,
    proofTimeoutMs * 2 + 60_000,
  );
  if (!ended.ok) return refuse(console, ended.fault, json);
  if (json) console.out(JSON.stringify(ended.value));
  else if (ended.value.state === 'succeeded') console.out(console.texts.software.installed(serial, version));
  else sayFailed(console, ended.value);
  return ended.value.state === 'succeeded' ? exit.ok : exit.otherOutcome;
}
