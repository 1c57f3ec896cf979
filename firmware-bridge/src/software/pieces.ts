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
  Array.from({ length: Math.ceil(size / chunkLength) }, (_, index) => `software-${digest.slice(0, 16)}.${index}`);

/** The file of a chunk that is on its way. */
export const partName = (name: string): string => `${name}.part`;

/** All of it; missing files are missing bytes. */
export async function readStored(files: Files, stored: StoredBytes): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const name of pieceNames(stored)) parts.push((await files.read(name)) ?? new Uint8Array(0));
  return concat(...parts);
}

/** Removes the files; those that are not there are no fault. */
export async function removeStored(files: Files, stored: StoredBytes): Promise<void> {
  for (const name of pieceNames(stored)) {
    await files.remove(name);
    await files.remove(partName(name));
  }
  await files.syncFolder();
}
