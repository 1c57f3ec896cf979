import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Files } from './files.ts';

/** A folder of the file system; it is made (mode 0700) when it is missing. */
export async function folderFiles(folder: string): Promise<Files> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    async read(name) {
      try {
        return Uint8Array.from(await readFile(join(folder, name)));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    write: (name, bytes) => writeSynced(join(folder, name), 'w', bytes),
    append: (name, bytes) => writeSynced(join(folder, name), 'a', bytes),
    rename: (from, to) => rename(join(folder, from), join(folder, to)),
    async syncFolder() {
      const handle = await open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    async list() {
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
  };
}

async function writeSynced(path: string, flags: 'w' | 'a', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
