import type { KeyObject } from 'node:crypto';
import {
  agreeKeyBlockProtectionKey,
  claimProof,
  devicePaths,
  type EnrolmentAnswer,
  type EnrolmentRequest,
  enrolmentAnswer,
  parseJson,
} from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { exchange, type HttpsFault, type Network, type Pauses, pauseAfter, secureNetwork } from '../link/index.ts';
import type { SealedStore } from '../sealed-store/index.ts';
import type { Claim } from './claim.ts';
import {
  checkCertificate,
  type Identity,
  identityRecord,
  keyBlockProtectionKeyRecord,
  ownKey,
  pkcs8,
} from './identity.ts';
import { p256KeyPair } from './key-pair.ts';
import { type ManufacturerIdentity, manufacturerProof } from './manufacturer.ts';
import { refusalOf } from './refusal.ts';

export interface EnrolmentOptions {
  readonly world: World;
  readonly store: SealedStore;
  readonly claim: Claim;
  readonly network: Network;
  /** Makes connections of it that nobody else reads. */
  readonly secure?: typeof secureNetwork;
  readonly signal: AbortSignal;
  /** What the maker gave the terminal to prove who it is; without it the claim secret does. */
  readonly manufacturer?: ManufacturerIdentity | undefined;
  readonly pauses?: Pauses;
  /** Told when the server says no; it is asked again. */
  readonly refused?: ((fault: Fault) => void) | undefined;
}

type StoreFault = 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED';

const timeoutMs = 15_000;
const answerLengthMax = 65_536;

/**
 * The terminal's identity: out of its store, or by enrolling until it succeeds or `signal` is aborted.
 * Order of writes: the private key before the request leaves, the key-block protection key before the certificate. So
 * whenever power fails the terminal is unkeyed, keyed (asks again with the same key) or enrolled with its protection key.
 */
export async function identify(options: EnrolmentOptions): Promise<Result<Identity, StoreFault | 'LINK_DOWN'>> {
  const { store, world, signal, pauses = { firstMs: 500, maxMs: 60_000 } } = options;
  const stored = await store.read(identityRecord);
  if (!stored.ok) return stored;
  if (stored.value?.secret && stored.value.facts.step === 'enrolled') {
    const { certificateChain, jobKey, negativeRoot, renewedBy } = stored.value.facts;
    if (negativeRoot !== undefined)
      return ok({ certificateChain, jobKey, negativeRoot, renewedBy, privateKey: ownKey(stored.value.secret) });
  }
  const privateKey = stored.value?.secret ? ok(ownKey(stored.value.secret)) : await makeKey(store, world);
  if (!privateKey.ok) return privateKey;

  for (let failures = 0; !signal.aborted; ) {
    const identity = await enrolOnce(options, privateKey.value);
    if (identity.ok) return identity;
    if (identity.fault.code === 'STORE_WRITE_FAILED') return fail('STORE_WRITE_FAILED', { cause: identity.fault });
    failures += 1;
    const pauseMs = pauseAfter(failures, pauses, world);
    world.log('warn', 'enrolmentFailed', { fault: identity.fault, failures, pauseMs });
    if (isFinal(identity.fault)) options.refused?.(identity.fault);
    await world.timers.sleep(pauseMs, signal).catch(() => undefined);
  }
  return fail('LINK_DOWN');
}

/** The claim, the serial or the state of the terminal is not what the server takes (4xx), and not "later" (429). */
function isFinal({ code, facts }: Fault): boolean {
  const status = Number(facts?.['status'] ?? 0);
  return code === 'ENROLMENT_ANSWER_INVALID' || (code === 'ENROLMENT_REFUSED' && status < 500 && status !== 429);
}

async function makeKey(
  store: SealedStore,
  world: Pick<World, 'entropy'>,
): Promise<Result<KeyObject, 'STORE_WRITE_FAILED'>> {
  const { privateKey } = p256KeyPair(world);
  const secret = pkcs8(privateKey);
  const written = await store.write(identityRecord, { step: 'keyed' }, secret);
  secret.wipe();
  return written.ok ? ok(privateKey) : written;
}

async function enrolOnce(
  { world, store, claim, network, manufacturer, secure = secureNetwork }: EnrolmentOptions,
  privateKey: KeyObject,
): Promise<Result<Identity, HttpsFault | 'ENROLMENT_REFUSED' | 'ENROLMENT_ANSWER_INVALID' | 'STORE_WRITE_FAILED'>> {
  // An agreement key serves one request: an answer that was lost leaves nothing behind that could be used.
  const agreement = p256KeyPair(world);
  const request = enrolmentRequestOf(claim, privateKey, agreement.publicKey, manufacturer);
  const { host } = claim.endpoints;
  const trust = { host, rootCertificate: claim.rootCertificate };
  const answer = await exchange(secure(network, world.timers, trust), host, world.timers, {
    method: 'POST',
    path: devicePaths.enrolments,
    body: JSON.stringify(request),
    lengthMax: answerLengthMax,
    timeoutMs,
  });
  if (!answer.ok) return answer;
  if (answer.value.status !== 200 && answer.value.status !== 201) return refusalOf(answer.value);
  const granted = parseJson(enrolmentAnswer, answer.value.body);
  if (!granted.ok) return fail('ENROLMENT_ANSWER_INVALID', { cause: granted.fault });
  const checked = checkCertificate(granted.value.certificateChain, privateKey, claim);
  if (!checked.ok) return checked;
  const protectionKey = agree(agreement.privateKey, granted.value, request);
  if (!protectionKey) return fail('ENROLMENT_ANSWER_INVALID', { field: 'agreementKey' });
  return keep(store, privateKey, protectionKey, granted.value);
}

function enrolmentRequestOf(
  claim: Claim,
  privateKey: KeyObject,
  agreementKey: KeyObject,
  manufacturer: ManufacturerIdentity | undefined,
): EnrolmentRequest {
  const claimed = {
    serial: claim.serial,
    csr: Buffer.from(buildCertificateRequest(claim.serial, privateKey)).toString('base64'),
    agreementKey: agreementKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
  const { tenant, model } = claim;
  if (manufacturer)
    return { tenant, model, ...claimed, manufacturer: manufacturerProof(manufacturer, { tenant, ...claimed }) };
  const proof = Buffer.from(claimProof(claim.secret, claimed)).toString('base64');
  return { tenant, model, ...claimed, proof };
}

function agree(own: KeyObject, answer: EnrolmentAnswer, request: EnrolmentRequest): Secret<'key'> | undefined {
  try {
    return agreeKeyBlockProtectionKey(
      own,
      answer.agreementKey,
      request.agreementKey,
      answer.agreementKey,
      request.serial,
    );
  } catch {
    return undefined; // The server's key is no P-256 key.
  }
}

async function keep(
  store: SealedStore,
  privateKey: KeyObject,
  protectionKey: Secret<'key'>,
  { certificateChain, jobKey, negativeRoot }: EnrolmentAnswer,
): Promise<Result<Identity, 'STORE_WRITE_FAILED'>> {
  const first = await store.write(keyBlockProtectionKeyRecord, {}, protectionKey);
  protectionKey.wipe();
  if (!first.ok) return first;
  const secret = pkcs8(privateKey);
  const second = await store.write(
    identityRecord,
    { step: 'enrolled', certificateChain, jobKey, negativeRoot },
    secret,
  );
  secret.wipe();
  return second.ok ? ok({ certificateChain, privateKey, jobKey, negativeRoot }) : second;
}
