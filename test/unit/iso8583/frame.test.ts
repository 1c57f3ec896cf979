import {
  answerHeader,
  encodeFrame,
  type Frame,
  type FrameFormat,
  FrameReader,
  formatTpdu,
  parseTpdu,
} from '@tsunagu/protocols/iso8583';
import { concat, hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';

const prefixes = ['bin2be', 'bcd2', 'ascii4'] as const;
const formats: FrameFormat[] = prefixes.flatMap((prefix) =>
  [false, true].flatMap((inclusive) => [0, 5].map((headerBytes) => ({ prefix, inclusive, headerBytes }))),
);
const titled = formats.map((format) => [JSON.stringify(format), format] as const);

const bodyOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 255);
const inHex = (frames: readonly Frame[]): string[] =>
  frames.map(({ header, message }) => `${toHex(header)}|${toHex(message)}`);

describe('a stream is cut into frames', () => {
  test.each(titled)('whatever the size of its chunks: %s', (_, format) => {
    const header = bodyOf(format.headerBytes ?? 0, 60);
    const messages = [13, 1, 0, 120].map((length) => bodyOf(length, length));
    const stream = concat(...messages.map((message) => unwrap(encodeFrame(format, message, header))));
    const expected = messages.map((message) => `${toHex(header)}|${toHex(message)}`);
    for (let size = 1; size <= stream.length; size++) {
      const reader = new FrameReader(format);
      const frames: Frame[] = [];
      for (let at = 0; at < stream.length; at += size) {
        const batch = reader.push(stream.subarray(at, at + size));
        expect(batch.fault).toBeUndefined();
        frames.push(...batch.frames);
      }
      expect(inHex(frames)).toEqual(expected);
      expect(reader.pendingBytes).toBe(0);
      expect(reader.end()).toEqual({ ok: true, value: undefined });
    }
  });

  test('a frame that came in one piece is a view of it', () => {
    const stream = hex('0003 AABBCC');
    const [frame] = new FrameReader({ prefix: 'bin2be' }).push(stream).frames;
    expect(frame?.message.buffer).toBe(stream.buffer);
  });

  test('a frame that came in pieces does not change with them', () => {
    const reader = new FrameReader({ prefix: 'bin2be' });
    const first = hex('0003 AA');
    const second = hex('BBCC 0001');
    expect(reader.push(first).frames).toEqual([]);
    const [frame] = reader.push(second).frames;
    first.fill(0);
    second.fill(0);
    reader.push(hex('DD'));
    expect(frame && toHex(frame.message)).toBe('AABBCC');
  });

  test('signs of life are dropped where the link has them, header or not', () => {
    const stream = hex('0000 0007 6000010002AABB 0000');
    expect(inHex(new FrameReader({ prefix: 'bin2be', headerBytes: 5, keepAlive: true }).push(stream).frames)).toEqual([
      '6000010002|AABB',
    ]);
    const counted = hex('0002 0003 AA');
    expect(inHex(new FrameReader({ prefix: 'bin2be', inclusive: true, keepAlive: true }).push(counted).frames)).toEqual(
      ['|AA'],
    );
  });
});

