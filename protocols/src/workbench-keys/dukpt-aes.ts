import { cbcEncrypt } from '../cipher/index.ts';
import {
  type AesInitialKey,
  type AesTransactionKey,
  advanceAesKsn,
  type DukptKeyType,
  type DukptKeyUsage,
  deriveAesInitialKey,
  deriveAesTransactionKey,
  deriveAesUpdateKey,
  deriveAesWorkingKey,
  deriveAllAesWorkingKeys,
  formatAesKsn,
  isDukptKeyType,
  isUsableAesKsn,
  parseAesKsn,
  parseLegacyKsn,
} from '../dukpt/index.ts';
import { type Secret, toHex } from '../kit/index.ts';
import { computeMac } from '../mac/index.ts';
import { encipherPinBlock4, panField4, pinField4 } from '../pinblock/index.ts';
import { bytes, bytesOf, choice, key, list, operation, type Request, refuse, shown, text, unwrap } from './request.ts';

const keyType = (value: unknown, field: string): DukptKeyType =>
  typeof value === 'string' && isDukptKeyType(value) ? value : refuse({ code: 'DUKPT_KEY_TYPE_INVALID', field });

function derived(request: Request): { initialKey: AesInitialKey; transactionKey: AesTransactionKey } {
  const ksn = unwrap(parseAesKsn(bytes(request, 'ksn')));
  const initialKey = unwrap(deriveAesInitialKey(key(request, 'bdk'), ksn.initialKeyId));
  return { initialKey, transactionKey: unwrap(deriveAesTransactionKey(initialKey, ksn.counter)) };
}

/** The `dukpt-aes` family of the workbench. */
export const dukptAesWorkbench = {
  workingKeys: operation((request) => {
    const { initialKey, transactionKey } = derived(request);
    const types = list(request, 'keyTypes').map((type) => keyType(type, 'keyTypes'));
    const all = unwrap(deriveAllAesWorkingKeys(transactionKey, types));
    const workingKeys = Object.fromEntries(
      [...all].map(([type, keys]) => [
        type,
        Object.fromEntries([...keys].map(([usage, secret]) => [usage, shown(secret)])),
      ]),
    );
    return { initialKey: shown(initialKey.key), derivationKey: shown(transactionKey.derivationKey), workingKeys };
  }),
  transaction: operation((request) => {
    const { initialKey, transactionKey } = derived(request);
    const type = choice(request, 'workingKeyType', ['AES128', 'AES192', 'AES256']);
    const hmacType = choice(request, 'hmacKeyType', ['HMAC128', 'HMAC192', 'HMAC256']);
    const working = (usage: DukptKeyUsage, of: DukptKeyType): Secret<'key'> =>
      unwrap(deriveAesWorkingKey(transactionKey, usage, of));
    const pinKey = working('pinEncryption', type);
    const pinField = unwrap(pinField4(text(request, 'pin'), bytesOf(request, 'pinBlockRandom', 8)));
    const panField = unwrap(panField4(text(request, 'pan')));
    const data = bytes(request, 'macDataHex');
    const iv = bytesOf(request, 'iv', 16);
    const clear = bytes(request, 'clearData');
    if (clear.length % 16 !== 0) refuse({ code: 'CIPHER_DATA_LENGTH_INVALID', field: 'clearData' });
    const cmac = (usage: DukptKeyUsage): string =>
      toHex(unwrap(computeMac({ kind: 'CMAC', cipher: 'AES' }, working(usage, type), data)));
    const hmac = (usage: DukptKeyUsage): string =>
      toHex(unwrap(computeMac({ kind: 'HMAC-SHA-256' }, working(usage, hmacType), data)));
    const encrypted = (usage: DukptKeyUsage): string =>
      working(usage, type).use((secret) => toHex(cbcEncrypt('AES', secret, iv, clear)));
    return {
      initialKey: shown(initialKey.key),
      derivationKey: shown(transactionKey.derivationKey),
      pinField: toHex(pinField),
      panField: toHex(panField),
      pinKey: shown(pinKey),
      encryptedPinBlock: toHex(unwrap(encipherPinBlock4(pinKey, pinField, panField))),
      cmacRequest: cmac('macGeneration'),
      cmacResponse: cmac('macVerification'),
      hmacSha256Request: hmac('macGeneration'),
      hmacSha256Response: hmac('macVerification'),
      encryptedDataRequest: encrypted('dataEncryptionEncrypt'),
      encryptedDataResponse: encrypted('dataEncryptionDecrypt'),
    };
  }),
  updateKey: operation((request) => {
    const initialKey = unwrap(deriveAesInitialKey(key(request, 'bdk'), bytes(request, 'initialKeyId')));
    const { updateKey, transactionKey } = unwrap(
      deriveAesUpdateKey(initialKey, keyType(request['keyType'], 'keyType')),
    );
    return {
      initialKey: shown(initialKey.key),
      derivationKey: shown(transactionKey.derivationKey),
      updateKey: shown(updateKey),
    };
  }),
  advanceKsn: operation((request) => {
    const next = advanceAesKsn(unwrap(parseAesKsn(bytes(request, 'ksn'))));
    return { nextKsn: next.ok ? toHex(formatAesKsn(next.value)) : null, exhausted: !next.ok };
  }),
  validateKsn: operation((request) => ({ valid: isUsableAesKsn(unwrap(parseAesKsn(bytes(request, 'ksn')))) })),
  legacyKsn: operation((request) => {
    const ksn = unwrap(parseLegacyKsn(bytes(request, 'ksn80')));
    return {
      initialKeyId: toHex(ksn.initialKeyId),
      transactionCounter: ksn.counter,
      internalKsn: toHex(formatAesKsn(ksn)),
    };
  }),
};
