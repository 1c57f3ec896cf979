import { fail, ok, type Result } from '../kit/index.ts';

/** Frame sizes by FSCI and FSDI, CRC included. ISO/IEC 14443-4:2018, table 1. */
export const frameSizes: readonly number[] = [16, 24, 32, 40, 48, 64, 96, 128, 256];

/** Answer to select. ISO/IEC 14443-4:2018, 5.2. */
export interface Ats {
  /** Longest frame that the card takes, CRC included. */
  readonly frameBytesMax: number;
  /** FWI: the frame waiting time is 302 µs × 2^FWI. */
  readonly frameWaitingInteger: number;
  readonly takesCid: boolean;
  readonly takesNad: boolean;
  readonly historicalBytes: Uint8Array;
}

/** Reads an ATS, its length byte TL first. What is absent has the default of the standard. */
export function decodeAts(bytes: Uint8Array): Result<Ats, 'TRANSMISSION_BROKEN'> {
  const tl = bytes[0];
  if (tl === undefined || tl === 0 || tl !== bytes.length) return fail('TRANSMISSION_BROKEN', { field: 'TL' });
  const t0 = bytes[1];
  if (t0 === undefined) return ok({ ...absent, historicalBytes: bytes.subarray(1) });
  let at = 2;
  if ((t0 & 0x10) !== 0) at++;
  const tb = (t0 & 0x20) !== 0 ? bytes[at++] : undefined;
  const tc = (t0 & 0x40) !== 0 ? bytes[at++] : undefined;
  if (at > bytes.length) return fail('TRANSMISSION_BROKEN', { field: 'T0' });
  const fsci = Math.min(t0 & 0x0f, frameSizes.length - 1);
  // FWI 15 is reserved and read as 4. 5.2.5.
  const fwi = (tb ?? 0x40) >> 4;
  return ok({
    frameBytesMax: frameSizes[fsci] ?? 32,
    frameWaitingInteger: fwi === 15 ? 4 : fwi,
    takesCid: ((tc ?? 2) & 2) !== 0,
    takesNad: ((tc ?? 2) & 1) !== 0,
    historicalBytes: bytes.subarray(at),
  });
}

const absent = { frameBytesMax: 32, frameWaitingInteger: 4, takesCid: true, takesNad: false } as const;

/** Writes the ATS of an emulated card: FSCI, FWI, SFGI 0, no CID, no NAD, historical bytes. */
export const encodeAts = (historicalBytes: Uint8Array, fsci = 8, fwi = 8): Uint8Array =>
  Uint8Array.of(5 + historicalBytes.length, 0x70 | fsci, 0x80, fwi << 4, 0x00, ...historicalBytes);

/** Frame waiting time of an FWI, milliseconds: (256 × 16 / fc) × 2^FWI. ISO/IEC 14443-4:2018, 7.2. */
export const frameWaitingMs = (fwi: number): number => 0.302 * 2 ** Math.min(fwi, 14);

/** RATS: E0, FSDI and CID 0. ISO/IEC 14443-4:2018, 5.1. */
export const rats = (fsdi = 8): Uint8Array => Uint8Array.of(0xe0, (fsdi << 4) & 0xf0);
