import { encodeFelicaCommand } from '@tsunagu/protocols/felica';
import {
  type AirReception,
  activateTypeA,
  decodeAts,
  frameWaitingMs,
  IsoDepReader,
  rats,
  type TypeAFrame,
} from '@tsunagu/protocols/iso14443';
import { type Reception, received } from '@tsunagu/protocols/iso7816';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Port100Command, port100Timeout, protocolDefaults, type RfSetting } from '@tsunagu/protocols/rcs380';
import type { Antenna, FoundCard } from '../antenna/antenna.ts';
import { felicaTargetOf } from '../antenna/felica-target.ts';
import { converse } from '../converse.ts';
import type { FelicaTarget, ReaderCode } from '../port.ts';
import type { Port100 } from './port100.ts';

/** Time for the short answers of activation. */
const activationMs = 30;
/** Time for a poll of FeliCa with one slot: 2.4 ms and 1.2 ms a slot. JIS X 6319-4, 6. */
const pollMs = 10;
/** What the reader itself adds to a waiting time of the card. */
const marginMs = 5;

/** Items of InSetProtocol. */
const item = {
  guardTime: 0x00,
  addCrc: 0x01,
  checkCrc: 0x02,
  addParity: 0x04,
  checkParity: 0x05,
  lastByteBits: 0x07,
} as const;
type Items = readonly (readonly [number, number])[];

/** Bits of the status of InCommRF. */
const status = { parity: 0x02, crc: 0x04, collision: 0x08, timeout: 0x80 } as const;

/** The antenna of an RC-S380: frames of type A and F go through the reader as they are, and all above them is ours. */
export class Rcs380Antenna implements Antenna {
  readonly name: string;
  readonly #port: Port100;
  #card: IsoDepReader | undefined;
  #frameWaitingMs = frameWaitingMs(4);
  #setting: RfSetting | undefined;
  #items = '';

  constructor(port: Port100, name: string) {
    this.#port = port;
    this.name = name;
  }

  async findTypeA(): Promise<Result<FoundCard, ReaderCode>> {
    this.#card = undefined;
    const ready = await this.#tune('106A');
    if (!ready.ok) return ready;
    const found = await converse(activateTypeA(), (frame) => this.#activation(frame));
    if (!found.ok) return found;
    const { uid, sak } = found.value;
    if ((sak & 0x20) === 0) return ok({ uid, sak });
    const answer = await this.#activation({ bytes: rats(), bits: 8, hasCrc: true });
    if (!answer.ok) return answer;
    if (answer.value.type !== 'bytes')
      return fail('TRANSMISSION_BROKEN', { facts: { protocol: 'ISO/IEC 14443-4', reason: 'RATS' } });
    const ats = decodeAts(answer.value.bytes);
    if (!ats.ok) return ats;
    this.#card = new IsoDepReader(ats.value.frameBytesMax);
    this.#frameWaitingMs = frameWaitingMs(ats.value.frameWaitingInteger);
    return ok({ uid, sak, historicalBytes: Uint8Array.from(ats.value.historicalBytes) });
  }

  async transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    const card = this.#card;
    if (card === undefined) return fail('READER_CARD_ABSENT');
    const answer = await converse(card.exchange(apdu), ({ bytes, waitingTimes }) =>
      this.#block(bytes, waitingTimes * this.#frameWaitingMs),
    );
    return answer.ok ? ok(Uint8Array.from(answer.value)) : answer;
  }

