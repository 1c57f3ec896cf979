import {
  type BulkIn,
  BulkInAssembler,
  type BulkOut,
  type ClassDescriptor,
  decodeBulkIn,
  decodeBulkOut,
  decodeClassDescriptor,
  decodeInterrupt,
  decodeParameters,
  decodePinOperation,
  encodeBulkIn,
  encodeBulkOut,
  encodeClassDescriptor,
  encodeInterrupt,
  encodeParameters,
  encodePinOperation,
  exchangeLevelOf,
  featuresOf,
  findCcidInterfaces,
  slotErrorMeaning,
} from '@tsunagu/protocols/ccid';
import { concat, hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

const out: readonly (readonly [BulkOut, string])[] = [
  [{ type: 'iccPowerOn', slot: 0, seq: 1, power: '5V' }, '62000000000001010000'],
  [{ type: 'iccPowerOff', slot: 0, seq: 2 }, '63000000000002000000'],
  [{ type: 'getSlotStatus', slot: 1, seq: 3 }, '65000000000103000000'],
  [
    { type: 'xfrBlock', slot: 0, seq: 4, bwi: 2, level: 0x0001, data: hex('00A40400') },
    '6F0400000000040201 0000A40400',
  ],
  [{ type: 'getParameters', slot: 0, seq: 5 }, '6C000000000005000000'],
  [{ type: 'resetParameters', slot: 0, seq: 6 }, '6D000000000006000000'],
  [
    { type: 'setParameters', slot: 0, seq: 7, protocol: 'T=1', data: hex('1110FE4D00FE00') },
    '610700000000070100001110FE4D00FE00',
  ],
  [{ type: 'escape', slot: 0, seq: 8, data: hex('01') }, '6B01000000000800000001'],
  [{ type: 'iccClock', slot: 0, seq: 9, clock: 'stop' }, '6E000000000009010000'],
  [
    { type: 't0Apdu', slot: 0, seq: 10, changes: 3, classGetResponse: 0xff, classEnvelope: 0xff },
    '6A00000000000A03FFFF',
  ],
  [{ type: 'secure', slot: 0, seq: 11, bwi: 0, level: 0, data: hex('00') }, '6901000000000B00000000'],
  [{ type: 'mechanical', slot: 0, seq: 12, action: 'eject' }, '7100000000000C020000'],
  [{ type: 'abort', slot: 0, seq: 13 }, '7200000000000D000000'],
  [
    { type: 'setDataRateAndClockFrequency', slot: 0, seq: 14, clockFrequencyKhz: 4000, dataRateBps: 10752 },
    '7308000000000E000000A00F0000002A0000',
  ],
];

test.each(out)('writes and reads %j', (message, text) => {
  const bytes = encodeBulkOut(message);
  expect(toHex(bytes)).toBe(text.replaceAll(' ', ''));
  expect(unwrap(decodeBulkOut(bytes))).toEqual(message);
});

const fine = { slot: 0, icc: 'active', status: 'ok', error: 0 } as const;
const into: readonly (readonly [BulkIn, string])[] = [
  [{ type: 'dataBlock', ...fine, seq: 1, chain: 0, data: hex('3B00') }, '800200000000010000003B00'],
  [
    { type: 'slotStatus', ...fine, seq: 2, icc: 'absent', status: 'failed', error: 0xfe, clock: 'running' },
    '8100000000000242FE00',
  ],
  [
    { type: 'dataBlock', ...fine, seq: 3, status: 'timeExtension', error: 4, chain: 0, data: hex('') },
    '80000000000003800400',
  ],
  [{ type: 'parameters', ...fine, seq: 4, protocol: 'T=0', data: hex('1100000A00') }, '820500000000040000001100000A00'],
  [{ type: 'escape', ...fine, seq: 5, data: hex('AA') }, '83010000000005000000AA'],
  [
    { type: 'dataRateAndClockFrequency', ...fine, seq: 6, clockFrequencyKhz: 4000, dataRateBps: 10752 },
    '84080000000006000000A00F0000002A0000',
  ],
];

test.each(into)('writes and reads %j', (message, text) => {
  const bytes = encodeBulkIn(message);
  expect(toHex(bytes)).toBe(text);
  expect(unwrap(decodeBulkIn(bytes))).toEqual(message);
});

test.each([
  ['a header cut short', '8000000000', 'CCID_TRUNCATED', 5],
  ['a length below what follows', '80010000000001000000AABB', 'CCID_LENGTH_WRONG', 1],
  ['a length above what follows', '80030000000001000000AABB', 'CCID_LENGTH_WRONG', 1],
  ['a length beyond any message', '80FFFFFFFF0001000000', 'CCID_TOO_LONG', 1],
  ['a slot status with data', '81010000000001000000AA', 'CCID_LENGTH_WRONG', 1],
  ['a card status that is none', '80000000000001030000', 'CCID_FIELD_INVALID', 7],
  ['a command status that is none', '80000000000001C00000', 'CCID_FIELD_INVALID', 7],
  ['a chain parameter that is none', '80000000000001000004', 'CCID_FIELD_INVALID', 9],
  ['a message of the other direction', '6F000000000001000000', 'CCID_MESSAGE_UNKNOWN', 0],
])('refuses %s', (_, text, code, offset) => {
  expect(decodeBulkIn(hex(text))).toMatchObject({ ok: false, fault: { code, offset } });
});

test.each([
  ['62000000000001040000', 'CCID_FIELD_INVALID'],
  ['62010000000001000000AA', 'CCID_LENGTH_WRONG'],
  ['61050000000001010000AABBCCDDEE', 'CCID_LENGTH_WRONG'],
  ['71000000000001000000', 'CCID_FIELD_INVALID'],
  ['80000000000001000000', 'CCID_MESSAGE_UNKNOWN'],
])('a reader refuses %s', (text, code) => {
  expect(decodeBulkOut(hex(text))).toMatchObject({ ok: false, fault: { code } });
});

test('transfers of any size are put together into messages; zero-length packets are skipped', () => {
  const messages = into.map(([message]) => encodeBulkIn(message));
  const stream = concat(...messages);
  for (let size = 1; size <= stream.length; size++) {
    const assembler = new BulkInAssembler(271);
    const got: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      got.push(...unwrap(assembler.push(stream.subarray(at, at + size))).map(toHex));
      got.push(...unwrap(assembler.push(new Uint8Array(0))).map(toHex));
    }
    expect(got).toEqual(messages.map(toHex));
    expect(assembler.finish().ok).toBe(true);
  }
});

