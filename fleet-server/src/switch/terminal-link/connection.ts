import type { TLSSocket } from 'node:tls';
import {
  type AcquirerKeyReference,
  type FrameKeys,
  openFrame,
  type RefusalCode,
  readFrame,
  refusalFrame,
  refusalNumber,
  refusals,
  type SealedFrame,
  sealFrame,
  terminalFrame,
  terminalLink,
} from '@tsunagu/protocols/acquiring';
import { type DukptKsn, parseKsn } from '@tsunagu/protocols/dukpt';
import type { Serial } from '@tsunagu/protocols/fleet';
import { FrameReader } from '@tsunagu/protocols/iso8583';
import { asBuffer, type Fault, fail, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { Log, Timer, World } from '@tsunagu/protocols/world';
import type { KeyCounters } from '../journal/key-counters.ts';
import type { KeyFinding } from '../../keys/index.ts';
import type { DukptWorkingKeys } from '../../vault/index.ts';
import type { SwitchRooms } from '../ports.ts';
import { terminalAsking } from '../transaction/asking.ts';
import type { Processing } from '../transaction/processing.ts';

/** What the far side may leave unread before it is cut off. */
const unreadBytesMax = 65_536;

/** What the ledger says of a frame's keys, as the terminal is told; all else: nobody has this initial key. */
const keyRefusals: Readonly<Partial<Record<string, RefusalCode>>> = {
  DUKPT_COUNTER_INVALID: 'ACQUIRING_KSN_INVALID',
  ACQUIRING_ACQUIRER_KEY: 'ACQUIRING_ACQUIRER_KEY',
};

interface Opened {
  readonly ksn: DukptKsn;
  readonly under: AcquirerKeyReference | undefined;
  readonly message: Uint8Array;
  readonly answerKeys: FrameKeys;
  /** Wipes all working keys of the transaction. */
  wipe(): void;
}

/** A used counter that comes again so often comes from two devices that hold one key. */
const sameCounterMax = 5;

/** One terminal's connection: frames in, answers and refusals out. Faults of one never reach another. */
export class TerminalConnection {
  readonly #world: World;
  readonly #log: Log;
  readonly #rooms: SwitchRooms;
  readonly #counters: KeyCounters;
  readonly #processing: Processing;
  readonly #socket: TLSSocket;
  readonly #serial: Serial;
  readonly #reader = new FrameReader(terminalFrame);
  #turn: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #isEnding = false;
  #frameDeadline: Timer | undefined;
  #idle: Timer | undefined;

  constructor(
    world: World,
    rooms: SwitchRooms,
    counters: KeyCounters,
    processing: Processing,
    socket: TLSSocket,
    serial: Serial,
  ) {
    this.#world = world;
    this.#log = world.log.with({ serial });
    this.#rooms = rooms;
    this.#counters = counters;
    this.#processing = processing;
    this.#socket = socket;
    this.#serial = serial;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('close', () => {
      this.#frameDeadline?.cancel();
      this.#idle?.cancel();
      const ended = this.#reader.end();
      if (!ended.ok && !this.#isEnding) this.#note(fail('ACQUIRING_FRAME_INCOMPLETE', { cause: ended.fault }).fault);
    });
    this.#watchIdle();
  }

  #take(chunk: Uint8Array): void {
    if (this.#isEnding) return;
    this.#watchIdle();
    const { frames, fault } = this.#reader.push(chunk);
    for (const { message } of frames) {
      const body = Uint8Array.from(message);
      // Frames are opened one after the other, so that counters are taken in the order in which they came.
      this.#turn = this.#turn
        .then(() => this.#accept(body))
        .catch((cause: unknown) => {
          this.#log('error', 'frameFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
          this.#refuse('SWITCH_JOURNAL_FAILED', undefined);
        });
    }
    if (fault) {
      const code = fault.facts?.['lengthBytes'] === 0 ? 'ACQUIRING_FRAME_INVALID' : 'ACQUIRING_FRAME_TOO_LONG';
      const refused = fail(code, { cause: fault, ...(fault.facts && { facts: fault.facts }) }).fault;
      this.#turn = this.#turn.then(() => this.#refuseFor(refused, code, undefined));
      return;
    }
    if (frames.length > 0 || this.#reader.pendingBytes === 0) {
      this.#frameDeadline?.cancel();
      this.#frameDeadline = undefined;
    }
    if (this.#reader.pendingBytes > 0)
      this.#frameDeadline ??= this.#world.timers.after(terminalLink.frameDeadlineMs, () => {
        const pendingBytes = this.#reader.pendingBytes;
        const { fault: late } = fail('ACQUIRING_FRAME_INCOMPLETE', { facts: { pendingBytes } });
        this.#refuseFor(late, 'ACQUIRING_FRAME_INCOMPLETE', undefined);
      });
  }

  #watchIdle(): void {
    this.#idle?.cancel();
    this.#idle = this.#world.timers.after(terminalLink.idleMs, () => this.#end());
  }

  async #accept(body: Uint8Array): Promise<void> {
    if (this.#isEnding) return;
    const read = readFrame(body);
    if (!read.ok) return this.#refuseFor(read.fault, 'ACQUIRING_FRAME_INVALID', undefined);
    const frame = read.value;
    if (frame.kind !== 'request')
      return this.#refuseFor(
        fail('ACQUIRING_FRAME_INVALID', { field: 'kind' }).fault,
        'ACQUIRING_FRAME_INVALID',
        frame.ksn,
      );
    if (this.#inFlight >= terminalLink.inFlightMax)
      return this.#refuseFor(fail('ACQUIRING_BUSY').fault, 'ACQUIRING_BUSY', frame.ksn);
    const opened = await this.#open(frame);
    if (!opened) return;
    this.#inFlight += 1;
    // From here on the next frame may be opened: answers go out in the order in which they come to be.
    void this.#answer(frame.ksn, opened).finally(() => {
      this.#inFlight -= 1;
      opened.message.fill(0);
      opened.wipe();
    });
  }

  async #answer(ksn: Uint8Array, { ksn: counted, under, message, answerKeys }: Opened): Promise<void> {
    const reply = await this.#processing.handle(terminalAsking(this.#rooms, this.#serial, counted, under), message);
    if ('refusal' in reply) this.#refuse(reply.refusal, ksn);
    else this.#write(sealFrame('answer', ksn, reply.answer, answerKeys, under));
  }

  /**
   * Finds the keys of a frame, and opens it. Order of faults: whose initial key it is, whether the counter may be used,
   * whether it was used before, and whether the frame is authentic. A counter is used up only by an authentic frame.
   */
  async #open(frame: SealedFrame): Promise<Opened | undefined> {
    const seenMs = this.#world.clock.monotonicMs();
    const ksn = unwrap(parseKsn(frame.ksn));
    const found = await this.#rooms.keys.forTransaction(frame.ksn, frame.under);
    if (!found.ok) {
      const code = keyRefusals[found.fault.code] ?? 'ACQUIRING_KSN_UNKNOWN';
      this.#refuseFor(fail(code, this.#ksnFacts(ksn, found.fault)).fault, code, frame.ksn, true);
      return undefined;
    }
    const { serial, keys, areDestroyed } = found.value;
    const wipe = (): void => {
      for (const { encryption, mac } of Object.values(keys)) for (const key of [encryption, mac]) key.wipe();
    };
    await this.#counters.load(ksn);
    const code =
      serial !== this.#serial || areDestroyed
        ? 'ACQUIRING_KSN_UNKNOWN'
        : this.#counters.isFresh(ksn)
          ? undefined
          : 'ACQUIRING_KSN_REUSED';
    if (code) {
      // Whoever is blocked is told as before; people are told why.
      const finding = await this.#suspect(frame, ksn, found.value, seenMs);
      wipe();
      this.#refuseFor(fail(finding ?? code, this.#ksnFacts(ksn)).fault, code, frame.ksn, true);
      return undefined;
    }
    const message = openFrame(frame, keys.request);
    if (!message.ok) {
      wipe();
      this.#refuseFor(message.fault, message.fault.code, frame.ksn, true);
      return undefined;
    }
    this.#counters.take(ksn);
    return {
      ksn,
      under: frame.under,
      message: message.value,
      answerKeys: keys.answer,
      wipe,
    };
  }

  /**
   * A counter that went back, a key of another terminal, or one that was to be destroyed: what is authentic comes from whoever holds the key, and both are blocked. A frame that
   * was overtaken on another connection is none: only so many are under way. Nor are a few counters that come again, which a power failure explains.
   */
  async #suspect(
    frame: SealedFrame,
    ksn: DukptKsn,
    {
      serial,
      keys,
      areDestroyed,
    }: { readonly serial: Serial; readonly keys: DukptWorkingKeys; readonly areDestroyed?: boolean },
    seenMs: number,
  ): Promise<KeyFinding['code'] | undefined> {
    const isForeign = serial !== this.#serial;
    const message = openFrame(frame, keys.request);
    if (!message.ok) return undefined;
    message.value.fill(0);
    const again = this.#counters.cameAgain(ksn);
    const isNear = ksn.counter + terminalLink.inFlightMax >= this.#counters.highest(ksn);
    if (!isForeign && !areDestroyed && isNear && again < sameCounterMax) return undefined;
    const code = isForeign ? 'KSN_TWO_IDENTITIES' : areDestroyed ? 'KSN_AFTER_WIPE' : 'KSN_WENT_BACK';
    await this.#rooms.quarantine?.({
      code,
      serials: [serial, this.#serial],
      seenMs,
      facts: { initialKeyId: toHex(ksn.initialKeyId), counter: ksn.counter },
    });
    return code;
  }

  #ksnFacts({ initialKeyId, counter }: DukptKsn, cause?: Fault): Omit<Fault, 'code'> {
    return { facts: { initialKeyId: toHex(initialKeyId), counter }, ...(cause && { cause }) };
  }

  #refuseFor(fault: Fault, code: RefusalCode, ksn: Uint8Array | undefined, isAlarm = false): void {
    this.#note(fault);
    if (isAlarm) this.#rooms.alarm({ place: this.#serial, serial: this.#serial, fault });
    this.#refuse(code, ksn);
  }

  #note(fault: Fault): void {
    this.#rooms.metrics.frameRefused(fault.code);
    this.#log('warn', 'frameRefused', { fault });
  }

  #refuse(code: RefusalCode, ksn: Uint8Array | undefined): void {
    this.#write(refusalFrame(code, ksn));
    if (refusals[refusalNumber(code)].afterwards === 'close') this.#end();
  }

  #write(frame: Uint8Array): void {
    if (this.#socket.destroyed || this.#isEnding) return;
    this.#socket.write(asBuffer(frame));
    if (this.#socket.writableLength > unreadBytesMax) this.#socket.destroy();
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.end();
    const deadline = this.#world.timers.after(1_000, () => this.#socket.destroy());
    this.#socket.once('close', () => deadline.cancel());
  }
}
