import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assessorLine, type KeyRecord, lifePaths, packFiles, parseJson, sealedFiles } from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type ExitCode, exit, notWritten, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** The verifier as it is copied into each pack; beside the sources and beside what was built. */
const verifier = fileURLToPath(new URL('../../verifier/verify.mjs', import.meta.url));
const lineLengthMax = 262_144;

/**
 * `tsunagu evidence --from --to --out`: the assessor's pack. Devices, steps with their evidence, inspections, custody, keys, injection runs, the audit log, what
 * each edge asks for and why, the seal of the house over all of it, and a verifier that needs nothing but Node.js.
 */
export async function writePack(
  { client, console, json }: Context,
  { from, to, out }: { readonly from: string; readonly to: string; readonly out: string },
): Promise<ExitCode> {
  for (const [field, day] of [
    ['from', from],
    ['to', to],
  ] as const)
    if (!z.iso.date().safeParse(day).success)
      return refuse(
        console,
        fail('OPTION_INVALID', {
          field: `--${field}`,
          facts: { wants: 'YYYY-MM-DD', example: `--${field} 2026-05-01` },
        }).fault,
        json,
      );
  if (from > to) return refuse(console, fail('OPTION_INVALID', { field: '--to', facts: { from, to } }).fault, json);
  if (existsSync(out)) return refuse(console, fail('FILE_EXISTS', { facts: { path: out } }).fault, json);
  const range = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
  const pack = await client.askText(`${lifePaths.assessorPack}?${range}`);
  if (!pack.ok) return refuse(console, pack.fault, json);
  const files: Record<string, string> = Object.fromEntries(sealedFiles.map((name) => [name, '']));
  let seal: KeyRecord | undefined;
  for (const line of pack.value.split('\n').filter((text) => text !== '')) {
    const read = parseJson(assessorLine, line, lineLengthMax);
    // What comes after the seal is nothing that the house signed for.
    if (!read.ok || seal) return refuse(console, fail('ANSWER_INVALID').fault, json);
    if (read.value.kind === 'seal') seal = read.value.record;
    else if (read.value.kind === 'file') files[read.value.name] += `${read.value.line}\n`;
    else files[packFiles[read.value.kind]] += `${line}\n`;
  }
  // Without a seal it broke off.
  if (!seal) return refuse(console, fail('ANSWER_INVALID').fault, json);
  files['seal.json'] = `${JSON.stringify(seal, null, 2)}\n`;
  let isMade = false;
  try {
    await mkdir(out);
    isMade = true;
    for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
    await copyFile(verifier, join(out, 'verify.mjs'));
    const sum = (content: string | Uint8Array) => ({ sha256: createHash('sha256').update(content).digest('hex') });
    const sums = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sum(content)]));
    const manifest = { v: 1, from, to, files: { ...sums, 'verify.mjs': sum(await readFile(verifier)) } };
    await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (cause) {
    // A part of a pack would pass for one; what was there before stays as it is.
    if (isMade) await rm(out, { recursive: true, force: true });
    return refuse(console, notWritten(out, cause).fault, json);
  }
  const count = Object.keys(files).length + 2;
  const signer = seal.document.kid;
  console.out(
    json ? JSON.stringify({ folder: out, files: count, signer }) : console.texts.life.packWritten(out, count, signer),
  );
  return exit.ok;
}
