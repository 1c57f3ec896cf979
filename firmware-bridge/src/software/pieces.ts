import { createHash } from 'node:crypto';
import { concat } from '@tsunagu/protocols/kit';
import type { Files } from '../sealed-store/index.ts';

/** Bytes on the medium, in files of one chunk each. */
export interface StoredBytes {
  readonly digest: string;
  readonly size: number;
  readonly chunkLength: number;
}

/** Names of the files, in order. */
export const pieceNames = ({ digest, size, chunkLength }: StoredBytes): readonly string[] =>
  Array.from({ length: Math.ceil(size / chunkLength) }, (_, index) => `${stem(digest)}.${index}`);
const stem = (digest: string): string => `software-${digest.slice(0, 16)}`;

/** The file of a chunk that is on its way. */
export const partName = (name: string): string => `${name}.part`;

/** All of it; missing files are missing bytes. */
export async function readStored(files: Files, stored: StoredBytes): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const name of pieceNames(stored)) parts.push((await files.read(name)) ?? new Uint8Array(0));
  return concat(...parts);
}

/** Whether what lies on the medium is what its digest says; what cannot be read is not. */
export async function isWhole(files: Files, stored: StoredBytes): Promise<boolean> {
  const bytes = await readStored(files, stored).catch(() => undefined);
  return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === stored.digest;
}

/** Removes the files; those that are not there are no fault. */
export async function removeStored(files: Files, stored: StoredBytes): Promise<void> {
  for (const name of pieceNames(stored)) {
    await files.remove(name);
    await files.remove(partName(name));
  }
  await files.syncFolder();
}

/** Removes the files of all images and deltas but these: of trials that failed, of downloads that nobody wants any more, of an emptied slot. */
export async function removeOthers(files: Files, kept: readonly { readonly digest: string }[]): Promise<void> {
  const stems = new Set(kept.map(({ digest }) => stem(digest)));
  const others = (await files.list()).filter((name) => {
    const of = /^(software-[0-9a-f]{16})\.\d+(?:\.part)?$/.exec(name)?.[1];
    return of !== undefined && !stems.has(of);
  });
  if (others.length === 0) return;
  for (const name of others) await files.remove(name);
  await files.syncFolder();
}
