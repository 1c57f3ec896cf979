import { type BlockEncrypter, blockEncrypter, freshBlockEncrypter } from '../cipher/index.ts';
import { fail, ok, type Result, Secret } from '../kit/index.ts';
import {
  type AesKeyType,
  aesTypeOfLength,
  counterTail,
  type DukptKeyType,
  type DukptKeyUsage,
  deriveInitialKey,
  deriveKey,
  isWithinStrength,
  keyTypes,
  keyUsages,
  suits,
  walkToCounter,
} from './aes-derivation.ts';
import { type AesKsn, isUsableAesKsn } from './aes-ksn.ts';

/** The derivation key of one transaction, from which its working keys come. Terminal and host hold the same one. */
export interface AesTransactionKey {
  readonly ksn: AesKsn;
  readonly type: AesKeyType;
  readonly derivationKey: Secret<'key'>;
}

/** The initial key of one terminal, with the id that it belongs to. */
export interface AesInitialKey {
  readonly initialKeyId: Uint8Array;
  readonly type: AesKeyType;
  readonly key: Secret<'key'>;
}

/** The counter that is kept for the update key alone. ANSI X9.24-3:2017, 6.3.5. */
const updateCounter = 0xffffffff;

/**
 * Derives a terminal's initial key.
 *
 * @param bdk 16, 24 or 32 bytes; the initial key has the same type.
 * @param initialKeyId 8 bytes, the left part of the KSN.
 * @see ANSI X9.24-3:2017, 6.3.1
 */
export function deriveAesInitialKey(
  bdk: Secret<'key'>,
  initialKeyId: Uint8Array,
): Result<AesInitialKey, 'KEY_LENGTH_INVALID' | 'KSN_LENGTH_INVALID'> {
  const type = aesTypeOfLength.get(bdk.length);
  if (type === undefined) return fail('KEY_LENGTH_INVALID', { field: 'bdk', facts: { lengthBytes: bdk.length } });
  if (initialKeyId.length !== 8)
    return fail('KSN_LENGTH_INVALID', { field: 'initialKeyId', facts: { lengthBytes: initialKeyId.length } });
  const key = bdk.use((bytes) => deriveInitialKey(blockEncrypter('AES', bytes), type, initialKeyId));
  return ok({ initialKeyId: Uint8Array.from(initialKeyId), type, key: Secret.take('key', key) });
}

/**
 * As `deriveAesInitialKey`, by a BDK that somebody else keeps and enciphers with: a key in a token, for one.
 *
 * @param initialKeyId 8 bytes.
 */
export const deriveAesInitialKeyBy = (
  bdk: BlockEncrypter,
  type: AesKeyType,
  initialKeyId: Uint8Array,
): AesInitialKey => ({
  initialKeyId: Uint8Array.from(initialKeyId),
  type,
  key: Secret.take('key', deriveInitialKey(bdk, type, initialKeyId)),
});

/** Labels an initial key that was loaded (from a key block, say) with its id. */
export function aesInitialKey(
  key: Secret<'key'>,
  initialKeyId: Uint8Array,
): Result<AesInitialKey, 'KEY_LENGTH_INVALID' | 'KSN_LENGTH_INVALID'> {
  const type = aesTypeOfLength.get(key.length);
  if (type === undefined)
    return fail('KEY_LENGTH_INVALID', { field: 'initialKey', facts: { lengthBytes: key.length } });
  if (initialKeyId.length !== 8)
    return fail('KSN_LENGTH_INVALID', { field: 'initialKeyId', facts: { lengthBytes: initialKeyId.length } });
  return ok({ initialKeyId: Uint8Array.from(initialKeyId), type, key });
}

/**
 * Derives the transaction's derivation key, host side.
 *
 * @returns DUKPT_COUNTER_INVALID for a counter that no terminal may use.
 * @see ANSI X9.24-3:2017, 6.3.3
 */
