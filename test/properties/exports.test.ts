import { concat, hex, ok, type Result, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import {
  encodeOperation,
  encodeOperationReply,
  encodeReply,
  encodeRequest,
  takeOperation,
  takeOperationReply,
  takeReply,
  takeRequest,
  transferBytesMax,
} from '@tsunagu/protocols/usbip';
import { encodeVpcdFrame, encodeVpcdRequest, readVpcdRequest, takeVpcdFrame } from '@tsunagu/protocols/vpcd';
import { encodeVscard, takeVscard, vscardInit, vscardTypes } from '@tsunagu/protocols/vscard';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byte, bytes, expectDecoder, expectOurs, mangled } from './any-bytes.ts';

const usbipCodes = ['USBIP_VERSION_UNSUPPORTED', 'USBIP_INVALID', 'USBIP_TOO_LONG'] as const;

/** A decoder of whole messages out of one that takes them off a stream: "wait for more" counts as a fault of length. */
const whole =
  <T, C extends ErrorCode>(
    take: (bytes: Uint8Array) => Result<{ readonly message: T; readonly lengthBytes: number } | undefined, C>,
  ) =>
  (input: Uint8Array): Result<T> => {
    const taken = take(input);
    if (!taken.ok) return taken;
    if (taken.value === undefined) return { ok: false, fault: { code: 'FRAME_TRUNCATED' } };
    expect(taken.value.lengthBytes).toBeLessThanOrEqual(input.length);
    expect(taken.value.lengthBytes).toBeGreaterThan(0);
    return ok(taken.value.message);
  };

const word = fc.nat(0xffffffff).map((value) => hex(value.toString(16).padStart(8, '0')));
const small = fc.oneof(fc.nat(3), byte).map((value) => Uint8Array.of(0, 0, 0, value));
const header = (command: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      word,
      word,
      fc.nat(2),
      fc.nat(17),
      small,
      small,
      fc.constantFrom('00000000', 'FFFFFFFF', '00000001'),
      bytes(8),
    )
    .map(([seq, device, direction, endpoint, flags, length, packets, setup]) =>
      concat(
        hex(`000000${command.toString(16).padStart(2, '0')}`),
        seq,
        device,
        Uint8Array.of(0, 0, 0, direction),
        Uint8Array.of(0, 0, 0, endpoint),
        flags,
        length,
        hex('00000000'),
        hex(packets),
        hex('00000000'),
        setup,
        new Uint8Array(length[3] ?? 0).fill(0xa5),
      ),
    );

describe('USB/IP', () => {
  test('any bytes are a request, a wait, or a fault', () => {
    const requests = fc.oneof(header(1), header(2), header(9));
    expectDecoder(mangled(requests, 120), whole(takeRequest), encodeRequest, [...usbipCodes, 'FRAME_TRUNCATED'], 2_000);
    expectDecoder(
      mangled(fc.oneof(header(3), header(4)), 120),
      whole((input) => takeReply(input, () => 'in')),
      encodeReply,
      [...usbipCodes, 'FRAME_TRUNCATED'],
      2_000,
    );
  });

  test('any bytes are an operation, its answer, a wait, or a fault', () => {
    const heads = fc.constantFrom('0111800500000000', '0111800300000000', '0100800500000000', '0111FFFF00000000');
    const asked = fc.tuple(heads, bytes(0, 40)).map(([head, rest]) => concat(hex(head), rest));
    expectDecoder(mangled(asked), whole(takeOperation), encodeOperation, [...usbipCodes, 'FRAME_TRUNCATED']);
    const answers = fc
      .tuple(fc.constantFrom('0111000500000000', '0111000300000000', '0111000300000001'), fc.nat(3), bytes(0, 700))
      .map(([head, count, rest]) => concat(hex(head), Uint8Array.of(0, 0, 0, count), rest));
    expectDecoder(mangled(answers), whole(takeOperationReply), encodeOperationReply, [
      ...usbipCodes,
      'FRAME_TRUNCATED',
    ]);
  });

  test('a stream gives the same messages however it is cut', () => {
    const request = fc.tuple(word, fc.nat(15), bytes(0, 60)).map(([setup, endpoint, data]) =>
      encodeRequest({
        type: 'submit',
        seqnum: data.length,
        deviceId: 1,
        direction: 'out',
        endpoint,
        transferFlags: 0,
        lengthBytes: data.length,
        interval: 0,
        setup: concat(setup, setup),
        data,
      }),
    );
    fc.assert(
      fc.property(fc.array(request, { maxLength: 6 }), fc.nat(), (requests, cut) => {
        const stream = concat(...requests);
        const read: string[] = [];
        let rest = new Uint8Array(0);
        for (const part of [
          stream.subarray(0, cut % (stream.length + 1)),
          stream.subarray(cut % (stream.length + 1)),
        ]) {
          rest = concat(rest, part) as Uint8Array<ArrayBuffer>;
          for (let count = 0; count < 10; count++) {
            const taken = unwrap(takeRequest(rest));
            if (taken === undefined) break;
            read.push(toHex(encodeRequest(taken.message)));
            rest = rest.slice(taken.lengthBytes);
          }
        }
        expect(read).toEqual(requests.map(toHex));
        expect(rest.length).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('a length beyond the limit is refused before its bytes are waited for', () => {
    const request = encodeRequest({
      type: 'submit',
      seqnum: 1,
      deviceId: 1,
      direction: 'in',
      endpoint: 2,
      transferFlags: 0,
      lengthBytes: transferBytesMax + 1,
      interval: 0,
      setup: new Uint8Array(8),
      data: new Uint8Array(0),
    });
    expectOurs(takeRequest(request), ['USBIP_TOO_LONG'], 48);
    expect(takeRequest(request).ok).toBe(false);
  });
});

describe('vpcd', () => {
  test('any payload is a request or a fault, and a frame gives its payload back', () => {
    expectDecoder(fc.oneof(bytes(0, 2), bytes(4, 300)), readVpcdRequest, encodeVpcdRequest, ['VPCD_INVALID']);
    fc.assert(
      fc.property(bytes(0, 600), bytes(0, 9), (payload, more) => {
        const frame = concat(encodeVpcdFrame(payload), more);
        const taken = takeVpcdFrame(frame);
        expect(toHex(taken?.payload ?? Uint8Array.of(0xde))).toBe(toHex(payload));
        expect(takeVpcdFrame(frame.subarray(0, payload.length + 1))).toBeUndefined();
      }),
    );
  });
});

describe('vscard', () => {
  test('any bytes are a message, a wait, or a fault', () => {
    const message = fc
      .tuple(fc.constantFrom(...Object.keys(vscardTypes)), fc.nat(0xffffffff), bytes(0, 40))
      .map(([type, readerId, payload]) => encodeVscard({ type: type as keyof typeof vscardTypes, readerId, payload }));
    expectDecoder(mangled(message), whole(takeVscard), encodeVscard, ['VSCARD_INVALID', 'FRAME_TRUNCATED'], 1_000);
    expect(unwrap(takeVscard(encodeVscard(vscardInit())))?.message).toEqual(vscardInit());
  });
});
