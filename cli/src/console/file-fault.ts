import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, type Fault, type Result } from '@tsunagu/protocols/kit';

/** Calls that only look. `open` does both. */
const reading = new Set(['read', 'stat', 'lstat', 'fstat', 'access', 'scandir', 'opendir', 'readlink', 'realpath']);
const writing = new Set(
  'write mkdir mkdtemp rename unlink rmdir rm chmod fchmod chown utime link symlink truncate ftruncate fsync fdatasync copyfile cp'.split(
    ' ',
  ),
);
/** With these `open` wanted to write; reading a folder fails at `read`. */
const onlyWriting = new Set(['EISDIR', 'EROFS', 'ENOSPC', 'EDQUOT', 'ETXTBSY']);

/** Why a new file or folder could not be made: FILE_EXISTS where there is one of its name. */
export const notWritten = (
  path: string,
  cause: unknown,
): Result<never, 'FILE_EXISTS' | 'FILE_UNWRITABLE'> & { ok: false } =>
  fail(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' ? 'FILE_EXISTS' : 'FILE_UNWRITABLE', {
    facts: { path },
    cause,
  });

/** What to tell of an error of the file system; undefined for what is none. */
export function fileFaultOf(error: unknown): Fault | undefined {
  if (!(error instanceof Error && 'syscall' in error && typeof error.syscall === 'string')) return undefined;
  const { syscall } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  const more = { facts: { ...(path !== undefined && { path }), error: code }, cause: error };
  if (reading.has(syscall)) return fail('FILE_UNREADABLE', more).fault;
  if (code === 'EEXIST') return fail('FILE_EXISTS', more).fault;
  if (writing.has(syscall) || (syscall === 'open' && onlyWriting.has(code)))
    return fail('FILE_NOT_WRITTEN', more).fault;
  if (syscall !== 'open' || path === undefined) return undefined;
  // It is not there while its folder is: a file to be written would have been made.
  if (code === 'ENOENT' && existsSync(dirname(path))) return fail('FILE_UNREADABLE', more).fault;
  return fail('FILE_UNUSABLE', more).fault;
}
