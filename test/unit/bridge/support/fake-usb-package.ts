import type { HostDevice, UsbPackage } from '@tsunagu/firmware-bridge/usb/host/package';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import type { UsbDeviceModel } from '@tsunagu/firmware-bridge/usb/emulated/device-model';
import type { ControlSetup, UsbDevice } from '@tsunagu/firmware-bridge/usb/port';
import { type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';

/** Who else may hold an interface: a kernel driver, which can be detached, or another process, from which it would be stolen. */
export type Holder = 'usbhid' | 'usbfs';

/**
 * The `usb` package 3.1.0 over emulated devices, with the behaviour that was seen of it: the texts of its exceptions,
 * rejections where there is no bus, TypeError for a control transfer without data, interfaces that `close` leaves claimed.
 */
export class FakeUsbPackage implements UsbPackage {
  readonly #bus: EmulatedBus;
  readonly #devices = new Map<string, FakeDevice>();
  readonly #listeners = { connect: new Set<() => void>(), disconnect: new Set<() => void>() };
  /** Whether a bus exists at all. */
  hasBus = true;
  /** Whether udevd runs: without it no event comes. */
  hasUdev = true;
  /** What was done, for tests of the order. */
  readonly calls: string[] = [];
  /** How often the devices were asked for. */
  listings = 0;
  holder: Holder | undefined;
  #addresses = 0;

  constructor(world: World) {
    this.#bus = new EmulatedBus(world);
  }

  get listenerCount(): number {
    return this.#listeners.connect.size + this.#listeners.disconnect.size;
  }

  plug(model: UsbDeviceModel): void {
    const info = this.#bus.plug(model);
    this.#addresses += 1;
    this.#devices.set(info.id, new FakeDevice(this, this.#bus, info, this.#addresses));
    if (this.hasUdev) for (const listener of this.#listeners.connect) listener();
  }

  unplugAll(): void {
    for (const id of this.#devices.keys()) this.#bus.unplug(id);
    this.#devices.clear();
    if (this.hasUdev) for (const listener of this.#listeners.disconnect) listener();
  }

  getDevices(): Promise<readonly HostDevice[]> {
    this.listings += 1;
    if (!this.hasBus) return Promise.reject(thrown('/sys/bus/usb/devices/ not found'));
    return Promise.resolve([...this.#devices.values()]);
  }

  addEventListener(type: 'connect' | 'disconnect', listener: () => void): void {
    // The real one rejects behind everybody's back, which ends the process.
    if (!this.hasBus) throw new Error('a listener without a bus ends the process');
    this.#listeners[type].add(listener);
  }

  removeEventListener(type: 'connect' | 'disconnect', listener: () => void): void {
    this.#listeners[type].delete(listener);
  }
}

const thrown = (text: string): Error => Object.assign(new Error(text), { code: 'GenericFailure' });

/** The exception that stands for a fault, with the package's text. */
function valueOf<T>(result: Result<T>, what: string): T {
  if (result.ok) return result.value;
  const texts: Readonly<Record<string, string>> = {
    USB_TIMEOUT: 'Cancelled',
    USB_UNPLUGGED: 'Disconnected',
    USB_STALLED: 'Stall',
  };
  throw thrown(`${what} error: ${texts[result.fault.code] ?? 'Unknown(22)'}`);
}

class FakeDevice implements HostDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly bus = '1-1';
  readonly address: number;
  readonly #package: FakeUsbPackage;
  readonly #bus: EmulatedBus;
  readonly #id: string;
  readonly #reading = new Set<number>();
  #device: UsbDevice | undefined;

  constructor(
    usb: FakeUsbPackage,
    bus: EmulatedBus,
    info: { readonly id: string; readonly vendorId: number; readonly productId: number },
    address: number,
  ) {
    this.#package = usb;
    this.#bus = bus;
    this.#id = info.id;
    this.vendorId = info.vendorId;
    this.productId = info.productId;
    this.address = address;
  }

  get configuration(): never {
    throw new Error('this getter opens the device and blocks the thread');
  }

  get serialNumber(): never {
    throw new Error('this getter opens the device and blocks the thread');
  }

  async open(): Promise<void> {
    this.#package.calls.push('open');
    this.#device ??= unwrap(await this.#bus.open(this.#id));
  }

  close(): Promise<void> {
    // Claimed interfaces stay claimed: the device behind is not closed.
    this.#package.calls.push('close');
    return Promise.resolve();
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    this.#package.calls.push(`claim ${interfaceNumber}`);
    if (this.#package.holder !== undefined) throw thrown('claimInterface error: interface is busy (errno 16)');
    const claimed = await this.#opened().claim(interfaceNumber);
    if (!claimed.ok) throw thrown('claimInterface error: interface not found');
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    this.#package.calls.push(`release ${interfaceNumber}`);
    await this.#device?.close();
    this.#device = undefined;
  }

  detachKernelDriver(interfaceNumber: number): Promise<void> {
    this.#package.calls.push(`detach ${interfaceNumber}`);
    this.#package.holder = undefined;
    return Promise.resolve();
  }

  async controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult> {
    return inResult(valueOf(await this.#opened().controlIn(setupOf(setup), length), 'controlTransferIn'));
  }

  async controlTransferOut(
    setup: USBControlTransferParameters,
    data: Uint8Array<ArrayBuffer>,
  ): Promise<USBOutTransferResult> {
    if (!(data instanceof Uint8Array)) throw new TypeError('Cannot read properties of undefined (reading buffer)');
    valueOf(await this.#opened().controlOut(setupOf(setup), data), 'controlTransferOut');
    return { bytesWritten: data.length, status: 'ok' };
  }

  async clearHalt(direction: USBDirection, endpoint: number): Promise<void> {
    valueOf(await this.#opened().clearHalt(direction, endpoint), 'clearHalt');
  }

  async transferIn(endpoint: number, length: number, timeoutMs = 1_000): Promise<USBInTransferResult> {
    if (this.#reading.has(endpoint)) throw thrown('transferIn error: endpoint not found');
    this.#reading.add(endpoint);
    const read = await this.#opened().bulkIn(endpoint, length, timeoutMs);
    this.#reading.delete(endpoint);
    return inResult(valueOf(read, 'transferIn'));
  }

  async transferOut(endpoint: number, data: Uint8Array<ArrayBuffer>, timeoutMs = 1_000): Promise<USBOutTransferResult> {
    valueOf(await this.#opened().bulkOut(endpoint, data, timeoutMs), 'transferOut');
    return { bytesWritten: data.length, status: 'ok' };
  }

  #opened(): UsbDevice {
    if (this.#device === undefined) throw thrown('invalid state');
    return this.#device;
  }
}

function setupOf({ requestType, recipient, ...rest }: USBControlTransferParameters): ControlSetup {
  if (recipient === 'other') throw thrown('no emulated device takes requests to others');
  return { type: requestType, recipient, ...rest };
}

function inResult(bytes: Uint8Array): USBInTransferResult {
  const copy = Uint8Array.from(bytes);
  return { data: new DataView(copy.buffer), status: 'ok' };
}
