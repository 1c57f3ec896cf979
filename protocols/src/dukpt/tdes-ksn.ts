import { fail, ok, type Result } from '../kit/index.ts';
import { isUsable, nextCounter, tdesCounter } from './counter.ts';

/** A TDES DUKPT key serial number, read. */
export interface TdesKsn {
  /** 10 bytes with the counter cleared: key set id and terminal id. */
  readonly initialKsn: Uint8Array;
  /** The transaction counter, unsigned 21 bits. */
  readonly counter: number;
}

/** Reads a 10-byte KSN. Whether its counter may be used is another question: `isUsableTdesKsn`. ANSI X9.24-3:2017, C.2. */
export function parseTdesKsn(ksn: Uint8Array): Result<TdesKsn, 'KSN_LENGTH_INVALID'> {
  if (ksn.length !== 10) return fail('KSN_LENGTH_INVALID', { field: 'ksn', facts: { lengthBytes: ksn.length } });
  // `slice` of a Buffer is a view, and clearing the counter in it would change the caller's bytes.
  const initialKsn = Uint8Array.from(ksn);
  const view = new DataView(initialKsn.buffer);
  const counter = view.getUint32(6) & 0x1fffff;
  view.setUint32(6, view.getUint32(6) & ~0x1fffff);
  return ok({ initialKsn, counter });
}

/** Writes a KSN in 10 bytes. */
export function formatTdesKsn({ initialKsn, counter }: TdesKsn): Uint8Array {
  const ksn = Uint8Array.from(initialKsn);
  const view = new DataView(ksn.buffer);
  view.setUint32(6, view.getUint32(6) | counter);
  return ksn;
}

/** Fills a KSN that was sent without its leading FF bytes up to 10 bytes (16 hexadecimal digits are common). */
export function padShortKsn(ksn: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.max(10, ksn.length)).fill(0xff);
  padded.set(ksn, padded.length - ksn.length);
  return padded;
}

/** Whether a host may accept this KSN: a counter that is neither 0 nor has more than 10 one-bits. */
export const isUsableTdesKsn = (ksn: TdesKsn): boolean => isUsable(tdesCounter, ksn.counter);

/** The next KSN that may be used; DUKPT_COUNTER_EXHAUSTED after counter 1FF800. */
export function advanceTdesKsn(ksn: TdesKsn): Result<TdesKsn, 'DUKPT_COUNTER_EXHAUSTED'> {
  const counter = nextCounter(tdesCounter, ksn.counter);
  return counter === undefined ? fail('DUKPT_COUNTER_EXHAUSTED') : ok({ initialKsn: ksn.initialKsn, counter });
}
