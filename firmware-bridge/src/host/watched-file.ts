import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file in an emulated terminal's folder by which a person does something to it, and what is done with its text. */
export interface WatchedFile {
  readonly folder: string;
  readonly name: string;
  /** Missing, it is empty; being written, it is not whole yet, and looked at again when it is. */
  readonly read: (text: string) => Promise<void>;
  readonly failed: (cause: unknown) => void;
}

/**
 * Looks at a file whenever it changes, until `signal` is aborted.
 * @returns looks at it now
 */
export function watchFile({ folder, name, read, failed }: WatchedFile, signal: AbortSignal): () => void {
  const look = async (): Promise<void> => read(await readFile(join(folder, name), 'utf8').catch(() => ''));
  const looked = (): void => void look().catch(failed);
  const watcher = watch(folder, { persistent: false, signal }, (_event, changed) => {
    if (changed === name) looked();
  });
  watcher.on('error', () => undefined);
  return looked;
}
