import { combineComponents, splitIntoComponents } from '@tsunagu/protocols/components';
import { weaknessOf } from '@tsunagu/protocols/kcv';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { entropy } from '../../vectors/key-vectors.ts';

const key = (text: string): Secret<'key'> => Secret.take('key', hex(text));
const combine = (...components: readonly Secret<'key'>[]): ReturnType<typeof combineComponents> =>
  combineComponents({ algorithm: 'AES', kcvMethod: 'cmac', components });

test('a key that was split comes back from all of its components, and from no fewer', () => {
  const whole = key('FA36E44278DB3AB5F298F9F7DA8F1F88');
  const parts = unwrap(splitIntoComponents(whole, 3, entropy));
  expect(unwrap(combine(...parts)).key.use(toHex)).toBe(whole.use(toHex));
  expect(unwrap(combine(...parts.slice(0, 2))).key.use(toHex)).not.toBe(whole.use(toHex));
});

test('one component, unequal ones, and the same one twice are each refused by name', () => {
  const part = key('00112233445566778899AABBCCDDEEFF');
  expect(combine(part)).toMatchObject({ fault: { code: 'COMPONENTS_TOO_FEW' } });
  expect(combine(part, key('0011223344556677'))).toMatchObject({ fault: { code: 'COMPONENTS_UNEQUAL' } });
  expect(combine(part, part)).toMatchObject({ fault: { code: 'COMPONENTS_CANCEL_OUT' } });
});

test('another check value than the papers say is refused', () => {
  const parts = [key('C65599C14C418EF7D828E2143A01BE76'), key('A8FBC0D49991E9C9918AD6AF2247591F')];
  const { kcv } = unwrap(combine(...parts));
  const request = { algorithm: 'AES', kcvMethod: 'cmac', components: parts } as const;
  expect(combineComponents({ ...request, expectedKcv: kcv }).ok).toBe(true);
  expect(combineComponents({ ...request, expectedKcv: kcv.subarray(0, 4) })).toMatchObject({
    fault: { code: 'KCV_MISMATCH' },
  });
});

test('weak, semi-weak and degenerate TDES keys are recognised whatever their parity', () => {
  expect(weaknessOf(key('0123456789ABCDEFFEDCBA9876543210'))).toBeUndefined();
  expect(weaknessOf(key('0123456789ABCDEF0022456789ABCDEE'))).toBe('degenerate');
  expect(weaknessOf(key('00010101010101010123456789ABCDEF'))).toBe('weak');
  expect(weaknessOf(key('0123456789ABCDEF01FE01FE01FE01FE'))).toBe('semi-weak');
});
