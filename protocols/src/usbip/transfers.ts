import { concat, fail, ok, type Result } from '../kit/index.ts';
import type { Taken, UsbipCode } from './operations.ts';

/** Longest data of one transfer, bytes. Readers say far less, but libccid offers buffers of 65,546 bytes; beyond this a length is not believed. */
export const transferBytesMax = 131_072;

const headerBytes = 48;
const commands = { submit: 1, unlink: 2, submitted: 3, unlinked: 4 } as const;

/** Statuses as the kernel numbers them, negative `errno`s. */
export const usbipStatus = { done: 0, noEntry: -2, stalled: -32, reset: -104, shutdown: -108 } as const;

/** What the client's kernel asks of an imported device. Linux, Documentation/usb/usbip_protocol. */
export type UsbipRequest =
  | {
      readonly type: 'submit';
      readonly seqnum: number;
      /** Bus number in the upper half, device number in the lower. */
      readonly deviceId: number;
      readonly direction: 'out' | 'in';
      readonly endpoint: number;
      readonly transferFlags: number;
      /** How many bytes an IN transfer may bring, or an OUT transfer carries. */
      readonly lengthBytes: number;
      readonly interval: number;
      /** The eight bytes of a control request; zeros at other endpoints. USB 2.0, 9.3. */
      readonly setup: Uint8Array;
      /** Data of an OUT transfer. */
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'unlink';
      readonly seqnum: number;
      readonly deviceId: number;
      /** Which submission to take back. */
      readonly unlinkSeqnum: number;
    };

/** What the server answers. */
export type UsbipReply =
  | {
      readonly type: 'submitted';
      readonly seqnum: number;
      /** A value of `usbipStatus`. */
      readonly status: number;
      /** How many bytes moved; of an IN transfer they follow. */
      readonly actualLength: number;
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'unlinked';
      readonly seqnum: number;
      /** `reset` when the transfer was taken back, `done` when it had ended already. */
      readonly status: number;
    };

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nothing = new Uint8Array(0);

/** Writes a request. */
export function encodeRequest(request: UsbipRequest): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = viewOf(header);
  view.setUint32(0, commands[request.type]);
  view.setUint32(4, request.seqnum);
  view.setUint32(8, request.deviceId);
  if (request.type === 'unlink') {
    view.setUint32(20, request.unlinkSeqnum);
    return header;
  }
  view.setUint32(12, request.direction === 'in' ? 1 : 0);
  view.setUint32(16, request.endpoint);
  view.setUint32(20, request.transferFlags);
  view.setUint32(24, request.lengthBytes);
  view.setUint32(36, request.interval);
  header.set(request.setup.subarray(0, 8), 40);
  return request.direction === 'out' ? concat(header, request.data) : header;
}

/** Takes a request off the head of a stream. Isochronous transfers, which no reader has, are USBIP_INVALID. */
export function takeRequest(bytes: Uint8Array): Result<Taken<UsbipRequest> | undefined, UsbipCode> {
  if (bytes.length < headerBytes) return ok(undefined);
  const view = viewOf(bytes);
  const seqnum = view.getUint32(4);
  const deviceId = view.getUint32(8);
  switch (view.getUint32(0)) {
    case commands.unlink:
      return ok({
        message: { type: 'unlink', seqnum, deviceId, unlinkSeqnum: view.getUint32(20) },
        lengthBytes: headerBytes,
      });
    case commands.submit: {
      const direction = view.getUint32(12);
      if (direction > 1) return fail('USBIP_INVALID', { offset: 12, field: 'direction' });
      const endpoint = view.getUint32(16);
      if (endpoint > 15) return fail('USBIP_INVALID', { offset: 16, field: 'ep' });
      const lengthBytes = view.getUint32(24);
      if (lengthBytes > transferBytesMax)
        return fail('USBIP_TOO_LONG', { offset: 24, field: 'transfer_buffer_length', facts: { length: lengthBytes } });
      const packets = view.getInt32(32);
      if (packets !== 0 && packets !== -1) return fail('USBIP_INVALID', { offset: 32, field: 'number_of_packets' });
      const total = headerBytes + (direction === 0 ? lengthBytes : 0);
      if (bytes.length < total) return ok(undefined);
      return ok({
        message: {
          type: 'submit',
          seqnum,
          deviceId,
          direction: direction === 0 ? 'out' : 'in',
          endpoint,
          transferFlags: view.getUint32(20),
          lengthBytes,
          interval: view.getUint32(36),
          setup: bytes.slice(40, headerBytes),
          data: bytes.slice(headerBytes, total),
        },
        lengthBytes: total,
      });
    }
    default:
      return fail('USBIP_INVALID', { offset: 0, field: 'command' });
  }
}

/** Writes a reply. */
export function encodeReply(reply: UsbipReply): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = viewOf(header);
  view.setUint32(0, commands[reply.type]);
  view.setUint32(4, reply.seqnum);
  view.setInt32(20, reply.status);
  if (reply.type === 'unlinked') return header;
  view.setUint32(24, reply.actualLength);
  return concat(header, reply.data);
}

/**
 * Takes a reply off the head of a stream.
 * @param directionOf which way the submission went: data follows IN transfers alone, and the reply does not say
 */
export function takeReply(
  bytes: Uint8Array,
  directionOf: (seqnum: number) => 'out' | 'in',
): Result<Taken<UsbipReply> | undefined, UsbipCode> {
  if (bytes.length < headerBytes) return ok(undefined);
  const view = viewOf(bytes);
  const seqnum = view.getUint32(4);
  const status = view.getInt32(20);
  switch (view.getUint32(0)) {
    case commands.unlinked:
      return ok({ message: { type: 'unlinked', seqnum, status }, lengthBytes: headerBytes });
    case commands.submitted: {
      const actualLength = view.getUint32(24);
      if (actualLength > transferBytesMax)
        return fail('USBIP_TOO_LONG', { offset: 24, field: 'actual_length', facts: { length: actualLength } });
      const total = headerBytes + (directionOf(seqnum) === 'in' ? actualLength : 0);
      if (bytes.length < total) return ok(undefined);
      const data = total === headerBytes ? nothing : bytes.slice(headerBytes, total);
      return ok({ message: { type: 'submitted', seqnum, status, actualLength, data }, lengthBytes: total });
    }
    default:
      return fail('USBIP_INVALID', { offset: 0, field: 'command' });
  }
}
