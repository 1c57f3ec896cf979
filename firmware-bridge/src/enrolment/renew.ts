import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type ErrorCode, isErrorCode } from '@tsunagu/protocols/errors';
import {
  devicePaths,
  type JobId,
  parseJson,
  type RenewalAnswer,
  renewalAnswer,
  type RenewalRequest,
  type RenewedCertificate,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { z } from 'zod';
import { exchange, type HttpsFault, type Pauses, pauseAfter, type SecureNetwork } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import type { Claim } from './claim.ts';
import { checkCertificate, type Identity, identityRecord, ownKey, pkcs8 } from './identity.ts';
import { p256KeyPair } from './key-pair.ts';
import { refusalOf } from './refusal.ts';

/** The key of the next certificate: on the medium before anybody is asked to certify it. */
const nextKeyRecord = sealedRecord('identity-next', z.object({}));

export interface RenewalOptions {
  readonly world: World;
  readonly store: SealedStore;
  readonly claim: Pick<Claim, 'tenant' | 'serial' | 'rootCertificate' | 'endpoints'>;
  readonly network: SecureNetwork;
  readonly identity: Identity;
  /** The roots that are trusted now, PEM; those of the claim where they never change. */
  readonly anchors?: () => string;
  readonly signal: AbortSignal;
  /** The next certificate is on the medium: every connection from now on shows it. */
  readonly renewed: (identity: Identity) => void;
  readonly pauses?: Pauses;
}

type RenewalFault =
  | HttpsFault
  | 'STORE_READ_FAILED'
  | 'STORE_RECORD_DAMAGED'
  | 'STORE_WRITE_FAILED'
  | 'ENROLMENT_REFUSED'
  | 'ENROLMENT_ANSWER_INVALID';

const timeoutMs = 15_000;
const answerLengthMax = 65_536;
/** A clock may be set while one waits: it is looked at that often. */
const lookMs = 6 * 3_600_000;
const slowPauses = { firstMs: 1_000, maxMs: 3_600_000 };

/**
 * When a certificate is renewed: two thirds of the way to its end, each terminal at a moment of its own in the twentieth of its life
 * before that, so that a fleet that was enrolled in one day does not come in one minute.
 */
export function renewalDue(certificate: string, serial: string): number {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const share = createHash('sha256').update(serial).digest().readUInt16BE(0) / 0x1_0000;
  return from + (to - from) * (2 / 3 - share / 20);
}

/** The renewals of a terminal, one at a time. */
export interface Renewals {
  /**
   * Renews now, for an order: only then does the server give one before half of the old one's life is over. The same order again finds what it
   * brought. A refusal has the server's own code.
   */
  now(order: { readonly job: JobId; readonly attempt: number }): Promise<Result<RenewedCertificate, ErrorCode>>;
  /** Resolves when nothing is under way any more; after `signal`. */
  readonly ended: Promise<void>;
}

/** Renews the terminal's certificate whenever it is due, until `signal` is aborted. What fails is tried again, with pauses that grow. */
export function keepRenewed(options: RenewalOptions): Renewals {
  const { world, claim, signal, pauses = slowPauses } = options;
  let { identity } = options;
  let failures = 0;
  let last: Promise<unknown> = Promise.resolve();
  const isDue = (): boolean => renewalDue(identity.certificateChain, claim.serial) <= world.clock.now();
  const sleep = (ms: number): Promise<void> => world.timers.sleep(Math.max(1, ms), signal).catch(() => undefined);

  async function renew(order?: string): Promise<Result<Identity, RenewalFault>> {
    // An order may have brought it meanwhile.
    if (order === undefined ? !isDue() : identity.renewedBy === order) return ok(identity);
    const renewed = await renewOnce(options, identity, order);
    if (!renewed.ok || signal.aborted) return renewed;
    identity = renewed.value;
    options.renewed(identity);
    world.log('info', 'certificateRenewed', { notAfter: new X509Certificate(identity.certificateChain).validTo });
    return renewed;
  }
  const next = (order?: string): Promise<Result<Identity, RenewalFault>> => {
    const renewing = last.then(() => renew(order));
    last = renewing.catch(() => undefined);
    return renewing;
  };

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      const leftMs = renewalDue(identity.certificateChain, claim.serial) - world.clock.now();
      if (leftMs > 0) {
        await sleep(Math.min(leftMs, lookMs));
        continue;
      }
      const renewed = await next();
      if (signal.aborted) return;
      if (renewed.ok) {
        failures = 0;
        continue;
      }
      failures += 1;
      const pauseMs = pauseAfter(failures, pauses, world);
      world.log('warn', 'renewalFailed', { fault: renewed.fault, failures, pauseMs });
      await sleep(pauseMs);
    }
  }
  return {
    async now({ job, attempt }) {
      const renewed = await next(`${job}/${attempt}`);
      if (!renewed.ok) {
        world.log('warn', 'renewalFailed', { fault: renewed.fault, job });
        const said = renewed.fault.facts?.['code'];
        return typeof said === 'string' && isErrorCode(said) ? fail(said) : renewed;
      }
      const { fingerprint256, validTo } = new X509Certificate(renewed.value.certificateChain);
      return ok({
        fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
        notAfter: new Date(validTo).toISOString(),
      });
    },
    ended: keep().then(async () => void (await last)),
  };
}

