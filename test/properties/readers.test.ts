import { command, encodeCommand, decodeCommand } from '@tsunagu/protocols/apdu';
import {
  type BulkIn,
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
  messageBytesMax,
} from '@tsunagu/protocols/ccid';
import {
  decodeFelicaCommand,
  decodeFelicaResponse,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeFelicaResponse,
  encodeTransitEntry,
  type FelicaCommand,
  felicaCommands,
} from '@tsunagu/protocols/felica';
import { concat, ok, unwrap } from '@tsunagu/protocols/kit';
import {
  encodeExchange,
  encodePseudoCommand,
  parseAtr,
  readExchange,
  readPseudoCommand,
  readStorageCardAtr,
  storageCardAtr,
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
  type Pn532Target,
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
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byte, bytes, expectDecoder, expectOurs, mangled, took } from './any-bytes.ts';

const word = fc.nat(0xffff);
const ccidCodes = [
  'CCID_TRUNCATED',
  'CCID_LENGTH_WRONG',
  'CCID_TOO_LONG',
  'CCID_MESSAGE_UNKNOWN',
  'CCID_FIELD_INVALID',
] as const;

/** A message with a known type and a right length, its other bytes as they fall; small values are frequent. */
const messageOf = (types: readonly number[]): fc.Arbitrary<Uint8Array> => {
  const small = fc.oneof(fc.nat(4), byte);
  return fc
    .tuple(
      fc.constantFrom(...types),
      fc.array(small, { minLength: 5, maxLength: 5 }),
      fc.oneof(fc.constant(0), fc.constantFrom(5, 7, 8), fc.nat(70)),
      byte,
    )
    .map(([type, rest, length, fill]) =>
      concat(Uint8Array.of(type, length, 0, 0, 0, ...rest), new Uint8Array(length).fill(fill)),
    );
};

describe('CCID', () => {
  test('any bytes are a message from the host or a fault', () => {
    const whole = messageOf(Object.values(bulkOutTypes));
    expectDecoder(mangled(whole), decodeBulkOut, encodeBulkOut, ccidCodes, 2_000);
  });

  test('any bytes are a message from the reader or a fault', () => {
    const whole = messageOf(Object.values(bulkInTypes)).map((message) => {
      const changed = Uint8Array.from(message);
      changed[7] = (changed[7] ?? 0) & 0xc3;
      return changed;
    });
    expectDecoder(mangled(whole), decodeBulkIn, encodeBulkIn, ccidCodes, 2_000);
  });

  test('interrupts, parameters, PIN operations and descriptors', () => {
    const pin = fc.tuple(fc.nat(1), bytes(14, 60)).map(([operation, rest]) => concat(Uint8Array.of(operation), rest));
    expectDecoder(
      mangled(bytes(0, 5).map((rest) => concat(Uint8Array.of(0x50), rest))),
      decodeInterrupt,
      encodeInterrupt,
      ccidCodes,
    );
    expectDecoder(mangled(pin), decodePinOperation, encodePinOperation, ccidCodes);
    for (const protocol of ['T=0', 'T=1'] as const)
      expectDecoder(
        fc.oneof(
          bytes(0, 9),
          fc
            .tuple(byte, fc.nat(3), byte, byte, fc.nat(4), byte, byte)
            .map(([a, b, c, d, e, f, g]) =>
              Uint8Array.from(protocol === 'T=0' ? [a, b & 2, c, d, e] : [a, 0x10 | b, c, d, e, f, g]),
            ),
        ),
        (outside) => decodeParameters(protocol, outside),
        encodeParameters,
        ccidCodes,
      );
    const descriptor = bytes(52).map((rest) => concat(Uint8Array.of(54, 0x21), rest));
    expectDecoder(mangled(descriptor), decodeClassDescriptor, encodeClassDescriptor, ['CCID_DESCRIPTOR_INVALID']);
    fc.assert(
      fc.property(
        mangled(
          fc
            .array(fc.tuple(fc.constantFrom(4, 5, 0x21), bytes(7)), { maxLength: 9 })
            .map((list) => concat(...list.map(([type, rest]) => concat(Uint8Array.of(9, type), rest)))),
        ),
        (outside) => {
          expect(findCcidInterfaces(outside).length).toBeLessThanOrEqual(outside.length / 9);
        },
      ),
    );
  });

  test('messages come out of transfers whole and in order, however the transfers are cut', () => {
    const dataBlock = fc.tuple(byte, byte, bytes(0, 300)).map(
      ([slot, seq, data]): BulkIn => ({
        type: 'dataBlock',
        slot,
        seq,
        icc: 'active',
        status: 'ok',
        error: 0,
        chain: 0,
        data,
      }),
    );
    fc.assert(
      fc.property(
        fc.array(dataBlock, { maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 130 }), { minLength: 1, maxLength: 8 }),
        (sent, cuts) => {
          const stream = concat(...sent.map(encodeBulkIn));
          const assembler = new BulkInAssembler();
          const got: Uint8Array[] = [];
          const steps = [...cuts, 64];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const step = steps[turn % steps.length] ?? 64;
            got.push(...unwrap(assembler.push(stream.subarray(at, at + step))));
            at += step;
          }
          expect(got.map((message) => unwrap(decodeBulkIn(message)))).toEqual(sent);
          expect(assembler.finish()).toEqual(ok(undefined));
        },
      ),
    );
  });

  test('transfers of any bytes never make the assembler hold more than one message', () => {
    fc.assert(
      fc.property(
        fc.array(mangled(messageOf([0x80, 0x81, 0x83])), { maxLength: 20 }),
        fc.integer({ min: 0, max: 400 }),
        (transfers, limit) => {
          const assembler = new BulkInAssembler(limit);
          for (const transfer of transfers) {
            const read = assembler.push(transfer);
            expectOurs(read, ccidCodes, transfer.length);
            expect(assembler.pendingBytes).toBeLessThanOrEqual(Math.min(Math.max(limit, 10), messageBytesMax));
            for (const message of read.ok ? read.value : [])
              expectOurs(decodeBulkIn(message), ccidCodes, message.length);
          }
          expectOurs(assembler.finish(), ['CCID_TRUNCATED']);
        },
      ),
    );
  });
});

