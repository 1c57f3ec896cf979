import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  decodePort100Frame,
  decodePort100Response,
  encodePort100Command,
  encodePort100Frame,
  type Port100Command,
  type Port100Frame,
  type Port100Response,
  port100DataMax,
} from '@tsunagu/protocols/rcs380';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import type { ReaderCode } from '../codes.ts';

/** Interface and endpoints of the RC-S380. */
const usb = { interfaceNumber: 0, bulkOut: 2, bulkIn: 1, packetBytes: 64 } as const;
const writeMs = 1_000;
/** The reader acknowledges a command at once. */
const ackMs = 500;
/** What an answer may take beyond the time that the card was given. */
const answerMs = 1_000;
/** The rest of a frame that has begun. */
const continuationMs = 250;
/** Reads after the time is over. */
const overdueReadsMax = 8;
const frameBytesMax = port100DataMax + 10;
const readBytes = Math.ceil((frameBytesMax + usb.packetBytes) / usb.packetBytes) * usb.packetBytes;

/**
 * The chip of an RC-S380: a command, its acknowledgement, its answer. Whatever comes back, a command ends within a bounded
 * time; after a fault the reader is cancelled (an ACK of the host) and its pipe emptied.
 */
export class Port100 {
  readonly #world: World;
  readonly #device: UsbDevice;

  constructor(world: World, device: UsbDevice) {
    this.#world = world;
    this.#device = device;
  }

  /** Takes the reader for this process and brings it to a known state. */
  async start(): Promise<Result<void, ReaderCode>> {
    const claimed = await this.#device.claim(usb.interfaceNumber);
    if (!claimed.ok) return claimed;
    await this.#cancel();
    const steps: readonly Port100Command[] = [
      { type: 'setCommandType', value: 1 },
      { type: 'getFirmwareVersion' },
      { type: 'switchRf', on: false },
    ];
    for (const step of steps) {
      const done = await this.command(step);
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  /** @param cardMs how long the reader itself waits for a card, in InCommRF */
  async command(command: Port100Command, cardMs = 0): Promise<Result<Port100Response, ReaderCode>> {
    const answer = await this.#converse(command, cardMs);
    if (!answer.ok && answer.fault.code !== 'USB_UNPLUGGED') await this.#cancel();
    return answer;
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  async #converse(command: Port100Command, cardMs: number): Promise<Result<Port100Response, ReaderCode>> {
    const frame = encodePort100Frame({ type: 'data', data: encodePort100Command(command) });
    const sent = await this.#write(frame);
    if (!sent.ok) return sent;
    const ack = await this.#readFrame(ackMs);
    if (!ack.ok) return ack;
    if (ack.value.type !== 'ack')
      return fail('READER_ANSWER_WRONG', { facts: { expected: 'ack', received: ack.value.type } });
    const answer = await this.#readFrame(cardMs + answerMs);
    if (!answer.ok) return answer;
    if (answer.value.type === 'error') return fail('READER_REFUSED', { facts: { error: 'ERROR_FRAME' } });
    if (answer.value.type !== 'data') return fail('READER_ANSWER_WRONG', { facts: { received: answer.value.type } });
    return decodePort100Response(answer.value.data, command.type);
  }

  async #write(frame: Uint8Array): Promise<Result<void, ReaderCode>> {
    const sent = await this.#device.bulkOut(usb.bulkOut, frame, writeMs);
    // The end of a transfer of whole packets is a packet of no bytes.
    if (!sent.ok || frame.length % usb.packetBytes !== 0) return sent;
    return this.#device.bulkOut(usb.bulkOut, new Uint8Array(0), writeMs);
  }

  /** One frame, which is one transfer, unless it is cut; zero-length packets are skipped. */
  async #readFrame(waitMs: number): Promise<Result<Port100Frame, ReaderCode>> {
    let frame: Uint8Array = new Uint8Array(0);
    let left = waitMs;
    // What lies there already is taken, however late this process comes to it.
    for (let overdue = 0; left > 0 || overdue++ < overdueReadsMax; ) {
      const startedAt = this.#world.clock.monotonicMs();
      const read = await this.#device.bulkIn(usb.bulkIn, readBytes, Math.max(left, 1));
      if (!read.ok) {
        if (read.fault.code !== 'USB_TIMEOUT') return read;
        return frame.length > 0 ? fail('FRAME_TRUNCATED', { offset: frame.length }) : fail('READER_TIMEOUT');
      }
      frame = frame.length === 0 ? read.value : concat(frame, read.value);
      left -= this.#world.clock.monotonicMs() - startedAt;
      if (frame.length === 0) continue;
      const decoded = decodePort100Frame(frame);
      if (decoded.ok || decoded.fault.code !== 'FRAME_TRUNCATED') return decoded;
      left = Math.min(left, continuationMs);
    }
    return frame.length > 0 ? fail('FRAME_TRUNCATED', { offset: frame.length }) : fail('READER_TIMEOUT');
  }

  async #cancel(): Promise<void> {
    if (!(await this.#device.clearHalt('in', usb.bulkIn)).ok) return;
    const sent = await this.#device.bulkOut(usb.bulkOut, encodePort100Frame({ type: 'ack' }), writeMs);
    if (!sent.ok) return;
    for (let reads = 0; reads < 16; reads++) {
      const read = await this.#device.bulkIn(usb.bulkIn, readBytes, 20);
      if (!read.ok) return;
    }
  }
}