  async isPresent(): Promise<Result<boolean, ReaderCode>> {
    if (this.#card === undefined) return ok(false);
    return converse(this.#card.isPresent(), ({ bytes }) => this.#block(bytes, this.#frameWaitingMs));
  }

  async pollFelica(systemCode: number): Promise<Result<FelicaTarget, ReaderCode>> {
    this.#card = undefined;
    const ready = await this.#tune('212F');
    if (!ready.ok) return ready;
    const guarded = await this.#protocol([[item.guardTime, 24]]);
    if (!guarded.ok) return guarded;
    const poll = encodeFelicaCommand({ type: 'polling', systemCode, request: 'systemCode', slots: 0 });
    const answer = await this.#air(poll, pollMs);
    if (!answer.ok) return answer;
    if (answer.value.type === 'collision') return fail('READER_SEVERAL_CARDS');
    if (answer.value.type === 'silence') return fail('READER_CARD_ABSENT');
    if (answer.value.type !== 'bytes')
      return fail('TRANSMISSION_BROKEN', { facts: { protocol: 'FeliCa', reason: 'CRC' } });
    return felicaTargetOf(answer.value.bytes);
  }

  async exchangeFelica(frame: Uint8Array, timeoutMs: number): Promise<Result<Uint8Array, ReaderCode>> {
    if (this.#setting !== '212F') return fail('READER_CARD_ABSENT');
    const answer = await this.#air(frame, timeoutMs);
    if (!answer.ok) return answer;
    if (answer.value.type === 'bytes') return ok(Uint8Array.from(answer.value.bytes));
    if (answer.value.type === 'silence') return fail('READER_CARD_MUTE', { facts: { protocol: 'FeliCa' } });
    return fail('TRANSMISSION_BROKEN', { facts: { protocol: 'FeliCa', reason: answer.value.type } });
  }

  async release(): Promise<Result<void, ReaderCode>> {
    this.#card = undefined;
    this.#forget();
    const off = await this.#port.command({ type: 'switchRf', on: false });
    return off.ok ? ok(undefined) : off;
  }

  close(): Promise<void> {
    return this.#port.close();
  }

  /** Field off and on at a modulation: whatever card was there begins anew. */
  async #tune(setting: RfSetting): Promise<Result<void, ReaderCode>> {
    const off = await this.release();
    if (!off.ok) return off;
    const set = await this.#setUp({ type: 'inSetRf', setting });
    if (!set.ok) return set;
    this.#setting = setting;
    return this.#protocol(protocolDefaults);
  }

  /** Sets items of the protocol that are not set yet. */
  async #protocol(items: Items): Promise<Result<void, ReaderCode>> {
    const key = items.join(';');
    if (key === this.#items) return ok(undefined);
    const set = await this.#setUp({ type: 'inSetProtocol', items });
    this.#items = set.ok ? key : '';
    return set;
  }

  async #setUp(command: Port100Command): Promise<Result<void, ReaderCode>> {
    const answer = await this.#port.command(command);
    if (!answer.ok) {
      this.#forget();
      return answer;
    }
    const { value } = answer;
    if ('status' in value && value.status !== 0)
      return fail('READER_REFUSED', { facts: { error: command.type, status: value.status } });
    return ok(undefined);
  }

  #forget(): void {
    this.#setting = undefined;
    this.#items = '';
  }

  async #activation({ bytes, bits, hasCrc }: TypeAFrame): Promise<Result<AirReception, ReaderCode>> {
    const crc = hasCrc ? 1 : 0;
    const set = await this.#protocol([
      [item.guardTime, 6],
      [item.addCrc, crc],
      [item.checkCrc, crc],
      [item.addParity, bits === 7 ? 0 : 1],
      [item.checkParity, 1],
      [item.lastByteBits, bits],
    ]);
    return set.ok ? this.#air(bytes, activationMs) : set;
  }

  /** A frame of the block protocol: eight bits and CRC, as RATS had them. */
  async #block(bytes: Uint8Array, waitMs: number): Promise<Result<Reception, ReaderCode>> {
    const answer = await this.#air(bytes, waitMs + marginMs);
    if (!answer.ok) return answer;
    return ok(answer.value.type === 'collision' ? { type: 'garbled' } : answer.value);
  }

  /** One frame into the air, and what came back. */
  async #air(data: Uint8Array, waitMs: number): Promise<Result<AirReception, ReaderCode>> {
    const answer = await this.#port.command({ type: 'inCommRf', timeout: port100Timeout(waitMs), data }, waitMs);
    if (!answer.ok) {
      this.#forget();
      return answer;
    }
    if (answer.value.type !== 'inCommRf')
      return fail('READER_ANSWER_WRONG', { facts: { received: answer.value.type } });
    const bits = answer.value.status;
    if (bits === 0) return ok(received(answer.value.data));
    if ((bits & status.collision) !== 0) return ok({ type: 'collision' });
    if ((bits & status.timeout) !== 0) return ok({ type: 'silence' });
    if ((bits & (status.parity | status.crc)) !== 0) return ok({ type: 'garbled' });
    return fail('READER_REFUSED', { facts: { error: 'InCommRF', status: bits } });
  }
}
