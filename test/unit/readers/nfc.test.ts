import {
  checkFelicaStatus,
  decodeFelicaCommand,
  decodeFelicaResponse,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeFelicaResponse,
  encodeTransitEntry,
  type FelicaCommand,
  type FelicaResponse,
} from '@tsunagu/protocols/felica';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import {
  contactlessAtr,
  encodeExchange,
  encodePseudoCommand,
  type PseudoCommand,
  parseAtr,
  readExchange,
  readPseudoCommand,
  readStorageCardAtr,
  startSession,
  storageCardAtr,
  switchTo,
  transceive,
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
  type Pn532Response,
} from '@tsunagu/protocols/pn532';
import {
  decodePort100Command,
  decodePort100Frame,
  decodePort100Response,
  encodePort100Command,
  encodePort100Frame,
  encodePort100Response,
  type Port100Command,
  type Port100Response,
  port100StatusMeaning,
} from '@tsunagu/protocols/rcs380';
import { expect, test } from 'vitest';

test('a PN532 frame is read and written, and each broken part is named', () => {
  const bytes = hex('0000FF02FED4022A00');
  expect(unwrap(decodeFrame(bytes))).toEqual({ type: 'data', data: hex('D402') });
  expect(toHex(encodeFrame({ type: 'data', data: hex('D402') }))).toBe(toHex(bytes));
  for (const type of ['ack', 'nack', 'error'] as const)
    expect(unwrap(decodeFrame(encodeFrame({ type })))).toEqual({ type });
  const long = encodeFrame({ type: 'data', data: new Uint8Array(265).fill(7) });
  expect(unwrap(decodeFrame(long))).toMatchObject({ type: 'data' });
  const faults: readonly (readonly [string, string])[] = [
    ['0000FF02FDD4022A00', 'FRAME_CHECKSUM_WRONG'],
    ['0000FF02FED4022B00', 'FRAME_CHECKSUM_WRONG'],
    ['0000FF02FED4022A01', 'FRAME_INVALID'],
    ['0001FF02FED4022A00', 'FRAME_INVALID'],
    ['0000FFFFFF0200FED4', 'FRAME_TOO_LONG'],
  ];
  for (const [text, code] of faults) expect(decodeFrame(hex(text))).toMatchObject({ ok: false, fault: { code } });
  for (let length = 0; length < bytes.length; length++)
    expect(decodeFrame(bytes.subarray(0, length))).toMatchObject({ fault: { code: 'FRAME_TRUNCATED' } });
});

test('frames are taken out of a stream behind a wake-up, byte by byte, within a bounded buffer', () => {
  const stream = hex('55550000000000FF00FF000000FF02FED4022A00');
  const reader = new FrameReader();
  const found: string[] = [];
  for (const byte of stream) for (const frame of reader.push(Uint8Array.of(byte))) found.push(unwrap(frame).type);
  expect(found).toEqual(['ack', 'data']);
  for (let count = 0; count < 2000; count++) reader.push(Uint8Array.of(0x55, 0, 0xff));
  expect(reader.pendingBytes).toBeLessThan(300);
});

const pn532: readonly (readonly [Pn532Command, string, Pn532Response, string])[] = [
  [
    { type: 'getFirmwareVersion' },
    'D402',
    { type: 'getFirmwareVersion', chip: 0x32, version: 1, revision: 6, support: 7 },
    'D50332010607',
  ],
  [
    { type: 'inListPassiveTarget', targetsMax: 1, kind: '212F', initiator: hex('00FFFF0100') },
    'D44A010100FFFF0100',
    {
      type: 'inListPassiveTarget',
      targets: [{ kind: '212F', number: 1, idm: hex('0102030405060708'), pmm: hex('1112131415161718'), systemCode: 3 }],
    },
    'D54B0101140101020304050607081112131415161718 0003',
  ],
  [
    { type: 'inListPassiveTarget', targetsMax: 1, kind: '106A', initiator: hex('') },
    'D44A0100',
    {
      type: 'inListPassiveTarget',
      targets: [{ kind: '106A', number: 1, sensRes: 4, selRes: 0x20, uid: hex('01020304'), ats: hex('78809002') }],
    },
    'D54B0101000420040102030405 78809002',
  ],
  [
    { type: 'inDataExchange', target: 1, more: false, data: hex('00A40400') },
    'D4400100A40400',
    { type: 'inDataExchange', status: 0, more: false, data: hex('9000') },
    'D541009000',
  ],
  [{ type: 'samConfiguration', mode: 1, timeout: 20, irq: 1 }, 'D414011401', { type: 'samConfiguration' }, 'D515'],
  [{ type: 'readRegister', addresses: [0x6305] }, 'D4066305', { type: 'readRegister', values: hex('40') }, 'D50740'],
  [{ type: 'inRelease', target: 0 }, 'D45200', { type: 'inRelease', status: 0 }, 'D55300'],
];

