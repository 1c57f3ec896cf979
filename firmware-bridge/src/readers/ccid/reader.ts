import {
  type BulkIn,
  BulkInAssembler,
  type BulkOut,
  type CcidInterface,
  decodeBulkIn,
  decodeInterrupt,
  encodeBulkOut,
  exchangeLevelOf,
  slotErrorMeaning,
} from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import type { ChipReader, ReaderCode, SlotState } from '../port.ts';

/** How long a command may take, and how often the reader may ask for more time (bounded: a storm of them ends). */
const answerMs = 3_000;
const timeExtensionsMax = 64;
/** The whole of one command, time extensions included. */
const commandMsMax = 30_000;
/** A message that began must go on within this time. */
const continuationMs = 250;
/** Answers of commands that were given up are skipped; more than this many of them is a reader out of step. */
const lateAnswersMax = 8;
const writeMs = 1_000;
const pollMs = 250;

type Command =
  | { readonly type: 'iccPowerOn'; readonly power: 'automatic' }
  | { readonly type: 'iccPowerOff' | 'getSlotStatus' | 'abort' }
  | { readonly type: 'xfrBlock'; readonly bwi: number; readonly level: number; readonly data: Uint8Array };

type Answer<T extends BulkIn['type']> = Extract<BulkIn, { readonly type: T }>;

/**
 * The driver of one CCID slot: one command at a time, each answered by a message with its own bSlot and bSeq. Whatever
 * the reader sends, a command ends within a bounded time, with a stable code, and leaves the reader fit for the next one.
 *
 * @see USB CCID 1.1
 */
