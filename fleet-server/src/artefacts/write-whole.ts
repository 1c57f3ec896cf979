import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file beside its place and renames it: under its name it is whole or absent, whenever power fails. On disk when it resolves. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await open(`${path}.part`, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
