import { type FileHandle, open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { keyUses } from './port.ts';

const base64 = z.string().regex(/^[A-Za-z0-9+/]*=*$/);
const keyUse = z.enum(Object.keys(keyUses) as [keyof typeof keyUses, ...(keyof typeof keyUses)[]]);

/** The first line: how the master key comes out of the passphrase, and a box that only it opens. */
const header = z.object({
  vault: z.literal('tsunagu-vault-v1'),
  kdf: z.object({
    name: z.literal('scrypt'),
    salt: base64,
    cost: z.number(),
    blockSize: z.number(),
    parallel: z.number(),
  }),
  check: base64,
});
export type VaultHeader = z.infer<typeof header>;

/** A further line: a key that was added, or forgotten. */
const record = z.union([
  z.object({ id: z.string(), use: keyUse, checkValue: z.string(), publicKey: base64.optional(), box: base64 }),
  z.object({ id: z.string(), destroyed: z.literal(true) }),
]);
export type VaultRecord = z.infer<typeof record>;

/** What a vault's file holds. `damagedLine` counts from 1. */
export type VaultContents =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly line: number }
  | {
      readonly state: 'read';
      readonly header: VaultHeader;
      readonly records: readonly VaultRecord[];
      readonly length: number;
    };

/**
 * Reads a vault's file. A last line without its end is what a power cut left of a write that was never acknowledged: it
 * does not count, and `length` says where the next write begins.
 */
export async function readVaultFile(path: string): Promise<VaultContents> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { state: 'absent' };
    throw error;
  }
  const length = bytes.lastIndexOf(0x0a) + 1;
  const [first, ...rest] = bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
  if (first === undefined) return { state: 'absent' };
  const readHeader = header.safeParse(json(first));
  if (!readHeader.success) return { state: 'damaged', line: 1 };
  const records: VaultRecord[] = [];
  for (const [index, line] of rest.entries()) {
    const read = record.safeParse(json(line));
    if (!read.success) return { state: 'damaged', line: index + 2 };
    records.push(read.data);
  }
  return { state: 'read', header: readHeader.data, records, length };
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Appends lines; each is on disk when its write resolves. */
export class VaultWriter {
  readonly #file: FileHandle;
  #end: number;
  #last: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, end: number) {
    this.#file = file;
    this.#end = end;
  }

  static async open(path: string, end: number): Promise<VaultWriter> {
    const file = await open(path, end === 0 ? 'w' : 'r+', 0o600);
    await file.truncate(end);
    return new VaultWriter(file, end);
  }

  append(line: VaultHeader | VaultRecord): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`, 'utf8');
    const written = this.#last.then(async () => {
      await this.#file.write(bytes, 0, bytes.length, this.#end);
      await this.#file.datasync();
      this.#end += bytes.length;
    });
    // A write that failed must not keep the next from trying.
    this.#last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }
}
