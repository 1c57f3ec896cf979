import { blockEncrypter } from '../cipher/index.ts';
import { fail, ok, type Result, Secret } from '../kit/index.ts';
import { aesTypeOfLength, deriveInitialKey as deriveAesInitialKey, walk as walkAes } from './aes-derivation.ts';
import type { AesTransactionKey } from './aes-host.ts';
import { isUsableAesKsn, parseAesKsn } from './aes-ksn.ts';
import { initialKeyDeriver, walk as walkTdes } from './tdes-derivation.ts';
import type { TdesTransactionKey } from './tdes-host.ts';
import { isUsableTdesKsn, parseTdesKsn } from './tdes-ksn.ts';
import { TreeCache } from './tree-cache.ts';

/** How much a host remembers. */
export interface DukptHostOptions {
  /** How many devices' keys are kept ready: about 500 bytes each. 0 keeps none. Default 1,000. */
  readonly devicesMax?: number;
}

/** Codes that a KSN can be refused with. */
export type KsnError = 'KSN_LENGTH_INVALID' | 'DUKPT_COUNTER_INVALID';

/** A host's side of DUKPT under one BDK: give it the KSN of a message, and it gives the transaction key. */
export interface DukptHost<Key> {
  transactionKey(ksn: Uint8Array): Result<Key, KsnError>;
  /** Forgets all devices and wipes their keys. The BDK's cipher goes when the host is let go of. */
  wipe(): void;
}

/**
 * Readies an AES BDK (16, 24 or 32 bytes) for the messages of many devices.
 *
 * @see ANSI X9.24-3:2017, 6.3
 */
export function aesDukptHost(
  bdk: Secret<'key'>,
  { devicesMax = 1000 }: DukptHostOptions = {},
): Result<DukptHost<AesTransactionKey>, 'KEY_LENGTH_INVALID'> {
  const type = aesTypeOfLength.get(bdk.length);
  if (type === undefined) return fail('KEY_LENGTH_INVALID', { field: 'bdk', facts: { lengthBytes: bdk.length } });
  const ready = bdk.use((bytes) => blockEncrypter('AES', bytes));
  const cache = devicesMax === 0 ? undefined : new TreeCache(devicesMax);
  return ok({
    transactionKey(text) {
      const read = parseAesKsn(text);
      if (!read.ok) return read;
      const ksn = read.value;
      if (!isUsableAesKsn(ksn)) return fail('DUKPT_COUNTER_INVALID', { field: 'ksn' });
      const { initialKeyId, counter } = ksn;
      const initialKey = (): Uint8Array => deriveAesInitialKey(ready, type, initialKeyId);
      const derivationKey =
        cache === undefined
          ? Secret.take('key', walkAes(initialKey(), type, initialKeyId, 0, counter))
          : Secret.copy(
              'key',
              cache.keyOf(initialKeyId, counter, initialKey, (start, from, to, onStep) =>
                walkAes(start, type, initialKeyId, from, to, onStep),
              ),
            );
      return ok({ ksn, type, derivationKey });
    },
    wipe: () => cache?.wipe(),
  });
}

/**
 * Readies a TDES BDK (16 bytes) for the messages of many devices.
 *
 * @see ANSI X9.24-3:2017, annex C
 */
export function tdesDukptHost(
  bdk: Secret<'key'>,
  { devicesMax = 1000 }: DukptHostOptions = {},
): Result<DukptHost<TdesTransactionKey>, 'KEY_LENGTH_INVALID'> {
  if (bdk.length !== 16) return fail('KEY_LENGTH_INVALID', { field: 'bdk', facts: { lengthBytes: bdk.length } });
  const derive = bdk.use(initialKeyDeriver);
  const cache = devicesMax === 0 ? undefined : new TreeCache(devicesMax);
  return ok({
    transactionKey(text) {
      const read = parseTdesKsn(text);
      if (!read.ok) return read;
      const ksn = read.value;
      if (!isUsableTdesKsn(ksn)) return fail('DUKPT_COUNTER_INVALID', { field: 'ksn' });
      const { initialKsn, counter } = ksn;
      const right = initialKsn.subarray(2);
      const key =
        cache === undefined
          ? Secret.take('key', walkTdes(derive(initialKsn), right, 0, counter))
          : Secret.copy(
              'key',
              cache.keyOf(
                initialKsn,
                counter,
                () => derive(initialKsn),
                (start, from, to, onStep) => walkTdes(start, right, from, to, onStep),
              ),
            );
      return ok({ ksn, key });
    },
    wipe: () => cache?.wipe(),
  });
}
