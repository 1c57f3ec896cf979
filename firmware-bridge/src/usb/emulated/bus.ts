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
  readonly interfaceNumber: number;
  readonly packetBytes: number;
  read: Read | undefined;
}

/** One plugged device: its model, and what lies in its IN endpoints. */
class Port {
  readonly info: UsbDeviceInfo;
  readonly model: UsbDeviceModel;
  /** Which handle has claimed an interface. */
  readonly claims = new Map<number, EmulatedDevice>();
  readonly #pipes = new Map<number, Pipe>();
  readonly #world: World;
  isPlugged = true;

  constructor(world: World, info: UsbDeviceInfo, model: UsbDeviceModel) {
    this.#world = world;
    this.info = info;
    this.model = model;
    for (const { address, interfaceNumber, packetBytes } of model.descriptors.endpoints)
      this.#pipes.set(address, { waiting: [], read: undefined, interfaceNumber, packetBytes });
  }

  arrive(endpoint: number, transfer: Uint8Array): void {
    const pipe = this.#pipes.get(0x80 | endpoint);
    if (!this.isPlugged || pipe === undefined) return;
    const { read } = pipe;
    if (read === undefined) {
      if (pipe.waiting.length < transfersWaitingMax) pipe.waiting.push(transfer);
      return;
    }
    pipe.read = undefined;
    read.timer.cancel();
    read.settle(fitting(pipe, transfer, read.lengthMax));
  }

  write(by: EmulatedDevice, endpoint: number, transfer: Uint8Array): Result<void, UsbCode> {
    if (!this.isPlugged) return fail('USB_UNPLUGGED');
    const pipe = this.#pipes.get(endpoint);
    if (pipe === undefined || this.claims.get(pipe.interfaceNumber) !== by) return noEndpoint;
    return this.model.bulkOut(endpoint, transfer) ? done : fail('USB_STALLED');
  }

  read(
    by: EmulatedDevice,
    endpoint: number,
    lengthMax: number,
    timeoutMs: number,
  ): Result<Uint8Array, UsbCode> | Promise<Result<Uint8Array, UsbCode>> {
    if (!this.isPlugged) return fail('USB_UNPLUGGED');
    const pipe = this.#pipes.get(0x80 | endpoint);
    if (pipe === undefined || this.claims.get(pipe.interfaceNumber) !== by || pipe.read !== undefined)
      return noEndpoint;
    if (this.model.isHalted(0x80 | endpoint)) return fail('USB_STALLED');
    const next = pipe.waiting.shift();
    if (next !== undefined) return fitting(pipe, next, lengthMax);
    return new Promise((settle) => {
      const timer = this.#world.timers.after(timeoutMs, () => {
        pipe.read = undefined;
        settle(fail('USB_TIMEOUT'));
      });
      pipe.read = { settle, lengthMax, timer };
    });
  }

  /** Ends the reads under way: all of them, or those of one interface. */
  drop(interfaceNumber?: number): void {
    for (const pipe of this.#pipes.values()) {
      if (interfaceNumber !== undefined && pipe.interfaceNumber !== interfaceNumber) continue;
      const { read } = pipe;
      pipe.waiting.length = 0;
      pipe.read = undefined;
      read?.timer.cancel();
      read?.settle(fail('USB_UNPLUGGED'));
    }
  }
}

const done = ok(undefined);
const noEndpoint = fail('USB_TRANSFER_FAILED', { field: 'endpoint' });

/**
 * What a read gets of a transfer. A host's buffer takes whole packets: the rest of them waits for the next read. A packet that
 * does not fit is "babble", and the controller fails the transfer (USB 2.0, 8.7.4).
 */
function fitting(pipe: Pipe, transfer: Uint8Array, lengthMax: number): Result<Uint8Array, UsbCode> {
  if (transfer.length <= lengthMax) return ok(transfer);
  if (lengthMax === 0 || lengthMax % pipe.packetBytes !== 0)
    return fail('USB_TRANSFER_FAILED', { facts: { length: transfer.length } });
  pipe.waiting.unshift(transfer.subarray(lengthMax));
  return ok(transfer.subarray(0, lengthMax));
}

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

/** One process's view of a plugged device. */
class EmulatedDevice implements UsbDevice {
  readonly #port: Port;
  #isClosed = false;

  constructor(port: Port) {
    this.#port = port;
  }

  get info(): UsbDeviceInfo {
    return this.#port.info;
  }

  claim(interfaceNumber: number): Promise<Result<void, UsbCode>> {
    if (!this.#port.isPlugged || this.#isClosed) return Promise.resolve(fail('USB_UNPLUGGED'));
    if (interfaceNumber >= this.#port.model.descriptors.interfaceCount) return Promise.resolve(fail('USB_NOT_FOUND'));
    const { claims } = this.#port;
    const holder = claims.get(interfaceNumber);
    if (holder !== undefined && holder !== this) return Promise.resolve(fail('USB_BUSY'));
    claims.set(interfaceNumber, this);
    return Promise.resolve(done);
  }

  controlIn(setup: ControlSetup, lengthMax: number): Promise<Result<Uint8Array, UsbCode>> {
    const answer = this.#control(setup, new Uint8Array(0));
    return Promise.resolve(answer.ok ? ok(answer.value.subarray(0, lengthMax)) : answer);
  }

  controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>> {
    const answer = this.#control(setup, data);
    return Promise.resolve(answer.ok ? done : answer);
  }

  bulkOut(endpoint: number, data: Uint8Array): Promise<Result<void, UsbCode>> {
    return Promise.resolve(this.#port.write(this, endpoint, data));
  }

  bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return Promise.resolve(this.#port.read(this, endpoint, lengthMax, timeoutMs));
  }

  interruptIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return Promise.resolve(this.#port.read(this, endpoint, lengthMax, timeoutMs));
  }

  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<Result<void, UsbCode>> {
    const index = endpoint | (direction === 'in' ? 0x80 : 0);
    const setup = { type: 'standard', recipient: 'endpoint', request: 1, value: 0, index } as const;
    return this.controlOut(setup, new Uint8Array(0));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const [interfaceNumber, holder] of this.#port.claims) {
      if (holder !== this) continue;
      this.#port.claims.delete(interfaceNumber);
      this.#port.drop(interfaceNumber);
    }
    return Promise.resolve();
  }

  #control(setup: ControlSetup, data: Uint8Array): Result<Uint8Array, UsbCode> {
    if (!this.#port.isPlugged || this.#isClosed) return fail('USB_UNPLUGGED');
    const answer = this.#port.model.control(setup, data);
    return answer === undefined ? fail('USB_STALLED') : ok(answer);
  }
}
