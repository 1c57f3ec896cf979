import { type Fault, fail, fromHex, ok, type Result, type Secret, toHex } from '@tsunagu/protocols/kit';
import { type Trace, TraceSeal, type TraceStep } from '@tsunagu/protocols/trace';
import type { ControlSetup, UsbCode, UsbDevice, UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../../usb/port.ts';

/** One step with its data in the clear. */
interface Recorded {
  readonly step: TraceStep;
  readonly index: number;
  readonly out?: Uint8Array;
  readonly in?: Uint8Array;
}

const usbCodes: Readonly<Record<UsbCode, true>> = {
  USB_NO_HOST: true,
  USB_NOT_FOUND: true,
  USB_BUSY: true,
  USB_ACCESS_DENIED: true,
  USB_TIMEOUT: true,
  USB_STALLED: true,
  USB_UNPLUGGED: true,
  USB_TRANSFER_FAILED: true,
};
const isUsbCode = (code: string): code is UsbCode => Object.hasOwn(usbCodes, code);

/** Reads the data of a trace, sealed or not. */
function openSteps(
  trace: Trace,
  key: Secret<'key'> | undefined,
): Result<readonly Recorded[], 'TRACE_NEEDS_KEY' | 'TRACE_NOT_AUTHENTIC' | 'HEX_INVALID'> {
  const salt = fromHex(trace.header.salt ?? '');
  if (!salt.ok) return salt;
  const isSealed = trace.header.card === 'sealed';
  if (isSealed && key === undefined) return fail('TRACE_NEEDS_KEY');
  const seal = isSealed && key !== undefined ? new TraceSeal(key, salt.value) : undefined;
  const opened: Recorded[] = [];
  for (const [index, step] of trace.steps.entries()) {
    const data: { out?: Uint8Array; in?: Uint8Array } = {};
    for (const direction of ['out', 'in'] as const) {
      const read = dataOf(step, index, direction, seal);
      if (!read.ok) return read;
      if (read.value !== undefined) data[direction] = read.value;
    }
    opened.push({ step, index, ...data });
  }
  seal?.wipe();
  return ok(opened);
}

function dataOf(
  step: TraceStep,
  index: number,
  direction: 'out' | 'in',
  seal: TraceSeal | undefined,
): Result<Uint8Array | undefined, 'TRACE_NOT_AUTHENTIC' | 'HEX_INVALID'> {
  const parts: Readonly<Record<string, unknown>> = step;
  const sealed = parts[direction === 'out' ? 'sealedOut' : 'sealedIn'];
  if (typeof sealed === 'string')
    return seal === undefined
      ? fail('TRACE_NOT_AUTHENTIC', { facts: { step: index } })
      : seal.open(index, direction, sealed);
  const clear = parts[direction];
  return typeof clear === 'string' ? fromHex(clear) : ok(undefined);
}

/**
 * A transport that plays a recorded device: whatever the host does must be what was done when the trace was recorded, byte for
 * byte, and gets the answer of then. Interrupts are hints whose number depends on time, so each endpoint of theirs is a lane of its
 * own that runs dry with USB_TIMEOUT; everything else is one strict sequence.
 */
export class ReplayTransport implements UsbTransport {
  readonly #info: UsbDeviceInfo;
  readonly #strict: readonly Recorded[];
  readonly #hints = new Map<number, Recorded[]>();
  #next = 0;
  #divergence: Fault<'TRACE_DIVERGED'> | undefined;

  private constructor(trace: Trace, steps: readonly Recorded[]) {
    this.#info = { id: 'replayed', ...trace.header.device };
    this.#strict = steps.filter(({ step }) => step.op !== 'interruptIn');
    for (const recorded of steps) {
      if (recorded.step.op !== 'interruptIn') continue;
      const lane = this.#hints.get(recorded.step.endpoint) ?? [];
      lane.push(recorded);
      this.#hints.set(recorded.step.endpoint, lane);
    }
  }

  static open(
    trace: Trace,
    key?: Secret<'key'>,
  ): Result<ReplayTransport, 'TRACE_NEEDS_KEY' | 'TRACE_NOT_AUTHENTIC' | 'HEX_INVALID'> {
    const steps = openSteps(trace, key);
    return steps.ok ? ok(new ReplayTransport(trace, steps.value)) : steps;
  }

  /** Whether the whole trace was played, and nothing else: the first difference there was. */
  get verdict(): Result<void, 'TRACE_DIVERGED'> {
    if (this.#divergence !== undefined) return { ok: false, fault: this.#divergence };
    const rest = this.#strict[this.#next];
    if (rest === undefined) return ok(undefined);
    return fail('TRACE_DIVERGED', { facts: { step: rest.index, recorded: rest.step.op, done: 'nothing' } });
  }

  list(): Promise<Result<readonly UsbDeviceInfo[], UsbCode>> {
    return Promise.resolve(ok([this.#info]));
  }

  open(): Promise<Result<UsbDevice, UsbCode>> {
    const step = this.take({ op: 'open' });
    if (!step.ok) return Promise.resolve(step);
    return Promise.resolve(ok(new ReplayDevice(this.#info, this)));
  }

  watch(_onEvent: (event: UsbPlugEvent) => void): { cancel(): void } {
    return { cancel: () => undefined };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The next step of the strict sequence, if it is the one that is being done. */
  take(done: TraceStep, out?: Uint8Array): Result<Uint8Array | undefined, UsbCode> {
    const recorded = this.#strict[this.#next];
    if (this.#divergence !== undefined) return fail('USB_TRANSFER_FAILED');
    if (recorded === undefined || !isSame(recorded, done, out)) {
      this.#divergence = {
        code: 'TRACE_DIVERGED',
        facts: {
          step: recorded?.index ?? this.#strict.length,
          recorded: recorded?.step.op ?? 'nothing',
          done: done.op,
          // Lengths alone: the data may be a card's.
          ...(out === undefined ? {} : { bytes: out.length, recordedBytes: recorded?.out?.length ?? 0 }),
        },
      };
      return fail('USB_TRANSFER_FAILED');
    }
    this.#next += 1;
    return answerOf(recorded);
  }

  hint(endpoint: number): Result<Uint8Array | undefined, UsbCode> {
    const recorded = this.#hints.get(endpoint)?.shift();
    return recorded === undefined ? fail('USB_TIMEOUT') : answerOf(recorded);
  }
}

function answerOf({ step, in: come }: Recorded): Result<Uint8Array | undefined, UsbCode> {
  const fault = 'fault' in step ? step.fault : undefined;
  if (fault === undefined) return ok(come);
  return fail(isUsbCode(fault) ? fault : 'USB_TRANSFER_FAILED');
}

/** Whether an operation is the recorded one: same kind, same place, same bytes to the reader. */
function isSame({ step, out }: Recorded, done: TraceStep, doneOut: Uint8Array | undefined): boolean {
  if (step.op !== done.op || toHex(out ?? new Uint8Array(0)) !== toHex(doneOut ?? new Uint8Array(0))) return false;
  const place = (one: TraceStep): string =>
    JSON.stringify([
      'interface' in one ? one.interface : undefined,
      'endpoint' in one ? one.endpoint : undefined,
      'direction' in one ? one.direction : undefined,
      'setup' in one ? [one.setup.type, one.setup.recipient, one.setup.request, one.setup.value, one.setup.index] : [],
    ]);
  return place(step) === place(done);
}

const nothing = new Uint8Array(0);
const asDone = (taken: Result<unknown, UsbCode>): Promise<Result<void, UsbCode>> =>
  Promise.resolve(taken.ok ? ok(undefined) : taken);
const asData = (taken: Result<Uint8Array | undefined, UsbCode>): Promise<Result<Uint8Array, UsbCode>> =>
  Promise.resolve(taken.ok ? ok(taken.value ?? nothing) : taken);

class ReplayDevice implements UsbDevice {
  readonly info: UsbDeviceInfo;
  readonly #transport: ReplayTransport;

  constructor(info: UsbDeviceInfo, transport: ReplayTransport) {
    this.info = info;
    this.#transport = transport;
  }

  claim(interfaceNumber: number): Promise<Result<void, UsbCode>> {
    return asDone(this.#transport.take({ op: 'claim', interface: interfaceNumber }));
  }

  controlIn(setup: ControlSetup): Promise<Result<Uint8Array, UsbCode>> {
    return asData(this.#transport.take({ op: 'controlIn', setup }));
  }

  controlOut(setup: ControlSetup, data: Uint8Array): Promise<Result<void, UsbCode>> {
    return asDone(this.#transport.take({ op: 'controlOut', setup }, data));
  }

  bulkOut(endpoint: number, data: Uint8Array): Promise<Result<void, UsbCode>> {
    return asDone(this.#transport.take({ op: 'bulkOut', endpoint }, data));
  }

  bulkIn(endpoint: number): Promise<Result<Uint8Array, UsbCode>> {
    return asData(this.#transport.take({ op: 'bulkIn', endpoint }));
  }

  interruptIn(endpoint: number): Promise<Result<Uint8Array, UsbCode>> {
    return asData(this.#transport.hint(endpoint));
  }

  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<Result<void, UsbCode>> {
    return asDone(this.#transport.take({ op: 'clearHalt', direction, endpoint }));
  }

  close(): Promise<void> {
    this.#transport.take({ op: 'close' });
    return Promise.resolve();
  }
}
