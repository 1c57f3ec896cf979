import { blockEncrypter, blockBytes, cmac, isKeyLength } from '../cipher/index.ts';
import { fail, ok, type Result, type Secret } from '../kit/index.ts';

/**
 * How a check value is made. `legacy`: a block of zeros, enciphered (X9.24-1; 3 bytes are customary).
 * `cmac`: the CMAC of a block of zeros (X9.24-1:2017, annex A; 5 bytes). Use `cmac` for AES.
 */
export type CheckValueMethod = 'legacy' | 'cmac';

/** The whole block that a check value is cut from. */
export function fullCheckValue(
  algorithm: 'TDES' | 'AES',
  method: CheckValueMethod,
  key: Secret<'key'>,
): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  if (!isKeyLength(algorithm, key.length))
    return fail('KEY_LENGTH_INVALID', { field: 'key', facts: { lengthBytes: key.length } });
  return ok(
    key.use((bytes) => {
      const ready = blockEncrypter(algorithm, bytes);
      const zeros = new Uint8Array(ready.blockBytes);
      return method === 'legacy' ? ready.encrypt(zeros) : cmac(ready, zeros);
    }),
  );
}

/** The check value by which a key is known here: `cmac` of an AES key, 5 bytes; `legacy` of a TDES key, 3 bytes. */
export const customaryCheckValue = (
  algorithm: 'TDES' | 'AES',
  key: Secret<'key'>,
): Result<Uint8Array, 'KEY_LENGTH_INVALID' | 'KCV_LENGTH_INVALID'> =>
  checkValue(algorithm, algorithm === 'AES' ? 'cmac' : 'legacy', key);

/** The key check value: what a person may see of a key. `lengthBytes` is 3 (legacy) or 5 (cmac) unless told. */
export function checkValue(
  algorithm: 'TDES' | 'AES',
  method: CheckValueMethod,
  key: Secret<'key'>,
  lengthBytes: number = method === 'legacy' ? 3 : 5,
): Result<Uint8Array, 'KEY_LENGTH_INVALID' | 'KCV_LENGTH_INVALID'> {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > blockBytes[algorithm])
    return fail('KCV_LENGTH_INVALID', { field: 'length' });
  const full = fullCheckValue(algorithm, method, key);
  return full.ok ? ok(full.value.slice(0, lengthBytes)) : full;
}
