import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat, fail, fromHex, ok, type Result, Secret, toHex } from '../kit/index.ts';
import { hasLuhnDigit, isExpiry } from '../emv/index.ts';

/** A card that is asked about, or the one that took its place. */
export interface CheckedCard {
  readonly pan: Secret<'pan'>;
  /** YYMM; undefined where it is not known. */
  readonly expiry: string | undefined;
}

/** Where a box stands. It opens there and nowhere else: a record that was moved to another line or file is not authentic. */
export interface BoxPlace {
  readonly direction: 'request' | 'answer';
  /** Twelve digits. */
  readonly fileId: string;
  /** Eleven digits. */
  readonly acquirer: string;
  readonly sequence: number;
  readonly reference: string;
}

const nonceBytes = 12;
const tagBytes = 16;
/** Every card takes the same room, so that a box tells nothing of the length of its number. */
const cardBytes = 19 + 4;
const filler = 'F';
const noExpiry = '0000';

/** Hexadecimal digits of a box with a card, and of a seal, which is a box with nothing in it. */
export const boxDigits = { card: 2 * (nonceBytes + cardBytes + tagBytes), seal: 2 * (nonceBytes + tagBytes) } as const;

/** AES-128-GCM (NIST SP 800-38D): nonce, content, tag, as hexadecimal digits. */
function seal(key: Secret<'key'>, nonce: Uint8Array, bound: string, content: Uint8Array): string {
  return key.use((bytes) => {
    const cipher = createCipheriv('aes-128-gcm', bytes, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(bound, 'latin1'));
    const enciphered = cipher.update(content);
    cipher.final();
    return toHex(concat(nonce, enciphered, cipher.getAuthTag()));
  });
}

function open(key: Secret<'key'>, bound: string, box: string): Uint8Array | undefined {
  const read = fromHex(box);
  if (!read.ok || read.value.length < nonceBytes + tagBytes) return undefined;
  const end = read.value.length - tagBytes;
  return key.use((bytes) => {
    const decipher = createDecipheriv('aes-128-gcm', bytes, read.value.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(bound, 'latin1'));
    decipher.setAuthTag(read.value.subarray(end));
    try {
      const content = decipher.update(read.value.subarray(nonceBytes, end));
      // Nothing comes at the end of GCM but the verdict.
      decipher.final();
      return content;
    } catch {
      return undefined;
    }
  });
}

const boundTo = ({ direction, fileId, acquirer, sequence, reference }: BoxPlace): string =>
  ['validity-card-1', direction, fileId, acquirer, sequence, reference].join('/');

/** Puts a card into a box. `nonce` has 12 random bytes, never used again under this key. */
export function sealCard(key: Secret<'key'>, nonce: Uint8Array, place: BoxPlace, card: CheckedCard): string {
  const content = new Uint8Array(cardBytes).fill(filler.charCodeAt(0));
  card.pan.use((digits) => content.set(digits));
  content.set(Buffer.from(card.expiry ?? noExpiry, 'latin1'), cardBytes - noExpiry.length);
  const box = seal(key, nonce, boundTo(place), content);
  content.fill(0);
  return box;
}

/**
 * Takes the card out of a box. VALIDITY_LINE_NOT_AUTHENTIC whatever is wrong with the box; VALIDITY_CARD_INVALID when what is in it is no card: 12 to 19
 * digits with their check digit (ISO/IEC 7812-1:2017, annex B), and an expiry that is a month.
 */
export function openCard(
  key: Secret<'key'>,
  place: BoxPlace,
  box: string,
): Result<CheckedCard, 'VALIDITY_LINE_NOT_AUTHENTIC' | 'VALIDITY_CARD_INVALID'> {
  const content = open(key, boundTo(place), box);
  if (content?.length !== cardBytes) return fail('VALIDITY_LINE_NOT_AUTHENTIC');
  const end = content.subarray(0, 19).indexOf(filler.charCodeAt(0));
  const length = end === -1 ? 19 : end;
  const isFilled = content.subarray(length, 19).every((byte) => byte === filler.charCodeAt(0));
  const expiry = Buffer.from(content.subarray(19)).toString('latin1');
  const pan = Secret.copy('pan', content, 0, length);
  content.fill(0);
  if (isFilled && isCheckable(pan) && (expiry === noExpiry || isExpiry(expiry)))
    return ok({ pan, expiry: expiry === noExpiry ? undefined : expiry });
  pan.wipe();
  return fail('VALIDITY_CARD_INVALID');
}

/** Whether a number can be asked about: 12 to 19 digits, the last of them right. */
export const isCheckable = (pan: Secret<'pan'>): boolean =>
  pan.length >= 12 &&
  pan.length <= 19 &&
  pan.use((digits) => digits.every((digit) => digit >= 0x30 && digit <= 0x39)) &&
  hasLuhnDigit(pan);

/** Seals text that is not secret: a trailer, with all that it answers for. */
export const sealText = (key: Secret<'key'>, nonce: Uint8Array, text: string): string =>
  seal(key, nonce, `validity-text-1/${text}`, new Uint8Array(0));

/** Whether a seal is of this text. */
export const isSealOf = (key: Secret<'key'>, seals: string, text: string): boolean =>
  open(key, `validity-text-1/${text}`, seals) !== undefined;
