import { EventEmitter } from 'node:events';
import { Terminal } from '@xterm/headless';
import { expect, test } from 'vitest';
import { Screen } from '../../cli/src/views/screen.ts';

/** A terminal emulator as the screen's target, which counts what it is sent. */
function openTarget(columns: number, rows: number) {
  const emulator = new Terminal({ cols: columns, rows, allowProposedApi: true });
  const sent: string[] = [];
  const target = Object.assign(new EventEmitter(), { columns, rows, write: (text: string) => sent.push(text) });
  const lines = async (): Promise<string[]> => {
    await new Promise<void>((resolve) => emulator.write(sent.splice(0).join(''), resolve));
    return Array.from({ length: rows }, (_, row) => emulator.buffer.active.getLine(row)?.translateToString(true) ?? '');
  };
  return { target, sent, lines };
}

test('a frame as high as the terminal is drawn without clearing it', async () => {
  const { target, sent, lines } = openTarget(20, 3);
  const screen = new Screen(target);
  screen.write('one\ntwo\nthree');
  expect(await lines()).toEqual(['one', 'two', 'three']);
  screen.write('one\n2\nthree');
  expect(sent.join('')).not.toContain('\u001B[2J');
  expect(await lines()).toEqual(['one', '2', 'three']);
});

test('only changed rows are sent, and an unchanged frame sends nothing', () => {
  const { target, sent } = openTarget(40, 10);
  const screen = new Screen(target);
  screen.write(Array.from({ length: 10 }, (_, row) => `row ${row} ${'x'.repeat(20)}`).join('\n'));
  sent.length = 0;
  screen.write(Array.from({ length: 10 }, (_, row) => `row ${row === 4 ? 'four' : row} ${'x'.repeat(20)}`).join('\n'));
  expect(sent.join('')).toContain('row four');
  expect(sent.join('')).not.toContain('row 5');
  sent.length = 0;
  screen.write(Array.from({ length: 10 }, (_, row) => `row ${row === 4 ? 'four' : row} ${'x'.repeat(20)}`).join('\n'));
  expect(sent).toEqual([]);
});

test('rows of an earlier, longer frame are wiped, and leaving gives the terminal back', async () => {
  const { target, sent, lines } = openTarget(20, 4);
  const screen = new Screen(target);
  screen.write('a\nb\nc');
  screen.write('a');
  expect(await lines()).toEqual(['a', '', '', '']);
  screen.leave();
  expect(sent.join('')).toContain('\u001B[?1049l');
});
