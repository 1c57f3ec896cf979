import { createHmac, createSecretKey } from 'node:crypto';
import { hasLuhnDigit } from '@tsunagu/protocols/emv';
import { Secret, secretPan, type Result, fail, ok } from '@tsunagu/protocols/kit';
import {
  type Fate,
  findStripeAccount,
  findTestCard,
  type StripeAccount,
  type TestCard,
} from '@tsunagu/protocols/test-cards';
import type { cardKinds, IssuerProfile, ProfileCard } from './profile.ts';

/** A card of a profile: an account without a chip. */
export interface PlainCard {
  readonly name: string;
  readonly kind: (typeof cardKinds)[number];
  readonly pan: Secret<'pan'>;
  readonly pin: Secret<'pin'>;
  /** YYMM. */
  readonly expiry: string;
  readonly fate: Fate;
  readonly openingMinor?: number | undefined;
  readonly limits?: ProfileCard['limits'];
  readonly replacedBy?: ProfileCard['replacedBy'];
}

/** Any card that an emulated issuer knows. */
export type IssuerCard = TestCard | StripeAccount | PlainCard;

/** The cards of an issuer. */
export interface IssuerCards {
  find(pan: Secret<'pan'>): IssuerCard | undefined;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** The cards of the house that everybody knows. */
export const testCardsOnly: IssuerCards = { find: (pan) => findTestCard(pan) ?? findStripeAccount(pan) };

/**
 * The cards of a profile. An account of a range is called after a keyed tag of its number, for names are written into the books.
 *
 * @param tagKey of those names; the same key keeps the same names
 */
export function openIssuerCards(profile: IssuerProfile, tagKey: Secret<'key'>): IssuerCards {
  const own = new Map(profile.cards.map((card) => [card.pan, card]));
  const tagging = tagKey.use((key) => createSecretKey(key));
  return {
    find(pan) {
      const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
      const card = own.get(digits);
      if (card) return plain(card);
      const range = profile.ranges.find(
        ({ prefix, length }) => digits.length === length && digits.startsWith(prefix) && hasLuhnDigit(pan),
      );
      if (range) {
        const tag = createHmac('sha256', tagging).update(digits).digest('hex').slice(0, 16);
        return {
          name: `${range.prefix}-${tag}`,
          kind: range.kind,
          pan: secretPan(digits),
          pin: Secret.take('pin', ascii('1234')),
          expiry: range.expiry,
          fate: { kind: 'approved' },
          openingMinor: range.kind === 'gift' || range.kind === 'points' ? 100_000 : undefined,
        };
      }
      const known = profile.hasTestCards ? testCardsOnly.find(pan) : undefined;
      return known && (profile.testCardsOf?.includes(kindOf(known)) ?? true) ? known : undefined;
    },
  };
}

/** The scheme of a card with a chip, what an account without one is. */
const kindOf = (card: IssuerCard): string => ('kind' in card ? card.kind : card.scheme);

function plain({ name, kind, pan, pin, expiry, actionCode, isSilent, ...others }: ProfileCard): PlainCard {
  return {
    name,
    kind,
    pan: secretPan(pan),
    pin: Secret.take('pin', ascii(pin)),
    expiry,
    fate: isSilent
      ? { kind: 'silent' }
      : actionCode === undefined
        ? { kind: 'approved' }
        : { kind: 'declined', actionCode: Number(actionCode) },
    openingMinor: others.openingMinor,
    limits: others.limits,
    replacedBy: others.replacedBy,
  };
}

/** The number `index` of a range, its check digit made: the same for the same index. FIELD_LENGTH when the range is too small. */
export function numberOf(prefix: string, length: number, index: number): Result<string, 'FIELD_LENGTH'> {
  const body = prefix + String(index).padStart(length - 1 - prefix.length, '0');
  if (body.length !== length - 1) return fail('FIELD_LENGTH', { facts: { index } });
  let sum = 0;
  for (let at = 1; at <= body.length; at += 1) {
    const digit = body.charCodeAt(body.length - at) - 0x30;
    const weighted = at % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return ok(`${body}${(10 - (sum % 10)) % 10}`);
}
