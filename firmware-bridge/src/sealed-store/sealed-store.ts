import { createCipheriv, createDecipheriv } from 'node:crypto';
import { parseJson, setAsideCode, type SetAsideRecord } from '@tsunagu/protocols/fleet';
import { asBuffer, concat, fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { type Files, replaceFile } from './files.ts';

/** What a terminal keeps under one name: facts of a declared shape, and at most one secret beside them. */
export interface SealedRecord<S extends z.ZodType> {
  /** a-z, 0-9 and "-". */
  readonly name: string;
  readonly facts: S;
}

/** Declares a record: its name, which is also its file's, and the shape of its facts. */
export const sealedRecord = <S extends z.ZodType>(name: string, facts: S): SealedRecord<S> => ({ name, facts });

/** A record that was read. Every read hands out a fresh `secret`, which the reader owns and wipes. */
export interface Unsealed<S extends z.ZodType> {
  readonly facts: z.output<S>;
  readonly secret: Secret<'key'> | undefined;
}

/**
 * Where a terminal keeps what must outlast a power failure and must not be read outside of it. A write has happened as a
 * whole or not at all, and is on the medium when its promise resolves; writes of one store happen in the order of the calls.
 */
export interface SealedStore {
  /**
   * Reads a record. A damaged one that the terminal can do without (`setAsideCode`) is put under another name, where a person finds it, and
   * is from then on as good as not there; of the others STORE_RECORD_DAMAGED is said.
   */
  read<S extends z.ZodType>(
    record: SealedRecord<S>,
  ): Promise<Result<Unsealed<S> | undefined, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>>;
  write<S extends z.ZodType>(
    record: SealedRecord<S>,
    facts: z.input<S>,
    secret?: Secret<'key'>,
  ): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  remove(record: SealedRecord<z.ZodType>): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** Names of the records that are there, readable or not. */
  names(): Promise<Result<readonly string[], 'STORE_READ_FAILED'>>;
  /** Records that were set aside and still lie there, oldest first. */
  setAside(): Promise<Result<readonly SetAsideRecord[], 'STORE_READ_FAILED'>>;
}

/** Damaged records that are kept; with more, the oldest goes. */
const setAsideMax = 128;

/** The most that the facts of one record may be, in bytes of JSON. */
const factsLengthMax = 1_048_576;
const magic = Uint8Array.from(Buffer.from('TSS1', 'latin1'));
const nonceLength = 12;
const tagLength = 16;
const deviceKeyFile = 'device.key';

/**
 * Opens the sealed store of a folder: AES-256-GCM (NIST SP 800-38D) with a random nonce per write, the record's name as
 * additional data, so that no record can stand in for another. The device key is a file of its own here (mode 0600); on a
 * real terminal it is in the secure element, which also counts writes: bringing back an older file is not noticed here.
 */
export async function openSealedStore(
  files: Files,
  world: Pick<World, 'entropy' | 'clock'>,
): Promise<Result<SealedStore, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const key = await deviceKey(files, world);
  if (!key.ok) return key;
  return ok(sealedStore(files, key.value, world));
}

async function deviceKey(
  files: Files,
  world: Pick<World, 'entropy'>,
): Promise<Result<Secret<'key'>, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  try {
    const stored = await files.read(deviceKeyFile);
    if (stored?.length === 32) return ok(Secret.take('key', stored));
    // Without it no record can be opened any more.
    if (stored) return fail('STORE_RECORD_DAMAGED', { field: deviceKeyFile, facts: { length: stored.length } });
  } catch (cause) {
    return fail('STORE_READ_FAILED', { field: deviceKeyFile, cause });
  }
  try {
    const made = world.entropy(32);
    await replaceFile(files, deviceKeyFile, made);
    return ok(Secret.take('key', made));
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: deviceKeyFile, cause });
  }
}

