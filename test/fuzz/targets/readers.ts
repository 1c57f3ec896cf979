import { decodeCommand } from '@tsunagu/protocols/apdu';
import {
  BulkInAssembler,
  bulkInTypes,
  bulkOutTypes,
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
  findCcidInterfaces,
} from '@tsunagu/protocols/ccid';
import {
  decodeFelicaCommand,
  decodeFelicaResponse,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeFelicaResponse,
  encodeTransitEntry,
} from '@tsunagu/protocols/felica';
import { concat, hex } from '@tsunagu/protocols/kit';
import {
  encodeExchange,
  encodePseudoCommand,
  parseAtr,
  readExchange,
  readPseudoCommand,
  readStorageCardAtr,
} from '@tsunagu/protocols/pcsc';
import {
  decodeFrame,
  decodePn532Command,
  decodePn532Response,
  encodeFrame,
  encodePn532Command,
  encodePn532Response,
  FrameReader,
  type Pn532Command,
  pn532Commands,
  unwrapFromAcr122,
} from '@tsunagu/protocols/pn532';
import {
  decodePort100Command,
  decodePort100Frame,
  decodePort100Response,
  encodePort100Command,
  encodePort100Frame,
  encodePort100Response,
  port100Commands,
} from '@tsunagu/protocols/rcs380';
import { decoder, expectOurs, expectSame, must, sizeOf, type Target } from '../target.ts';

const messageOf = (type: number, ...data: readonly number[]): Uint8Array =>
  Uint8Array.of(type, data.length, 0, 0, 0, 0, 1, 0, 0, 0, ...data);

const classDescriptor = hex(
  '36211001000703000000C012000000C0120000006700000000000000004003000000000000FE00000000000000020000000F010000FFFF00000001'.slice(
    0,
    108,
  ),
);

/** Every question that an answer can be read as the answer to. */
const questions: readonly Pn532Command[] = [
  { type: 'getFirmwareVersion' },
  { type: 'getGeneralStatus' },
  { type: 'readRegister', addresses: [0x6305, 0x6306] },
  { type: 'inDataExchange', target: 1, more: false, data: new Uint8Array(0) },
  { type: 'inCommunicateThru', data: new Uint8Array(0) },
  { type: 'inRelease', target: 0 },
  // Of Jewel cards no answer is read: every one is refused.
  ...(['106A', '212F', '424F', '106B'] as const).map((kind) => ({
    type: 'inListPassiveTarget' as const,
    targetsMax: 2,
    kind,
    initiator: new Uint8Array(0),
  })),
];

/** Answers that hold each kind of content: cards of each kind, a status with data, a version, registers. */
const answersTo = ({ type }: Pn532Command): readonly Uint8Array[] =>
  [
    '01 01 0004 08 04 01020304 05 75778102',
    '02 01 0004 08 04 01020304 02 0044 20 07 04010203040506 05 75778102',
    '01 01 12 01 0102030405060708 0102030405060708',
    '01 01 14 01 0102030405060708 0102030405060708 88B4',
    '01 01 50 010203040506070809 0A0B 02 0102',
    '00 01020304',
    '32010607',
    '0102',
    '',
  ].map((content) => concat(Uint8Array.of(0xd5, pn532Commands[type] + 1), hex(content)));

/** Transfers of sixty-four bytes or fewer, as the first byte says, through the assembler. */
function transfers(input: Uint8Array): boolean {
  const size = ((input[0] ?? 0) & 63) + 1;
  const assembler = new BulkInAssembler(300);
  let isComplete = false;
  for (let at = 1; at < input.length; at += size) {
    const got = assembler.push(input.subarray(at, at + size));
    must(assembler.pendingBytes <= 300, 'the assembler holds more than a message');
    if (!got.ok) expectOurs(got.fault, input.length);
    else {
      must(sizeOf(got.value) <= 16 + 2 * (input.length + 300), 'more came out than went in');
      isComplete ||= got.value.length > 0;
    }
  }
  return isComplete;
}

