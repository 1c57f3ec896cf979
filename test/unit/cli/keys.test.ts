import { expect, test } from 'vitest';
import { splitKeys } from '../../../cli/src/views/keys.ts';

test('key repeat that arrives in one chunk is single keys', () => {
  expect(splitKeys('jjj')).toEqual(['j', 'j', 'j']);
});

test('arrows, function keys and Japanese characters stay whole', () => {
  expect(splitKeys('\u001B[A\u001B[1;5B\u001BOP日本')).toEqual(['\u001B[A', '\u001B[1;5B', '\u001BOP', '日', '本']);
});

test('an Escape before an ordinary key is a key of its own', () => {
  expect(splitKeys('\u001Bq')).toEqual(['\u001B', 'q']);
});

test('what a barcode scanner sends stays one line and is no row of commands', () => {
  expect(splitKeys('CT5100-0001\r')).toEqual(['CT5100-0001\r']);
});
