import { parseJson } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { type Files, replaceFile } from '../sealed-store/index.ts';

/** Which chunks a parent keeps of parts of negative lists, by their names; what came last is last. */
export interface NamedParts {
  chunksOf(name: string): readonly string[] | undefined;
  /** On the medium when it resolves. */
  keep(name: string, hashes: readonly string[]): Promise<void>;
}

/** The newest of a few lists, and what leads to it. */
const partsMax = 64;
const indexFile = 'cache-names.json';
const partName = /^[0-9a-f]{64}(?:\.nfs|\.steps|-[0-9a-f]{64}\.nfd)$/;
const indexSchema = z
  .array(z.tuple([z.string().regex(partName), z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64)]))
  .max(partsMax);

/** Whether it names a part of a negative list: its Merkle root, or two of them. */
export const isPartName = (name: string): boolean => partName.test(name);

/**
 * Opens the names where they were. An index that is damaged is an empty one: the parts come from the server again. What it says is believed no
 * more than the server is: chunks are checked by their hashes, and children check what they get.
 */
export async function openNamedParts(files: Files): Promise<NamedParts> {
  const stored = await files.read(indexFile).catch(() => undefined);
  const read = stored && parseJson(indexSchema, stored, 1_048_576);
  const parts = new Map<string, readonly string[]>(read?.ok ? read.value : []);
  let turn: Promise<unknown> = Promise.resolve();
  return {
    chunksOf: (name) => parts.get(name),
    keep(name, hashes) {
      parts.delete(name);
      parts.set(name, hashes);
      const [oldest] = parts.keys();
      if (parts.size > partsMax && oldest !== undefined) parts.delete(oldest);
      const written = turn.then(() => replaceFile(files, indexFile, Buffer.from(JSON.stringify([...parts]))));
      turn = written.catch(() => undefined);
      return written;
    },
  };
}