function sealedStore(files: Files, key: Secret<'key'>, world: Pick<World, 'entropy' | 'clock'>): SealedStore {
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  const change = (name: string, work: () => Promise<void>): Promise<Result<void, 'STORE_WRITE_FAILED'>> =>
    inTurn(async () => {
      try {
        await work();
        return ok(undefined);
      } catch (cause) {
        return fail('STORE_WRITE_FAILED', { field: name, cause });
      }
    });
  /** One rename: whenever power fails, it is there under one of its names. */
  async function putAside(name: string): Promise<void> {
    const before = setAsideIn(await files.list());
    for (const one of before.slice(0, Math.max(0, before.length - setAsideMax + 1)))
      await files.remove(asideFileOf(one));
    await files.rename(fileOf(name), asideFileOf({ record: name, at: Math.round(world.clock.now()) }));
    await files.syncFolder();
  }
  const listed = <T>(work: (names: readonly string[]) => T): Promise<Result<T, 'STORE_READ_FAILED'>> =>
    inTurn(async () => {
      try {
        return ok(work(await files.list()));
      } catch (cause) {
        return fail('STORE_READ_FAILED', { cause });
      }
    });
  return {
    names: () =>
      listed((names) =>
        names.filter((name) => name.endsWith(sealedEnd)).map((name) => name.slice(0, -sealedEnd.length)),
      ),
    setAside: () => listed(setAsideIn),
    read: (record) =>
      inTurn(async () => {
        let sealed: Uint8Array | undefined;
        try {
          sealed = await files.read(fileOf(record.name));
        } catch (cause) {
          return fail('STORE_READ_FAILED', { field: record.name, cause });
        }
        const unsealed = sealed ? unseal(record, sealed, key) : ok(undefined);
        if (unsealed.ok || setAsideCode(record.name) === undefined) return unsealed;
        try {
          await putAside(record.name);
        } catch (cause) {
          // It is still damaged where it was: nothing may be written over it.
          return fail('STORE_RECORD_DAMAGED', { ...unsealed.fault, cause });
        }
        return ok(undefined);
      }),
    write: (record, facts, secret) => {
      const plain = plainOf(facts, secret);
      const sealed = seal(record.name, plain, key, world.entropy(nonceLength));
      plain.fill(0);
      return change(record.name, () => replaceFile(files, fileOf(record.name), sealed));
    },
    remove: (record) =>
      change(record.name, async () => {
        await files.remove(fileOf(record.name));
        await files.syncFolder();
      }),
  };
}

const sealedEnd = '.sealed';
const fileOf = (name: string): string => `${name}${sealedEnd}`;
const asideFileOf = ({ record, at }: Pick<SetAsideRecord, 'record' | 'at'>): string => `${record}.${at}.damaged`;

function setAsideIn(names: readonly string[]): readonly SetAsideRecord[] {
  return names
    .flatMap((name) => {
      const [, record = '', at = ''] = /^([a-z0-9-]{1,64})\.(\d{1,15})\.damaged$/.exec(name) ?? [];
      const code = setAsideCode(record);
      return code === undefined ? [] : [{ record, code, at: Number(at) }];
    })
    .toSorted((a, b) => a.at - b.at || (a.record < b.record ? -1 : 1));
}

/** Length of the facts (4 bytes, big-endian), the facts as JSON, the secret. */
function plainOf(facts: unknown, secret: Secret<'key'> | undefined): Uint8Array {
  const json = Buffer.from(JSON.stringify(facts), 'utf8');
  if (json.length > factsLengthMax) throw new Error(`a sealed record holds at most ${factsLengthMax} bytes of facts`);
  const plain = new Uint8Array(4 + json.length + (secret?.length ?? 0));
  asBuffer(plain).writeUInt32BE(json.length);
  plain.set(json, 4);
  secret?.use((bytes) => plain.set(bytes, 4 + json.length));
  return plain;
}

function seal(name: string, plain: Uint8Array, key: Secret<'key'>, nonce: Uint8Array): Uint8Array {
  return key.use((bytes) => {
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce, { authTagLength: tagLength });
    cipher.setAAD(additionalData(name));
    const sealed = concat(cipher.update(plain), cipher.final());
    return concat(magic, nonce, sealed, cipher.getAuthTag());
  });
}

function unseal<S extends z.ZodType>(
  record: SealedRecord<S>,
  sealed: Uint8Array,
  key: Secret<'key'>,
): Result<Unsealed<S>, 'STORE_RECORD_DAMAGED'> {
  const damaged = fail('STORE_RECORD_DAMAGED', { field: record.name, facts: { length: sealed.length } });
  const start = magic.length + nonceLength;
  if (sealed.length < start + 4 + tagLength || !asBuffer(sealed).subarray(0, magic.length).equals(magic))
    return damaged;
  let plain: Uint8Array;
  try {
    plain = key.use((bytes) => {
      const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(magic.length, start), {
        authTagLength: tagLength,
      });
      decipher.setAAD(additionalData(record.name));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
      return concat(decipher.update(sealed.subarray(start, sealed.length - tagLength)), decipher.final());
    });
  } catch {
    return damaged;
  }
  const end = 4 + asBuffer(plain).readUInt32BE(0);
  if (end > plain.length) return damaged;
  const facts = parseJson(record.facts, plain.subarray(4, end), factsLengthMax);
  const secret = end < plain.length ? Secret.copy('key', plain.subarray(end)) : undefined;
  plain.fill(0);
  return facts.ok ? ok({ facts: facts.value, secret }) : damaged;
}

const additionalData = (name: string): Buffer => Buffer.from(`tsunagu-sealed-v1\n${name}`, 'utf8');
