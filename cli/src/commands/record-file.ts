import { exit, type ExitCode, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { writeNew } from './document-file.ts';

/** Writes what was asked for to a file that is not there yet, and says where it is: a record is evidence, and replaces none. */
export async function writeOut(
  { console, json }: Context,
  file: string,
  content: string | Uint8Array,
): Promise<ExitCode> {
  const written = await writeNew(file, content);
  if (!written.ok) return refuse(console, written.fault, json);
  console.out(json ? JSON.stringify({ file }) : file);
  return exit.ok;
}

/** Writes a signed record to a file. */
export async function saveRecord(
  context: Context,
  asked: ReturnType<Context['client']['ceremonyRecord']>,
  file: string,
): Promise<ExitCode> {
  const record = await asked;
  if (!record.ok) return refuse(context.console, record.fault, context.json);
  return await writeOut(context, file, `${JSON.stringify(record.value, undefined, 2)}\n`);
}
