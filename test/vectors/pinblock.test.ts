import { describe, expect, test } from 'vitest';
import { ask, casesOf, expectNoSecrets, refusalText, runFamily } from './key-vectors.ts';

runFamily('pinblock', {
  encode: ['pinField', 'panField', 'clearPinBlock', 'encryptedPinBlock'],
  encodePinField: ['pinField'],
  encodePanField: ['panField'],
  decode: ['pin'],
  translate: ['encryptedPinBlock'],
});

const encoded = [...casesOf('pinblock', 'ours'), ...casesOf('pinblock', 'published')].filter(
  ({ op }) => op === 'encode',
);

describe('PIN blocks backwards', () => {
  test.each(encoded.map((each) => [each.id, each] as const))('%s gives its PIN back', (_, each) => {
    const { format, pan, pin, key, encryptedPinBlock, clearPinBlock, pinField } = each;
    const block = key ? { key, encryptedPinBlock } : format === 4 ? { pinField } : { clearPinBlock };
    expect(ask('pinblock', 'decode', { format, pan, ...block })).toEqual({ ok: true, value: { pin } });
  });

  test.each(encoded.map((each) => [each.id, each] as const))('%s is refused at every truncation', (_, each) => {
    const { format, pan, key, encryptedPinBlock, clearPinBlock } = each;
    const [name, block] = key
      ? ['encryptedPinBlock', String(encryptedPinBlock)]
      : ['clearPinBlock', String(clearPinBlock)];
    for (let length = 0; length < block.length; length += 2) {
      const answer = ask('pinblock', 'decode', { format, pan, key, [name]: block.slice(0, length) });
      expect(answer.ok).toBe(false);
      expectNoSecrets(answer, each);
    }
  });
});

test('every unreadable PIN block is refused in the same words, whatever is wrong with it', () => {
  const clear = ['041261AAAAEDCBAA', '0F1261AAAAEDCBA9', '051261AAAAEDCBA9', '241261AAAAEDCBA9', '041261AAAAEDCB'];
  const said = clear.map((clearPinBlock) =>
    refusalText(ask('pinblock', 'decode', { format: 0, clearPinBlock, pan: '5555555551234567' })),
  );
  expect(new Set(said)).toEqual(new Set(['{"code":"PINBLOCK_UNREADABLE"}']));
});
