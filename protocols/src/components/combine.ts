import { type CheckValueMethod, checkValue } from '../kcv/index.ts';
import { attributesOfKey } from '../tr31/provenance.ts';
import { equalInConstantTime, fail, ok, type Result, Secret } from '../kit/index.ts';

/** What to combine. */
export interface Combination {
  readonly algorithm: 'TDES' | 'AES';
  readonly kcvMethod: CheckValueMethod;
  /** Two or more, of the length of the key. */
  readonly components: readonly Secret<'key'>[];
  /** The check value in the key's papers, when there is one. */
  readonly expectedKcv?: Uint8Array;
}

/** A key made of components, with the check values that custodians compare. */
export interface CombinedKey {
  readonly key: Secret<'key'>;
  readonly kcv: Uint8Array;
  readonly componentKcvs: readonly Uint8Array[];
}

/** Codes that combining can end with. */
export type CombineError =
  | 'COMPONENTS_TOO_FEW'
  | 'COMPONENTS_UNEQUAL'
  | 'COMPONENTS_CANCEL_OUT'
  | 'KEY_LENGTH_INVALID'
  | 'KCV_LENGTH_INVALID'
  | 'KCV_MISMATCH';

/**
 * Combines full-length components by exclusive or. Parity is left alone: it is the key's owner who knows whether it counts.
 *
 * Order of faults: too few, lengths, the key's length, all zeros, check value.
 * @see ANSI X9.24-1:2017, 7.5.3; PCI PIN 3.1, 6 and 12
 */
export function combineComponents(request: Combination): Result<CombinedKey, CombineError> {
  const { algorithm, kcvMethod, components, expectedKcv } = request;
  const [first] = components;
  if (first === undefined || components.length < 2) return fail('COMPONENTS_TOO_FEW');
  const unequal = components.findIndex(({ length }) => length !== first.length);
  if (unequal !== -1) return fail('COMPONENTS_UNEQUAL', { field: 'components', facts: { position: unequal + 1 } });
  const sum = new Uint8Array(first.length);
  for (const component of components) {
    component.use((bytes) => bytes.forEach((byte, index) => (sum[index] = (sum[index] ?? 0) ^ byte)));
  }
  const isZero = sum.every((byte) => byte === 0);
  const key = Secret.take('key', sum);
  const kcv = checkValue(algorithm, kcvMethod, key);
  if (!kcv.ok) return kcv;
  if (isZero) return fail('COMPONENTS_CANCEL_OUT');
  if (expectedKcv !== undefined && !equalInConstantTime(kcv.value, expectedKcv)) return fail('KCV_MISMATCH');
  const componentKcvs: Uint8Array[] = [];
  for (const component of components) {
    const each = checkValue(algorithm, kcvMethod, component);
    if (!each.ok) return each;
    componentKcvs.push(each.value);
  }
  return ok({ key, kcv: kcv.value, componentKcvs });
}

/**
 * Splits a key into components: all but the last are random, and no single one tells anything of the key.
 *
 * @param count 2 or more.
 * @returns TR31_NOT_EXPORTABLE for a key that came out of a key block which does not let it leave in any form (exportability other than S).
 * @see ANSI X9.143:2022, 6.3.6
 */
export function splitIntoComponents(
  key: Secret<'key'>,
  count: number,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<Secret<'key'>[], 'TR31_NOT_EXPORTABLE'> {
  if (!Number.isInteger(count) || count < 2 || count > 9)
    throw new Error(`a key is not split into ${count} components`);
  const held = attributesOfKey(key)?.exportability;
  if (held !== undefined && held !== 'S') return fail('TR31_NOT_EXPORTABLE', { field: 'exportability' });
  const last = key.use((bytes) => Uint8Array.from(bytes));
  const random = Array.from({ length: count - 1 }, () => {
    const part = Uint8Array.from(entropy(last.length));
    part.forEach((byte, index) => (last[index] = (last[index] ?? 0) ^ byte));
    return Secret.take('key', part);
  });
  return ok([...random, Secret.take('key', last)]);
}
