import { fail, ok, type Result } from '../kit/index.ts';
import { aesCounter, isUsable, nextCounter } from './counter.ts';

/** An AES DUKPT key serial number, read. */
export interface AesKsn {
  /** 8 bytes: BDK id and derivation id. */
  readonly initialKeyId: Uint8Array;
  /** The transaction counter, unsigned 32 bits. */
  readonly counter: number;
}

/** Reads a 12-byte KSN. Whether its counter may be used is another question: `isUsableAesKsn`. ANSI X9.24-3:2017, 6.3. */
export function parseAesKsn(ksn: Uint8Array): Result<AesKsn, 'KSN_LENGTH_INVALID'> {
  if (ksn.length !== 12) return fail('KSN_LENGTH_INVALID', { field: 'ksn', facts: { lengthBytes: ksn.length } });
  const counter = new DataView(ksn.buffer, ksn.byteOffset).getUint32(8);
  return ok({ initialKeyId: Uint8Array.from(ksn.subarray(0, 8)), counter });
}

/** Writes a KSN in 12 bytes. */
export function formatAesKsn({ initialKeyId, counter }: AesKsn): Uint8Array {
  const ksn = new Uint8Array(12);
  ksn.set(initialKeyId);
  new DataView(ksn.buffer).setUint32(8, counter);
  return ksn;
}

/** Whether a host may accept this KSN: a counter that is neither 0 nor has more than 16 one-bits. */
export const isUsableAesKsn = (ksn: AesKsn): boolean => isUsable(aesCounter, ksn.counter);

/** The next KSN that may be used; DUKPT_COUNTER_EXHAUSTED after counter FFFF0000. */
export function advanceAesKsn(ksn: AesKsn): Result<AesKsn, 'DUKPT_COUNTER_EXHAUSTED'> {
  const counter = nextCounter(aesCounter, ksn.counter);
  return counter === undefined ? fail('DUKPT_COUNTER_EXHAUSTED') : ok({ initialKeyId: ksn.initialKeyId, counter });
}

/**
 * Reads the 10-byte KSN of a TDES-era message for AES DUKPT: 59 bits of id, which become 64 with a zero nibble in front
 * and one bit of shift, then a counter of 21 bits.
 *
 * @see ANSI X9.24-3:2017, 6.3.6 (KSN compatibility mode)
 */
export function parseLegacyKsn(ksn: Uint8Array): Result<AesKsn, 'KSN_LENGTH_INVALID'> {
  if (ksn.length !== 10) return fail('KSN_LENGTH_INVALID', { field: 'ksn80', facts: { lengthBytes: ksn.length } });
  const view = new DataView(ksn.buffer, ksn.byteOffset);
  const initialKeyId = new Uint8Array(8);
  new DataView(initialKeyId.buffer).setBigUint64(0, (view.getBigUint64(0) & ~0x1fn & 0xffffffffffffffffn) >> 4n);
  return ok({ initialKeyId, counter: view.getUint32(6) & 0x1fffff });
}
