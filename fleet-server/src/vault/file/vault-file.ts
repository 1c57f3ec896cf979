import { createHash, createHmac } from 'node:crypto';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalInConstantTime } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { keyUses } from '../port.ts';
import type { VaultHead } from '../port.ts';

const base64 = z.string().regex(/^[A-Za-z0-9+/]*=*$/);
const keyUse = z.enum(Object.keys(keyUses) as [keyof typeof keyUses, ...(keyof typeof keyUses)[]]);

/** The first line: how the master key comes out of the passphrase, and a box that only it opens. */
const header = z.object({
  vault: z.literal('tsunagu-vault-v1'),
  kdf: z.object({
    name: z.literal('scrypt'),
    salt: base64,
    // What is read before it can be authenticated is bounded: a forged header must not take all the memory there is.
    cost: z
      .number()
      .int()
      .min(2)
      .max(2 ** 20),
    blockSize: z.number().int().min(1).max(32),
    parallel: z.number().int().min(1).max(16),
  }),
  check: base64,
  /** Counts compactions; a part of the check's context. */
  generation: z.number().int().min(0).optional(),
});
export type VaultHeader = z.infer<typeof header>;

/** A further line: a key that was added, or forgotten. */
const record = z.union([
  z.object({ id: z.string(), use: keyUse, checkValue: z.string(), publicKey: base64.optional(), box: base64 }),
  z.object({ id: z.string(), destroyed: z.literal(true) }),
]);
export type VaultRecord = z.infer<typeof record>;

/** A line as it is read. `mac` covers it and all before it; vaults of earlier versions begin with records that have none. */
const macced = z.looseObject({
  mac: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

interface Line {
  readonly record: VaultRecord;
  readonly mac: string | undefined;
  /** The line without its MAC, and the digest of all bytes before it: what the MAC is of. */
  readonly covered: Uint8Array;
}

/** What a vault's file holds. `line` counts from 1. */
export type VaultContents =
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly line: number }
  | {
      readonly state: 'read';
      readonly header: VaultHeader;
      readonly lines: readonly Line[];
      readonly length: number;
      readonly bytes: Uint8Array;
    };

const encode = (line: object): Buffer => Buffer.from(`${JSON.stringify(line)}\n`, 'utf8');

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
  let start = bytes.indexOf(0x0a) + 1;
  if (start === 0) return { state: 'absent' };
  const readHeader = header.safeParse(json(bytes.toString('utf8', 0, start)));
  if (!readHeader.success) return { state: 'damaged', line: 1 };
  const lines: Line[] = [];
  const before = createHash('sha256').update(bytes.subarray(0, start));
  while (start < length) {
    const end = bytes.indexOf(0x0a, start) + 1;
    const parsed = json(bytes.toString('utf8', start, end));
    const read = record.safeParse(parsed);
    const chained = macced.safeParse(parsed);
    if (!read.success || !chained.success) return { state: 'damaged', line: lines.length + 2 };
    const { mac, ...rest } = chained.data;
    lines.push({ record: read.data, mac, covered: Buffer.concat([before.copy().digest(), encode(rest)]) });
    before.update(bytes.subarray(start, end));
    start = end;
  }
  return { state: 'read', header: readHeader.data, lines, length, bytes: bytes.subarray(0, length) };
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const macOf = (key: Uint8Array, covered: Uint8Array): string => createHmac('sha256', key).update(covered).digest('hex');

/**
 * Checks the chain of MACs: no line was changed, taken out, put in or moved. Before the first MAC there may be lines of an earlier version, which
 * it covers. The first line at fault, or undefined.
 */
export function brokenLine(lines: readonly Line[], key: Uint8Array): number | undefined {
  const first = lines.findIndex(({ mac }) => mac !== undefined);
  if (first === -1) return undefined;
  const broken = lines.findIndex(
    ({ mac, covered }, index) =>
      index >= first &&
      (mac === undefined || !equalInConstantTime(Buffer.from(mac, 'hex'), Buffer.from(macOf(key, covered), 'hex'))),
  );
  return broken === -1 ? undefined : broken + 2;
}

/** Appends lines; each is on disk when its write resolves. */
export class VaultWriter {
  readonly #file: FileHandle;
  readonly #key: Uint8Array;
  readonly #generation: number;
  #written: ReturnType<typeof createHash>;
  #end: number;
  #records: number;
  #mac: string;
  #last: Promise<void> = Promise.resolve();

  private constructor(
    file: FileHandle,
    key: Uint8Array,
    generation: number,
    contents: Uint8Array,
    lines: readonly Line[],
  ) {
    this.#file = file;
    this.#key = key;
    this.#generation = generation;
    this.#written = createHash('sha256').update(contents);
    this.#end = contents.length;
    this.#records = lines.length;
    this.#mac = lines.at(-1)?.mac ?? '';
  }

  /** Begins a file, or goes on with one. */
  static async open(
    path: string,
    key: Uint8Array,
    given: { readonly header: VaultHeader; readonly lines?: readonly Line[]; readonly bytes?: Uint8Array },
  ): Promise<VaultWriter> {
    const { header: head, lines = [], bytes } = given;
    const generation = head.generation ?? 0;
    if (bytes) {
      const file = await open(path, 'r+', 0o600);
      await file.truncate(bytes.length);
      return new VaultWriter(file, key, generation, bytes, lines);
    }
    const first = encode(head);
    const file = await open(path, 'w', 0o600);
    await file.write(first, 0, first.length, 0);
    await file.datasync();
    await syncFolder(path);
    return new VaultWriter(file, key, generation, first, []);
  }

  /** Writes a file anew without what was destroyed, beside the old one, and puts it in its place. */
  static async compact(
    path: string,
    key: Uint8Array,
    head: VaultHeader,
    records: readonly VaultRecord[],
  ): Promise<VaultWriter> {
    const fresh = await VaultWriter.open(`${path}.new`, key, { header: head });
    for (const each of records) await fresh.append(each);
    await rename(`${path}.new`, path);
    await syncFolder(path);
    return fresh;
  }

  get head(): VaultHead {
    return { generation: this.#generation, records: this.#records, mac: this.#mac };
  }

  append(line: VaultRecord): Promise<void> {
    const written = this.#last.then(async () => {
      const mac = macOf(this.#key, Buffer.concat([this.#written.copy().digest(), encode(line)]));
      const bytes = encode({ ...line, mac });
      await this.#file.write(bytes, 0, bytes.length, this.#end);
      await this.#file.datasync();
      this.#end += bytes.length;
      this.#written.update(bytes);
      this.#records += 1;
      this.#mac = mac;
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

/** A new name in a folder is durable when the folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Whether a vault's file goes on from where it was last seen. `seen` is what `head` said then and somebody else kept.
 * An older file has fewer records, or others.
 */
export const goesOnFrom = (seen: VaultHead, now: VaultHead, macAt: (record: number) => string | undefined): boolean =>
  now.generation > seen.generation ||
  (now.generation === seen.generation && now.records >= seen.records && (macAt(seen.records) ?? '') === seen.mac);
