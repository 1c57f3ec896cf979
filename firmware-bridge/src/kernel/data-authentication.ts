import { command } from '@tsunagu/protocols/apdu';
import {
  type AuthenticatedRecord,
  type CalendarDay,
  type CertificateStep,
  hasBit,
  type KeyCertificate,
  type RsaPublicKey,
  recoverIccKey,
  recoverIssuerKey,
  staticDataToAuthenticate,
  verifyDda,
  verifySda,
} from '@tsunagu/protocols/emv';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parseDol, tagName } from '@tsunagu/protocols/tlv';
import { takeAnswer } from './answers.ts';
import { CardObjects } from './card-objects.ts';
import { type CardFacts, type Dialogue, note, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { type Bit, found, performed, type Results, tsiBits, tvrBits } from './results.ts';
import type { KernelTerminal, KernelTransaction } from './terminal.ts';
import { canCda, canDda, canSda } from './terminal-facts.ts';
import { fillList, type Knowledge } from './terminal-objects.ts';

/** Methods of offline data authentication. */
export type AuthenticationMethod = 'none' | 'SDA' | 'DDA' | 'CDA' | 'fDDA';

/** What came of it so far. */
export interface Authentication {
  readonly results: Results;
  readonly method: AuthenticationMethod;
  /** The card's key, while a combined signature (CDA) is still to come; undefined otherwise. */
  readonly cdaKey?: RsaPublicKey;
}

/** What the keys of a card are recovered from. */
export interface KeySources {
  readonly terminal: KernelTerminal;
  readonly transaction: KernelTransaction;
  readonly card: CardObjects;
  readonly facts: CardFacts;
  /** AID of the application: its first five bytes are the RID. */
  readonly aid: Uint8Array;
}

/** Why a key or signature was not good: an object that the card lacks, or a check that failed. */
export type AuthenticationFault =
  | { readonly type: 'missing'; readonly tag: number }
  | { readonly type: 'wrong'; readonly step: CertificateStep | 'CA key' | 'revoked' | 'DDOL' | 'static data' | 'key' };

type Recovered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: AuthenticationFault };

const good = <T>(value: T): Recovered<T> => ({ ok: true, value });
const missing = (tag: number) => ({ ok: false, why: { type: 'missing', tag } }) as const;
const wrong = (step: Extract<AuthenticationFault, { type: 'wrong' }>['step']) =>
  ({ ok: false, why: { type: 'wrong', step } }) as const;

/**
 * What static signatures cover; undefined when records or tag list (9F4A) are such that it cannot be put together, and then every
 * method fails. It holds account data: wipe it. EMV 4.3 Book 3, 10.3.
 */
export function staticDataOf(card: CardObjects, records: readonly AuthenticatedRecord[]): Uint8Array | undefined {
  const data = staticDataToAuthenticate(records, card.get(0x82) ?? new Uint8Array(2), card.get(0x9f4a));
  for (const { bytes } of records) bytes.fill(0);
  return data.ok ? data.value : undefined;
}

/** The terminal's choice: the best that both can do. EMV 4.3 Book 3, 10.3. */
export function authenticationMethod(interchangeProfile: Uint8Array, terminal: KernelTerminal): AuthenticationMethod {
  if (hasBit(interchangeProfile, 1, 1) && canCda(terminal)) return 'CDA';
  if (hasBit(interchangeProfile, 1, 6) && canDda(terminal)) return 'DDA';
  return hasBit(interchangeProfile, 1, 7) && canSda(terminal) ? 'SDA' : 'none';
}

const failures: Readonly<Record<'SDA' | 'DDA' | 'CDA', Bit>> = {
  SDA: tvrBits.sdaFailed,
  DDA: tvrBits.ddaFailed,
  CDA: tvrBits.cdaFailed,
};

/**
 * Offline data authentication after the records are read: SDA and DDA to their end, CDA as far as the card's key; its signature
 * comes with the cryptogram.
 *
 * @param staticData what `staticDataOf` gave
 * @returns a fault only where the transaction must end: the card refuses INTERNAL AUTHENTICATE or answers in no known format.
 * @see EMV 4.3 Book 3, 10.3; Book 2, 5 and 6
 */
