import { type Result, type Secret, ok } from '../kit/index.ts';
import { computeMac } from '../mac/index.ts';
import { tagLength } from './snapshot.ts';

/**
 * How a card stands on a negative list: the leftmost `tagLength` bytes of the AES-CMAC (NIST SP 800-38B) of its PAN's ASCII
 * digits, under the list's key. Whoever has the list and not the key cannot tell a card from it.
 */
export function negativeTag(key: Secret<'key'>, pan: Secret<'pan'>): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  const mac = pan.use((digits) => computeMac({ kind: 'CMAC', cipher: 'AES' }, key, digits));
  return mac.ok ? ok(mac.value.slice(0, tagLength)) : mac;
}
