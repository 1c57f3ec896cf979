import { createHash } from 'node:crypto';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Immutable files, each under the SHA-256 of its bytes. The device API serves them. */
export interface Artefacts {
  /** Stores bytes; when it resolves they are on disk under their name, whole. */
  put(bytes: Uint8Array): Promise<{ readonly digest: string; readonly size: number }>;
  /** Where an artefact lies; undefined when there is none of this digest. */
  find(digest: string): Promise<{ readonly path: string; readonly size: number } | undefined>;
}

export async function openArtefacts(folder: string): Promise<Artefacts> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const find: Artefacts['find'] = async (digest) => {
    if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
    const path = join(folder, digest);
    const found = await stat(path).catch(() => undefined);
    return found?.isFile() ? { path, size: found.size } : undefined;
  };
  return {
    find,
    async put(bytes) {
      const digest = createHash('sha256').update(bytes).digest('hex');
      if (await find(digest)) return { digest, size: bytes.length };
      const path = join(folder, digest);
      // Written beside, then renamed: under its name a file is whole or absent, whenever power fails.
      const file = await open(`${path}.part`, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
      const directory = await open(folder, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
      return { digest, size: bytes.length };
    },
  };
}
