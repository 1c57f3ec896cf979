import { access } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { ControlSetup, UsbCode, UsbDevice, UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../port.ts';
import { driverOf } from './driver-of.ts';
import { usbCodeOf } from './errors.ts';
import { type HostDevice, loadUsbPackage, type UsbPackage } from './package.ts';

/** Where Linux lists USB devices, and where a running udevd listens. */
export interface HostPlaces {
  /** Without it `getDevices` rejects, and adding a listener ends the process. */
  readonly sysfs: string;
  /** Without it (containers, network namespaces) no event ever comes. */
  readonly udevControl: string;
}
const linux: HostPlaces = { sysfs: '/sys/bus/usb/devices', udevControl: '/run/udev/control' };

/** How often devices are listed where no event tells of them. */
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

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The machine's own USB bus, through the `usb` package. */
export class HostUsb implements UsbTransport {
  readonly #world: World;
  readonly #places: HostPlaces;
  readonly #load: () => Promise<UsbPackage>;
  readonly #open = new Set<UsbDevice>();
  readonly #watches = new Set<{ cancel(): void }>();
  #package: UsbPackage | undefined;

  /**
   * @param places where the kernel lists devices; other folders in tests alone
   * @param load the package; another one in tests alone
   */
  constructor(world: World, places: HostPlaces = linux, load: () => Promise<UsbPackage> = loadUsbPackage) {
    this.#world = world;
    this.#places = places;
    this.#load = load;
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
    const device: UsbDevice = new OpenHostDevice(found, this.#places.sysfs, () => this.#open.delete(device));
    this.#open.add(device);
    return ok(device);
  }

  /** The list is compared with the one before: after each event of udevd where one runs, else every 1.5 s. */
  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void } {
    let known: ReadonlyMap<string, UsbDeviceInfo> | undefined;
    let stop = (): void => undefined;
    let isComparing = false;
    let isDue = false;
    const compare = async (): Promise<void> => {
      // An event that comes while the devices are listed asks for another list.
      isDue = true;
      if (isComparing) return;
      isComparing = true;
      while (isDue && this.#watches.has(watch)) {
        isDue = false;
        const listed = await this.list();
        if (!listed.ok || !this.#watches.has(watch)) break;
        const now = new Map(listed.value.map((device) => [device.id, device]));
        const before = known ?? now;
        known = now;
        for (const [id, device] of before) if (!now.has(id)) onEvent({ type: 'unplugged', device });
        for (const [id, device] of now) if (!before.has(id)) onEvent({ type: 'plugged', device });
      }
      isComparing = false;
    };
    const watch = {
      cancel: (): void => {
        this.#watches.delete(watch);
        stop();
      },
    };
    this.#watches.add(watch);
    const start = async (): Promise<void> => {
      const usb = await this.#ready();
      if (!this.#watches.has(watch)) return;
      const onChange = (): void => void compare();
      if (usb.ok && (await isThere(this.#places.udevControl)) && this.#watches.has(watch)) {
        usb.value.addEventListener('connect', onChange);
        usb.value.addEventListener('disconnect', onChange);
        stop = () => {
          usb.value.removeEventListener('connect', onChange);
          usb.value.removeEventListener('disconnect', onChange);
        };
      } else if (this.#watches.has(watch)) {
        const timer = this.#world.timers.every(pollMs, onChange);
        stop = () => timer.cancel();
      }
      await compare();
    };
    start().catch((cause: unknown) => {
      this.#world.log('error', 'usbWatchFailed', { fault: { code: 'USB_TRANSFER_FAILED', cause } });
    });
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.cancel();
    await Promise.all([...this.#open].map((device) => device.close()));
  }

  async #devices(): Promise<Result<readonly HostDevice[], UsbCode>> {
    const usb = await this.#ready();
    return usb.ok ? attempt(() => usb.value.getDevices()) : usb;
  }

  /** The package, once it is sure that there is a bus. */
  async #ready(): Promise<Result<UsbPackage, UsbCode>> {
    if (process.platform === 'linux' && !(await isThere(this.#places.sysfs))) return fail('USB_NO_HOST');
    if (this.#package !== undefined) return ok(this.#package);
    const loaded = await attempt(this.#load);
    if (loaded.ok) this.#package = loaded.value;
    return loaded;
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
  /** IN endpoints with a read under way: the package takes one, and calls the second "endpoint not found". */
  readonly #reading = new Set<number>();
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
    if (!sent.ok) return sent;
    return sent.value.status === 'stall' ? fail('USB_STALLED') : ok(undefined);
  }

  async bulkOut(endpoint: number, data: Uint8Array, timeoutMs: number): Promise<Result<void, UsbCode>> {
    const sent = await attempt(() => this.#device.transferOut(endpoint, plain(data), timeoutMs));
    if (!sent.ok) return sent;
    if (sent.value.status === 'stall') return fail('USB_STALLED');
    return sent.value.bytesWritten === data.length ? ok(undefined) : fail('USB_TRANSFER_FAILED');
  }

  async bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    if (this.#isClosed) return fail('USB_UNPLUGGED');
    if (this.#reading.has(endpoint)) return fail('USB_TRANSFER_FAILED', { field: 'endpoint' });
    this.#reading.add(endpoint);
    const read = await attempt(() => this.#device.transferIn(endpoint, lengthMax, Math.max(1, Math.ceil(timeoutMs))));
    this.#reading.delete(endpoint);
    if (!read.ok) return read;
    return read.value.status === 'stall' ? fail('USB_STALLED') : ok(viewOf(read.value));
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
