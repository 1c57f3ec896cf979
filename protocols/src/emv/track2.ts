import { fail, ok, type Result, Secret } from '../kit/index.ts';

/** Track 2 equivalent data (57), taken apart. The discretionary data may hold a card verification code, so it stays a secret. */
export interface Track2 {
  readonly pan: Secret<'pan'>;
  /** YYMM. */
  readonly expiry: string;
  /** Three digits. */
  readonly serviceCode: string;
  /** ASCII digits; kept under the PAN's kind because it is authentication data of the same class. */
  readonly discretionary: Secret<'pan'>;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/**
 * Reads track 2 equivalent data: PAN, D, expiry, service code, discretionary data, F as filler.
 *
 * @see EMV 4.3 Book 3, annex A; ISO/IEC 7813, 7.2
 */
export function parseTrack2(bytes: Uint8Array): Result<Track2, 'EMV_TRACK2_INVALID'> {
  if (bytes.length < 8 || bytes.length > 19)
    return fail('EMV_TRACK2_INVALID', { field: '57', facts: { length: bytes.length } });
  const text = Buffer.from(bytes).toString('hex');
  const match = /^(\d{8,19})d(\d{4})(\d{3})(\d*)f?$/.exec(text);
  if (match === null) {
    // Where the card number ends wrongly; digits alone lack their separator at the end.
    const digits = text.search(/[^0-9]/);
    return fail('EMV_TRACK2_INVALID', { field: '57', offset: digits < 0 ? bytes.length : digits >> 1 });
  }
  const [, pan = '', expiry = '', serviceCode = '', discretionary = ''] = match;
  return ok({
    pan: Secret.take('pan', ascii(pan)),
    expiry,
    serviceCode,
    discretionary: Secret.take('pan', ascii(discretionary)),
  });
}

/** Writes track 2 equivalent data. */
export function buildTrack2(track: Track2): Result<Uint8Array, 'EMV_TRACK2_INVALID'> {
  const pan = track.pan.use((digits) => Buffer.from(digits).toString('latin1'));
  const discretionary = track.discretionary.use((digits) => Buffer.from(digits).toString('latin1'));
  const text = `${pan}D${track.expiry}${track.serviceCode}${discretionary}`;
  if (!/^\d{8,19}D\d{7}\d*$/.test(text) || text.length > 38 || track.expiry.length !== 4)
    return fail('EMV_TRACK2_INVALID', { field: '57', facts: { length: text.length } });
  return ok(Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `${text}F`, 'hex')));
}

/** Whether four digits are a year and a month (YYMM), as track 2, 5F24 and DE14 have them. */
export const isExpiry = (text: string): boolean => /^\d{2}(0[1-9]|1[0-2])$/.test(text);

/** The PAN of a compressed numeric value (5A): digits, F as filler on the right. */
export function panFromCn(bytes: Uint8Array): Result<Secret<'pan'>, 'EMV_VALUE_INVALID'> {
  const match = /^(\d{8,19})f*$/.exec(Buffer.from(bytes).toString('hex'));
  const digits = match?.[1];
  if (bytes.length > 10 || digits === undefined) return fail('EMV_VALUE_INVALID', { field: '5A' });
  return ok(Secret.take('pan', ascii(digits)));
}

/** The compressed numeric value (5A) of a PAN. */
export const panToCn = (pan: Secret<'pan'>): Uint8Array =>
  pan.use((digits) => {
    const text = Buffer.from(digits).toString('latin1');
    return Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `${text}F`, 'hex'));
  });

/** Whether the check digit of a PAN fits. ISO/IEC 7812-1, annex B. */
export const hasLuhnDigit = (pan: Secret<'pan'>): boolean =>
  pan.use((digits) => {
    let sum = 0;
    for (let index = 0; index < digits.length; index++) {
      const digit = (digits[digits.length - 1 - index] ?? 0) - 0x30;
      const weighted = index % 2 === 0 ? digit : digit * 2;
      sum += weighted > 9 ? weighted - 9 : weighted;
    }
    return digits.length > 0 && sum % 10 === 0;
  });
