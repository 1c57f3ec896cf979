import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/**
 * One house to a data folder: a file with the process id of its supervisor. A file left behind by a power cut names a
 * process that no longer lives, and is taken over.
 * @returns what gives the folder back
 */
export function lockFolder(folder: string, pid: number): Result<() => void, 'HOUSE_RUNNING'> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'house.pid');
  try {
    writeFileSync(path, `${pid}\n`, { flag: 'wx', mode: 0o600 });
  } catch {
    const holder = Number(readFileSync(path, 'utf8').trim());
    if (holder !== pid && isAlive(holder)) return fail('HOUSE_RUNNING', { facts: { folder, pid: holder } });
    writeFileSync(path, `${pid}\n`, { mode: 0o600 });
  }
  return ok(() => rmSync(path, { force: true }));
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
