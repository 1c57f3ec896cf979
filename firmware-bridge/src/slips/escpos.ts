import { concat } from '@tsunagu/protocols/kit';
import { rasterOf } from '../signature/index.ts';
import { layout } from './layout.ts';
import { shiftJis } from './shift-jis.ts';
import type { SlipBlock } from './slip.ts';

/** Dots of one half-width column: font A of a printer of 203 dpi, 12 dots wide. */
const columnDots = 12;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Commands of ESC/POS, as Epson's command reference names them. */
const commands = {
  initialise: bytes(0x1b, 0x40),
  /** ESC R 8: the backslash is a yen sign. */
  japaneseSet: bytes(0x1b, 0x52, 0x08),
  /** FS C 1: double-byte codes are Shift_JIS. */
  shiftJisCodes: bytes(0x1c, 0x43, 0x01),
  kanjiOn: bytes(0x1c, 0x26),
  kanjiOff: bytes(0x1c, 0x2e),
  strong: (isOn: boolean) => bytes(0x1b, 0x45, isOn ? 1 : 0),
  /** GS !: width and height, each once or twice. */
  size: (isLarge: boolean) => bytes(0x1d, 0x21, isLarge ? 0x11 : 0x00),
  centre: (isOn: boolean) => bytes(0x1b, 0x61, isOn ? 1 : 0),
  lineFeed: bytes(0x0a),
  feedLines: (count: number) => bytes(0x1b, 0x64, count),
  /** GS V B 0: feeds to the knife and cuts. */
  cut: bytes(0x1d, 0x56, 0x42, 0x00),
} as const;

/** A slip as bytes for a printer with a kanji ROM. */
export function slipEscPos(blocks: readonly SlipBlock[], columns: number): Uint8Array {
  const parts: Uint8Array[] = [commands.initialise, commands.japaneseSet, commands.shiftJisCodes];
  for (const row of layout(blocks, columns))
    switch (row.type) {
      case 'text':
        parts.push(commands.strong(row.isStrong), commands.size(row.isLarge), ...textRuns(row.text), commands.lineFeed);
        break;
      case 'signature':
        parts.push(raster(rasterOf(row.written, columns * columnDots)));
        break;
      case 'code':
        parts.push(commands.centre(true), barcode(row.data), qrCode(row.data), commands.centre(false));
        break;
    }
  parts.push(commands.strong(false), commands.size(false), commands.feedLines(3), commands.cut);
  return concat(...parts);
}

/** Kanji mode is on for double-byte characters and off for the others. */
function textRuns(text: string): readonly Uint8Array[] {
  const runs: Uint8Array[] = [];
  for (const [run] of text.matchAll(/[\u0020-\u007e\u00a5\uff61-\uff9f]+|[^\u0020-\u007e\u00a5\uff61-\uff9f]+/gu)) {
    const isHalf = /^[\u0020-\u007e\u00a5\uff61-\uff9f]/u.test(run);
    runs.push(isHalf ? commands.kanjiOff : commands.kanjiOn, shiftJis(run));
  }
  return [...runs, commands.kanjiOff];
}

/** GS k 73: Code 128, code set B, with the digits below it. */
function barcode(data: string): Uint8Array {
  const content = Buffer.from(`{B${data}`, 'latin1');
  return concat(
    bytes(0x1d, 0x68, 48, 0x1d, 0x77, 2, 0x1d, 0x48, 2),
    bytes(0x1d, 0x6b, 73, content.length),
    content,
    commands.lineFeed,
  );
}

/** GS ( k: model 2, modules of four dots, correction level M; store, then print. */
function qrCode(data: string): Uint8Array {
  const call = (...body: number[]): Uint8Array =>
    bytes(0x1d, 0x28, 0x6b, body.length & 0xff, body.length >> 8, ...body);
  return concat(
    call(0x31, 0x41, 0x32, 0x00),
    call(0x31, 0x43, 0x04),
    call(0x31, 0x45, 0x31),
    call(0x31, 0x50, 0x30, ...Buffer.from(data, 'latin1')),
    call(0x31, 0x51, 0x30),
    commands.lineFeed,
  );
}

/** GS v 0: a picture of one bit a dot, from left to right and top to bottom. */
const raster = ({ rowBytes, height, bits }: ReturnType<typeof rasterOf>): Uint8Array =>
  concat(
    bytes(0x1d, 0x76, 0x30, 0x00, rowBytes & 0xff, rowBytes >> 8, height & 0xff, height >> 8),
    bits,
    commands.lineFeed,
  );
