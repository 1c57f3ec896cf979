import { access } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { ControlSetup, UsbCode, UsbDevice, UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../port.ts';
import { driverOf } from './driver-of.ts';
import { usbCodeOf } from './errors.ts';

/**
 * What we use of a device of the `usb` package. The last argument of the transfers, a timeout in milliseconds, exists there
 * and is missing from the WebUSB types.
 */
interface HostDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly bus: string;
  readonly address: number;
  readonly opened: boolean;
  open(): Promise<void>;
  close(): Promise<void>;
  claimInterface(interfaceNumber: number): Promise<void>;
  releaseInterface(interfaceNumber: number): Promise<void>;
  detachKernelDriver(interfaceNumber: number): Promise<void>;
  controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult>;
  controlTransferOut(setup: USBControlTransferParameters, data: Uint8Array<ArrayBuffer>): Promise<USBOutTransferResult>;
  clearHalt(direction: USBDirection, endpoint: number): Promise<void>;
  transferIn(endpoint: number, length: number, timeoutMs?: number): Promise<USBInTransferResult>;
  transferOut(endpoint: number, data: Uint8Array<ArrayBuffer>, timeoutMs?: number): Promise<USBOutTransferResult>;
}

/** Where Linux lists USB devices. Without it `getDevices` rejects and adding a listener ends the process. */
const sysfs = '/sys/bus/usb/devices';
const pollMs = 1_500;
/** Interrupt endpoints are asked in slices, since a read under way cannot be called back. */
const interruptSliceMs = 1_000;

const idOf = ({ bus, address }: HostDevice): string => `usb-${bus}-${address}`;
const infoOf = (device: HostDevice): UsbDeviceInfo => ({
  id: idOf(device),
  vendorId: device.vendorId,
  productId: device.productId,
});

/** Turns an exception of the package into a result. */
async function attempt<T>(work: () => Promise<T>): Promise<Result<T, UsbCode>> {
  try {
    return ok(await work());
  } catch (cause) {
    return fail(usbCodeOf(cause), { cause });
  }
}

/** The machine's own USB bus, through the `usb` package, which is loaded at the first use and not before. */
export class HostUsb implements UsbTransport {
  readonly #world: World;
  readonly #root: string;
  readonly #open = new Set<UsbDevice>();
  readonly #watches = new Set<{ cancel(): void }>();

  /** @param root where the kernel lists devices; another folder in tests alone. */
  constructor(world: World, root: string = sysfs) {
    this.#world = world;
    this.#root = root;
  }

  async list(): Promise<Result<readonly UsbDeviceInfo[], UsbCode>> {
    const devices = await this.#devices();
    return devices.ok ? ok(devices.value.map(infoOf)) : devices;
  }

