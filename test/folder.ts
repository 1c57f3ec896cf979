import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for all that the tests of one run put aside, gone at its end, whatever ended a test. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-test-'));
  // A peer may run as another user.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
