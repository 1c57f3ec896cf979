import type { Result } from '@tsunagu/protocols/kit';

/** What a USB operation can end with. */
export type UsbCode =
  | 'USB_NO_HOST'
  | 'USB_NOT_FOUND'
  | 'USB_BUSY'
  | 'USB_ACCESS_DENIED'
  | 'USB_TIMEOUT'
  | 'USB_STALLED'
  | 'USB_UNPLUGGED'
  | 'USB_TRANSFER_FAILED';

/** A device on the bus, before it is opened. */
export interface UsbDeviceInfo {
  /** Names the device until it is unplugged: bus and address. */
  readonly id: string;
  readonly vendorId: number;
  readonly productId: number;
}

/** A control request. USB 2.0, 9.3. */
export interface ControlSetup {
  readonly type: 'standard' | 'class' | 'vendor';
  readonly recipient: 'device' | 'interface' | 'endpoint';
  readonly request: number;
  readonly value: number;
  readonly index: number;
}

/**
 * An open device. Endpoint numbers come without the direction bit, and an interface must be claimed before its endpoints are
 * used. At most one read per endpoint at a time: a second one is USB_TRANSFER_FAILED. `lengthMax` is a multiple of the packet
 * size; what does not fit stays for the next read.
 */
export interface UsbDevice {
  readonly info: UsbDeviceInfo;
  /** Takes an interface for this process; USB_BUSY when another process has it: it is never stolen. */
  claim(interfaceNumber: number): Promise<Result<void, UsbCode>>;
  controlIn(setup: ControlSetup, lengthMax: number): Promise<Result<Uint8Array, UsbCode>>;
  controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>>;
  bulkOut(endpoint: number, data: Uint8Array, timeoutMs: number): Promise<Result<void, UsbCode>>;
  /** One transfer: up to `lengthMax` bytes, none for a zero-length packet; USB_TIMEOUT when nothing comes. */
  bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>>;
  interruptIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>>;
  /** Ends the halt of an endpoint after USB_STALLED. USB 2.0, 9.4.5. */
  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<Result<void, UsbCode>>;
  /** Releases what was claimed, then closes. Reads under way end with USB_UNPLUGGED or USB_TIMEOUT. */
  close(): Promise<void>;
}

/** A device that came or went. */
export interface UsbPlugEvent {
  readonly type: 'plugged' | 'unplugged';
  readonly device: UsbDeviceInfo;
}

/** A way to USB devices: the machine's own bus, or emulated devices in this process. */
export interface UsbTransport {
  list(): Promise<Result<readonly UsbDeviceInfo[], UsbCode>>;
  open(id: string): Promise<Result<UsbDevice, UsbCode>>;
  /** Tells of devices that come and go from now on. */
  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void };
  /** Ends watching and closes what is still open. */
  close(): Promise<void>;
}

/** The longest configuration descriptor that is read, bytes. */
const configurationBytesMax = 1_024;

/** Reads the first configuration descriptor with all that belongs to it. USB 2.0, 9.4.3. */
export const readConfiguration = (device: UsbDevice): Promise<Result<Uint8Array, UsbCode>> =>
  device.controlIn(
    { type: 'standard', recipient: 'device', request: 6, value: 0x0200, index: 0 },
    configurationBytesMax,
  );
