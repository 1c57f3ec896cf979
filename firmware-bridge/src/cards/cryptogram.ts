import { generateCryptogram, type ValueOf } from '@tsunagu/protocols/emv';
import { hex } from '@tsunagu/protocols/kit';
import { tlv } from '@tsunagu/protocols/tlv';
import type { CardProgram } from './program.ts';
import type { CardState } from './state.ts';

/** Kinds of cryptogram, as the first two bits of CID (9F27) and of P1 code them. EMV 4.3 Book 3, table 15. */
export const cryptogramKinds = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
export type CryptogramKind = keyof typeof cryptogramKinds;

/** The kind that two bits code; undefined for the reserved one. */
export const cryptogramKindOf = (bits: number): CryptogramKind | undefined =>
  (['AAC', 'TC', 'ARQC'] as const)[(bits >> 6) & 3];

/** The issuer application data (9F10) with the card's verification results filled in. */
export function issuerApplicationData(
  { card }: CardProgram,
  state: CardState,
  first: CryptogramKind,
  second: CryptogramKind | undefined,
): Uint8Array {
  const data = hex(card.issuerApplicationData);
  // Both shapes code the two cryptograms alike: second in bits 8-7 (10: not asked for yet), first in bits 6-5.
  const firstBits = cryptogramKinds[first] >> 2;
  const secondBits = second === undefined ? 0x80 : cryptogramKinds[second];
  const isFailed = state.issuerAuthentication === 'failed';
  if (card.scheme === 'mastercard') {
    data[2] = secondBits | firstBits;
    // M/Chip: byte 2 of the results tells of the issuer's authentication (bit 4: failed).
    if (isFailed) data[3] = (data[3] ?? 0) | 0x08;
  } else data[4] = secondBits | firstBits | (isFailed ? 0x08 : 0);
  return data;
}

/** A cryptogram with all that is told about it. */
export interface MadeCryptogram {
  readonly kind: CryptogramKind;
  readonly cryptogram: Uint8Array;
  readonly issuerApplicationData: Uint8Array;
  readonly atc: Uint8Array;
}

/** Where a cryptogram's input comes from: what the terminal told, and what the card holds. */
export function valuesOf(program: CardProgram, state: CardState, issuerData: Uint8Array): ValueOf {
  const atc = atcBytes(state.atc);
  return (tag) => {
    if (tag === 0x82) return program.image.aip;
    if (tag === 0x9f36) return atc;
    if (tag === 0x9f10) return issuerData;
    return state.told.get(tag);
  };
}

/** Makes a cryptogram; undefined when the terminal left out what it is made of. */
export function makeCryptogram(
  program: CardProgram,
  state: CardState,
  first: CryptogramKind,
  second?: CryptogramKind,
): MadeCryptogram | undefined {
  const issuerData = issuerApplicationData(program, state, first, second);
  const made = generateCryptogram(program.card.profile, program.keys, valuesOf(program, state, issuerData));
  if (!made.ok) return undefined;
  const kind = second ?? first;
  return { kind, cryptogram: made.value, issuerApplicationData: issuerData, atc: atcBytes(state.atc) };
}

/** Answer to GENERATE AC: format 2 (77) for M/Chip and every contactless card, format 1 (80) otherwise. EMV 4.3 Book 3, 6.5.5.4. */
export function cryptogramAnswer({ card }: CardProgram, made: MadeCryptogram): Uint8Array {
  const cid = Uint8Array.of(cryptogramKinds[made.kind]);
  if (card.scheme !== 'mastercard' && !card.isContactless)
    return tlv(0x80, cid, made.atc, made.cryptogram, made.issuerApplicationData);
  return tlv(
    0x77,
    tlv(0x9f27, cid),
    tlv(0x9f36, made.atc),
    tlv(0x9f26, made.cryptogram),
    tlv(0x9f10, made.issuerApplicationData),
  );
}

export const atcBytes = (atc: number): Uint8Array => Uint8Array.of(atc >> 8, atc & 0xff);
