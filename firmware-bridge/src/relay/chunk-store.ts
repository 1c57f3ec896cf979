import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '@tsunagu/protocols/fleet';
import type { Files } from '../sealed-store/index.ts';
import { replaceFile } from '../sealed-store/index.ts';

/** What a parent keeps for its children: chunks by their SHA-256, in so many places, the least lately used of which goes first. */
export interface ChunkStore {
  read(hash: string): Promise<Uint8Array | undefined>;
  /** Keeps a chunk whose hash was checked. */
  write(hash: string, bytes: Uint8Array): Promise<void>;
}

const indexFile = 'cache-index.json';
const indexSchema = z.array(z.string().max(64)).max(4_096);

/**
 * Opens a store of `places` chunks. Its files have fixed names, so that nothing can be left over; what is in a place is checked each time it is
 * read, so that the index may be older than the places after a power loss.
 */
export async function openChunkStore(files: Files, places: number): Promise<ChunkStore> {
  const stored = await files.read(indexFile).catch(() => undefined);
  const read = stored && parseJson(indexSchema, stored, 1_048_576);
  /** Hash by place; "" for an empty one. */
  const hashes = Array.from({ length: places }, (_, place) => (read?.ok ? (read.value[place] ?? '') : ''));
  /** Places, the least lately used first. */
  const order = hashes.map((_, place) => place);
  const used = (place: number): void => {
    order.splice(order.indexOf(place), 1);
    order.push(place);
  };
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async read(hash) {
      const place = hashes.indexOf(hash);
      if (place === -1) return undefined;
      const bytes = await files.read(`cache.${place}`).catch(() => undefined);
      if (!bytes || createHash('sha256').update(bytes).digest('hex') !== hash) {
        hashes[place] = '';
        return undefined;
      }
      used(place);
      return bytes;
    },
    write(hash, bytes) {
      const written = turn.then(async () => {
        const place = order[0];
        if (place === undefined || hashes.includes(hash)) return;
        hashes[place] = '';
        await files.write(`cache.${place}`, bytes);
        hashes[place] = hash;
        used(place);
        await replaceFile(files, indexFile, Buffer.from(JSON.stringify(hashes)));
      });
      turn = written.catch(() => undefined);
      return written;
    },
  };
}
