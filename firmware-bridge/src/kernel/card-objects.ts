import { hasRightLength, isExpiry, panFromCn, parseTrack2, type Scheme, tagEntry } from '@tsunagu/protocols/emv';
import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import { primitivesOf, type Tlv, type TlvCode, tagName } from '@tsunagu/protocols/tlv';
import type { CardFacts } from './dialogue.ts';

/** What a card tells that leaves in DE55; everything else in there the terminal knows itself. */
export const sentOfCard: ReadonlySet<number> = new Set([0x82, 0x9f10, 0x9f26, 0x9f27, 0x9f36, 0x9f6c]);

/**
 * What a card has told. Account data (PAN, track 2, name) are kept as secrets, apart from the rest: no list of objects, no trace
 * and no DE55 can hold them by accident.
 */
export class CardObjects {
  readonly #open = new Map<number, Uint8Array>();
  #pan: Secret<'pan'> | undefined;
  #track2: { readonly pan: Secret<'pan'>; readonly expiry: string } | undefined;

  /** The value of an object that is not account data. */
  get(tag: number): Uint8Array | undefined {
    return this.#open.get(tag);
  }

  has(tag: number): boolean {
    return this.#open.has(tag);
  }

  /** Whether the card gave its PAN as an object of its own (5A), and not in track 2 alone. */
  get hasPan(): boolean {
    return this.#pan !== undefined;
  }

  /** Stores one value; a second value for a tag replaces the first. */
  set(tag: number, value: Uint8Array): void {
    this.#open.set(tag, Uint8Array.from(value));
  }

  /**
   * Takes the objects of one answer. An object that the card gives twice ends the transaction (EMV 4.3 Book 3, 10.2), and so does one of
   * a wrong length that would leave in DE55 (7.5): it could not be written there, or nobody would take it.
   */
  take(objects: readonly Tlv[]): Result<void, TlvCode | 'EMV_VALUE_INVALID' | 'EMV_TRACK2_INVALID'> {
    for (const { tag, value, offset } of primitivesOf(objects)) {
      const twice = fail('TLV_DUPLICATE', { field: tagName(tag), offset });
      if (tag === 0x5a) {
        if (this.#pan !== undefined) return twice;
        const pan = panFromCn(value);
        if (!pan.ok) return pan;
        this.#pan = pan.value;
      } else if (tag === 0x57) {
        if (this.#track2 !== undefined) return twice;
        const track = parseTrack2(value);
        if (!track.ok) return track;
        track.value.discretionary.wipe();
        this.#track2 = track.value;
      } else if (tagEntry(tag)?.sensitive === undefined) {
        if (this.#open.has(tag)) return twice;
        if (sentOfCard.has(tag) && !hasRightLength(tag, value.length))
          return fail('EMV_VALUE_INVALID', { field: tagName(tag), offset });
        this.set(tag, value);
      }
    }
    return ok(undefined);
  }

  /**
   * Who the card says it is: EMV_DATA_MISSING without a PAN, EMV_VALUE_INVALID when its two copies differ, and when its expiry (5F24,
   * or that of track 2) is no month or its sequence number (5F34) is not of digits: they leave the terminal as DE14 and DE23. EMV 4.3 Book 3, 7.5 and annex A.
   */
  facts(scheme: Scheme | undefined): Result<CardFacts, 'EMV_DATA_MISSING' | 'EMV_VALUE_INVALID'> {
    const pan = this.#pan ?? this.#track2?.pan;
    if (pan === undefined) return fail('EMV_DATA_MISSING', { field: '5A' });
    if (this.#track2 !== undefined && !isSame(pan, this.#track2.pan)) return fail('EMV_VALUE_INVALID', { field: '57' });
    const expiry = digitsOf(this.get(0x5f24), 3);
    if (!expiry.ok) return fail('EMV_VALUE_INVALID', { field: '5F24' });
    const month = expiry.value?.slice(0, 4) ?? this.#track2?.expiry;
    if (month !== undefined && !isExpiry(month))
      return fail('EMV_VALUE_INVALID', { field: expiry.value === undefined ? '57' : '5F24' });
    const sequence = digitsOf(this.get(0x5f34), 1);
    if (!sequence.ok) return fail('EMV_VALUE_INVALID', { field: '5F34' });
    return ok({
      scheme,
      pan,
      expiry: month,
      sequence: sequence.value === undefined ? undefined : Number(sequence.value),
      home: { currency: codeOf(this.get(0x9f42)), country: codeOf(this.get(0x5f28)) },
    });
  }
}

/** The digits of a numeric value of so many bytes; undefined where the card gives none. */
function digitsOf(value: Uint8Array | undefined, lengthBytes: number): Result<string | undefined, 'EMV_VALUE_INVALID'> {
  const digits = value && Buffer.from(value).toString('hex');
  return digits === undefined || (value?.length === lengthBytes && /^\d+$/.test(digits))
    ? ok(digits)
    : fail('EMV_VALUE_INVALID');
}

/** A numeric code of three digits in two bytes; undefined where there is none, or none that is one. */
function codeOf(value: Uint8Array | undefined): string | undefined {
  const digits = value === undefined ? '' : Buffer.from(value).toString('hex');
  return /^0\d{3}$/.test(digits) ? digits.slice(1) : undefined;
}

const isSame = (a: Secret<'pan'>, b: Secret<'pan'>): boolean =>
  a.use((left) => b.use((right) => Buffer.compare(left, right) === 0));