describe('PC/SC', () => {
  test('any bytes are an answer to reset or a fault', () => {
    const groups = fc.tuple(fc.constantFrom(0x3b, 0x3f), byte, bytes(0, 30)).map(([ts, t0, rest]) => {
      const body = Uint8Array.of(ts, t0, ...rest);
      return concat(body, Uint8Array.of(body.subarray(1).reduce((sum, value) => sum ^ value, 0)));
    });
    let good = 0;
    fc.assert(
      fc.property(fc.oneof(groups, mangled(fc.constant(storageCardAtr({ standard: 3, name: 1 })), 36)), (outside) => {
        const read = parseAtr(outside);
        expectOurs(read, ['PCSC_INVALID'], outside.length);
        if (!read.ok) return;
        good++;
        expect(read.value.groups.length).toBeLessThanOrEqual(32);
        expect(read.value.protocols.length).toBeGreaterThan(0);
        expect(read.value.historicalBytes.length).toBeLessThanOrEqual(15);
      }),
      { numRuns: 2_000 },
    );
    expect(good).toBeGreaterThan(20);
  });

  test('storage cards, pseudo-APDUs and exchanges come back as they were written', () => {
    fc.assert(
      fc.property(byte, word, bytes(0, 200), byte, word, (standard, name, data, number, sw) => {
        expect(readStorageCardAtr(unwrap(parseAtr(storageCardAtr({ standard, name }))))).toEqual({ standard, name });
        for (const pseudo of [
          { type: 'getUid' },
          { type: 'getHistoricalBytes' },
          { type: 'loadKey', structure: number, number: standard, key: data },
          { type: 'authenticate', block: name, keyType: number, keyNumber: standard },
          { type: 'readBinary', block: name, length: standard + 1 },
          { type: 'updateBinary', block: name, data },
          { type: 'manageSession', objects: data },
          { type: 'transparentExchange', objects: data },
          { type: 'switchProtocol', objects: data },
        ] as const)
          expect(readPseudoCommand(unwrap(decodeCommand(unwrap(encodeCommand(encodePseudoCommand(pseudo))))))).toEqual(
            pseudo,
          );
        for (const result of [
          { sw, failedAt: number },
          { sw, failedAt: number, frame: data },
        ])
          expect(readExchange(encodeExchange(result))).toEqual(ok(result));
      }),
    );
    expectDecoder(
      mangled(bytes(0, 20).map((frame) => encodeExchange({ sw: 0x9000, failedAt: 0, frame }))),
      readExchange,
      encodeExchange,
      ['PCSC_INVALID'],
    );
    fc.assert(
      fc.property(byte, byte, byte, bytes(0, 9), (ins, p1, p2, data) => {
        const read = readPseudoCommand(command(0xff, ins, p1, p2, data));
        if (read !== undefined) expect(readPseudoCommand(encodePseudoCommand(read))).toEqual(read);
      }),
      { numRuns: 2_000 },
    );
  });
});