describe('what a prefix says', () => {
  test.each([
    ['bin2be', false, '0102'],
    ['bin2be', true, '0104'],
    ['bcd2', false, '0258'],
    ['bcd2', true, '0260'],
    ['ascii4', false, '30323538'],
    ['ascii4', true, '30323632'],
  ] as const)('%s, inclusive %s, of 258 bytes', (prefix, inclusive, expected) => {
    const frame = unwrap(encodeFrame({ prefix, inclusive }, new Uint8Array(258)));
    expect(toHex(frame.subarray(0, frame.length - 258))).toBe(expected);
  });

  test.each([
    ['a nibble above 9', { prefix: 'bcd2' }, '00 A0'],
    ['a low nibble above 9', { prefix: 'bcd2' }, '000A'],
    ['a character below the digits', { prefix: 'ascii4' }, '3030302F'],
    ['a character above the digits', { prefix: 'ascii4' }, '3030303A'],
    ['less than itself', { prefix: 'bin2be', inclusive: true }, '0001'],
    ['less than itself in characters', { prefix: 'ascii4', inclusive: true }, '30303033'],
    ['less than the header', { prefix: 'bin2be', headerBytes: 5 }, '0004'],
    ['nothing, where a header is due', { prefix: 'bin2be', headerBytes: 5 }, '0000'],
    ['more than the link takes', { prefix: 'bin2be', maxLengthBytes: 512 }, '0201'],
  ] as const)('is refused when it is %s', (_, format, stream) => {
    const reader = new FrameReader(format);
    const good = unwrap(encodeFrame(format, hex('1100'), new Uint8Array('headerBytes' in format ? 5 : 0)));
    const { frames, fault } = reader.push(concat(good, hex(stream), good));
    expect(frames).toHaveLength(1);
    expect(fault?.code).toBe('FRAME_LENGTH');
    expect(reader.push(good)).toEqual({ frames: [], fault });
    expect(reader.end()).toMatchObject({ ok: false, fault: { code: 'FRAME_LENGTH' } });
  });

  test.each([
    ['bin2be', false, 65_535],
    ['bin2be', true, 65_533],
    ['bcd2', false, 9999],
    ['bcd2', true, 9997],
    ['ascii4', false, 9999],
    ['ascii4', true, 9995],
  ] as const)('%s, inclusive %s, reaches to %i bytes', (prefix, inclusive, most) => {
    const format = { prefix, inclusive };
    const stream = unwrap(encodeFrame(format, bodyOf(most, 1)));
    expect(new FrameReader(format).push(stream).frames[0]?.message).toHaveLength(most);
    expect(encodeFrame(format, bodyOf(most + 1, 1))).toMatchObject({ ok: false, fault: { code: 'FRAME_LENGTH' } });
  });

  test('a message longer than the link takes, or a header of another length, is not sent', () => {
    const refused = { ok: false, fault: { code: 'FRAME_LENGTH' } };
    expect(encodeFrame({ prefix: 'bin2be', maxLengthBytes: 16 }, new Uint8Array(17))).toMatchObject(refused);
    expect(encodeFrame({ prefix: 'bin2be', headerBytes: 5 }, new Uint8Array(1), new Uint8Array(4))).toMatchObject(
      refused,
    );
    expect(encodeFrame({ prefix: 'bin2be' }, new Uint8Array(1), new Uint8Array(5))).toMatchObject(refused);
  });
});

test('a stream that ends inside a frame or a prefix is told, with what arrived and what was promised', () => {
  const reader = new FrameReader({ prefix: 'ascii4' });
  reader.push(hex('3030'));
  expect(reader.end()).toMatchObject({ fault: { code: 'FRAME_INCOMPLETE', facts: { arrivedBytes: 2 } } });
  reader.push(hex('3039 3131'));
  expect(reader.pendingBytes).toBe(6);
  expect(reader.end()).toMatchObject({ fault: { code: 'FRAME_INCOMPLETE', facts: { expectedBytes: 9 } } });
});

test('a promise of much costs nothing until it is kept', () => {
  const readers = Array.from({ length: 20_000 }, () => new FrameReader({ prefix: 'bin2be' }));
  const before = process.memoryUsage().arrayBuffers;
  for (const reader of readers) reader.push(hex('FFFF 31'));
  const grown = process.memoryUsage().arrayBuffers - before;
  expect(readers.at(-1)?.pendingBytes).toBe(3);
  // The bodies promised are 1.3 GB; prefix, chunk and one byte each are a few megabytes.
  expect(grown).toBeLessThan(64_000_000);
});

describe('a TPDU', () => {
  const header = hex('60 0123 4567');

  test('is read and written', () => {
    const tpdu = unwrap(parseTpdu(header));
    expect(tpdu).toEqual({ id: 0x60, destination: 0x0123, originator: 0x4567 });
    expect(formatTpdu(tpdu)).toEqual(header);
  });

  test.each([0, 4, 6])('of %i bytes is refused', (length) => {
    expect(parseTpdu(new Uint8Array(length))).toMatchObject({ ok: false, fault: { code: 'FRAME_LENGTH' } });
  });

  test('swaps its addresses in an answer, and no other header does', () => {
    expect(toHex(answerHeader('tpdu', header))).toBe('6045670123');
    expect(answerHeader('opaque', header)).toBe(header);
    expect(answerHeader('none', new Uint8Array(0))).toHaveLength(0);
  });
});
