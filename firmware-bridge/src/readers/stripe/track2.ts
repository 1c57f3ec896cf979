import { isExpiry } from '@tsunagu/protocols/emv';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';

/** A card as its magnetic stripe gives it. ISO/IEC 7813:2006, 7. */
export interface Track2 {
  /** The whole track without sentinels and LRC, with `=` as separator, ASCII. */
  readonly track: Secret<'pan'>;
  readonly pan: Secret<'pan'>;
  /** YYMM. */
  readonly expiry: string;
  readonly serviceCode: string;
}

const startSentinel = 0x3b;
const endSentinel = 0x3f;
const separator = 0x3d;
/** 37 characters between the sentinels at most. ISO/IEC 7811-6, 10.2. */
const charactersMax = 37;

/** The longitudinal redundancy check of a track with its sentinels: even parity of each of the four data bits. ISO/IEC 7811-6, 12. */
export const lrcOf = (characters: Uint8Array): number =>
  0x30 + characters.reduce((sum, character) => sum ^ (character & 0x0f), 0);

/** Reads the characters of track 2, from start sentinel to LRC. The given bytes are zeroed. */
export function readTrack2(characters: Uint8Array): Result<Track2, 'STRIPE_UNREADABLE'> {
  const end = characters.length - 2;
  const body = characters.subarray(1, Math.max(1, end));
  const split = body.indexOf(separator);
  const isSound =
    characters.length >= 4 &&
    body.length <= charactersMax &&
    characters[0] === startSentinel &&
    characters[end] === endSentinel &&
    characters[end + 1] === lrcOf(characters.subarray(0, end + 1)) &&
    body.every((character, at) => at === split || (character >= 0x30 && character <= 0x39)) &&
    split >= 8 &&
    split <= 19 &&
    body.length >= split + 8 &&
    // Its expiry leaves as DE14: a month of the calendar.
    isExpiry(Buffer.from(body.subarray(split + 1, split + 5)).toString('latin1'));
  if (!isSound) {
    characters.fill(0);
    return fail('STRIPE_UNREADABLE');
  }
  const text = (from: number, to: number): string => Buffer.from(body.subarray(from, to)).toString('latin1');
  const track2 = {
    pan: Secret.copy('pan', body.subarray(0, split)),
    track: Secret.copy('pan', body),
    expiry: text(split + 1, split + 5),
    serviceCode: text(split + 5, split + 8),
  };
  characters.fill(0);
  return ok(track2);
}

/** Writes a track as a head reads it: sentinels and LRC around PAN, `=`, expiry, service code and discretionary data. */
export function writeTrack2(track: Uint8Array): Uint8Array {
  const characters = Uint8Array.of(startSentinel, ...track, endSentinel, 0);
  characters[characters.length - 1] = lrcOf(characters.subarray(0, -1));
  return characters;
}
