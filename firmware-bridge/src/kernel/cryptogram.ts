import { createHash } from 'node:crypto';
import { command } from '@tsunagu/protocols/apdu';
import { type CdaTransaction, hasBit, type RsaPublicKey, verifyCda } from '@tsunagu/protocols/emv';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parseDol, type Tlv } from '@tsunagu/protocols/tlv';
import { takeAnswer } from './answers.ts';
import { CardObjects } from './card-objects.ts';
import { stepOf } from './data-authentication.ts';
import { type Dialogue, note, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { found, type Results, tvrBits } from './results.ts';
import type { KernelTerminal } from './terminal.ts';
import { fillList, type Knowledge } from './terminal-objects.ts';

/** Kinds of application cryptogram. EMV 4.3 Book 3, table 14. */
export type CryptogramKind = 'AAC' | 'TC' | 'ARQC';

const asked = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
/** What a card may answer: what was asked, or less. EMV 4.3 Book 3, 10.8. */
const allowed = { AAC: ['AAC'], ARQC: ['ARQC', 'AAC'], TC: ['TC', 'ARQC', 'AAC'] } as const;
/** Cryptogram, its kind, the counter and the issuer's data: what an answer must hold, and how format 1 lays it out. 6.5.5.4. */
const layout = [
  { tag: 0x9f27, length: 1 },
  { tag: 0x9f36, length: 2 },
  { tag: 0x9f26, length: 8 },
  { tag: 0x9f10, length: 32 },
] as const;

/** A combined signature that is asked for. */
export interface CombinedSignature {
  readonly key: RsaPublicKey;
  /** Data of PDOL and, at the second GENERATE AC, CDOL1, as they were sent. */
  readonly sentBefore: readonly Uint8Array[];
}

/** A cryptogram that the card gave. */
export interface Cryptogram {
  readonly kind: CryptogramKind;
  /** The list's data as sent, for a later signature. */
  readonly sent: Uint8Array;
  /** Set when a combined signature was asked for and is due with this kind: whether it is good. */
  readonly isSigned?: boolean;
  /** The card asks for an advice (9F27, bit 4). */
  readonly wantsAdvice: boolean;
  /** Reason code (9F27, bits 3 to 1): 1 service not allowed, 2 PIN tries exceeded, 3 issuer authentication failed. */
  readonly reason: number;
}

/**
 * Whether a cryptogram is asked for with a signature. Mode 1: ARQC and the second TC; 2: ARQC alone; 3: neither; 4: the second TC alone. A
 * TC that ends a transaction without the issuer always has one, an AAC never. EMV 4.3 Book 4, 6.3.2, table 2a; Book 2, 6.6.
 */
export function wantsSignature(
  kind: CryptogramKind,
  { cdaMode }: KernelTerminal,
  stage: 'first' | 'afterIssuer' | 'unableToGoOnline',
): boolean {
  if (kind === 'AAC') return false;
  if (kind === 'ARQC') return cdaMode === 1 || cdaMode === 2;
  return stage !== 'afterIssuer' || cdaMode === 1 || cdaMode === 4;
}

/** Asks for a cryptogram; its objects (9F26, 9F27, 9F36, 9F10) replace those that the card gave before. EMV 4.3 Book 3, 6.5.5. */
export function* generateAc(
  kind: CryptogramKind,
  list: Uint8Array,
  knowledge: Knowledge,
  signature?: CombinedSignature,
): Dialogue<Result<Cryptogram, KernelCode>> {
  const data = fillList(list, knowledge);
  if (!data.ok) return data;
  const p1 = asked[kind] | (signature === undefined ? 0 : 0x10);
  const answer = yield* transmit(command(0x80, 0xae, p1, 0x00, data.value, 256));
  const given = new CardObjects();
  const template = takeAnswer(answer, given, layout);
  if (!template.ok) return template;
  const information = given.get(0x9f27);
  const made = kindOf(information);
  const may: readonly (CryptogramKind | undefined)[] = allowed[kind];
  if (information === undefined || made === undefined || !may.includes(made))
    return fail('CARD_ANSWER_WRONG', { field: '9F27' });
  yield* note({ type: 'value', tag: '9F27', value: Buffer.from(information).toString('hex').toUpperCase() });
  const [byte = 0] = information;
  const facts = { kind: made, sent: data.value, wantsAdvice: (byte & 0x08) !== 0, reason: byte & 0x07 };
  if (signature === undefined || made === 'AAC') {
    const taken = takeCryptogram(given, knowledge.card);
    return taken.ok ? ok(facts) : taken;
  }
  // The counter stands in the open; the cryptogram may stand inside the signature alone.
  for (const tag of [0x9f27, 0x9f36, 0x9f10, 0x9f26]) {
    const value = given.get(tag);
    if (value !== undefined) knowledge.card.set(tag, value);
  }
  const isSigned = yield* checkSignature(template.value, given, knowledge, byte, data.value, signature);
  return ok({ ...facts, isSigned });
}

function takeCryptogram(given: CardObjects, card: CardObjects): Result<void, KernelCode> {
  for (const { tag } of layout) {
    const value = given.get(tag);
    if (value !== undefined) card.set(tag, value);
    else if (tag !== 0x9f10) return fail('CARD_ANSWER_WRONG', { field: tag.toString(16).toUpperCase() });
  }
  return ok(undefined);
}

/** Verifies the combined signature of an answer. EMV 4.3 Book 2, 6.6.2. */
function* checkSignature(
  template: Tlv,
  given: CardObjects,
  { card, transaction }: Knowledge,
  cryptogramInformation: number,
  sent: Uint8Array,
  { key, sentBefore }: CombinedSignature,
): Dialogue<boolean> {
  const signed = given.get(0x9f4b);
  if (template.tag !== 0x77 || signed === undefined || !given.has(0x9f36)) {
    yield* note({ type: 'authentication', method: 'CDA', isPassed: false, step: '9F4B missing' });
    return false;
  }
  const others = template.children.filter(({ tag }) => tag !== 0x9f4b).map(({ whole }) => whole);
  const covered: CdaTransaction = {
    unpredictableNumber: transaction.unpredictableNumber,
    cryptogramInformation,
    transactionData: concat(...sentBefore, sent, ...others),
  };
  const verified = verifyCda(key, signed, covered);
  if (!verified.ok) {
    const why = stepOf(verified.fault.facts);
    yield* note({
      type: 'authentication',
      method: 'CDA',
      isPassed: false,
      step: why.type === 'wrong' ? why.step : 'missing',
    });
    return false;
  }
  yield* note({ type: 'authentication', method: 'CDA', isPassed: true });
  card.set(0x9f26, verified.value.cryptogram);
  card.set(0x9f4c, verified.value.iccDynamicNumber);
  return true;
}

/** The kind in cryptogram information data (9F27). */
export const kindOf = (information: Uint8Array | undefined): CryptogramKind | undefined =>
  information === undefined ? undefined : (['AAC', 'TC', 'ARQC'] as const)[(information[0] ?? 0xff) >> 6];

/**
 * The hash (98) that some cards want in their lists, over the data of their TDOL (97) or of the terminal's own, which the results then tell.
 * EMV 4.3 Book 3, 9.2.2.
 *
 * @returns undefined when no list asks for it
 */
export function transactionHash(
  lists: readonly (Uint8Array | undefined)[],
  results: Results,
  knowledge: (results: Results) => Knowledge,
  terminal: KernelTerminal,
): Result<{ readonly results: Results; readonly hash: Uint8Array } | undefined, KernelCode> {
  const isWanted = lists.some((list) => {
    const entries = list === undefined ? undefined : parseDol(list);
    return entries?.ok === true && entries.value.some(({ tag }) => tag === 0x98);
  });
  if (!isWanted) return ok(undefined);
  const own = knowledge(results).card.get(0x97);
  const next = own === undefined ? found(results, tvrBits.defaultTdolUsed) : results;
  const data = fillList(own ?? terminal.defaultTdol, knowledge(next));
  if (!data.ok) return data;
  const hash = Uint8Array.from(createHash('sha1').update(data.value).digest());
  return ok({ results: next, hash });
}

/** Whether the card authenticates its issuer by a command of its own (82, byte 1, bit 3). */
export const authenticatesIssuer = (card: CardObjects): boolean => hasBit(card.get(0x82) ?? new Uint8Array(2), 1, 3);
