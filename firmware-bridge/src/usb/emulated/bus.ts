import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { ControlSetup, UsbCode, UsbDevice, UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../port.ts';
import type { UsbDeviceModel } from './device-model.ts';

/** Transfers that may wait on one endpoint before the device overran its host. */
const transfersWaitingMax = 64;

interface Read {
  readonly settle: (result: Result<Uint8Array, UsbCode>) => void;
  readonly lengthMax: number;
  readonly timer: Timer;
}

interface Pipe {
  readonly waiting: Uint8Array[];
  read: Read | undefined;
}

/** One plugged device: its model, and what lies in its IN endpoints. */
class Port {
  readonly info: UsbDeviceInfo;
  readonly model: UsbDeviceModel;
  readonly claimed = new Set<number>();
  readonly #pipes = new Map<number, Pipe>();
  readonly #world: World;
  isPlugged = true;

  constructor(world: World, info: UsbDeviceInfo, model: UsbDeviceModel) {
    this.#world = world;
    this.info = info;
    this.model = model;
  }

  arrive(endpoint: number, transfer: Uint8Array): void {
    if (!this.isPlugged) return;
    const pipe = this.#pipe(endpoint);
    const { read } = pipe;
    if (read === undefined) {
      if (pipe.waiting.length < transfersWaitingMax) pipe.waiting.push(transfer);
      return;
    }
    pipe.read = undefined;
    read.timer.cancel();
    read.settle(fitting(transfer, read.lengthMax));
  }

  read(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    if (!this.isPlugged) return Promise.resolve(fail('USB_UNPLUGGED'));
    const pipe = this.#pipe(endpoint);
    const next = pipe.waiting.shift();
    if (next !== undefined) return Promise.resolve(fitting(next, lengthMax));
    if (pipe.read !== undefined) return Promise.resolve(fail('USB_TRANSFER_FAILED', { field: 'endpoint' }));
    return new Promise((settle) => {
      const timer = this.#world.timers.after(timeoutMs, () => {
        pipe.read = undefined;
        settle(fail('USB_TIMEOUT'));
      });
      pipe.read = { settle, lengthMax, timer };
    });
  }

  /** Ends all reads under way. */
  drop(): void {
    for (const pipe of this.#pipes.values()) {
      const { read } = pipe;
      pipe.waiting.length = 0;
      pipe.read = undefined;
      read?.timer.cancel();
      read?.settle(fail('USB_UNPLUGGED'));
    }
  }

  #pipe(endpoint: number): Pipe {
    let pipe = this.#pipes.get(endpoint);
    if (pipe === undefined) {
      pipe = { waiting: [], read: undefined };
      this.#pipes.set(endpoint, pipe);
    }
    return pipe;
  }
}

/** More bytes than the host has room for are "babble": the controller fails the transfer. */
const fitting = (transfer: Uint8Array, lengthMax: number): Result<Uint8Array, UsbCode> =>
  transfer.length <= lengthMax ? ok(transfer) : fail('USB_TRANSFER_FAILED', { facts: { length: transfer.length } });

/** A USB bus inside this process: emulated devices are plugged into it and driven through the same port as real ones. */
export class EmulatedBus implements UsbTransport {
  readonly #world: World;
  readonly #ports = new Map<string, Port>();
  readonly #listeners = new Set<(event: UsbPlugEvent) => void>();
  #addressesGiven = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Plugs a device in. @returns what it is called on this bus. */
  plug(model: UsbDeviceModel): UsbDeviceInfo {
    this.#addressesGiven += 1;
    const { vendorId, productId } = model;
    const info = { id: `emulated-${this.#addressesGiven}`, vendorId, productId };
    const port = new Port(this.#world, info, model);
    this.#ports.set(info.id, port);
    model.plugged({
      send: (endpoint, transfer) => port.arrive(endpoint, transfer),
      unplug: () => this.unplug(info.id),
    });
    for (const listener of this.#listeners) listener({ type: 'plugged', device: info });
    return info;
  }

  /** Pulls a device out. */
  unplug(id: string): void {
    const port = this.#ports.get(id);
    if (port === undefined) return;
    this.#ports.delete(id);
    port.isPlugged = false;
    port.drop();
    port.model.unplugged();
    for (const listener of this.#listeners) listener({ type: 'unplugged', device: port.info });
  }

  list(): Promise<Result<readonly UsbDeviceInfo[], UsbCode>> {
    return Promise.resolve(ok([...this.#ports.values()].map(({ info }) => info)));
  }

  open(id: string): Promise<Result<UsbDevice, UsbCode>> {
    const port = this.#ports.get(id);
    return Promise.resolve(port === undefined ? fail('USB_NOT_FOUND') : ok(new EmulatedDevice(port)));
  }

  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void } {
    this.#listeners.add(onEvent);
    return { cancel: () => this.#listeners.delete(onEvent) };
  }

  close(): Promise<void> {
    this.#listeners.clear();
    for (const id of this.#ports.keys()) this.unplug(id);
    return Promise.resolve();
  }
}

const done = ok(undefined);

/** One process's view of a plugged device. */
class EmulatedDevice implements UsbDevice {
  readonly #port: Port;
  readonly #mine = new Set<number>();

  constructor(port: Port) {
    this.#port = port;
  }

  get info(): UsbDeviceInfo {
    return this.#port.info;
  }

  claim(interfaceNumber: number): Promise<Result<void, UsbCode>> {
    if (!this.#port.isPlugged) return Promise.resolve(fail('USB_UNPLUGGED'));
    if (this.#port.claimed.has(interfaceNumber) && !this.#mine.has(interfaceNumber))
      return Promise.resolve(fail('USB_BUSY'));
    this.#port.claimed.add(interfaceNumber);
    this.#mine.add(interfaceNumber);
    return Promise.resolve(done);
  }

  controlIn(setup: ControlSetup, lengthMax: number): Promise<Result<Uint8Array, UsbCode>> {
    if (!this.#port.isPlugged) return Promise.resolve(fail('USB_UNPLUGGED'));
    const answer = this.#port.model.control(setup, new Uint8Array(0));
    return Promise.resolve(answer === undefined ? fail('USB_STALLED') : ok(answer.subarray(0, lengthMax)));
  }

  controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>> {
    if (!this.#port.isPlugged) return Promise.resolve(fail('USB_UNPLUGGED'));
    const answer = this.#port.model.control(setup, data);
    return Promise.resolve(answer === undefined ? fail('USB_STALLED') : done);
  }

  bulkOut(endpoint: number, data: Uint8Array): Promise<Result<void, UsbCode>> {
    if (!this.#port.isPlugged) return Promise.resolve(fail('USB_UNPLUGGED'));
    this.#port.model.bulkOut(endpoint, data);
    return Promise.resolve(done);
  }

  bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return this.#port.read(endpoint, lengthMax, timeoutMs);
  }

  interruptIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return this.#port.read(endpoint, lengthMax, timeoutMs);
  }

  close(): Promise<void> {
    for (const interfaceNumber of this.#mine) this.#port.claimed.delete(interfaceNumber);
    this.#mine.clear();
    this.#port.drop();
    return Promise.resolve();
  }
}