const frameCodes = ['FRAME_TRUNCATED', 'FRAME_CHECKSUM_WRONG', 'FRAME_INVALID', 'FRAME_TOO_LONG'] as const;

describe('PN532', () => {
  const data = bytes(1, 265).filter((content) => content.length !== 1 || content[0] !== 0x7f);
  const whole = data.map((content) => encodeFrame({ type: 'data', data: content }));

  test('any bytes are a frame or a fault', () => {
    fc.assert(
      fc.property(data, (content) => {
        const frame = { type: 'data', data: content } as const;
        expect(decodeFrame(encodeFrame(frame))).toEqual(ok(frame));
      }),
    );
    expectDecoder(mangled(whole), decodeFrame, encodeFrame, frameCodes, 1_000);
  });

  test('frames come out of a stream with noise between them, however it is cut', () => {
    const noise = fc.constantFrom(new Uint8Array(0), Uint8Array.of(0x55, 0x55, 0, 0, 0), Uint8Array.of(0));
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, data), { maxLength: 6 }), fc.integer({ min: 1, max: 90 }), (sent, step) => {
        const stream = concat(
          ...sent.map(([before, content]) => concat(before, encodeFrame({ type: 'data', data: content }))),
        );
        const reader = new FrameReader();
        const got: unknown[] = [];
        for (let at = 0; at < stream.length; at += step) {
          got.push(...reader.push(stream.subarray(at, at + step)));
          expect(reader.pendingBytes).toBeLessThanOrEqual(275);
        }
        expect(got).toEqual(sent.map(([, content]) => ok({ type: 'data', data: content })));
      }),
    );
    const worst = Uint8Array.from({ length: 100_000 }, (_, index) => [0, 0, 0xff, 0x40, 0xc0][index % 5] ?? 0);
    expect(took(() => new FrameReader().push(worst))).toBeLessThan(500);
  });

  test('any bytes are a command or a fault', () => {
    const shaped = fc
      .tuple(fc.constantFrom(...Object.values(pn532Commands)), fc.nat(4), bytes(0, 20))
      .map(([code, first, rest]) => Uint8Array.of(0xd4, code, first, ...rest));
    expectDecoder(mangled(shaped), decodePn532Command, encodePn532Command, frameCodes, 2_000);
  });

  test('any bytes are an answer or a fault, and cards that the chip found come back as they were written', () => {
    const asked: readonly Pn532Command[] = [
      { type: 'getFirmwareVersion' },
      { type: 'readRegister', addresses: [1, 2] },
      { type: 'writeRegister', values: [] },
      { type: 'inDataExchange', target: 1, more: false, data: new Uint8Array(0) },
      { type: 'inRelease', target: 0 },
      { type: 'getGeneralStatus' },
      ...(['106A', '212F', '424F', '106B', 'jewel'] as const).map(
        (kind): Pn532Command => ({ type: 'inListPassiveTarget', targetsMax: 2, kind, initiator: new Uint8Array(0) }),
      ),
    ];
    for (const question of asked) {
      const shaped = fc
        .tuple(fc.nat(3), bytes(0, 60))
        .map(([first, rest]) => Uint8Array.of(0xd5, pn532Commands[question.type] + 1, first, ...rest));
      expectDecoder(
        mangled(shaped),
        (outside) => decodePn532Response(outside, question),
        encodePn532Response,
        frameCodes,
        300,
      );
    }
    const targets: readonly [Pn532Target['kind'], fc.Arbitrary<Pn532Target>][] = [
      [
        '106A',
        fc.record({
          kind: fc.constant('106A' as const),
          number: byte,
          sensRes: word,
          selRes: fc.constant(0x20),
          uid: bytes(4, 10),
          ats: bytes(0, 20),
        }),
      ],
      [
        '212F',
        fc.record(
          { kind: fc.constant('212F' as const), number: byte, idm: bytes(8), pmm: bytes(8), systemCode: word },
          { requiredKeys: ['kind', 'number', 'idm', 'pmm'] },
        ),
      ],
      [
        '106B',
        fc.record({ kind: fc.constant('106B' as const), number: byte, atqb: bytes(12), attribRes: bytes(0, 8) }),
      ],
    ];
    for (const [kind, target] of targets)
      fc.assert(
        fc.property(fc.array(target, { maxLength: 2 }), (found) => {
          const question = { type: 'inListPassiveTarget', targetsMax: 2, kind, initiator: new Uint8Array(0) } as const;
          const answer = { type: 'inListPassiveTarget', targets: found } as const;
          expect(decodePn532Response(encodePn532Response(answer), question)).toEqual(ok(answer));
          const cut = encodePn532Response(answer);
          for (let end = 0; end < cut.length; end++)
            expectOurs(decodePn532Response(cut.subarray(0, end), question), frameCodes, end);
        }),
        { numRuns: 60 },
      );
    fc.assert(
      fc.property(word, bytes(0, 9), (sw, content) => expectOurs(unwrapFromAcr122({ sw, data: content }), frameCodes)),
    );
  });
});

