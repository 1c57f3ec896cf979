import { fail, ok, type Result, type Secret, toHex } from '@tsunagu/protocols/kit';
import {
  encodeTrace,
  saltBytes,
  type TraceHeader,
  TraceSeal,
  type TraceStep,
  traceStepsMax,
} from '@tsunagu/protocols/trace';
import type { World } from '@tsunagu/protocols/world';
import type { ControlSetup, UsbCode, UsbDevice, UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../../usb/port.ts';

/** Data of all operations together, bytes; a longer session is no trace. */
const dataBytesMax = 3 * 1024 * 1024;

/** An operation as it was seen, before it is decided how its data is kept. */
interface Seen {
  readonly step: TraceStep;
  readonly atMs: number;
  out?: Uint8Array;
  in?: Uint8Array;
  fault?: string;
}

/** Everything that went over one device, kept in memory until somebody decides what becomes of it. */
export class Recorder {
  readonly #world: World;
  readonly #seen: Seen[] = [];
  #startedMs: number | undefined;
  #dataBytes = 0;
  #isFull = false;
  #isFictional = true;

  constructor(world: World) {
    this.#world = world;
  }

  /** A card was powered. One that is none of the test cards makes the whole session a secret. */
  cardSeen(isFictional: boolean): void {
    this.#isFictional &&= isFictional;
  }

  get isFictional(): boolean {
    return this.#isFictional;
  }

  /** Notes that an operation begins, and how it ends. */
  async note<T>(
    step: TraceStep,
    out: Uint8Array | undefined,
    work: () => Promise<Result<T, UsbCode>>,
  ): Promise<Result<T, UsbCode>> {
    const now = this.#world.clock.monotonicMs();
    this.#startedMs ??= now;
    const seen: Seen = { step, atMs: Math.round((now - this.#startedMs) * 10) / 10 };
    if (out !== undefined) seen.out = Uint8Array.from(out);
    this.#keep(seen, out?.length ?? 0);
    const result = await work();
    if (!result.ok) seen.fault = result.fault.code;
    else if (result.value instanceof Uint8Array) {
      seen.in = Uint8Array.from(result.value);
      this.#dataBytes += result.value.length;
    }
    return result;
  }

  /**
   * Writes the trace. With a card that is not fictional it is sealed under `key`, or refused.
   * @returns its text and hash, and whether it is sealed
   */
  finish(
    about: Pick<TraceHeader, 'script' | 'hand' | 'faults' | 'device'>,
    key: Secret<'key'> | undefined,
  ): Result<
    { readonly text: string; readonly hash: string; readonly isSealed: boolean; readonly steps: number },
    'TRACE_TOO_LONG' | 'TRACE_NEEDS_KEY'
  > {
    if (this.#isFull || this.#dataBytes > dataBytesMax) return fail('TRACE_TOO_LONG');
    const isSealed = !this.#isFictional;
    if (isSealed && key === undefined) return fail('TRACE_NEEDS_KEY');
    const salt = isSealed ? this.#world.entropy(saltBytes) : undefined;
    const seal = salt === undefined || key === undefined ? undefined : new TraceSeal(key, salt);
    const header: TraceHeader = {
      trace: 'tsunagu-usb',
      version: 1,
      ...about,
      card: isSealed ? 'sealed' : 'fictional',
      ...(salt === undefined ? {} : { salt: toHex(salt) }),
    };
    const steps = this.#seen.map((seen, index) => finished(seen, index, seal));
    seal?.wipe();
    const written = encodeTrace(
      header,
      steps,
      this.#seen.map(({ atMs }) => atMs),
    );
    return written.ok ? ok({ ...written.value, isSealed, steps: steps.length }) : written;
  }

  /** Forgets all data. */
  wipe(): void {
    for (const seen of this.#seen) {
      seen.out?.fill(0);
      seen.in?.fill(0);
    }
    this.#seen.length = 0;
  }

  #keep(seen: Seen, lengthBytes: number): void {
    this.#dataBytes += lengthBytes;
    if (this.#seen.length >= traceStepsMax) this.#isFull = true;
    else this.#seen.push(seen);
  }
}

function finished({ step, out, in: come, fault }: Seen, index: number, seal: TraceSeal | undefined): TraceStep {
  const ended = fault === undefined ? {} : { fault };
  switch (step.op) {
    case 'bulkOut':
      if (out === undefined) return { ...step, ...ended };
      return { ...step, ...(seal ? { sealedOut: seal.seal(index, 'out', out) } : { out: toHex(out) }), ...ended };
    case 'bulkIn':
    case 'interruptIn':
      if (come === undefined) return { ...step, ...ended };
      return { ...step, ...(seal ? { sealedIn: seal.seal(index, 'in', come) } : { in: toHex(come) }), ...ended };
    case 'controlOut':
      return { ...step, out: toHex(out ?? new Uint8Array(0)), ...ended };
    case 'controlIn':
      return { ...step, ...(come === undefined ? {} : { in: toHex(come) }), ...ended };
    case 'close':
      return step;
    default:
      return { ...step, ...ended };
  }
}

/** A transport that notes everything that goes over the devices opened through it. */
export class RecordingTransport implements UsbTransport {
  readonly #inner: UsbTransport;
  readonly #recorder: Recorder;

  constructor(inner: UsbTransport, recorder: Recorder) {
    this.#inner = inner;
    this.#recorder = recorder;
  }

  list(): Promise<Result<readonly UsbDeviceInfo[], UsbCode>> {
    return this.#inner.list();
  }

  async open(id: string): Promise<Result<UsbDevice, UsbCode>> {
    const opened = await this.#recorder.note({ op: 'open' }, undefined, () => this.#inner.open(id));
    return opened.ok ? ok(new RecordingDevice(opened.value, this.#recorder)) : opened;
  }

  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void } {
    return this.#inner.watch(onEvent);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

class RecordingDevice implements UsbDevice {
  readonly info: UsbDeviceInfo;
  readonly #inner: UsbDevice;
  readonly #recorder: Recorder;

  constructor(inner: UsbDevice, recorder: Recorder) {
    this.#inner = inner;
    this.#recorder = recorder;
    this.info = inner.info;
  }

  claim(interfaceNumber: number): Promise<Result<void, UsbCode>> {
    return this.#recorder.note({ op: 'claim', interface: interfaceNumber }, undefined, () =>
      this.#inner.claim(interfaceNumber),
    );
  }

  controlIn(setup: ControlSetup, lengthMax: number): Promise<Result<Uint8Array, UsbCode>> {
    return this.#recorder.note({ op: 'controlIn', setup }, undefined, () => this.#inner.controlIn(setup, lengthMax));
  }

  controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>> {
    return this.#recorder.note({ op: 'controlOut', setup }, data, () => this.#inner.controlOut(setup, data));
  }

  bulkOut(endpoint: number, data: Uint8Array, timeoutMs: number): Promise<Result<void, UsbCode>> {
    return this.#recorder.note({ op: 'bulkOut', endpoint }, data, () => this.#inner.bulkOut(endpoint, data, timeoutMs));
  }

  bulkIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return this.#recorder.note({ op: 'bulkIn', endpoint }, undefined, () =>
      this.#inner.bulkIn(endpoint, lengthMax, timeoutMs),
    );
  }

  interruptIn(endpoint: number, lengthMax: number, timeoutMs: number): Promise<Result<Uint8Array, UsbCode>> {
    return this.#recorder.note({ op: 'interruptIn', endpoint }, undefined, () =>
      this.#inner.interruptIn(endpoint, lengthMax, timeoutMs),
    );
  }

  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<Result<void, UsbCode>> {
    return this.#recorder.note({ op: 'clearHalt', direction, endpoint }, undefined, () =>
      this.#inner.clearHalt(direction, endpoint),
    );
  }

  async close(): Promise<void> {
    await this.#recorder.note({ op: 'close' }, undefined, async () => {
      await this.#inner.close();
      return ok(undefined);
    });
  }
}