  async open(id: string): Promise<Result<UsbDevice, UsbCode>> {
    const devices = await this.#devices();
    if (!devices.ok) return devices;
    const found = devices.value.find((device) => idOf(device) === id);
    if (found === undefined) return fail('USB_NOT_FOUND');
    const opened = await attempt(() => found.open());
    if (!opened.ok) return opened;
    const device: UsbDevice = new OpenHostDevice(found, this.#root, () => this.#open.delete(device));
    this.#open.add(device);
    return ok(device);
  }

  /** By polling: events of the package need a running udevd, and end the process where there is no bus. */
  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void } {
    let known: ReadonlyMap<string, UsbDeviceInfo> | undefined;
    let isPolling = false;
    const poll = async (): Promise<void> => {
      if (isPolling) return;
      isPolling = true;
      const listed = await this.list();
      isPolling = false;
      if (!listed.ok || !this.#watches.has(watch)) return;
      const now = new Map(listed.value.map((device) => [device.id, device]));
      const before = known;
      known = now;
      if (before === undefined) return;
      for (const [id, device] of before) if (!now.has(id)) onEvent({ type: 'unplugged', device });
      for (const [id, device] of now) if (!before.has(id)) onEvent({ type: 'plugged', device });
    };
    const timer = this.#world.timers.every(pollMs, () => void poll());
    const watch = {
      cancel: (): void => {
        timer.cancel();
        this.#watches.delete(watch);
      },
    };
    this.#watches.add(watch);
    void poll();
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.cancel();
    await Promise.all([...this.#open].map((device) => device.close()));
  }

  async #devices(): Promise<Result<readonly HostDevice[], UsbCode>> {
    if (process.platform === 'linux') {
      try {
        await access(this.#root);
      } catch {
        return fail('USB_NO_HOST');
      }
    }
    return attempt(async () => {
      const { WebUSB } = await import('usb');
      return (await new WebUSB({ allowAllDevices: true }).getDevices()) satisfies readonly HostDevice[];
    });
  }
}

const viewOf = ({ data }: USBInTransferResult): Uint8Array =>
  data === undefined ? new Uint8Array(0) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const setupOf = ({ type, ...rest }: ControlSetup): USBControlTransferParameters => ({ requestType: type, ...rest });

/** The package wants bytes over a plain ArrayBuffer. */
const plain = (data: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(data);

class OpenHostDevice implements UsbDevice {
  readonly info: UsbDeviceInfo;
  readonly #device: HostDevice;
  readonly #root: string;
  readonly #onClose: () => void;
  readonly #claimed = new Set<number>();
  #isClosed = false;

  constructor(device: HostDevice, root: string, onClose: () => void) {
    this.#device = device;
    this.#root = root;
    this.#onClose = onClose;
    this.info = infoOf(device);
  }

  async claim(interfaceNumber: number): Promise<Result<void, UsbCode>> {
    let claimed = await attempt(() => this.#device.claimInterface(interfaceNumber));
    if (!claimed.ok && claimed.fault.code === 'USB_BUSY') {
      // A kernel driver gives way; `usbfs` is another process (pcscd, say), and detaching would take it away from there.
      const driver = await driverOf(this.#root, this.#device.bus, this.#device.address, interfaceNumber);
      if (driver === undefined || driver === 'usbfs')
        return fail('USB_BUSY', { facts: { driver: driver ?? 'unknown' } });
      const detached = await attempt(() => this.#device.detachKernelDriver(interfaceNumber));
      if (!detached.ok) return detached;
      claimed = await attempt(() => this.#device.claimInterface(interfaceNumber));
    }
    if (claimed.ok) this.#claimed.add(interfaceNumber);
    return claimed;
  }

  async controlIn(setup: ControlSetup, lengthMax: number): Promise<Result<Uint8Array, UsbCode>> {
    const read = await attempt(() => this.#device.controlTransferIn(setupOf(setup), lengthMax));
    if (!read.ok) return read;
    return read.value.status === 'stall' ? fail('USB_STALLED') : ok(viewOf(read.value));
  }

  async controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>> {
    // Without data the package throws a TypeError: an empty array stands for none.
    const sent = await attempt(() => this.#device.controlTransferOut(setupOf(setup), plain(data)));
    return sent.ok ? ok(undefined) : sent;
  }

  async bulkOut(endpoint: number, data: Uint8Array, timeoutMs: number): Promise<Result<void, UsbCode>> {
    const sent = await attempt(() => this.#device.transferOut(endpoint, plain(data), timeoutMs));
    if (!sent.ok) return sent;
    return sent.value.bytesWritten === data.length ? ok(undefined) : fail('USB_TRANSFER_FAILED');
  }

  async bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    const read = await attempt(() => this.#device.transferIn(endpoint, lengthMax, timeoutMs));
    return read.ok ? ok(viewOf(read.value)) : read;
  }

  async interruptIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    let left = timeoutMs;
    while (!this.#isClosed && left > 0) {
      const slice = Math.min(left, interruptSliceMs);
      left -= slice;
      const read = await this.bulkIn(endpoint, lengthMax, slice);
      if (read.ok || read.fault.code !== 'USB_TIMEOUT') return read;
    }
    return fail(this.#isClosed ? 'USB_UNPLUGGED' : 'USB_TIMEOUT');
  }

  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<Result<void, UsbCode>> {
    return attempt(() => this.#device.clearHalt(direction, endpoint));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    // `close` alone leaves interfaces claimed, and other processes get "busy".
    for (const interfaceNumber of this.#claimed) await attempt(() => this.#device.releaseInterface(interfaceNumber));
    await attempt(() => this.#device.close());
  }
}
