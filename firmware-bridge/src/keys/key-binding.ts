import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import {
  bindingText,
  type JobId,
  type KeyBind,
  type KeyBinding,
  type KeyReceive,
  type ProtectionEvidence,
} from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { fail, hex, ok, type Result, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  acceptCredentialToken,
  acceptKeyToken,
  type Certificate,
  type CredentialError,
  type KeyTokenError,
  parseCertificate,
  type Tr34Trust,
  writeRandomToken,
} from '@tsunagu/protocols/tr34';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { keyBlockProtectionKeyRecord } from '../enrolment/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/**
 * What a terminal is bound to: the authorities and the host of TR-34, all named by a signed order, and its own RSA key, which is the secret.
 * Two-pass: `nonce` is good for one key token, that of the job in `usedBy`. One-pass: `accepted` is the last token's signing time; the job that
 * brought it may come again after a power loss and is measured by the time before it. `release`: the random number over which the binding may be
 * ended, and the job that it was good for.
 */
export const keyBindingRecord = sealedRecord(
  'key-binding',
  z.object({
    root: z.string(),
    kdhCa: z.string(),
    krdCa: z.string(),
    host: z.string(),
    nonce: z.string().optional(),
    usedBy: z.string().optional(),
    release: z.object({ nonce: z.string(), usedBy: z.string().optional() }).optional(),
    accepted: z.object({ job: z.string(), signingTime: z.string(), before: z.string().optional() }).optional(),
  }),
);

export type StoreFault = 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED';
export type BindFault = StoreFault | CredentialError | 'TR34_BOUND_ELSEWHERE';
export type ReceiveFault = StoreFault | KeyTokenError | 'TR34_BINDING_MISSING' | 'KEY_NOT_AS_ANNOUNCED';

export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
export const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const makePair = promisify(generateKeyPair);

/** The RSA key of this terminal, or a new one. It is not on the medium yet. RSA primes come from OpenSSL's generator, not from the world's entropy. */
export async function rsaKeyFor(store: SealedStore): Promise<Result<KeyObject, StoreFault>> {
  const held = await store.read(keyBindingRecord);
  if (!held.ok) return held;
  if (!held.value?.secret) return ok((await makePair('rsa', { modulusLength: 2048 })).privateKey);
  return ok(keyOf(held.value.secret));
}

/** Takes a key out of a secret that was read, and wipes it. */
export function keyOf(secret: Secret<'key'>): KeyObject {
  const key = secret.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
  secret.wipe();
  return key;
}

export function certificatesIn(texts: readonly string[]): Result<readonly Certificate[], 'TR34_CERTIFICATE_INVALID'> {
  const read = texts.map((text) => parseCertificate(bytesOf(text)));
  return read.every((each) => each.ok)
    ? ok(read.map(unwrap))
    : fail('TR34_CERTIFICATE_INVALID', { field: 'certificate' });
}

export function trustOf(
  named: Pick<KeyBind, 'root' | 'kdhCa' | 'krdCa'>,
): Result<Tr34Trust, 'TR34_CERTIFICATE_INVALID'> {
  const read = certificatesIn([named.root, named.kdhCa, named.krdCa]);
  if (!read.ok) return read;
  const [root, kdhCa, krdCa] = read.value;
  return root && kdhCa && krdCa ? ok({ root, kdhCa, krdCa }) : fail('TR34_CERTIFICATE_INVALID');
}

/**
 * Binds: checks the host's credential, keeps it with the key, and answers with the key and a fresh random number. Done again it keeps the key and
 * draws another number. A terminal that is bound follows its own host alone. TR 34-2019, 6.1.
 */
export async function bind(
  { store, world, serial, identityKey }: BindParts,
  key: KeyObject,
  wanted: KeyBind,
  job: string,
): Promise<Result<KeyBinding, BindFault>> {
  const trust = trustOf(wanted);
  if (!trust.ok) return trust;
  const host = acceptCredentialToken(trust.value, 'kdh', bytesOf(wanted.host), world.clock.now());
  if (!host.ok) return host;
  const held = await store.read(keyBindingRecord);
  if (!held.ok) return held;
  held.value?.secret?.wipe();
  const isBoundElsewhere = held.value !== undefined && held.value.facts.host !== base64Of(host.value.encoded);
  if (isBoundElsewhere) return fail('TR34_BOUND_ELSEWHERE');
  const nonce = wanted.passes === 2 ? world.entropy(16) : undefined;
  const accepted = held.value?.facts.accepted;
  const secret = Secret.take('key', new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })));
  const { root, kdhCa, krdCa } = wanted;
  const facts = {
    root,
    kdhCa,
    krdCa,
    host: base64Of(host.value.encoded),
    ...(nonce && { nonce: toHex(nonce) }),
    ...(accepted && { accepted }),
  };
  const written = await store.write(keyBindingRecord, facts, secret);
  secret.wipe();
  if (!written.ok) return written;
  return ok(signedBinding({ serial, job, identityKey }, publicPart(key), nonce));
}

