import { fail, ok, type Result } from '../kit/index.ts';
import type { AesTransactionKey } from './aes-host.ts';
import { formatAesKsn, parseAesKsn } from './aes-ksn.ts';
import type { TdesTransactionKey } from './tdes-host.ts';
import { formatTdesKsn, parseTdesKsn } from './tdes-ksn.ts';

/** AES DUKPT (ANSI X9.24-3:2017, 6) or TDES DUKPT (its annex C). The length of a KSN tells which: 12 bytes or 10. */
export type DukptScheme = 'aes' | 'tdes';

/** A KSN of either scheme, read. */
export interface DukptKsn {
  readonly scheme: DukptScheme;
  /** Whose initial key: 8 bytes for AES; 10 for TDES, the KSN with its counter cleared. */
  readonly initialKeyId: Uint8Array;
  readonly counter: number;
}

/** The key of one transaction, of either scheme. */
export type TransactionKey = AesTransactionKey | TdesTransactionKey;

/** Reads a KSN by its length. Whether its counter may be used is another question. */
export function parseKsn(ksn: Uint8Array): Result<DukptKsn, 'KSN_LENGTH_INVALID'> {
  if (ksn.length === 10) {
    const read = parseTdesKsn(ksn);
    return read.ok ? ok({ scheme: 'tdes', initialKeyId: read.value.initialKsn, counter: read.value.counter }) : read;
  }
  const read = parseAesKsn(ksn);
  return read.ok
    ? ok({ scheme: 'aes', ...read.value })
    : fail('KSN_LENGTH_INVALID', { field: 'ksn', facts: { lengthBytes: ksn.length } });
}

/** Writes a KSN: 12 bytes for AES, 10 for TDES. */
export const formatKsn = ({ scheme, initialKeyId, counter }: DukptKsn): Uint8Array =>
  scheme === 'aes' ? formatAesKsn({ initialKeyId, counter }) : formatTdesKsn({ initialKsn: initialKeyId, counter });

/** The KSN that goes with a transaction key on the wire. */
export const ksnOf = (key: TransactionKey): Uint8Array =>
  'derivationKey' in key ? formatAesKsn(key.ksn) : formatTdesKsn(key.ksn);

/** Wipes what a transaction key is derived from; working keys that were derived stay. */
export const wipeTransactionKey = (key: TransactionKey): void =>
  ('derivationKey' in key ? key.derivationKey : key.key).wipe();
