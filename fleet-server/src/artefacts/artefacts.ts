import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './write-whole.ts';

/** Immutable files, each under the SHA-256 of its bytes. The device API serves them. */
export interface Artefacts {
  /** Stores bytes; when it resolves they are on disk under their name, whole: also where what lay there had suffered. */
  put(bytes: Uint8Array): Promise<{ readonly digest: string; readonly size: number }>;
  /** Where an artefact lies; undefined when there is none of this digest. */
  find(digest: string): Promise<{ readonly path: string; readonly size: number } | undefined>;
  /** Forgets what can be made again. */
  remove(digest: string): Promise<void>;
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
    async remove(digest) {
      const found = await find(digest);
      if (found) await rm(found.path, { force: true });
    },
    async put(bytes) {
      const digest = createHash('sha256').update(bytes).digest('hex');
      const path = join(folder, digest);
      const held = (await find(digest)) && (await readFile(path).catch(() => undefined));
      if (!held?.equals(bytes)) await writeWhole(path, bytes);
      return { digest, size: bytes.length };
    },
  };
}
