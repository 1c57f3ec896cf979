import type { Secret } from '../kit/index.ts';
import type { KeyAttributes } from './header.ts';

// A key that came out of a block keeps the block's word about it for as long as the secret lives, wherever it is handed
// on to: a caller cannot drop an attribute by forgetting to pass it.
const attributesOf = new WeakMap<Secret<'key'>, KeyAttributes>();

/** Remembers the attributes under which a key arrived. */
export const rememberAttributes = (key: Secret<'key'>, attributes: KeyAttributes): void => {
  attributesOf.set(key, attributes);
};

/** The attributes of a key that came out of a key block; `undefined` for any other key. */
export const attributesOfKey = (key: Secret<'key'>): KeyAttributes | undefined => attributesOf.get(key);