export function* authenticateData(
  before: Results,
  sources: KeySources,
  staticData: Uint8Array | undefined,
): Dialogue<Result<Authentication, KernelCode>> {
  const { card, terminal } = sources;
  const profile = card.get(0x82) ?? new Uint8Array(2);
  const method = authenticationMethod(profile, terminal);
  if (method === 'none' || method === 'fDDA') {
    yield* note({ type: 'authentication', method: 'none', isPassed: false });
    return ok({ results: found(before, tvrBits.offlineDataAuthenticationNotPerformed), method: 'none' });
  }
  const selected = method === 'SDA' ? found(before, tvrBits.sdaSelected) : before;
  const done = performed(selected, tsiBits.offlineDataAuthenticated);
  const outcome = yield* carryOut(method, sources, staticData, done);
  if (!outcome.ok) return outcome;
  const { key, why } = outcome.value;
  if (why !== undefined) {
    yield* noteFailure(method, why);
    const bits = why.type === 'missing' ? [failures[method], tvrBits.iccDataMissing] : [failures[method]];
    return ok({ results: found(done, ...bits), method });
  }
  if (method !== 'CDA') yield* note({ type: 'authentication', method, isPassed: true });
  // A combined signature is done when the cryptogram is checked: the bit of the TSI follows then. Book 2, 6.6.2.
  return ok({ results: method === 'CDA' ? selected : done, method, ...(key !== undefined && { cdaKey: key }) });
}

export const noteFailure = (method: string, why: AuthenticationFault): Dialogue<void> =>
  note({
    type: 'authentication',
    method,
    isPassed: false,
    step: why.type === 'missing' ? `${tagName(why.tag)} missing` : why.step,
  });

interface CarriedOut {
  readonly key?: RsaPublicKey;
  readonly why?: AuthenticationFault;
}

function* carryOut(
  method: 'SDA' | 'DDA' | 'CDA',
  sources: KeySources,
  staticData: Uint8Array | undefined,
  results: Results,
): Dialogue<Result<CarriedOut, KernelCode>> {
  if (staticData === undefined) return ok({ why: { type: 'wrong', step: 'static data' } });
  const issuer = issuerKeyOf(sources);
  if (!issuer.ok) return ok({ why: issuer.why });
  if (method === 'SDA') {
    const { card } = sources;
    const signature = card.get(0x93);
    if (signature === undefined) return ok({ why: { type: 'missing', tag: 0x93 } });
    const verified = verifySda(issuer.value, signature, staticData);
    if (!verified.ok) return ok({ why: stepOf(verified.fault.facts) });
    card.set(0x9f45, verified.value.dataAuthenticationCode);
    return ok({});
  }
  const icc = iccKeyOf(sources, issuer.value, staticData);
  if (!icc.ok) return ok({ why: icc.why });
  return method === 'CDA' ? ok({ key: icc.value }) : yield* dynamic(icc.value, sources, results);
}

/** INTERNAL AUTHENTICATE and its signature. EMV 4.3 Book 2, 6.5; Book 3, 6.5.9. */
function* dynamic(
  key: RsaPublicKey,
  { terminal, transaction, card }: KeySources,
  results: Results,
): Dialogue<Result<CarriedOut, KernelCode>> {
  const list = card.get(0x9f49) ?? terminal.defaultDdol;
  const entries = parseDol(list);
  // The list must ask for the unpredictable number. Book 2, 6.5.1.
  if (!entries.ok || !entries.value.some(({ tag }) => tag === 0x9f37))
    return ok({ why: { type: 'wrong', step: 'DDOL' } });
  const knowledge: Knowledge = { terminal, transaction, card, results };
  const data = fillList(list, knowledge);
  if (!data.ok) return data;
  const answer = yield* transmit(command(0x00, 0x88, 0x00, 0x00, data.value, 256));
  const given = new CardObjects();
  const taken = takeAnswer(answer, given, [{ tag: 0x9f4b, length: 252 }]);
  if (!taken.ok) return taken;
  const signature = given.get(0x9f4b);
  if (signature === undefined) return fail('CARD_ANSWER_WRONG', { field: '9F4B' });
  const verified = verifyDda(key, signature, data.value);
  if (!verified.ok) return ok({ why: stepOf(verified.fault.facts) });
  card.set(0x9f4c, verified.value.iccDynamicNumber);
  return ok({});
}

