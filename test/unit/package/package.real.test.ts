import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pack, run, subpaths } from './packed.ts';

test('npm itself installs the tarball into an empty folder, and every subpath is imported', () => {
  const packed = pack();
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-installed-'));
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
    const installed = run(folder, 'npm', ['install', packed.tarball, '--no-audit', '--no-fund', '--prefer-offline']);
    expect(installed.status, installed.out).toBe(0);
    writeFileSync(
      join(folder, 'run.mjs'),
      `for (const path of ${JSON.stringify(subpaths)}) await import(path); console.log('done');`,
    );
    expect(run(folder, process.execPath, ['run.mjs'])).toEqual({ status: 0, out: 'done\n' });
    expect(run(folder, 'npm', ['ls', '--all', '--parseable']).out.trim().split('\n').length).toBe(5); // the folder itself, the package, its three dependencies
  } finally {
    packed.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