test.each(pn532)('a PN532 reads and answers %j', (command, sent, response, answered) => {
  expect(toHex(encodePn532Command(command))).toBe(sent);
  expect(unwrap(decodePn532Command(hex(sent)))).toEqual(command);
  const answer = answered.replaceAll(' ', '');
  expect(toHex(encodePn532Response(response))).toBe(answer);
  expect(unwrap(decodePn532Response(hex(answer), command))).toEqual(response);
});

const port100: readonly (readonly [Port100Command, string, Port100Response, string])[] = [
  [{ type: 'setCommandType', value: 1 }, 'D62A01', { type: 'setCommandType', status: 0 }, 'D72B00'],
  [{ type: 'getFirmwareVersion' }, 'D620', { type: 'getFirmwareVersion', version: 0x0111 }, 'D7211101'],
  [{ type: 'inSetRf', setting: '212F' }, 'D60001010F01', { type: 'inSetRf', status: 0 }, 'D70100'],
  [{ type: 'inSetProtocol', items: [[0, 0x18]] }, 'D6020018', { type: 'inSetProtocol', status: 0 }, 'D70300'],
  [
    { type: 'inCommRf', timeout: 110, data: hex('060000030100') },
    'D6046E00060000030100',
    { type: 'inCommRf', status: 0, data: hex('0203') },
    'D70500000000080203',
  ],
  [{ type: 'switchRf', on: false }, 'D60600', { type: 'switchRf', status: 0 }, 'D70700'],
];

test.each(port100)('an RC-S380 reads and answers %j', (command, sent, response, answered) => {
  expect(toHex(encodePort100Command(command))).toBe(sent);
  expect(unwrap(decodePort100Command(hex(sent)))).toEqual(command);
  expect(toHex(encodePort100Response(response))).toBe(answered);
  expect(unwrap(decodePort100Response(hex(answered), command.type))).toEqual(response);
  const frame = encodePort100Frame({ type: 'data', data: hex(sent) });
  expect(unwrap(decodePort100Frame(frame))).toEqual({ type: 'data', data: hex(sent) });
  for (let length = 0; length < frame.length; length++)
    expect(decodePort100Frame(frame.subarray(0, length)).ok).toBe(false);
});

test('a silent card shows in the status of the RC-S380', () => {
  const read = unwrap(decodePort100Response(hex('D70580000000'), 'inCommRf'));
  expect(read.type === 'inCommRf' && port100StatusMeaning(read.status).map(({ en }) => en)).toEqual([
    'The card did not answer in time',
  ]);
  expect(unwrap(decodePort100Frame(hex('0000FF00FF00')))).toEqual({ type: 'ack' });
});

const idm = hex('0102030405060708');
const felica: readonly (readonly [FelicaCommand, string])[] = [
  [{ type: 'polling', systemCode: 3, request: 'systemCode', slots: 0 }, '060000030100'],
  [{ type: 'requestResponse', idm }, '0A040102030405060708'],
  [{ type: 'requestService', idm, nodes: [0x090f] }, '0D020102030405060708010F09'],
  [
    { type: 'readWithoutEncryption', idm, services: [0x090f], blocks: [{ service: 0, block: 0 }] },
    '10060102030405060708010F09018000',
  ],
  [
    { type: 'readWithoutEncryption', idm, services: [0x090f], blocks: [{ service: 0, block: 300 }] },
    '11060102030405060708010F0901002C01',
  ],
  [
    {
      type: 'writeWithoutEncryption',
      idm,
      services: [9],
      blocks: [{ service: 0, block: 1 }],
      data: new Uint8Array(16),
    },
    `200801020304050607080109000180 01${'00'.repeat(16)}`,
  ],
];

test.each(felica)('a FeliCa card reads %j', (command, text) => {
  const bytes = encodeFelicaCommand(command);
  expect(toHex(bytes)).toBe(text.replaceAll(' ', ''));
  expect(unwrap(decodeFelicaCommand(bytes))).toEqual(command);
  for (let length = 0; length < bytes.length; length++)
    expect(decodeFelicaCommand(bytes.subarray(0, length)).ok).toBe(false);
});