/** What a terminal answers to its host, signed. */
export function signedBinding(
  { serial, job, identityKey }: Pick<BindParts, 'serial' | 'identityKey'> & { readonly job: string },
  publicKey: string,
  nonce: Uint8Array | undefined,
): KeyBinding {
  const answer = { publicKey, ...(nonce && { random: base64Of(unwrap(writeRandomToken(nonce))) }) };
  const signature = sign('sha256', bindingText(serial, job, answer), identityKey());
  return { ...answer, signature: signature.toString('base64') };
}

export const publicPart = (key: KeyObject): string =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');

/** What binding needs. */
export interface BindParts {
  readonly store: SealedStore;
  readonly world: Pick<World, 'clock' | 'entropy'>;
  readonly serial: string;
  /** Signs what is answered. */
  readonly identityKey: () => KeyObject;
}

/**
 * Takes a key-block protection key out of its token. The random number is used up before it is looked at; whenever power fails, the same job finds
 * what it left and ends as it would have. TR 34-2019, 6.2 and 6.3.
 */
export async function receive(
  { store, world }: Pick<BindParts, 'store' | 'world'>,
  wanted: KeyReceive,
  job: JobId,
): Promise<Result<ProtectionEvidence, ReceiveFault>> {
  const present = await store.read(keyBlockProtectionKeyRecord);
  if (!present.ok) return present;
  present.value?.secret?.wipe();
  const held = present.value?.facts;
  if (held?.job === job && held.kcv !== undefined) return ok({ kcv: held.kcv, by: job });
  const bound = await store.read(keyBindingRecord);
  if (!bound.ok) return bound;
  if (!bound.value?.secret) return fail('TR34_BINDING_MISSING');
  const { facts, secret } = bound.value;
  try {
    const { nonce, usedBy, accepted } = facts;
    if (nonce !== undefined && usedBy !== undefined && usedBy !== job) return fail('TR34_NONCE_MISMATCH');
    if (nonce !== undefined && usedBy === undefined) {
      const used = await store.write(keyBindingRecord, { ...facts, usedBy: job }, secret);
      if (!used.ok) return used;
    }
    const last = accepted?.job === job ? accepted.before : accepted?.signingTime;
    const taken = takeKey(facts, secret, wanted, last, world.clock.now());
    if (!taken.ok) return taken;
    const { key, signingTime } = taken.value;
    if (nonce === undefined && signingTime !== undefined) {
      // Before the key is used, so that an older token never counts again.
      const kept = { job, signingTime, ...(last !== undefined && { before: last }) };
      const marked = await store.write(keyBindingRecord, { ...facts, accepted: kept }, secret);
      if (!marked.ok) return marked;
    }
    const written = await store.write(keyBlockProtectionKeyRecord, { job, kcv: wanted.kcv }, key);
    key.wipe();
    return written.ok ? ok({ kcv: wanted.kcv, by: job }) : written;
  } finally {
    secret.wipe();
  }
}

function takeKey(
  facts: z.output<(typeof keyBindingRecord)['facts']>,
  secret: Secret<'key'>,
  wanted: KeyReceive,
  lastSigningTime: string | undefined,
  now: number,
): Result<
  { readonly key: Secret<'key'>; readonly signingTime: string | undefined },
  KeyTokenError | 'KEY_NOT_AS_ANNOUNCED'
> {
  const trust = trustOf(facts);
  if (!trust.ok) return trust;
  const named = certificatesIn([facts.host, wanted.device]);
  if (!named.ok) return named;
  const [kdh, krd] = named.value;
  if (!kdh || !krd) return fail('TR34_CERTIFICATE_INVALID');
  const privateKey = secret.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
  const received = acceptKeyToken(
    { trust: trust.value, kdh, krd, privateKey },
    bytesOf(wanted.token),
    facts.nonce === undefined
      ? { passes: 1, ...(lastSigningTime !== undefined && { lastAcceptedSigningTime: lastSigningTime }) }
      : { passes: 2, nonce: hex(facts.nonce) },
    now,
  );
  if (!received.ok) return received;
  const { key, header, signingTime } = received.value;
  const kcv = checkValue('AES', 'cmac', key);
  const isAsSaid = header.keyUsage === 'K1' && key.length === 32 && kcv.ok && toHex(kcv.value) === wanted.kcv;
  if (isAsSaid) return ok({ key, signingTime });
  key.wipe();
  return fail('KEY_NOT_AS_ANNOUNCED', { field: 'kcv' });
}