export function deriveAesTransactionKey(
  initialKey: AesInitialKey,
  counter: number,
): Result<AesTransactionKey, 'DUKPT_COUNTER_INVALID'> {
  const ksn = { initialKeyId: initialKey.initialKeyId, counter };
  if (!isUsableAesKsn(ksn)) return fail('DUKPT_COUNTER_INVALID', { field: 'ksn' });
  return ok(transactionKeyAt(initialKey, counter));
}

/**
 * Derives a working key.
 *
 * @returns DUKPT_KEY_TOO_STRONG for a type stronger than the BDK; DUKPT_KEY_TYPE_INVALID for an HMAC key with a usage other than MAC.
 * @see ANSI X9.24-3:2017, 6.3.4
 */
export function deriveAesWorkingKey(
  transactionKey: AesTransactionKey,
  usage: DukptKeyUsage,
  type: DukptKeyType,
): Result<Secret<'key'>, 'DUKPT_KEY_TOO_STRONG' | 'DUKPT_KEY_TYPE_INVALID'> {
  if (!suits(type, usage)) return fail('DUKPT_KEY_TYPE_INVALID', { facts: { type, usage } });
  if (!isWithinStrength(type, transactionKey.type)) return fail('DUKPT_KEY_TOO_STRONG', { facts: { type } });
  const { ksn, derivationKey } = transactionKey;
  const key = derivationKey.use((bytes) =>
    deriveKey(freshBlockEncrypter(bytes), keyUsages[usage], type, counterTail(ksn.initialKeyId, ksn.counter)),
  );
  return ok(Secret.take('key', key));
}

/**
 * Derives the key under which the terminal's next initial key travels.
 *
 * @see ANSI X9.24-3:2017, 6.3.5: counter FFFFFFFF, usage key encryption
 */
export function deriveAesUpdateKey(
  initialKey: AesInitialKey,
  type: DukptKeyType,
): Result<
  { readonly updateKey: Secret<'key'>; readonly transactionKey: AesTransactionKey },
  'DUKPT_KEY_TOO_STRONG' | 'DUKPT_KEY_TYPE_INVALID'
> {
  const transactionKey = transactionKeyAt(initialKey, updateCounter);
  const updateKey = deriveAesWorkingKey(transactionKey, 'keyEncryptionKey', type);
  return updateKey.ok ? ok({ updateKey: updateKey.value, transactionKey }) : updateKey;
}

/** Every working key of some types: type → usage → key. For workbenches and key comparison. */
export function deriveAllAesWorkingKeys(
  transactionKey: AesTransactionKey,
  types: readonly DukptKeyType[],
): Result<Map<DukptKeyType, Map<DukptKeyUsage, Secret<'key'>>>, 'DUKPT_KEY_TOO_STRONG' | 'DUKPT_KEY_TYPE_INVALID'> {
  const all = new Map<DukptKeyType, Map<DukptKeyUsage, Secret<'key'>>>();
  for (const type of types) {
    const keys = new Map<DukptKeyUsage, Secret<'key'>>();
    for (const usage of dukptKeyUsages.filter((each) => suits(type, each))) {
      const key = deriveAesWorkingKey(transactionKey, usage, type);
      if (!key.ok) return key;
      keys.set(usage, key.value);
    }
    all.set(type, keys);
  }
  return ok(all);
}

/** All usages, in the order of the standard's table. */
export const dukptKeyUsages: readonly DukptKeyUsage[] = [
  'keyEncryptionKey',
  'pinEncryption',
  'macGeneration',
  'macVerification',
  'macBothWays',
  'dataEncryptionEncrypt',
  'dataEncryptionDecrypt',
  'dataEncryptionBothWays',
  'keyDerivation',
];

/** Whether some text names a key type. */
export const isDukptKeyType = (text: string): text is DukptKeyType => Object.hasOwn(keyTypes, text);

function transactionKeyAt(initialKey: AesInitialKey, counter: number): AesTransactionKey {
  const { initialKeyId, type, key } = initialKey;
  const derived = key.use((bytes) => walkToCounter(Uint8Array.from(bytes), type, initialKeyId, counter));
  return { ksn: { initialKeyId, counter }, type, derivationKey: Secret.take('key', derived) };
}