describe('RC-S380', () => {
  test('any bytes are a frame or a fault', () => {
    const whole = bytes(1, 300).map((content) => encodePort100Frame({ type: 'data', data: content }));
    expectDecoder(mangled(whole), decodePort100Frame, encodePort100Frame, frameCodes, 1_000);
  });

  test('any bytes are a command, an answer or a fault', () => {
    const codes = Object.values(port100Commands);
    const shaped = fc
      .tuple(
        fc.constantFrom(...codes),
        fc.oneof(bytes(0, 20), fc.constantFrom(Uint8Array.of(1, 1, 15, 1), Uint8Array.of(0), Uint8Array.of(1))),
      )
      .map(([code, rest]) => concat(Uint8Array.of(0xd6, code), rest));
    expectDecoder(mangled(shaped), decodePort100Command, encodePort100Command, frameCodes, 2_000);
    for (const asked of ['inSetRf', 'inCommRf', 'getFirmwareVersion', 'getCommandType', 'switchRf'] as const) {
      const answer = fc
        .tuple(fc.nat(1), bytes(0, 20))
        .map(([silent, rest]) =>
          concat(Uint8Array.of(0xd7, port100Commands[asked] + 1), new Uint8Array(silent * 5), rest),
        );
      expectDecoder(
        mangled(answer),
        (outside) => decodePort100Response(outside, asked),
        encodePort100Response,
        frameCodes,
      );
    }
  });
});

describe('FeliCa', () => {
  const idm = bytes(8);
  const services = fc.array(word, { minLength: 1, maxLength: 3 });
  const access = fc
    .tuple(idm, services, fc.array(fc.tuple(fc.nat(2), fc.nat(7), word), { minLength: 1, maxLength: 8 }))
    .map(([card, list, blocks]) => ({
      idm: card,
      services: list,
      blocks: blocks.map(([service, mode, block]) =>
        mode === 0
          ? { service: service % list.length, block }
          : { service: service % list.length, access: mode, block },
      ),
    }));
  const written: fc.Arbitrary<FelicaCommand> = fc.oneof(
    fc.record({
      type: fc.constant('polling' as const),
      systemCode: word,
      request: fc.constantFrom('none' as const, 'systemCode' as const, 'performance' as const),
      slots: fc.constantFrom(0, 1, 3, 7, 15),
    }),
    fc.record({
      type: fc.constant('requestService' as const),
      idm,
      nodes: fc.array(word, { minLength: 1, maxLength: 32 }),
    }),
    fc.record({ type: fc.constantFrom('requestResponse' as const, 'requestSystemCode' as const), idm }),
    fc.record({ type: fc.constant('searchServiceCode' as const), idm, index: word }),
    access.map((rest) => ({ type: 'readWithoutEncryption' as const, ...rest })),
    access.chain((rest) =>
      bytes(rest.blocks.length * 16).map((data) => ({ type: 'writeWithoutEncryption' as const, ...rest, data })),
    ),
  );

  test('a command comes back as it was written; any bytes are a command or a fault', () => {
    fc.assert(
      fc.property(written, (command) => {
        expect(decodeFelicaCommand(encodeFelicaCommand(command))).toEqual(ok(command));
      }),
      { numRuns: 500 },
    );
    expectDecoder(
      mangled(written.map(encodeFelicaCommand)),
      decodeFelicaCommand,
      encodeFelicaCommand,
      ['FELICA_INVALID'],
      2_000,
    );
  });

  test('any bytes are an answer, a history entry or a fault', () => {
    const shaped = fc
      .tuple(fc.constantFrom(...Object.values(felicaCommands)), idm, fc.nat(3), bytes(0, 50))
      .map(([code, card, first, rest]) => Uint8Array.of(rest.length + 11, code + 1, ...card, first, ...rest));
    expectDecoder(mangled(shaped), decodeFelicaResponse, encodeFelicaResponse, ['FELICA_INVALID'], 2_000);
    expectDecoder(
      mangled(bytes(16)),
      decodeTransitEntry,
      (entry) => (entry === undefined ? new Uint8Array(16) : encodeTransitEntry(entry)),
      ['FELICA_INVALID'],
    );
  });
});