export class CcidReader implements ChipReader {
  readonly kind: 'contact' | 'contactless';
  readonly name: string;
  readonly #world: World;
  readonly #device: UsbDevice;
  readonly #ccid: CcidInterface;
  readonly #slot: number;
  readonly #assembler: BulkInAssembler;
  /** bSeq of commands that were given up: their answers may still come. */
  readonly #abandoned = new Set<number>();
  #seq = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(
    world: World,
    device: UsbDevice,
    ccid: CcidInterface,
    options: { readonly kind: 'contact' | 'contactless'; readonly name: string; readonly slot?: number },
  ) {
    this.#world = world;
    this.#device = device;
    this.#ccid = ccid;
    this.#slot = options.slot ?? 0;
    this.kind = options.kind;
    this.name = options.name;
    this.#assembler = new BulkInAssembler(ccid.descriptor.messageBytesMax);
  }

  async state(): Promise<Result<SlotState, ReaderCode>> {
    const answer = await this.#command({ type: 'getSlotStatus' }, 'slotStatus');
    if (!answer.ok) return answer;
    const { icc } = answer.value;
    return ok(icc === 'active' ? 'active' : icc === 'inactive' ? 'present' : 'absent');
  }

  async powerOn(): Promise<Result<Uint8Array, ReaderCode>> {
    const answer = await this.#command({ type: 'iccPowerOn', power: 'automatic' }, 'dataBlock');
    return answer.ok ? ok(Uint8Array.from(answer.value.data)) : answer;
  }

  async powerOff(): Promise<Result<void, ReaderCode>> {
    const answer = await this.#command({ type: 'iccPowerOff' }, 'slotStatus');
    return answer.ok ? ok(undefined) : answer;
  }

  async transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    const level = exchangeLevelOf(this.#ccid.descriptor.features);
    if (level === 'character' || level === 'tpdu') return fail('READER_LEVEL_UNSUPPORTED', { facts: { level } });
    const answer = await this.#command({ type: 'xfrBlock', bwi: 0, level: 0, data: apdu }, 'dataBlock');
    if (!answer.ok) return answer;
    const { data } = answer.value;
    if (data.length < 2) {
      await this.#recover();
      return fail('CCID_LENGTH_WRONG', { offset: 1, field: 'dwLength', facts: { length: data.length } });
    }
    return ok(data);
  }

  async waitForCard(timeoutMs: number): Promise<Result<void, ReaderCode>> {
    const end = this.#world.clock.monotonicMs() + timeoutMs;
    for (;;) {
      const state = await this.state();
      if (!state.ok) return state;
      if (state.value !== 'absent') return ok(undefined);
      const left = end - this.#world.clock.monotonicMs();
      if (left <= 0 || this.#isClosed) return fail('READER_CARD_ABSENT');
      const waited = await this.#awaitChange(Math.min(left, pollMs));
      if (!waited.ok) return waited;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#tail;
    await this.#device.close();
  }

  /** A change on the interrupt endpoint is a hint alone: the state is asked again after it, and after `waitMs` anyhow. */
  async #awaitChange(waitMs: number): Promise<Result<void, ReaderCode>> {
    const { interruptIn } = this.#ccid;
    if (interruptIn === undefined) {
      await this.#world.timers.sleep(waitMs);
      return ok(undefined);
    }
    const read = await this.#device.interruptIn(interruptIn, 64, waitMs);
    if (!read.ok) return read.fault.code === 'USB_TIMEOUT' ? ok(undefined) : read;
    const hint = decodeInterrupt(read.value);
    if (!hint.ok) this.#world.log('debug', 'readerHintIgnored', { reader: this.name, fault: hint.fault });
    return ok(undefined);
  }

  /** Runs one command after the ones before it have ended. */
  #command<T extends BulkIn['type']>(command: Command, expected: T): Promise<Result<Answer<T>, ReaderCode>> {
    const run = this.#tail.then(() => this.#exchange(command, expected));
    // The chain lives on whatever becomes of this link.
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #exchange<T extends BulkIn['type']>(command: Command, expected: T): Promise<Result<Answer<T>, ReaderCode>> {
    const answer = await this.#converse(command);
    if (!answer.ok) {
      await this.#recover();
      return answer;
    }
    const message = answer.value;
    if (message.status === 'failed') return refusalOf(message);
    if (!isOfType(message, expected)) {
      await this.#recover();
      return fail('READER_ANSWER_WRONG', { facts: { expected, received: message.type } });
    }
    return ok(message);
  }

  async #converse(command: Command): Promise<Result<BulkIn, ReaderCode>> {
    const seq = this.#nextSeq();
    const sent = await this.#write({ ...command, slot: this.#slot, seq });
    return sent.ok ? this.#answerTo(seq) : sent;
  }

  /** Reads until the answer with this bSeq is whole. */
  async #answerTo(seq: number): Promise<Result<BulkIn, ReaderCode>> {
    const end = this.#world.clock.monotonicMs() + commandMsMax;
    let waitMs = answerMs;
    let extensions = 0;
    let late = 0;
    for (;;) {
      const read = await this.#readMessage(Math.min(waitMs, end - this.#world.clock.monotonicMs()));
      if (!read.ok) {
        if (read.fault.code === 'READER_TIMEOUT') this.#abandoned.add(seq);
        return read;
      }
      const message = read.value;
      if (message.seq !== seq || message.slot !== this.#slot) {
        if (this.#abandoned.delete(message.seq) && ++late <= lateAnswersMax) continue;
        return fail('READER_SEQUENCE_WRONG', { field: 'bSeq', facts: { expected: seq, received: message.seq } });
      }
      if (message.status !== 'timeExtension') {
        if (this.#assembler.pendingBytes > 0)
          return fail('CCID_LENGTH_WRONG', { offset: 1, facts: { rest: this.#assembler.pendingBytes } });
        return ok(message);
      }
      if (++extensions > timeExtensionsMax) return fail('READER_TIMEOUT', { facts: { extensions } });
      // bError multiplies the waiting time (CCID 1.1, 6.2.6); a zero there still means "wait".
      waitMs = Math.min(answerMs * Math.max(1, message.error), commandMsMax);
    }
  }

  async #readMessage(waitMs: number): Promise<Result<BulkIn, ReaderCode>> {
    const { bulkIn, descriptor } = this.#ccid;
    let left = waitMs;
    for (;;) {
      const isBegun = this.#assembler.pendingBytes > 0;
      if (left <= 0) return fail('READER_TIMEOUT');
      const startedAt = this.#world.clock.monotonicMs();
      const read = await this.#device.bulkIn(bulkIn, bufferBytes(descriptor.messageBytesMax), left);
      if (!read.ok) {
        if (read.fault.code !== 'USB_TIMEOUT') return read;
        const ended = this.#assembler.finish();
        return ended.ok ? fail('READER_TIMEOUT') : ended;
      }
      const pushed = this.#assembler.push(read.value);
      if (!pushed.ok) return pushed;
      const [first, ...more] = pushed.value;
      // A transfer carries one message. A second one behind it means that the first one's length is a lie.
      if (more.length > 0) return fail('CCID_LENGTH_WRONG', { offset: 1, facts: { messages: pushed.value.length } });
      if (first !== undefined) return decodeBulkIn(first);
      // A zero-length packet, or a part: the rest of a message must follow soon, and neither prolongs the wait.
      left -= this.#world.clock.monotonicMs() - startedAt;
      if (!isBegun && this.#assembler.pendingBytes > 0) left = Math.min(left, continuationMs);
    }
  }

  /**
   * After a fault: aborts what the reader may still be doing, empties the pipe, and powers the card off, so that the next
   * powerOn starts from a known state. Its own failures do not matter: the next command meets them.
   */
  async #recover(): Promise<void> {
    this.#assembler.reset();
    const seq = this.#nextSeq();
    const aborted = await this.#device.controlOut(
      {
        type: 'class',
        recipient: 'interface',
        request: 1,
        value: (seq << 8) | this.#slot,
        index: this.#ccid.interfaceNumber,
      },
      new Uint8Array(0),
    );
    // Readers that cannot abort stall the request; then the bulk half of it must not be sent either.
    if (aborted.ok) await this.#write({ type: 'abort', slot: this.#slot, seq });
    else if (aborted.fault.code === 'USB_UNPLUGGED') return;
    for (let reads = 0; reads < 16; reads++) {
      const read = await this.#device.bulkIn(
        this.#ccid.bulkIn,
        bufferBytes(this.#ccid.descriptor.messageBytesMax),
        aborted.ok ? 50 : 10,
      );
      if (!read.ok) break;
      const message = decodeBulkIn(read.value);
      if (message.ok && message.value.seq === seq && message.value.type === 'slotStatus') break;
    }
    const off = this.#nextSeq();
    const sent = await this.#write({ type: 'iccPowerOff', slot: this.#slot, seq: off });
    if (!sent.ok) return;
    const answer = await this.#readMessage(continuationMs);
    if (!answer.ok) {
      this.#assembler.reset();
      this.#abandoned.add(off);
    }
  }

  #write(message: BulkOut): Promise<Result<void, ReaderCode>> {
    return this.#device.bulkOut(this.#ccid.bulkOut, encodeBulkOut(message), writeMs);
  }

  #nextSeq(): number {
    this.#seq = (this.#seq + 1) & 0xff;
    // A number that comes round again is no longer that of the command which was given up.
    this.#abandoned.delete(this.#seq);
    return this.#seq;
  }
}

/** libusb and its like want reads of whole packets. */
const bufferBytes = (messageBytesMax: number): number => Math.ceil(Math.max(messageBytesMax, 64) / 64) * 64 + 64;

const isOfType = <T extends BulkIn['type']>(message: BulkIn, type: T): message is Answer<T> => message.type === type;

/** What a refused command means for the caller. */
function refusalOf({ icc, error }: BulkIn): Result<never, ReaderCode> {
  const { name } = slotErrorMeaning(error);
  if (icc === 'absent') return fail('READER_CARD_ABSENT', { facts: { error: name } });
  if (name === 'ICC_MUTE') return fail('READER_CARD_MUTE', { facts: { error: name } });
  return fail('READER_REFUSED', { facts: { error: name } });
}