test.each<readonly [FelicaResponse]>([
  [{ type: 'polling', idm, pmm: idm, requested: 3 }],
  [{ type: 'polling', idm, pmm: idm }],
  [{ type: 'requestService', idm, keyVersions: [0xffff, 1] }],
  [{ type: 'readWithoutEncryption', idm, status1: 0, status2: 0, data: new Uint8Array(16) }],
  [{ type: 'readWithoutEncryption', idm, status1: 1, status2: 0xa6, data: new Uint8Array(0) }],
  [{ type: 'writeWithoutEncryption', idm, status1: 0, status2: 0 }],
  [{ type: 'requestSystemCode', idm, systemCodes: [3, 0xfe00] }],
])('a FeliCa card answers %j', (response) => {
  expect(unwrap(decodeFelicaResponse(encodeFelicaResponse(response)))).toEqual(response);
});

test('a refusal of the card is told with its flags', () => {
  expect(checkFelicaStatus({ status1: 1, status2: 0xa6 })).toMatchObject({
    fault: { code: 'FELICA_STATUS', facts: { status2: 0xa6 } },
  });
});

test('the history of a transit card is read', () => {
  const entry = unwrap(decodeTransitEntry(hex('16010002357701020304E80300002A00')));
  expect(entry).toMatchObject({ date: { year: 2026, month: 11, day: 23 }, balance: 1000, serial: 42 });
  expect(unwrap(decodeTransitEntry(encodeTransitEntry(entry!)))).toEqual(entry);
  expect(unwrap(decodeTransitEntry(new Uint8Array(16)))).toBeUndefined();
  expect(decodeTransitEntry(new Uint8Array(15)).ok).toBe(false);
});

test.each<readonly [PseudoCommand]>([
  [{ type: 'getUid' }],
  [{ type: 'getHistoricalBytes' }],
  [{ type: 'loadKey', structure: 0, number: 1, key: hex('FFFFFFFFFFFF') }],
  [{ type: 'authenticate', block: 4, keyType: 0x60, keyNumber: 1 }],
  [{ type: 'readBinary', block: 4, length: 16 }],
  [{ type: 'updateBinary', block: 4, data: new Uint8Array(16) }],
  [{ type: 'transparentExchange', objects: transceive(hex('06000003'), 10000) }],
  [{ type: 'manageSession', objects: startSession() }],
  [{ type: 'switchProtocol', objects: switchTo('felica', 0) }],
])('a contactless reader understands %j', (pseudo) => {
  expect(readPseudoCommand(encodePseudoCommand(pseudo))).toEqual(pseudo);
});

test('the answer to a transparent exchange carries the frame of the card', () => {
  const result = { sw: 0x9000, failedAt: 0, frame: hex('1201') };
  expect(unwrap(readExchange(encodeExchange(result)))).toEqual(result);
  expect(readExchange(hex('97021201'))).toMatchObject({ fault: { code: 'PCSC_INVALID', field: 'C0' } });
});

test('the ATR of a storage card tells what it is', () => {
  const bytes = storageCardAtr({ standard: 0x11, name: 0x003b });
  expect(toHex(bytes)).toBe('3B8F8001804F0CA00000030611003B0000000042');
  const atr = unwrap(parseAtr(bytes));
  expect(readStorageCardAtr(atr)).toEqual({ standard: 0x11, name: 0x003b });
  expect(atr.protocols).toEqual([0, 1]);
  bytes[19] = 0;
  expect(parseAtr(bytes)).toMatchObject({ fault: { code: 'PCSC_INVALID', field: 'TCK' } });
  expect(unwrap(parseAtr(contactlessAtr(hex('8090')))).historicalBytes).toEqual(hex('8090'));
});

test('the ATR of a contact card gives its protocol parameters', () => {
  const t0 = unwrap(parseAtr(hex('3B6500002063CB6600')));
  expect(t0).toMatchObject({ protocols: [0], fiDi: 0x11, guardTime: 0 });
  const t1 = unwrap(parseAtr(hex('3BE000008131FE45EB')));
  expect(t1).toMatchObject({ protocols: [1], ifsc: 0xfe, waitingIntegers: 0x45, usesCrc: false });
  for (const text of ['3B', '3C00', '3B10', '3B02AA']) expect(parseAtr(hex(text)).ok).toBe(false);
});
