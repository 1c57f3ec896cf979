import {
  type BulkIn,
  BulkInAssembler,
  type BulkOut,
  type CcidInterface,
  decodeBulkIn,
  decodeInterrupt,
  encodeBulkOut,
} from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import type { ReaderCode } from '../codes.ts';
import { refusalOf } from './refusal.ts';
import { Turns } from '../turns.ts';

/** How long a command may take, and how often the reader may ask for more time (bounded: a storm of them ends). */
export const answerMs = 3_000;
const timeExtensionsMax = 64;
/** The whole of one command, time extensions included. */
const commandMsMax = 30_000;
/** A message that began must go on within this time. */
const continuationMs = 250;
/** Answers of commands that were given up are skipped; more than this many of them is a reader out of step. */
const lateAnswersMax = 8;
/** Reads after the time is over, of what lies in the endpoint already. */
const overdueReadsMax = 8;
const writeMs = 1_000;

/** A command, before slot and sequence number are put to it. */
export type Command =
  | Body<'iccPowerOn', 'power'>
  | { readonly type: 'iccPowerOff' | 'getSlotStatus' | 'getParameters' | 'resetParameters' }
  | Body<'xfrBlock' | 'secure', 'bwi' | 'level' | 'data'>
  | Body<'setParameters', 'protocol' | 'data'>
  | Body<'escape', 'data'>;
type Body<T extends BulkOut['type'], K extends string> = { readonly type: T } & Pick<
  Extract<BulkOut, { readonly type: T }>,
  K & keyof Extract<BulkOut, { readonly type: T }>
>;

/** A message of this type. */
export type Answer<T extends BulkIn['type']> = Extract<BulkIn, { readonly type: T }>;

/**
 * The pipes of one CCID interface, which all of its slots share: one command at a time, each answered by a message with its
 * own bSlot and bSeq. Whatever the reader sends, a command ends within a bounded time, with a stable code, and leaves the
 * reader fit for the next one.
 *
 * @see USB CCID 1.1
 */
export class CcidChannel {
  readonly ccid: CcidInterface;
  readonly device: UsbDevice;
  readonly #world: World;
  readonly #assembler: BulkInAssembler;
  readonly #readBytes: number;
  readonly #turns = new Turns();
  /** bSeq of commands that were given up: their answers may still come. */
  readonly #abandoned = new Set<number>();
  #seq = 0;
  #hint: Promise<Result<void, ReaderCode>> | undefined;
  #isClosed = false;

