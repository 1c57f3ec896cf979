import {
  chainCommand,
  command,
  continueChain,
  decodeCommand,
  decodeResponse,
  encodeCommand,
  encodeResponse,
  instructionName,
  nextAfter,
  noChain,
  readClassByte,
  response,
  statusMeaning,
} from '@tsunagu/protocols/apdu';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

test.each([
  ['case 1', '00840000', { dataLength: 0, le: undefined, extended: false }],
  ['case 2 short', '0084000000', { dataLength: 0, le: 256, extended: false }],
  ['case 3 short', '0020008002AABB', { dataLength: 2, le: undefined, extended: false }],
  ['case 4 short', '00A4040007A000000003101000', { dataLength: 7, le: 256, extended: false }],
  ['case 2 extended', '00B20114000000', { dataLength: 0, le: 65536, extended: true }],
  ['case 3 extended', '00D60000000002AABB', { dataLength: 2, le: undefined, extended: true }],
  ['case 4 extended', '00D60000000002AABB0100', { dataLength: 2, le: 256, extended: true }],
])('reads and writes a command of %s', (_, text, { dataLength, le, extended }) => {
  const read = unwrap(decodeCommand(hex(text)));
  expect([read.data.length, read.le, read.extended]).toEqual([dataLength, le, extended]);
  expect(toHex(unwrap(encodeCommand(read)))).toBe(text);
});

test.each(['', '00', '00A404', '00A40400 00 01', '00A4040003AABB', '00A4040002AABBCCDD', '00A40400000000AA'])(
  'refuses %s as a command',
  (text) => {
    expect(decodeCommand(hex(text))).toMatchObject({ ok: false, fault: { code: 'APDU_LENGTH_INVALID' } });
  },
);

test('long data or a large Le makes a command extended by itself', () => {
  expect(toHex(unwrap(encodeCommand(command(0, 0xd6, 0, 0, new Uint8Array(256)))).subarray(0, 7))).toBe(
    '00D60000000100',
  );
  expect(toHex(unwrap(encodeCommand(command(0, 0xb0, 0, 0, undefined, 65536))))).toBe('00B00000000000');
  expect(encodeCommand(command(0, 0x300, 0, 0))).toMatchObject({ fault: { code: 'APDU_VALUE_INVALID', field: 'INS' } });
  expect(encodeCommand(command(0, 0xb0, 0, 0, undefined, 0))).toMatchObject({ fault: { field: 'Le' } });
});

test('reads and writes a response', () => {
  const read = unwrap(decodeResponse(hex('77009000')));
  expect([toHex(read.data), read.sw]).toEqual(['7700', 0x9000]);
  expect(toHex(encodeResponse(response(0x6a82)))).toBe('6A82');
  expect(decodeResponse(hex('90'))).toMatchObject({ fault: { code: 'APDU_LENGTH_INVALID' } });
  expect(decodeResponse(hex('1234'))).toMatchObject({ fault: { code: 'APDU_VALUE_INVALID', field: 'SW1' } });
});

test('every status word has a meaning in both languages, with its counters', () => {
  expect(statusMeaning(0x63c2)).toMatchObject({ kind: 'warning', en: expect.stringContaining('2 tries left') });
  expect(statusMeaning(0x6110)).toMatchObject({ kind: 'moreData', en: expect.stringContaining('16 more') });
  expect(statusMeaning(0x6c00)).toMatchObject({ kind: 'wrongLe', en: expect.stringContaining('256') });
  for (let sw = 0x6000; sw <= 0x9fff; sw++) {
    const sw1 = sw >> 8;
    if ((sw1 > 0x60 && sw1 < 0x70) || sw1 >= 0x90) {
      const { en, ja } = statusMeaning(sw);
      expect(en.length * ja.length).toBeGreaterThan(0);
      expect(en).not.toMatch(/\bxx?\b/);
    }
  }
});

test('a chain is taken apart and put together again', () => {
  const data = new Uint8Array(600).map((_, index) => index);
  const chain = chainCommand(command(0x00, 0xe2, 1, 2, data, 256));
  expect(chain.map(({ cla, data: part, le }) => [cla, part.length, le])).toEqual([
    [0x10, 255, undefined],
    [0x10, 255, undefined],
    [0x00, 90, 256],
  ]);
  let state = noChain;
  let complete;
  for (const part of chain) ({ state, complete } = unwrap(continueChain(state, part)));
  expect(complete?.data).toEqual(data);
  expect(complete?.le).toBe(256);
});

test('another command in the middle breaks a chain', () => {
  const [first] = chainCommand(command(0x00, 0xe2, 0, 0, new Uint8Array(300)));
  const { state } = unwrap(continueChain(noChain, first!));
  expect(continueChain(state, command(0, 0xa4, 4, 0))).toMatchObject({ fault: { code: 'APDU_CHAIN_BROKEN' } });
  expect(continueChain(state, first!, 400)).toMatchObject({ fault: { code: 'APDU_CHAIN_BROKEN' } });
});

test('61xx asks for GET RESPONSE, 6Cxx for the same command with the right Le', () => {
  const select = command(0, 0xa4, 4, 0, hex('A000000003'), 256);
  expect(nextAfter(select, response(0x6120))).toMatchObject({ ins: 0xc0, le: 32 });
  expect(nextAfter(command(0x80, 0xa8, 0, 0, hex('8300')), response(0x610a))).toMatchObject({
    cla: 0,
    ins: 0xc0,
    le: 10,
  });
  expect(nextAfter(select, response(0x6c15))).toMatchObject({ ins: 0xa4, le: 21 });
  expect(nextAfter(select, response(0x9000))).toBeUndefined();
});

test('instructions are named by their class', () => {
  expect(instructionName(0x80, 0xae)?.name).toBe('GENERATE AC');
  expect(instructionName(0x00, 0xa4)?.name).toBe('SELECT');
  expect(instructionName(0xff, 0xca)?.name).toBe('GET DATA');
  expect(readClassByte(0x8c)).toMatchObject({ isProprietary: true, secureMessaging: 'headerAuthenticated' });
  expect(readClassByte(0x13)).toMatchObject({ isChained: true, logicalChannel: 3 });
});
