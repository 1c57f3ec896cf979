import { createHash } from 'node:crypto';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { concat, fail, hex, ok, type Result } from '@tsunagu/protocols/kit';
import { decodeTrace, encodeTrace } from '@tsunagu/protocols/trace';
import {
  encodeOperation,
  encodeOperationReply,
  encodeReply,
  encodeRequest,
  takeOperation,
  takeOperationReply,
  takeReply,
  takeRequest,
} from '@tsunagu/protocols/usbip';
import { encodeVpcdRequest, readVpcdRequest } from '@tsunagu/protocols/vpcd';
import { encodeVscard, takeVscard, vscardInit } from '@tsunagu/protocols/vscard';
import { decoder, must, type Target, text } from '../target.ts';

/** A decoder of one message out of one that takes them off a stream: more to come counts as a frame that is cut. */
const one =
  <T, C extends ErrorCode>(
    take: (input: Uint8Array) => Result<{ readonly message: T; readonly lengthBytes: number } | undefined, C>,
  ) =>
  (input: Uint8Array): Result<T> => {
    const taken = take(input);
    if (!taken.ok) return taken;
    if (taken.value === undefined) return fail('FRAME_TRUNCATED');
    const { message, lengthBytes } = taken.value;
    must(lengthBytes > 0 && lengthBytes <= input.length, 'a message takes more than there is, or nothing');
    return ok(message);
  };

/** A header of USB/IP: command, number, device, direction, endpoint, then the rest. */
const usbip = (command: string, direction: string, rest: string): Uint8Array =>
  hex(`${command}00000001000100020000000${direction}00000002${rest}`);

/** A session without its last line, which hashes the others: mutation would never get past it. */
const session = [
  '{"trace":"tsunagu-usb","version":1,"script":"self-test","hand":"none","faults":[],"device":{"vendorId":3599,"productId":4},"card":"fictional"}',
  '{"op":"open"}',
  '{"op":"claim","interface":0}',
  '{"op":"controlIn","setup":{"type":"class","recipient":"interface","request":1,"value":0,"index":0},"in":"00"}',
  '{"op":"bulkOut","endpoint":1,"out":"65000000000100000000"}',
  '{"op":"bulkIn","endpoint":2,"fault":"USB_TIMEOUT"}',
  '{"op":"close"}',
  '',
].join('\n');

/** The last line of such a session. */
const endOf = (body: string): string => {
  const steps = Math.max(0, body.split('\n').length - 2);
  const sha256 = createHash('sha256').update(body, 'utf8').digest('hex');
  return `${JSON.stringify({ end: true, steps, sha256, atMs: Array.from({ length: steps }, () => 0) })}\n`;
};

/** Wires on which readers and cards are lent to others, and the files in which a session is kept. */
export const targets: readonly Target[] = [
  decoder({
    name: 'usbip-request',
    seeds: () => [
      usbip('00000001', '0', '000000000000000A00000000000000000000000000000000000000006500000000000A000000'),
      usbip('00000001', '1', '00000200000002000000000000000000000000008006000100001200'),
      usbip('00000002', '0', '0000000100000000000000000000000000000000000000000000000000000000'),
    ],
    decode: one(takeRequest),
    encode: encodeRequest,
  }),
  decoder({
    name: 'usbip-reply',
    seeds: () => [
      hex(`0000000300000001${'00'.repeat(12)}0000000000000004${'00'.repeat(20)}01020304`),
      hex(`0000000400000001${'00'.repeat(12)}FFFFFF98${'00'.repeat(24)}`),
    ],
    decode: one((input) => takeReply(input, () => 'in')),
    encode: encodeReply,
  }),
  decoder({
    name: 'usbip-operation',
    seeds: () => [hex('0111800500000000'), concat(hex('0111800300000000'), text('1-1'), new Uint8Array(29))],
    decode: one(takeOperation),
    encode: encodeOperation,
  }),
  decoder({
    name: 'usbip-operation-reply',
    seeds: () => [
      hex('011100050000000000000000'),
      hex('0111000300000001'),
      concat(hex('011100050000000000000001'), new Uint8Array(312).fill(1), hex('0B000000')),
      concat(hex('0111000300000000'), new Uint8Array(312).fill(1)),
    ],
    decode: one(takeOperationReply),
    encode: encodeOperationReply,
  }),
  decoder({
    name: 'vpcd-request',
    seeds: () => [hex('00'), hex('04'), hex('00A4040007A000000003101000')],
    decode: readVpcdRequest,
    encode: encodeVpcdRequest,
  }),
  decoder({
    name: 'vscard-message',
    seeds: () => [
      encodeVscard(vscardInit()),
      encodeVscard({ type: 'apdu', readerId: 0, payload: hex('00A4040007A000000003101000') }),
    ],
    decode: one(takeVscard),
    encode: encodeVscard,
  }),
  decoder({
    name: 'trace',
    seeds: () => [text(session)],
    decode(input) {
      const body = Buffer.from(input).toString('utf8');
      const read = decodeTrace(`${body}${endOf(body)}`);
      // A fault of the last line is ours, and its place is not in the input.
      // Its hash is of the lines as they stand, and JSON has many ways to say the same.
      return read.ok ? ok({ header: read.value.header, steps: read.value.steps }) : fail(read.fault.code);
    },
    encode({ header, steps }) {
      const written = encodeTrace(header, steps, []);
      return written.ok ? text(written.value.text.slice(0, written.value.text.lastIndexOf('{"end"'))) : written;
    },
  }),
];