/** A stream of the chip in pieces: the same frames as in one, a bounded buffer. */
function stream(input: Uint8Array): boolean {
  const size = ((input[0] ?? 0) & 31) + 1;
  const rest = input.subarray(1);
  const whole = new FrameReader(300).push(rest);
  const reader = new FrameReader(300);
  const got = [];
  for (let at = 0; at < rest.length; at += size) {
    got.push(...reader.push(rest.subarray(at, at + size)));
    must(reader.pendingBytes <= 400, 'the reader holds more than a frame');
  }
  expectSame(
    got.map((read) => read.ok && read.value),
    whole.map((read) => read.ok && read.value),
    'pieces give other frames',
  );
  for (const read of whole) if (!read.ok) expectOurs(read.fault, input.length);
  return whole.some(({ ok: isFrame }) => isFrame);
}

export const targets: readonly Target[] = [
  decoder({
    name: 'ccid-to-reader',
    seeds: () => [
      ...Object.values(bulkOutTypes).map((type) => messageOf(type)),
      messageOf(0x6f, 0, 0xb2, 1, 0x14, 0),
      messageOf(0x61, 0x11, 0x10, 0, 0x4d, 0, 0x20, 0),
    ],
    decode: decodeBulkOut,
    encode: encodeBulkOut,
  }),
  decoder({
    name: 'ccid-from-reader',
    seeds: () => [
      ...Object.values(bulkInTypes).map((type) => messageOf(type)),
      messageOf(0x80, 0x90, 0),
      messageOf(0x82, 0x11, 0x10, 0, 0x4d, 0, 0x20, 0),
    ],
    decode: decodeBulkIn,
    encode: encodeBulkIn,
  }),
  {
    name: 'ccid-transfers',
    seeds: () => [concat(Uint8Array.of(20), messageOf(0x80, 0x90, 0), messageOf(0x81))],
    run: transfers,
  },
  decoder({
    name: 'ccid-interrupt',
    seeds: () => ['5003', '500F03', '5100000101'].map(hex),
    decode: decodeInterrupt,
    encode: encodeInterrupt,
  }),
  ...(['T=0', 'T=1'] as const).map((protocol) =>
    decoder({
      name: `ccid-parameters-${protocol.replace('=', '').toLowerCase()}`,
      seeds: () => [hex('1100000A00'), hex('1110004D002000')],
      decode: (input) => decodeParameters(protocol, input),
      encode: encodeParameters,
    }),
  ),
  decoder({
    name: 'ccid-pin-operation',
    seeds: () => [
      hex('001E82080004020103110400000000 0020008108FFFFFFFFFFFFFFFF'),
      hex('011E8208000408040201020311040001020000 00240001 10FFFFFFFFFFFFFFFF'),
    ],
    decode: decodePinOperation,
    encode: encodePinOperation,
  }),
  decoder({
    name: 'ccid-descriptor',
    seeds: () => [classDescriptor],
    decode: decodeClassDescriptor,
    encode: encodeClassDescriptor,
  }),
  {
    name: 'ccid-configuration',
    seeds: () => [
      concat(
        hex('09025D00010100A032 0904000003 0B000000'),
        classDescriptor,
        hex('0705010240 0000 0705820240 0000 07058303 0800 10'),
      ),
    ],
    run(input) {
      const found = findCcidInterfaces(input);
      must(sizeOf(found) <= 64 + 16 * input.length, 'more interfaces than bytes');
      return found.length > 0;
    },
  },
  decoder({
    name: 'atr',
    seeds: () =>
      ['3B6500002063CB6800', '3B8F8001804F0CA000000306030001000000006A', '3B9F958131FE5D00640F0A0401010000'].map(hex),
    tokens: ['3B', '3F', '80', '81', 'FF', '4F0CA000000306'].map(hex),
    decode: parseAtr,
    check: (atr) => void readStorageCardAtr(atr),
  }),
  {
    name: 'pcsc-pseudo-apdu',
    seeds: () =>
      ['FFCA000000', 'FFB0000410', 'FFD6000404 01020304', 'FF82000006FFFFFFFFFFFF', 'FF860000050100046000'].map(hex),
    run(input) {
      const apdu = decodeCommand(input);
      const read = apdu.ok ? readPseudoCommand(apdu.value) : undefined;
      if (read === undefined) return false;
      const again = readPseudoCommand(encodePseudoCommand(read));
      expectSame(again, read, 'what was written reads otherwise');
      return true;
    },
  },
  decoder({
    name: 'pcsc-exchange',
    seeds: () => ['C003009000970401020304', 'C003016700'].map(hex),
    decode: readExchange,
    encode: encodeExchange,
  }),
  decoder({
    name: 'pn532-frame',
    seeds: () => ['0000FF02FED4022A00', '0000FF00FF00', '0000FFFF00 00', '0000FFFFFF0003FDD402012900'].map(hex),
    tokens: ['0000FF', '00FF', 'FF00', 'FFFF'].map(hex),
    decode: decodeFrame,
    encode: encodeFrame,
  }),
  {
    name: 'pn532-stream',
    seeds: () => [hex('05 5555 00 0000FF02FED4022A00 0000FF00FF00')],
    tokens: [hex('0000FF')],
    run: stream,
  },
  decoder({
    name: 'pn532-command',
    seeds: () => Object.values(pn532Commands).map((code) => Uint8Array.of(0xd4, code, 1, 0, 0x60, 1)),
    decode: decodePn532Command,
    encode: encodePn532Command,
  }),
  ...questions.map((asked, index) =>
    decoder({
      name: `pn532-response-${asked.type === 'inListPassiveTarget' ? `target-${index}` : asked.type}`,
      seeds: () => answersTo(asked),
      decode: (input) => decodePn532Response(input, asked),
      encode: encodePn532Response,
    }),
  ),
  decoder({
    name: 'acr122',
    seeds: () => ['D54100019000', 'D503320106079000', '6300'].map(hex),
    decode: (input) =>
      unwrapFromAcr122({ sw: ((input.at(-2) ?? 0) << 8) | (input.at(-1) ?? 0), data: input.subarray(0, -2) }),
  }),
  decoder({
    name: 'rcs380-frame',
    seeds: () => ['0000FFFFFF0200FED62A0000', '0000FF00FF00'].map(hex),
    tokens: ['0000FFFFFF', 'FE', '00'].map(hex),
    decode: decodePort100Frame,
    encode: encodePort100Frame,
  }),
  decoder({
    name: 'rcs380-command',
    seeds: () => Object.values(port100Commands).map((code) => Uint8Array.of(0xd6, code, 1, 1, 15, 1)),
    decode: decodePort100Command,
    encode: encodePort100Command,
  }),
  ...(['inCommRf', 'getFirmwareVersion', 'getCommandType', 'inSetRf'] as const).map((asked) =>
    decoder({
      name: `rcs380-response-${asked}`,
      seeds: () => [
        Uint8Array.of(0xd7, port100Commands[asked] + 1, 0, 0, 0, 0, 8, 1, 2),
        Uint8Array.of(0xd7, port100Commands[asked] + 1, 0),
        Uint8Array.of(0xd7, port100Commands[asked] + 1, 0x11, 1),
        Uint8Array.of(0xd7, port100Commands[asked] + 1, 1, 2, 3, 4, 5, 6, 7, 8),
      ],
      decode: (input) => decodePort100Response(input, asked),
      encode: encodePort100Response,
    }),
  ),
  decoder({
    name: 'felica-command',
    seeds: () =>
      [
        '060000030100',
        '10060102030405060708010F09018000',
        '20080102030405060708010F09018000 00112233445566778899AABBCCDDEEFF',
        '0C0C0102030405060708',
      ].map(hex),
    decode: decodeFelicaCommand,
    encode: encodeFelicaCommand,
  }),
  decoder({
    name: 'felica-response',
    seeds: () =>
      [
        '12010102030405060708 0102030405060708',
        '1D0701020304050607080000 01 16010002 2CB30000 00000000 00000000',
        '0C0901020304050607080000',
      ].map(hex),
    decode: decodeFelicaResponse,
    encode: encodeFelicaResponse,
  }),
  decoder({
    name: 'felica-transit',
    seeds: () => [hex('160100022CB3E3F2E4F5B80B00001A00'), hex('C7460000 2CB39A3C1234B80B00001A00')],
    decode: decodeTransitEntry,
    encode: (entry) => (entry === undefined ? new Uint8Array(16) : encodeTransitEntry(entry)),
  }),
];
