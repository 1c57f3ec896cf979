import type { BlockEncrypter } from '../cipher/index.ts';
import { fail, ok, type Result, Secret } from '../kit/index.ts';
import {
  deriveWorkingKey,
  initialKeyDeriver,
  initialKeyDeriverBy,
  masked,
  type TdesKeyUsage,
  walkToCounter,
} from './tdes-derivation.ts';
import { isUsableTdesKsn, type TdesKsn } from './tdes-ksn.ts';

/** The initial key of one terminal, with the KSN that it belongs to. */
export interface TdesInitialKey {
  /** 10 bytes, counter cleared. */
  readonly initialKsn: Uint8Array;
  /** 16 bytes. */
  readonly key: Secret<'key'>;
}

/** The key of one transaction, from which its working keys come. Terminal and host hold the same one. */
export interface TdesTransactionKey {
  readonly ksn: TdesKsn;
  readonly key: Secret<'key'>;
}

/**
 * Derives a terminal's initial key (IK, in older texts IPEK).
 *
 * @param bdk 16 bytes.
 * @see ANSI X9.24-3:2017, C.6
 */
export function deriveTdesInitialKey(
  bdk: Secret<'key'>,
  { initialKsn }: TdesKsn,
): Result<TdesInitialKey, 'KEY_LENGTH_INVALID'> {
  if (bdk.length !== 16) return fail('KEY_LENGTH_INVALID', { field: 'bdk', facts: { lengthBytes: bdk.length } });
  const key = bdk.use((bytes) => initialKeyDeriver(bytes)(initialKsn));
  return ok({ initialKsn, key: Secret.take('key', key) });
}

/** As `deriveTdesInitialKey`, by the ciphers of a BDK and of its variant that somebody else keeps. */
export const deriveTdesInitialKeyBy = (
  bdk: BlockEncrypter,
  variant: BlockEncrypter,
  initialKsn: Uint8Array,
): TdesInitialKey => ({
  initialKsn: Uint8Array.from(initialKsn),
  key: Secret.take('key', initialKeyDeriverBy(bdk, variant)(initialKsn)),
});

/** The variant of a BDK (16 bytes) that `deriveTdesInitialKeyBy` wants. ANSI X9.24-3:2017, C.6. */
export const tdesVariantKey = (bdk: Secret<'key'>): Secret<'key'> => Secret.take('key', bdk.use(masked));

/** Labels an initial key that was loaded with its KSN. */
export const tdesInitialKey = (
  key: Secret<'key'>,
  { initialKsn }: TdesKsn,
): Result<TdesInitialKey, 'KEY_LENGTH_INVALID'> =>
  key.length === 16
    ? ok({ initialKsn, key })
    : fail('KEY_LENGTH_INVALID', { field: 'initialKey', facts: { lengthBytes: key.length } });

/**
 * Derives the transaction key, host side.
 *
 * @returns DUKPT_COUNTER_INVALID for a counter that no terminal may use.
 * @see ANSI X9.24-3:2017, C.3
 */
export function deriveTdesTransactionKey(
  initialKey: TdesInitialKey,
  counter: number,
): Result<TdesTransactionKey, 'DUKPT_COUNTER_INVALID'> {
  const ksn = { initialKsn: initialKey.initialKsn, counter };
  if (!isUsableTdesKsn(ksn)) return fail('DUKPT_COUNTER_INVALID', { field: 'ksn' });
  const key = initialKey.key.use((bytes) => walkToCounter(Uint8Array.from(bytes), ksn.initialKsn.subarray(2), counter));
  return ok({ ksn, key: Secret.take('key', key) });
}

/** Derives a working key of 16 bytes. ANSI X9.24-3:2017, C.4.3. */
export const deriveTdesWorkingKey = (transactionKey: TdesTransactionKey, usage: TdesKeyUsage): Secret<'key'> =>
  Secret.take(
    'key',
    transactionKey.key.use((bytes) => deriveWorkingKey(bytes, usage)),
  );
