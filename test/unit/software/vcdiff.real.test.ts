import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyVcdiff, encodeVcdiff } from '@tsunagu/protocols/software';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-vcdiff-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const drawn = (label: string, length: number): Buffer =>
  createHash('shake256', { outputLength: length }).update(label).digest();

/** A program and its next version: moved, changed here and there, some of it new; several windows of a megabyte. */
const before = drawn('program', 3_000_000);
const after = Buffer.concat([
  before.subarray(0, 700_000),
  drawn('new', 5_000),
  before.subarray(700_100, 2_400_000).map((byte, index) => (index % 9_973 === 0 ? byte ^ 0x55 : byte)),
  Buffer.alloc(30_000),
  before.subarray(2_300_000),
]);
writeFileSync(at('before'), before);
writeFileSync(at('after'), after);

function ours(): Uint8Array {
  const steps = encodeVcdiff(before, after);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

test('xdelta3 makes the target out of our delta', () => {
  writeFileSync(at('ours'), ours());
  execFileSync('xdelta3', ['-d', '-f', '-s', at('before'), at('ours'), at('made')]);
  expect(readFileSync(at('made')).equals(after)).toBe(true);
});

test.each([
  ['plain', ['-S', 'none', '-n', '-A']],
  ['with checksums and an application header', ['-S', 'none']],
  ['in windows of its own', ['-S', 'none', '-W', '65536', '-9']],
])('we make the target out of a delta of xdelta3, %s', (_, options) => {
  execFileSync('xdelta3', ['-e', '-f', ...options, '-s', at('before'), at('after'), at('theirs')]);
  const made = applyVcdiff(readFileSync(at('theirs')), before, after.length);
  expect(made.ok && Buffer.from(made.value).equals(after)).toBe(true);
});
