import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { decipherPin, encipherPin, isTranslationPermitted, translatePinBlock } from '@tsunagu/protocols/pinblock';
import { expect, test } from 'vitest';
import { entropy } from '../../vectors/key-vectors.ts';

const formats = [0, 1, 2, 3, 4] as const;
const keyOf = (format: number): Secret<'key'> => Secret.take('key', entropy(format === 4 ? 32 : 16));
const pan = secretPan('3528000000000007');
const pin = (): Secret<'pin'> => Secret.take('pin', Uint8Array.from(Buffer.from('482915')));

/** ISO 9564-1:2017, 9.5, and PCI PIN 3-3: rows from, columns to. */
const permitted = ['10011', '11011', '00000', '10011', '10011'];

test('translations are permitted as the table of ISO 9564-1 says, and nowhere else', () => {
  for (const from of formats)
    for (const to of formats) expect(isTranslationPermitted(from, to)).toBe(permitted[from]?.[to] === '1');
});

test('a permitted translation keeps the PIN, a forbidden one is refused before the block is looked at', () => {
  for (const from of formats) {
    const fromKey = keyOf(from);
    const block = unwrap(encipherPin({ format: from, key: fromKey, pin: pin(), pan, entropy }));
    for (const to of formats) {
      const toKey = keyOf(to);
      const translated = translatePinBlock(
        block,
        { format: from, key: fromKey },
        { format: to, key: toKey },
        pan,
        entropy,
      );
      if (!isTranslationPermitted(from, to)) {
        expect(translated).toMatchObject({ ok: false, fault: { code: 'PINBLOCK_TRANSLATION_FORBIDDEN' } });
        continue;
      }
      const read = unwrap(decipherPin(to, toKey, unwrap(translated), pan));
      expect(read.use((digits) => Buffer.from(digits).toString())).toBe('482915');
    }
  }
});

test('a PIN block under another key, or tied to another PAN, is unreadable', () => {
  const key = keyOf(4);
  const block = unwrap(encipherPin({ format: 4, key, pin: pin(), pan, entropy }));
  for (const [otherKey, otherPan] of [
    [keyOf(4), pan],
    [key, secretPan('3528000000000015')],
  ] as const) {
    expect(decipherPin(4, otherKey, block, otherPan)).toEqual({ ok: false, fault: { code: 'PINBLOCK_UNREADABLE' } });
  }
});