/**
 * Order of writes: the next key, then (certified) the identity as a whole, then the next key is forgotten. Whenever power or line
 * fails, the terminal has the old identity and asks again with the same key, or the new one.
 */
async function renewOnce(
  options: RenewalOptions,
  identity: Identity,
  order?: string,
): Promise<Result<Identity, RenewalFault>> {
  const { world, claim, network } = options;
  const begun = await beginRenewal(options, identity);
  if (!begun.ok) return begun;
  const answer = await exchange(network, claim.endpoints.host, world.timers, {
    method: 'POST',
    path: devicePaths.certificates,
    body: JSON.stringify(begun.value.request),
    lengthMax: answerLengthMax,
    timeoutMs,
  });
  if (!answer.ok) return answer;
  if (answer.value.status !== 200) return refusalOf(answer.value);
  const granted = parseJson(renewalAnswer, answer.value.body);
  if (!granted.ok) return fail('ENROLMENT_ANSWER_INVALID', { field: 'body' });
  return await finishRenewal(options, identity, begun.value.privateKey, granted.value, order);
}

type RenewalParts = Pick<RenewalOptions, 'store' | 'world' | 'claim' | 'anchors'>;

/** The next key, on the medium before anybody is asked to certify it, and what is asked. */
export async function beginRenewal(
  { store, world, claim }: RenewalParts,
  identity: Identity,
): Promise<
  Result<
    { readonly privateKey: KeyObject; readonly request: RenewalRequest },
    'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'
  >
> {
  const kept = await store.read(nextKeyRecord);
  if (!kept.ok) return kept;
  let privateKey = kept.value?.secret && ownKey(kept.value.secret);
  // A key that is in use already was left over by a power loss.
  if (!privateKey || privateKey.equals(identity.privateKey)) {
    ({ privateKey } = p256KeyPair(world));
    const secret = pkcs8(privateKey);
    const written = await store.write(nextKeyRecord, {}, secret);
    secret.wipe();
    if (!written.ok) return written;
  }
  return ok({
    privateKey,
    request: { csr: Buffer.from(buildCertificateRequest(claim.serial, privateKey)).toString('base64') },
  });
}

/** Checks the answer and puts it on the medium: from then on the terminal is who it says. */
export async function finishRenewal(
  { store, world, claim, anchors }: RenewalParts,
  identity: Identity,
  privateKey: KeyObject,
  { certificateChain }: RenewalAnswer,
  renewedBy?: string,
): Promise<Result<Identity, 'ENROLMENT_ANSWER_INVALID' | 'STORE_WRITE_FAILED'>> {
  const rootCertificate = anchors?.() ?? claim.rootCertificate;
  const { tenant, serial } = claim;
  const checked = checkCertificate(certificateChain, privateKey, { tenant, serial, rootCertificate });
  if (!checked.ok) return checked;
  const { jobKey, negativeRoot } = identity;
  const secret = pkcs8(privateKey);
  const stored = await store.write(
    identityRecord,
    { step: 'enrolled', certificateChain, jobKey, negativeRoot, renewedBy },
    secret,
  );
  secret.wipe();
  if (!stored.ok) return stored;
  const forgotten = await store.remove(nextKeyRecord);
  if (!forgotten.ok) world.log('warn', 'nextKeyNotForgotten', { fault: forgotten.fault });
  return ok({ certificateChain, privateKey, jobKey, negativeRoot, renewedBy });
}
