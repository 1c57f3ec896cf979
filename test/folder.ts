import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a run of the largest suite puts aside at once, with a wide margin. */
const roomBytes = 4 * 2 ** 30;

/**
 * Where tests put their files: in memory, where there is room for them and what is installed there may run. Each of them writes
 * through to its medium thousands of times, and none can tell a medium that is fast from one that is slow: power cuts are planted
 * above it, and a process that is killed leaves its pages to the kernel.
 */
function fastFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory) || freemem() < 2 * roomBytes) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  const mount =
    readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === memory) ?? '';
  return bavail * bsize < roomBytes || mount.includes('noexec') ? tmpdir() : memory;
}

/** A folder for all that the tests of one run put aside, gone at its end, whatever ended a test. */
export function setup(): () => void {
  const folder = mkdtempSync(join(fastFolder(), 'tsunagu-test-'));
  // A peer may run as another user.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
