import { concat, fail, ok, type Result } from '../kit/index.ts';
import {
  busIdBytes,
  decodeDeviceRecord,
  deviceRecordBytes,
  encodeDeviceRecord,
  readText,
  type UsbipDevice,
  type UsbipInterface,
  writeText,
} from './device-record.ts';

/** What can be wrong with bytes of the protocol. */
export type UsbipCode = 'USBIP_VERSION_UNSUPPORTED' | 'USBIP_INVALID' | 'USBIP_TOO_LONG';

/** A message at the head of a stream, and how many bytes it took. `undefined` means: wait for more. */
export interface Taken<T> {
  readonly message: T;
  readonly lengthBytes: number;
}

/** Version 1.1.1, the only one in use since Linux 3.17. */
export const usbipVersion = 0x0111;

/** Codes of operations; an answer has the code of its request without the highest bit. */
const codes = { listDevices: 0x8005, importDevice: 0x8003 } as const;
const headBytes = 8;

/** What a client asks before a device is imported. */
export type UsbipOperation =
  | { readonly type: 'listDevices' }
  | { readonly type: 'importDevice'; readonly busId: string };

/** What the server answers. */
export type UsbipOperationReply =
  | {
      readonly type: 'devices';
      readonly devices: readonly { readonly device: UsbipDevice; readonly interfaces: readonly UsbipInterface[] }[];
    }
  | { readonly type: 'imported'; readonly device: UsbipDevice }
  /** The status is not zero: there is no such device, or it is in use. */
  | { readonly type: 'refused'; readonly operation: 'listDevices' | 'importDevice'; readonly status: number };

/** Devices in one list; a list that says more is not believed. */
const devicesMax = 64;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function head(code: number, status: number): Uint8Array {
  const bytes = new Uint8Array(headBytes);
  const view = viewOf(bytes);
  view.setUint16(0, usbipVersion);
  view.setUint16(2, code);
  view.setUint32(4, status);
  return bytes;
}

function readHead(
  bytes: Uint8Array,
): Result<{ readonly code: number; readonly status: number } | undefined, UsbipCode> {
  if (bytes.length < headBytes) return ok(undefined);
  const view = viewOf(bytes);
  const version = view.getUint16(0);
  if (version !== usbipVersion) return fail('USBIP_VERSION_UNSUPPORTED', { offset: 0, facts: { version } });
  return ok({ code: view.getUint16(2), status: view.getUint32(4) });
}

/** Writes what a client asks. */
export const encodeOperation = (operation: UsbipOperation): Uint8Array =>
  operation.type === 'listDevices'
    ? head(codes.listDevices, 0)
    : concat(head(codes.importDevice, 0), writeText(operation.busId, busIdBytes));

/** Takes what a client asks off the head of a stream. */
export function takeOperation(bytes: Uint8Array): Result<Taken<UsbipOperation> | undefined, UsbipCode> {
  const read = readHead(bytes);
  if (!read.ok) return read;
  if (read.value === undefined) return ok(undefined);
  switch (read.value.code) {
    case codes.listDevices:
      return ok({ message: { type: 'listDevices' }, lengthBytes: headBytes });
    case codes.importDevice: {
      const lengthBytes = headBytes + busIdBytes;
      if (bytes.length < lengthBytes) return ok(undefined);
      return ok({
        message: { type: 'importDevice', busId: readText(bytes.subarray(headBytes, lengthBytes)) },
        lengthBytes,
      });
    }
    default:
      return fail('USBIP_INVALID', { offset: 2, field: 'code', facts: { code: read.value.code } });
  }
}

/** Writes what the server answers. */
export function encodeOperationReply(reply: UsbipOperationReply): Uint8Array {
  switch (reply.type) {
    case 'refused':
      return concat(
        head(codes[reply.operation] & 0x7fff, reply.status),
        // A list has its count even when it is refused; an import has nothing more.
        new Uint8Array(reply.operation === 'listDevices' ? 4 : 0),
      );
    case 'imported':
      return concat(head(codes.importDevice & 0x7fff, 0), encodeDeviceRecord(reply.device));
    case 'devices': {
      const count = new Uint8Array(4);
      viewOf(count).setUint32(0, reply.devices.length);
      const records = reply.devices.map(({ device, interfaces }) =>
        concat(
          encodeDeviceRecord({ ...device, interfaceCount: interfaces.length }),
          ...interfaces.map(({ interfaceClass, interfaceSubclass, interfaceProtocol }) =>
            Uint8Array.of(interfaceClass, interfaceSubclass, interfaceProtocol, 0),
          ),
        ),
      );
      return concat(head(codes.listDevices & 0x7fff, 0), count, ...records);
    }
  }
}

/** Takes the server's answer off the head of a stream. */
export function takeOperationReply(bytes: Uint8Array): Result<Taken<UsbipOperationReply> | undefined, UsbipCode> {
  const read = readHead(bytes);
  if (!read.ok) return read;
  if (read.value === undefined) return ok(undefined);
  const { code, status } = read.value;
  const isList = code === (codes.listDevices & 0x7fff);
  if (!isList && code !== (codes.importDevice & 0x7fff)) return fail('USBIP_INVALID', { offset: 2, field: 'code' });
  if (isList) return takeList(bytes, status);
  if (status !== 0)
    return ok({ message: { type: 'refused', operation: 'importDevice', status }, lengthBytes: headBytes });
  const lengthBytes = headBytes + deviceRecordBytes;
  if (bytes.length < lengthBytes) return ok(undefined);
  return ok({
    message: { type: 'imported', device: decodeDeviceRecord(bytes.subarray(headBytes, lengthBytes)) },
    lengthBytes,
  });
}

function takeList(bytes: Uint8Array, status: number): Result<Taken<UsbipOperationReply> | undefined, UsbipCode> {
  let at = headBytes + 4;
  if (bytes.length < at) return ok(undefined);
  if (status !== 0) return ok({ message: { type: 'refused', operation: 'listDevices', status }, lengthBytes: at });
  const count = viewOf(bytes).getUint32(headBytes);
  if (count > devicesMax) return fail('USBIP_TOO_LONG', { offset: headBytes, facts: { devices: count } });
  const devices: { device: UsbipDevice; interfaces: UsbipInterface[] }[] = [];
  for (let index = 0; index < count; index++) {
    if (bytes.length < at + deviceRecordBytes) return ok(undefined);
    const device = decodeDeviceRecord(bytes.subarray(at, at + deviceRecordBytes));
    at += deviceRecordBytes;
    if (bytes.length < at + 4 * device.interfaceCount) return ok(undefined);
    const interfaces: UsbipInterface[] = [];
    for (let number = 0; number < device.interfaceCount; number++, at += 4) {
      const [interfaceClass = 0, interfaceSubclass = 0, interfaceProtocol = 0] = bytes.subarray(at, at + 3);
      interfaces.push({ interfaceClass, interfaceSubclass, interfaceProtocol });
    }
    devices.push({ device, interfaces });
  }
  return ok({ message: { type: 'devices', devices }, lengthBytes: at });
}