test('a stated length beyond the limit is refused before anything is buffered', () => {
  const assembler = new BulkInAssembler(271);
  expect(assembler.push(hex('8006010000'))).toMatchObject({ ok: true, value: [] });
  expect(assembler.push(hex('0001000000'))).toMatchObject({ ok: false, fault: { code: 'CCID_TOO_LONG' } });
  expect(assembler.pendingBytes).toBe(0);
  expect(assembler.push(hex('00'))).toMatchObject({ ok: false, fault: { code: 'CCID_MESSAGE_UNKNOWN', offset: 0 } });
});

test('an answer that stops in the middle is told apart from one that has not begun', () => {
  const assembler = new BulkInAssembler();
  expect(assembler.finish().ok).toBe(true);
  unwrap(assembler.push(hex('800400000000010000003B')));
  expect(assembler.finish()).toMatchObject({ fault: { code: 'CCID_TRUNCATED', offset: 11 } });
  expect(assembler.pendingBytes).toBe(0);
});

test('slot changes and hardware errors come by interrupt', () => {
  expect(unwrap(decodeInterrupt(hex('5003')))).toMatchObject({
    type: 'notifySlotChange',
    slots: [{ isPresent: true, hasChanged: true }, {}, {}, {}],
  });
  const five = unwrap(decodeInterrupt(hex('50020100')));
  expect(five.type === 'notifySlotChange' && five.slots[4]).toEqual({ isPresent: true, hasChanged: false });
  expect(toHex(encodeInterrupt(five))).toBe('50020100');
  expect(toHex(encodeInterrupt(unwrap(decodeInterrupt(hex('51010703')))))).toBe('51010703');
  expect(decodeInterrupt(hex('50'))).toMatchObject({ fault: { code: 'CCID_TRUNCATED' } });
  expect(decodeInterrupt(hex('52'))).toMatchObject({ fault: { code: 'CCID_MESSAGE_UNKNOWN' } });
});