const steps: readonly string[] = [
  'length',
  'header',
  'format',
  'trailer',
  'hash',
  'issuer identifier',
  'pan',
  'expiry',
  'algorithm',
  'remainder',
  'dynamic data',
  'cryptogram information',
  'transaction data',
] satisfies readonly CertificateStep[];
const isStep = (text: unknown): text is CertificateStep => typeof text === 'string' && steps.includes(text);

/** The step that a fault of the certificates names. */
export const stepOf = (facts: Readonly<Record<string, unknown>> | undefined): AuthenticationFault => {
  const step = facts?.['step'];
  return { type: 'wrong', step: isStep(step) ? step : 'key' };
};

const todayOf = ({ date }: KernelTransaction): CalendarDay => ({
  year: 2000 + Number(date.slice(0, 2)),
  month: Number(date.slice(2, 4)),
});
const isoDateOf = ({ date }: KernelTransaction): string =>
  `20${date.slice(0, 2)}-${date.slice(2, 4)}-${date.slice(4, 6)}`;

/** A certificate among the card's objects; a missing remainder is judged where the key is put together. */
function certificateOf(
  card: CardObjects,
  [certificateTag, remainderTag, exponentTag]: readonly [number, number, number],
): Recovered<KeyCertificate> {
  const certificate = card.get(certificateTag);
  const exponent = card.get(exponentTag);
  const remainder = card.get(remainderTag);
  if (certificate === undefined) return missing(certificateTag);
  if (exponent === undefined) return missing(exponentTag);
  return good(remainder === undefined ? { certificate, exponent } : { certificate, remainder, exponent });
}

/** The issuer's key, by the CA key that the card names. EMV 4.3 Book 2, 5.2 and 5.3. */
export function issuerKeyOf({ terminal, transaction, card, facts, aid }: KeySources): Recovered<RsaPublicKey> {
  const [index] = card.get(0x8f) ?? [];
  if (index === undefined) return missing(0x8f);
  const rid = aid.subarray(0, 5);
  const certificate = certificateOf(card, [0x90, 0x92, 0x9f32]);
  if (!certificate.ok) return certificate;
  const ca = terminal.caKeys.find(rid, index, isoDateOf(transaction));
  if (ca === undefined) return wrong('CA key');
  const key = recoverIssuerKey(ca, certificate.value, facts.pan, todayOf(transaction));
  if (!key.ok) {
    const why = stepOf(key.fault.facts);
    return why.type === 'wrong' && why.step === 'remainder' ? missing(0x92) : { ok: false, why };
  }
  return terminal.revoked.has(rid, index, key.value.serial) ? wrong('revoked') : good(key.value);
}

/** The card's signing key. EMV 4.3 Book 2, 6.4. */
export function iccKeyOf(
  { transaction, card, facts }: KeySources,
  issuer: RsaPublicKey,
  staticData: Uint8Array,
): Recovered<RsaPublicKey> {
  const certificate = certificateOf(card, [0x9f46, 0x9f48, 0x9f47]);
  if (!certificate.ok) return certificate;
  const key = recoverIccKey(issuer, certificate.value, facts.pan, staticData, todayOf(transaction));
  if (key.ok) return good(key.value);
  const why = stepOf(key.fault.facts);
  return why.type === 'wrong' && why.step === 'remainder' ? missing(0x9f48) : { ok: false, why };
}

/**
 * The key that a PIN is enciphered with: the card's own for that, else its signing key. EMV 4.3 Book 2, 7.1.
 *
 * @param staticData what the signing key's certificate covers; undefined when it could not be put together
 */
export function pinKeyOf(sources: KeySources, staticData: Uint8Array | undefined): RsaPublicKey | undefined {
  const { card, facts, transaction } = sources;
  const issuer = issuerKeyOf(sources);
  if (!issuer.ok) return undefined;
  const own = certificateOf(card, [0x9f2d, 0x9f2f, 0x9f2e]);
  if (own.ok) {
    const nothing = new Uint8Array(0);
    const key = recoverIccKey(issuer.value, own.value, facts.pan, nothing, todayOf(transaction), 'pinEncipherment');
    return key.ok ? key.value : undefined;
  }
  const signing = staticData === undefined ? undefined : iccKeyOf(sources, issuer.value, staticData);
  return signing?.ok === true ? signing.value : undefined;
}
