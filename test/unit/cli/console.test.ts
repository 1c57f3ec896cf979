import { expect, test } from 'vitest';
import { cut, languageOf, layOut, openConsole, pad } from '../../../cli/src/console/index.ts';

test('the language is the one asked for, else the locale’s, else English', () => {
  expect(languageOf('ja', { LANG: 'en_US.UTF-8' })).toBe('ja');
  expect(languageOf(undefined, { LC_ALL: '', LANG: 'ja_JP.UTF-8' })).toBe('ja');
  expect(languageOf(undefined, { LC_ALL: 'C', LANG: 'ja_JP.UTF-8' })).toBe('en');
  expect(languageOf(undefined, {})).toBe('en');
});

test('a kanji takes two cells in every table', () => {
  expect(pad('端末', 6)).toBe('端末  ');
  expect(cut('売上一覧', 5)).toBe('売上…');
  expect(
    layOut(
      [
        { head: 'A', cell: (row: string) => row },
        { head: 'B', cell: () => 'x' },
      ],
      ['端末', 'pos'],
    ),
  ).toEqual(['A     B', '端末  x', 'pos   x']);
});

test('colour is for terminals, and never against NO_COLOR', () => {
  const painted = (env: Record<string, string>, isTTY: boolean) =>
    openConsole({ env, stdout: { write: () => {}, isTTY }, stderr: { write: () => {} } }).paint('ok', 'x');
  expect(painted({}, false)).toBe('x');
  expect(painted({ NO_COLOR: '1' }, true)).toBe('x');
  expect(painted({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe('x');
  expect(painted({ TERM: 'dumb' }, true)).toBe('x');
  expect(painted({ TERM: 'xterm' }, true)).not.toBe('x');
});
