/**
 * One folder on a medium that keeps what was synced. Power may fail between any two calls, and in the middle of a write.
 * Every call rejects when the medium fails.
 */
export interface Files {
  /** The whole content, or undefined when there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Creates or empties a file (owner only, mode 0600), writes and syncs it. Not atomic: a torn file may remain. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds bytes to the end of a file, which is made when there is none, and syncs it. When it is torn, a part of the bytes may be there. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** Puts a file in the place of another at once. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the folder's renames and removals outlast a power failure. */
  syncFolder(): Promise<void>;
  /** Removes a file; no file is fine. */
  remove(name: string): Promise<void>;
  /** Names of all files. */
  list(): Promise<readonly string[]>;
}

/** Replaces a file so that a reader finds the old content or the new one, whenever power fails. */
export async function replaceFile(files: Files, name: string, bytes: Uint8Array): Promise<void> {
  await files.write(`${name}.new`, bytes);
  await files.rename(`${name}.new`, name);
  await files.syncFolder();
}
