import type { MacFunction } from '../iso8583/index.ts';
import { type Secret, unwrap } from '../kit/index.ts';
import { type MacAlgorithm, readyMac } from '../mac/index.ts';

/** MAC functions by their key, for as long as somebody holds the key. */
const ready = new WeakMap<Secret<'key'>, MacFunction>();

/** The MAC function of a zone's key, made once. A key has one algorithm for all its life. */
export function zoneMac(key: Secret<'key'>, algorithm: MacAlgorithm = { kind: 'CMAC', cipher: 'AES' }): MacFunction {
  const known = ready.get(key);
  if (known) return known;
  const made = unwrap(readyMac(algorithm, key));
  ready.set(key, made);
  return made;
}
