import { asBuffer } from '../kit/index.ts';

/** Speeds as the kernel numbers them (`enum usb_device_speed`). */
export const usbSpeeds = { low: 1, full: 2, high: 3, super: 5 } as const;

/** A device as a server offers it, 312 bytes. Linux, Documentation/usb/usbip_protocol, OP_REP_DEVLIST. */
export interface UsbipDevice {
  /** Where the device is in the server's sysfs; for people alone. At most 255 bytes. */
  readonly path: string;
  /** What a client imports it by, such as `1-1`. At most 31 bytes. */
  readonly busId: string;
  readonly busNumber: number;
  readonly deviceNumber: number;
  /** A value of `usbSpeeds`. */
  readonly speed: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceBcd: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly configurationValue: number;
  readonly configurationCount: number;
  readonly interfaceCount: number;
}

/** An interface in a device list: class, subclass, protocol. */
export interface UsbipInterface {
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
}

/** Length of a device record. */
export const deviceRecordBytes = 312;
/** Length of its path field. */
export const pathBytes = 256;
/** Length of its bus id field. */
export const busIdBytes = 32;

/** Reads a text that is filled up with zeros; the last byte counts as zero, whatever it says. */
export function readText(bytes: Uint8Array): string {
  const text = bytes.subarray(0, -1);
  const end = text.indexOf(0);
  return asBuffer(end < 0 ? text : text.subarray(0, end)).toString('latin1');
}

/** Writes a text and fills up with zeros; what does not fit is cut, and a last zero always stands. */
export function writeText(text: string, lengthBytes: number): Uint8Array {
  const field = new Uint8Array(lengthBytes);
  field.set(Buffer.from(text, 'latin1').subarray(0, lengthBytes - 1));
  return field;
}

/** Writes a device record. */
export function encodeDeviceRecord(device: UsbipDevice): Uint8Array {
  const record = new Uint8Array(deviceRecordBytes);
  const view = new DataView(record.buffer);
  record.set(writeText(device.path, pathBytes), 0);
  record.set(writeText(device.busId, busIdBytes), pathBytes);
  view.setUint32(288, device.busNumber);
  view.setUint32(292, device.deviceNumber);
  view.setUint32(296, device.speed);
  view.setUint16(300, device.vendorId);
  view.setUint16(302, device.productId);
  view.setUint16(304, device.deviceBcd);
  view.setUint8(306, device.deviceClass);
  view.setUint8(307, device.deviceSubclass);
  view.setUint8(308, device.deviceProtocol);
  view.setUint8(309, device.configurationValue);
  view.setUint8(310, device.configurationCount);
  view.setUint8(311, device.interfaceCount);
  return record;
}

/** Reads a device record of exactly 312 bytes. */
export function decodeDeviceRecord(record: Uint8Array): UsbipDevice {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return {
    path: readText(record.subarray(0, pathBytes)),
    busId: readText(record.subarray(pathBytes, pathBytes + busIdBytes)),
    busNumber: view.getUint32(288),
    deviceNumber: view.getUint32(292),
    speed: view.getUint32(296),
    vendorId: view.getUint16(300),
    productId: view.getUint16(302),
    deviceBcd: view.getUint16(304),
    deviceClass: view.getUint8(306),
    deviceSubclass: view.getUint8(307),
    deviceProtocol: view.getUint8(308),
    configurationValue: view.getUint8(309),
    configurationCount: view.getUint8(310),
    interfaceCount: view.getUint8(311),
  };
}
