import { type Result, type Secret, ok } from '../kit/index.ts';
import { computeMac } from '../mac/index.ts';
import { tagLength } from './snapshot.ts';

/**
 * What stands for a card in a negative list: the AES-CMAC (NIST SP 800-38B) of the PAN's ASCII digits under the list's key, its
 * leftmost `tagLength` bytes. Without the key a tag says nothing about the card.
 */
export function negativeTag(key: Secret<'key'>, pan: Secret<'pan'>): Result<Uint8Array, 'KEY_LENGTH_INVALID'> {
  const mac = pan.use((digits) => computeMac({ kind: 'CMAC', cipher: 'AES' }, key, digits));
  return mac.ok ? ok(mac.value.slice(0, tagLength)) : mac;
}
