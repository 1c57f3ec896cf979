import { describe, expect, test } from 'vitest';
import { ask, type Case, casesOf, expectNoSecrets, runFamily } from './key-vectors.ts';

runFamily('tr31', {
  unwrap: ['key', 'keyLengthBits', 'header', 'optionalBlocks'],
  parseHeader: ['headerLength', 'optionalBlocks'],
  deriveKeys: ['kbek', 'kbak'],
});

const blocks = casesOf('tr31', 'ours').filter(({ op, optional }) => op === 'unwrap' && !optional);
const textOf = (each: Case, field: string): string => String(each[field]);

describe('key blocks of this project', () => {
  test.each(blocks.map((each) => [each.id, each] as const))('%s wraps to the same characters', (_, each) => {
    const answer = ask('tr31', 'wrap', each);
    if (!answer.ok && answer.fault.code === 'TR31_KBPK_TOO_WEAK') return;
    expect(answer).toEqual({ ok: true, value: { keyBlock: each['keyBlock'] } });
  });

  test.each(blocks.map((each) => [each.id, each] as const))('%s is refused at every truncation', (_, each) => {
    const block = textOf(each, 'keyBlock');
    for (let length = 0; length < block.length; length += 1) {
      const answer = ask('tr31', 'unwrap', { ...each, keyBlock: block.slice(0, length) });
      expect(answer.ok).toBe(false);
      expectNoSecrets(answer, { kbpk: each['kbpk'], key: each['key'] });
    }
  });

  test.each(blocks.map((each) => [each.id, each] as const))(
    '%s is refused with any one character changed',
    (_, each) => {
      const block = textOf(each, 'keyBlock');
      for (let at = 0; at < block.length; at += 1) {
        const other = block[at] === '1' ? '2' : '1';
        const answer = ask('tr31', 'unwrap', { ...each, keyBlock: block.slice(0, at) + other + block.slice(at + 1) });
        expect(answer.ok).toBe(false);
      }
    },
  );
});
