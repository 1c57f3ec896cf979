import { createHash, type KeyObject, sign } from 'node:crypto';
import {
  type HeldKey,
  type JobId,
  type KeyBinding,
  type KeyRelease,
  type ReleaseProof,
  releaseStatement,
} from '@tsunagu/protocols/fleet';
import { fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { acceptRebindToken, acceptUnbindToken, type BindingTokenError } from '@tsunagu/protocols/tr34';
import { z } from 'zod';
import { keyBlockProtectionKeyRecord } from '../enrolment/index.ts';
import { sealedRecord } from '../sealed-store/index.ts';
import {
  type BindParts,
  base64Of,
  bytesOf,
  certificatesIn,
  keyBindingRecord,
  keyOf,
  publicPart,
  signedBinding,
  type StoreFault,
  trustOf,
} from './key-binding.ts';

/**
 * A release that was granted. It is on the medium before anything goes: whenever power fails after that, the same job goes on to its end and swears
 * to the same.
 */
export const keyReleaseRecord = sealedRecord(
  'key-release',
  releaseStatement
    .pick({ job: true, host: true, next: true, protectionKey: true, gone: true })
    .extend({ nextHost: z.string().optional() }),
);

export type DrawFault = StoreFault | 'TR34_BINDING_MISSING';
export type ReleaseFault = DrawFault | BindingTokenError | 'SALES_UNDELIVERED' | 'WIPE_INCOMPLETE';

/** Draws the random number over which the host ends or moves the binding. Done again it draws another one. TR 34-2019, 6.4. */
export async function drawForRelease(
  { store, world, serial, identityKey }: BindParts,
  job: string,
): Promise<Result<KeyBinding, DrawFault>> {
  const bound = await store.read(keyBindingRecord);
  if (!bound.ok) return bound;
  if (!bound.value?.secret) return fail('TR34_BINDING_MISSING');
  const { facts, secret } = bound.value;
  const nonce = world.entropy(16);
  const written = await store.write(keyBindingRecord, { ...facts, release: { nonce: toHex(nonce) } }, secret);
  const publicKey = publicPart(keyOf(secret));
  return written.ok ? ok(signedBinding({ serial, job, identityKey }, publicKey, nonce)) : written;
}

/** What a release acts upon. */
export interface ReleaseParts extends BindParts {
  /** Sales, reversals and advices that could not be sent any more. */
  readonly undelivered: () => Promise<number>;
  readonly slots: () => readonly HeldKey[];
  /** Removes every key, the binding too. */
  readonly destroy: () => Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/** Follows the word of the host that the terminal is bound to: it is bound to nobody and every key is gone, or it is bound to another host. */
export async function release(
  parts: ReleaseParts,
  wanted: KeyRelease,
  job: JobId,
): Promise<Result<ReleaseProof, ReleaseFault>> {
  const { store } = parts;
  const begun = await store.read(keyReleaseRecord);
  if (!begun.ok) return begun;
  if (begun.value?.facts.job !== job) {
    const granted = await grant(parts, wanted, job);
    if (!granted.ok) return granted;
  }
  return await carryOut(parts, job);
}

/** Checks the host's word, and writes down what follows from it. The random number is good for this one job. */
async function grant(
  { store, world, undelivered, slots }: ReleaseParts,
  wanted: KeyRelease,
  job: JobId,
): Promise<Result<void, ReleaseFault>> {
  const owed = wanted.to === 'nobody' ? await undelivered() : 0;
  if (owed > 0) return fail('SALES_UNDELIVERED', { facts: { count: owed } });
  const bound = await store.read(keyBindingRecord);
  if (!bound.ok) return bound;
  if (!bound.value?.secret) return fail('TR34_BINDING_MISSING');
  const { facts, secret } = bound.value;
  const drawn = facts.release;
  let own: string;
  try {
    if (drawn === undefined || (drawn.usedBy !== undefined && drawn.usedBy !== job)) return fail('TR34_NONCE_MISMATCH');
    const used = await store.write(keyBindingRecord, { ...facts, release: { ...drawn, usedBy: job } }, secret);
    if (!used.ok) return used;
    own = publicPart(keyOf(secret));
  } finally {
    secret.wipe();
  }
  const trust = trustOf(facts);
  if (!trust.ok) return trust;
  const named = certificatesIn([facts.host, wanted.device]);
  if (!named.ok) return named;
  const [kdh, krd] = named.value;
  const isOurs = krd && base64Of(new Uint8Array(krd.publicKey.export({ format: 'der', type: 'spki' }))) === own;
  if (!kdh || !isOurs) return fail('TR34_CERTIFICATE_INVALID', { field: 'device' });
  const binding = { trust: trust.value, kdh, krd };
  const [token, now] = [bytesOf(wanted.token), world.clock.now()];
  const authority = { by: 'kdh', nonce: hex(drawn.nonce) } as const;
  let nextHost: string | undefined;
  if (wanted.to === 'nobody') {
    const unbound = acceptUnbindToken(binding, token, authority, now);
    if (!unbound.ok) return unbound;
  } else {
    const rebound = acceptRebindToken(binding, token, authority, now);
    if (!rebound.ok) return rebound;
    nextHost = base64Of(rebound.value.encoded);
  }
  const protection = await store.read(keyBlockProtectionKeyRecord);
  if (!protection.ok) return protection;
  protection.value?.secret?.wipe();
  return await store.write(keyReleaseRecord, {
    job,
    host: digestOf(facts.host),
    next: nextHost === undefined ? null : digestOf(nextHost),
    protectionKey: protection.value?.facts.kcv ?? null,
    gone: nextHost === undefined ? slots().map(({ slot, kcv }) => ({ slot, kcv })) : [],
    ...(nextHost !== undefined && { nextHost }),
  });
}

/** Does what was granted; done again it finds nothing to do. Then it reads back what is left, and swears to it. */
async function carryOut(parts: ReleaseParts, job: JobId): Promise<Result<ReleaseProof, ReleaseFault>> {
  const { store, world, serial, identityKey, slots, destroy } = parts;
  const granted = await store.read(keyReleaseRecord);
  if (!granted.ok) return granted;
  if (granted.value?.facts.job !== job) return fail('TR34_BINDING_MISSING');
  const { nextHost, ...facts } = granted.value.facts;
  if (nextHost === undefined) {
    const destroyed = await destroy();
    if (!destroyed.ok) return destroyed;
    const [protection, binding] = [await store.read(keyBlockProtectionKeyRecord), await store.read(keyBindingRecord)];
    if (!protection.ok) return protection;
    if (!binding.ok) return binding;
    if (protection.value || binding.value) return fail('WIPE_INCOMPLETE');
  } else {
    const bound = await store.read(keyBindingRecord);
    if (!bound.ok) return bound;
    if (!bound.value?.secret) return fail('TR34_BINDING_MISSING');
    const { root, kdhCa, krdCa, accepted } = bound.value.facts;
    const rebound = { root, kdhCa, krdCa, host: nextHost, ...(accepted && { accepted }) };
    const written = await store.write(keyBindingRecord, rebound, bound.value.secret);
    bound.value.secret.wipe();
    if (!written.ok) return written;
  }
  const at = new Date(world.clock.now()).toISOString();
  const statement = JSON.stringify({ serial, at, ...facts, left: slots().length });
  return ok({ statement, signature: signatureOf(statement, identityKey()) });
}

const signatureOf = (text: string, key: KeyObject): string =>
  sign('sha256', Buffer.from(text, 'utf8'), key).toString('base64');
const digestOf = (certificate: string): string => createHash('sha256').update(bytesOf(certificate)).digest('hex');
