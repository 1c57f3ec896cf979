import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

/**
 * A file that says which process holds something, for as long as it lives. It is there with its content or not at all, and one that a
 * power cut left behind names a process that no longer lives.
 * @returns what gives it back; undefined: another one holds it. Throws where the folder cannot be written.
 */
export function holdFile(path: string): (() => void) | undefined {
  const mark = markOf(process.pid);
  const own = `${path}.${process.pid}-${threadId}`;
  writeFileSync(own, mark, { mode: 0o600 });
  try {
    if (!linked(own, path) && !(setAside(path, `${own}-old`) && linked(own, path))) return undefined;
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (textOf(path) === mark) rmSync(path, { force: true });
  };
}

/** Whether the process that such a file names lives. */
export function isHeld(path: string): boolean {
  return isMarkAlive(textOf(path));
}

/** Takes away what a dead process left; false when somebody holds it. Of two who try, one takes what the other has not just put there. */
function setAside(path: string, aside: string): boolean {
  const seen = textOf(path);
  if (isMarkAlive(seen)) return false;
  try {
    renameSync(path, aside);
  } catch {
    return true; // Another one was faster: whether it holds it now, the link tells.
  }
  const isStale = textOf(aside) === seen;
  if (!isStale) linked(aside, path);
  rmSync(aside, { force: true });
  return isStale;
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** A process: its number and, where the system says so, when it began. Numbers are given out again, after a restart the same ones first. */
const markOf = (pid: number): string => `${pid} ${beginning(pid)}`.trim();

function isMarkAlive(mark: string): boolean {
  const [number = '', began = ''] = mark.trim().split(' ');
  const pid = Number(number);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return began === '' || beginning(pid) === '' || began === beginning(pid);
}

/** Field 22 of /proc/PID/stat (proc(5)): ticks between the start of the system and that of the process; empty where there is no /proc. */
function beginning(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name, field 2, stands in brackets and may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