  constructor(world: World, device: UsbDevice, ccid: CcidInterface) {
    this.#world = world;
    this.device = device;
    this.ccid = ccid;
    this.#assembler = new BulkInAssembler(ccid.descriptor.messageBytesMax);
    // Whole packets, and room for a zero-length one behind the longest message.
    const packet = Math.max(ccid.bulkInPacketBytes, 8);
    this.#readBytes = (Math.ceil(Math.max(ccid.descriptor.messageBytesMax, packet) / packet) + 1) * packet;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Runs one command after the ones before it have ended, and gives back the reader's answer, a refusal included. After a
   * fault the slot was aborted and powered off.
   *
   * @param waitMs how long the answer may take before the first time extension
   */
  command<T extends BulkIn['type']>(
    slot: number,
    command: Command,
    expected: T,
    waitMs = answerMs,
  ): Promise<Result<Answer<T>, ReaderCode>> {
    return this.#turns.take(async () => {
      const seq = this.#nextSeq();
      const sent = await this.#write(addressed(command, slot, seq));
      const answer = sent.ok ? await this.#answerTo(slot, seq, waitMs) : sent;
      if (answer.ok && isOfType(answer.value, expected)) return ok(answer.value);
      // A command that a reader does not know is answered by a slot status, whatever its own answer would be. CCID 1.1, 6.1.
      if (answer.ok && answer.value.type === 'slotStatus' && answer.value.status === 'failed')
        return refusalOf(answer.value);
      await this.#recover(slot);
      return answer.ok ? fail('READER_ANSWER_WRONG', { facts: { expected, received: answer.value.type } }) : answer;
    });
  }

  /** Brings a slot to a known state after its caller met a fault in the data of an answer. */
  recover(slot: number): Promise<void> {
    return this.#turns.take(() => this.#recover(slot));
  }

  /**
   * Waits until the reader tells of some change in its slots, at most `waitMs`. A hint alone: the state must be asked again
   * after it. Slots that wait at once share one read.
   */
  change(waitMs: number): Promise<Result<void, ReaderCode>> {
    if (this.#hint === undefined) {
      this.#hint = this.#awaitHint(waitMs).finally(() => {
        this.#hint = undefined;
      });
    }
    return this.#hint;
  }

  /** Closes the device when the last slot is given up. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turns.idle();
    await this.device.close();
  }

  async #awaitHint(waitMs: number): Promise<Result<void, ReaderCode>> {
    const { interruptIn } = this.ccid;
    if (interruptIn === undefined) {
      await this.#world.timers.sleep(waitMs);
      return ok(undefined);
    }
    const read = await this.device.interruptIn(interruptIn, 64, waitMs);
    if (!read.ok) return read.fault.code === 'USB_TIMEOUT' ? ok(undefined) : read;
    const hint = decodeInterrupt(read.value);
    if (!hint.ok) this.#world.log('debug', 'readerHintIgnored', { fault: hint.fault });
    return ok(undefined);
  }

  /** Reads until the answer with this bSeq is whole. */
  async #answerTo(slot: number, seq: number, firstWaitMs: number): Promise<Result<BulkIn, ReaderCode>> {
    const { clock } = this.#world;
    const end = clock.monotonicMs() + Math.max(commandMsMax, firstWaitMs);
    let waitMs = firstWaitMs;
    let extensions = 0;
    let late = 0;
    for (;;) {
      const read = await this.#readMessage(Math.min(waitMs, end - clock.monotonicMs()));
      if (!read.ok) {
        if (read.fault.code === 'READER_TIMEOUT') this.#abandoned.add(seq);
        return read;
      }
      const message = read.value;
      if (message.seq !== seq || message.slot !== slot) {
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
      waitMs = Math.max(waitMs, Math.min(answerMs * Math.max(1, message.error), commandMsMax));
    }
  }

  async #readMessage(waitMs: number): Promise<Result<BulkIn, ReaderCode>> {
    let left = waitMs;
    let overdue = 0;
    for (;;) {
      const isBegun = this.#assembler.pendingBytes > 0;
      // What lies there already is taken, however late this process comes to it (it may have been suspended).
      if (left <= 0 && ++overdue > overdueReadsMax) return fail('READER_TIMEOUT');
      const startedAt = this.#world.clock.monotonicMs();
      const read = await this.device.bulkIn(this.ccid.bulkIn, this.#readBytes, Math.max(left, 1));
      if (!read.ok) {
        if (read.fault.code !== 'USB_TIMEOUT') return read;
        const ended = this.#assembler.finish();
        return ended.ok ? fail('READER_TIMEOUT') : ended;
      }
      const pushed = this.#assembler.push(read.value);
      if (!pushed.ok) return pushed;
      const [first] = pushed.value;
      // A transfer carries one message. A second one behind it means that the first one's length is a lie.
      if (pushed.value.length > 1)
        return fail('CCID_LENGTH_WRONG', { offset: 1, facts: { messages: pushed.value.length } });
      if (first !== undefined) return decodeBulkIn(first);
      // A zero-length packet, or a part: the rest of a message must follow soon, and neither prolongs the wait.
      left -= this.#world.clock.monotonicMs() - startedAt;
      if (!isBegun && this.#assembler.pendingBytes > 0) left = Math.min(left, continuationMs);
    }
  }

  /**
   * After a fault: ends halts, aborts what the reader may still be doing (control and bulk with one bSeq, CCID 1.1, 5.3.1),
   * empties the pipe, and powers the card off, so that the next powerOn starts from a known state. Its own failures do not
   * matter: the next command meets them.
   */
  async #recover(slot: number): Promise<void> {
    const { bulkIn, bulkOut, interfaceNumber } = this.ccid;
    this.#assembler.reset();
    if (!(await this.device.clearHalt('in', bulkIn)).ok) return;
    await this.device.clearHalt('out', bulkOut);
    const seq = this.#nextSeq();
    const aborted = await this.device.controlOut(
      { type: 'class', recipient: 'interface', request: 1, value: (seq << 8) | slot, index: interfaceNumber },
      new Uint8Array(0),
    );
    // Readers that cannot abort stall the request; then the bulk half of it must not be sent either.
    if (aborted.ok) await this.#write({ type: 'abort', slot, seq });
    else if (aborted.fault.code === 'USB_UNPLUGGED') return;
    for (let reads = 0; reads < 128; reads++) {
      const read = await this.device.bulkIn(bulkIn, this.#readBytes, aborted.ok ? 50 : 10);
      if (!read.ok) break;
      const message = decodeBulkIn(read.value);
      if (message.ok && message.value.seq === seq && message.value.type === 'slotStatus') break;
    }
    const off = this.#nextSeq();
    const sent = await this.#write({ type: 'iccPowerOff', slot, seq: off });
    if (!sent.ok) return;
    const answer = await this.#readMessage(continuationMs);
    if (!answer.ok) {
      this.#assembler.reset();
      this.#abandoned.add(off);
    }
  }

  #write(message: BulkOut): Promise<Result<void, ReaderCode>> {
    return this.device.bulkOut(this.ccid.bulkOut, encodeBulkOut(message), writeMs);
  }

  #nextSeq(): number {
    this.#seq = (this.#seq + 1) & 0xff;
    // A number that comes round again is no longer that of the command which was given up.
    this.#abandoned.delete(this.#seq);
    return this.#seq;
  }
}

/** A command with its address. Transfers, which are nearly all there is, are spelt out: a spread costs more than the rest of the way. */
function addressed(command: Command, slot: number, seq: number): BulkOut {
  if (command.type !== 'xfrBlock') return { ...command, slot, seq };
  const { type, bwi, level, data } = command;
  return { type, slot, seq, bwi, level, data };
}

const isOfType = <T extends BulkIn['type']>(message: BulkIn, type: T): message is Answer<T> => message.type === type;
