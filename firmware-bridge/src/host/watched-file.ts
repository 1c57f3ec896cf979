import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '@tsunagu/protocols/world';
import { folderFiles, replaceFile } from '../sealed-store/index.ts';

/** A file in an emulated terminal's folder by which a person does something to it. */
export interface WatchedFile<T> {
  readonly folder: string;
  readonly name: string;
  /** What its text orders; undefined for nothing: a file that is missing (''), or that is being written and is looked at again when it is whole. */
  readonly parse: (text: string) => T | undefined;
  readonly obey: (order: T) => Promise<void>;
  /** What the log calls it when that throws. */
  readonly failed: string;
  /** Whose folder it is, for the log. */
  readonly serial?: string;
}

/**
 * Looks at a file whenever it changes, until `signal` is aborted.
 * @returns looks at it now
 */
export function watchFile<T>(
  world: Pick<World, 'log'>,
  { folder, name, parse, obey, failed, serial }: WatchedFile<T>,
  signal: AbortSignal,
): () => void {
  const look = async (): Promise<void> => {
    const order = parse(await readFile(join(folder, name), 'utf8').catch(() => ''));
    if (order !== undefined) await obey(order);
  };
  const looked = (): void =>
    void look().catch((cause: unknown) =>
      world.log('error', failed, { ...(serial !== undefined && { serial }), fault: { code: 'INTERNAL', cause } }),
    );
  const watcher = watch(folder, { persistent: false, signal }, (_event, changed) => {
    if (changed === name) looked();
  });
  watcher.on('error', () => undefined);
  return looked;
}

/** Puts what came of it into the folder, whole, whenever the power fails: whoever reads it finds the file of before or this one. */
export const answerInto = async (folder: string, name: string, value: unknown): Promise<void> =>
  replaceFile(await folderFiles(folder), name, Buffer.from(JSON.stringify(value), 'utf8'));
