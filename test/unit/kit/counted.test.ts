import { counted } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { textsOf } from '../../../cli/src/language/index.ts';

test('one of something is one, and anything else is several', () => {
  expect([0, 1, 2, 11, 21, 1_000].map((count) => counted(count, 'terminal'))).toEqual([
    '0 terminals',
    '1 terminal',
    '2 terminals',
    '11 terminals',
    '21 terminals',
    '1000 terminals',
  ]);
  expect(counted(1, 'entry', 'entries')).toBe('1 entry');
  expect(counted(3, 'holds', 'hold')).toBe('3 hold');
});

/** What is counted; no image is a single byte (`software.made`). */
const nouns =
  'terminals|cards|keys|lines|jobs|entries|steps|days|files|readers|operations|wipes|certificates|findings|heads|exceptions|advices|hand-overs';

test('no English sentence of the command line speaks of one of something as of several', () => {
  const found: string[] = [];
  const look = (node: unknown, path: string): void => {
    if (typeof node === 'function') {
      // Every figure is one; what a sentence wants besides is passed over.
      for (const filler of ['x', undefined])
        try {
          const said: unknown = node(...Array.from({ length: node.length }, () => filler ?? 1));
          const plural = new RegExp(String.raw`(?<![\d.\w/])1 (?:[a-z]+ )?(?:${nouns})\b`).exec(String(said));
          if (filler === undefined && plural) found.push(`${path}: ${plural[0]}`);
        } catch {
          // It wants a list or a record.
        }
    } else if (typeof node === 'object' && node !== null)
      for (const [name, child] of Object.entries(node)) look(child, `${path}.${name}`);
  };
  look(textsOf('en'), 'en');
  expect(found).toEqual([]);
});
