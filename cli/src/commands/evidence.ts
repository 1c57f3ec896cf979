import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  accessPaths,
  assessorLine,
  deviceListEntry,
  evidenceItems,
  lifecycleEdges,
  lifePaths,
  parseJson,
} from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { type ExitCode, exit, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** The verifier as it is copied into each pack; beside the sources and beside what was built. */
const verifier = fileURLToPath(new URL('../../verifier/verify.mjs', import.meta.url));
const lineLengthMax = 262_144;

/**
 * `tsunagu evidence --from --to --out`: the assessor's pack. Devices, steps with their evidence, inspections, custody, keys, injection runs, the audit log, what
 * each edge asks for and why, the hashes of all of it, and a verifier that needs nothing but Node.js.
 */
export async function writePack(
  { client, console, json }: Context,
  { from, to, out }: { readonly from: string; readonly to: string; readonly out: string },
): Promise<ExitCode> {
  const range = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
  const devices = await client.askAll(deviceListEntry, lifePaths.devices);
  if (!devices.ok) return refuse(console, devices.fault, json);
  const pack = await client.askText(`${lifePaths.assessorPack}?${range}`);
  if (!pack.ok) return refuse(console, pack.fault, json);
  const custody = await client.askText(lifePaths.custodyExport);
  if (!custody.ok) return refuse(console, custody.fault, json);
  const audit = await client.askText(accessPaths.auditExport);
  if (!audit.ok) return refuse(console, audit.fault, json);

  const parts = {
    step: [] as string[],
    inspection: [] as string[],
    key: [] as string[],
    release: [] as string[],
    wipe: [] as string[],
    report: [] as string[],
    run: [] as string[],
    house: [] as string[],
  };
  for (const line of pack.value.split('\n').filter((text) => text !== '')) {
    const read = parseJson(assessorLine, line, lineLengthMax);
    if (!read.ok) return refuse(console, fail('ANSWER_INVALID').fault, json);
    parts[read.value.kind].push(line);
  }
  const files: Readonly<Record<string, string>> = {
    'devices.json': `${JSON.stringify(devices.value, null, 2)}\n`,
    'steps.jsonl': text(parts.step),
    'inspections.jsonl': text(parts.inspection),
    'keys.jsonl': text(parts.key),
    'releases.jsonl': text(parts.release),
    'wipes.jsonl': text(parts.wipe),
    'reports.jsonl': text(parts.report),
    'house.jsonl': text(parts.house),
    'runs.jsonl': text(parts.run),
    'custody.jsonl': custody.value,
    'audit.jsonl': audit.value,
    'edges.json': `${JSON.stringify(lifecycleEdges)}\n`,
    'clauses.json': `${JSON.stringify(evidenceItems, null, 2)}\n`,
  };
  try {
    await mkdir(out);
    for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
    await copyFile(verifier, join(out, 'verify.mjs'));
    const sum = (content: string | Uint8Array) => ({ sha256: createHash('sha256').update(content).digest('hex') });
    const sums = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sum(content)]));
    const manifest = { v: 1, from, to, files: { ...sums, 'verify.mjs': sum(await readFile(verifier)) } };
    await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (cause) {
    return refuse(console, fail('OPTION_INVALID', { field: 'out', cause }).fault, json);
  }
  const count = Object.keys(files).length + 2;
  console.out(json ? JSON.stringify({ folder: out, files: count }) : console.texts.life.packWritten(out, count));
  return exit.ok;
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