const descriptor: ClassDescriptor = {
  releaseBcd: 0x0110,
  slotIndexMax: 0,
  voltages: ['5V', '3V'],
  protocols: ['T=0', 'T=1'],
  defaultClockKhz: 4000,
  maximumClockKhz: 12000,
  clockCount: 0,
  dataRateBps: 10752,
  dataRateBpsMax: 344105,
  dataRateCount: 0,
  ifsdMax: 254,
  synchronousProtocols: 0,
  mechanical: 0,
  features: 0x000404fe,
  messageBytesMax: 271,
  classGetResponse: 0xff,
  classEnvelope: 0xff,
  lcd: { lines: 2, characters: 16 },
  pinSupport: ['verify', 'modify'],
  busySlotsMax: 1,
};

test('a class descriptor is read, written, and found in a configuration', () => {
  const bytes = encodeClassDescriptor(descriptor);
  expect(bytes).toHaveLength(54);
  expect(unwrap(decodeClassDescriptor(bytes))).toEqual(descriptor);
  expect(exchangeLevelOf(descriptor.features)).toBe('extendedApdu');
  expect(featuresOf(descriptor.features)).toContain('automaticPps');
  const configuration = concat(
    hex('09025D000101008032 0904000003 0B000000'),
    bytes,
    hex('07050102400000 07058202400000 0705830308 0010'),
  );
  expect(findCcidInterfaces(configuration)).toEqual([
    { interfaceNumber: 0, descriptor, bulkOut: 1, bulkIn: 2, bulkInPacketBytes: 64, interruptIn: 3 },
  ]);
  for (let length = 0; length < configuration.length; length++) findCcidInterfaces(configuration.subarray(0, length));
  expect(decodeClassDescriptor(bytes.subarray(1))).toMatchObject({ fault: { code: 'CCID_DESCRIPTOR_INVALID' } });
});

test('slot parameters of both protocols are read and written', () => {
  for (const [protocol, text] of [
    ['T=0', '1102000A03'],
    ['T=1', '1111FE4D00FE00'],
  ] as const)
    expect(toHex(encodeParameters(unwrap(decodeParameters(protocol, hex(text)))))).toBe(text);
  expect(decodeParameters('T=1', hex('1110FE4D00FF00'))).toMatchObject({ fault: { field: 'bIFSC' } });
});

test('PIN entry on the reader is read and written', () => {
  for (const text of [
    '001E89470404080202001104000000000020000008 20FFFFFFFFFFFFFF',
    '011E8947040005080402020311040001020000000024000000',
    '011E89470400050804020200110400000000 24000000',
  ])
    expect(toHex(encodePinOperation(unwrap(decodePinOperation(hex(text)))))).toBe(text.replaceAll(' ', ''));
  expect(decodePinOperation(hex('02'))).toMatchObject({ fault: { code: 'CCID_FIELD_INVALID' } });
  expect(decodePinOperation(hex('001E'))).toMatchObject({ fault: { code: 'CCID_TRUNCATED' } });
});

test('every slot error has a meaning in both languages', () => {
  expect(slotErrorMeaning(0xfe).name).toBe('ICC_MUTE');
  expect(slotErrorMeaning(7).en).toContain('Byte 7');
  for (let code = 0; code < 256; code++) {
    const { en, ja } = slotErrorMeaning(code);
    expect(en.length * ja.length).toBeGreaterThan(0);
  }
});
