import { exampleOf, settingNames, settingOf, settings } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { cut, languageOf, layOut, openConsole, pad, printFault } from '../../../cli/src/console/index.ts';

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

test('a setting that is refused is explained by what it takes, in both languages', () => {
  const said = (lang: 'en' | 'ja', field: string): string => {
    let text = '';
    const write = (more: string): void => void (text += more);
    printFault(
      openConsole({ env: {}, lang, stdout: { write }, stderr: { write } }),
      { code: 'INPUT_INVALID', field },
      false,
    );
    return text;
  };
  expect(said('en', 'timeZone')).toContain('"tsunagu config settings"; for example: timeZone=Asia/Tokyo.');
  expect(said('ja', 'timeZone')).toContain('tsunagu config settings で確認できます。例: timeZone=Asia/Tokyo');
  expect(said('en', 'taxPercent')).toContain('for example: taxPercent=10.');
  expect(said('en', 'tenant')).toContain('--help');
});

test('the example of a setting is a value that it takes', () => {
  for (const name of settingNames) {
    const { type } = settingOf(name).kind;
    const typed = exampleOf(name);
    const value = type === 'integer' ? Number(typed) : type === 'flag' ? typed === 'true' : typed;
    expect(settings[name].schema.safeParse(value).success, name).toBe(true);
  }
});
