import { type CommandApdu, decodeResponse, encodeCommand } from '@tsunagu/protocols/apdu';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  decodePn532Response,
  encodePn532Command,
  type Pn532Command,
  type Pn532Response,
  setAcr122Polling,
  unwrapFromAcr122,
  wrapForAcr122,
} from '@tsunagu/protocols/pn532';
import type { Antenna, FoundCard } from '../antenna/antenna.ts';
import type { CcidSlot } from '../ccid/slot.ts';
import type { FelicaTarget, ReaderCode } from '../port.ts';

/** Data bytes of one InDataExchange: the pseudo-APDU carries 255, of which D4, 40 and Tg take three. */
const dataBytesMax = 252;
const partsMax = 512;

/**
 * The PN532 in an ACR122U, reached by pseudo-APDUs: over XfrBlock, or over Escape where the reader wants a card for XfrBlock.
 *
 * @see ACS ACR122U API 2.04; NXP UM0701-02 (PN532 user manual), 7
 */
export class Acr122Antenna implements Antenna {
  readonly name: string;
  readonly #slot: CcidSlot;
  #byEscape = false;

  constructor(slot: CcidSlot, name: string) {
    this.#slot = slot;
    this.name = name;
  }

  /** Brings the chip to a known state: no polling of the reader's own, few retries, time for FeliCa commands. */
  async start(): Promise<Result<void, ReaderCode>> {
    const polling = await this.#apdu(setAcr122Polling(0x7f));
    if (!polling.ok) return polling;
    const steps: readonly Pn532Command[] = [
      { type: 'getFirmwareVersion' },
      // Item 5: ATR and PSL as they are, one try of activation. Item 2: 409.6 ms for InCommunicateThru.
      { type: 'rfConfiguration', item: 0x05, data: Uint8Array.of(0x00, 0x01, 0x01) },
      { type: 'rfConfiguration', item: 0x02, data: Uint8Array.of(0x00, 0x0b, 0x0d) },
    ];
    for (const step of steps) {
      const done = await this.#chip(step);
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  async findTypeA(): Promise<Result<FoundCard, ReaderCode>> {
    const released = await this.release();
    if (!released.ok) return released;
    const found = await this.#list({ targetsMax: 2, kind: '106A', initiator: new Uint8Array(0) });
    if (!found.ok) return found;
    const [card, second] = found.value;
    if (second !== undefined) return fail('READER_SEVERAL_CARDS');
    if (card?.kind !== '106A') return fail('READER_CARD_ABSENT');
    const { uid, selRes: sak, ats } = card;
    return ok(ats === undefined ? { uid, sak } : { uid, sak, historicalBytes: historicalOf(ats) });
  }

  async transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    let answer: Result<Extract<Pn532Response, { type: 'inDataExchange' | 'inCommunicateThru' }>, ReaderCode>;
    let at = 0;
    for (;;) {
      const data = apdu.subarray(at, at + dataBytesMax);
      const more = at + data.length < apdu.length;
      answer = await this.#exchange({ type: 'inDataExchange', target: 1, more, data });
      if (!answer.ok) return answer;
      at += data.length;
      if (!more) break;
    }
    const parts = [answer.value.data];
    for (let part = 0; answer.value.more; part++) {
      if (part >= partsMax) return fail('FRAME_TOO_LONG', { facts: { parts: part } });
      answer = await this.#exchange({ type: 'inDataExchange', target: 1, more: false, data: new Uint8Array(0) });
      if (!answer.ok) return answer;
      parts.push(answer.value.data);
    }
    const whole = concat(...parts);
    return whole.length >= 2 ? ok(whole) : fail('FRAME_INVALID', { field: 'SW', facts: { length: whole.length } });
  }

  /** Diagnose, test 6: whether an ISO/IEC 14443-4 card answers. UM0701-02, 7.2.1. */
  async isPresent(): Promise<Result<boolean, ReaderCode>> {
    const answer = await this.#chip({ type: 'diagnose', test: 6, parameters: new Uint8Array(0) });
    if (!answer.ok) return answer;
    return ok(answer.value.type === 'diagnose' && answer.value.data[0] === 0);
  }

  async pollFelica(systemCode: number): Promise<Result<FelicaTarget, ReaderCode>> {
    // Four time slots, so that two cards are heard apart.
    const initiator = Uint8Array.of(0x00, systemCode >> 8, systemCode & 0xff, 0x01, 0x03);
    const released = await this.release();
    if (!released.ok) return released;
    const found = await this.#list({ targetsMax: 2, kind: '212F', initiator });
    if (!found.ok) return found;
    const [card, second] = found.value;
    if (second !== undefined) return fail('READER_SEVERAL_CARDS');
    if (card?.kind !== '212F') return fail('READER_CARD_ABSENT');
    return ok({ idm: Uint8Array.from(card.idm), pmm: Uint8Array.from(card.pmm) });
  }

  /** The time limit is the chip's, set at the start: its unit doubles with each step, so that the caller's cannot be met exactly. */
  async exchangeFelica(frame: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    const answer = await this.#exchange({ type: 'inCommunicateThru', data: frame });
    return answer.ok ? ok(Uint8Array.from(answer.value.data)) : answer;
  }

  async release(): Promise<Result<void, ReaderCode>> {
    const released = await this.#chip({ type: 'inRelease', target: 0 });
    if (!released.ok) return released;
    const off = await this.#chip({ type: 'rfConfiguration', item: 0x01, data: Uint8Array.of(0x00) });
    return off.ok ? ok(undefined) : off;
  }

  close(): Promise<void> {
    return this.#slot.channel.close();
  }

  async #list(poll: Omit<Extract<Pn532Command, { type: 'inListPassiveTarget' }>, 'type'>) {
    const answer = await this.#chip({ type: 'inListPassiveTarget', ...poll });
    if (!answer.ok) return answer;
    return answer.value.type === 'inListPassiveTarget'
      ? ok(answer.value.targets)
      : fail('READER_ANSWER_WRONG', { facts: { received: answer.value.type } });
  }

  async #exchange(command: Extract<Pn532Command, { type: 'inDataExchange' | 'inCommunicateThru' }>) {
    const answer = await this.#chip(command);
    if (!answer.ok) return answer;
    const { value } = answer;
    if (value.type !== 'inDataExchange' && value.type !== 'inCommunicateThru')
      return fail('READER_ANSWER_WRONG', { facts: { received: value.type } });
    if (value.status === 0) return ok(value);
    // Time-out, released, exchanged, gone: nothing answers. UM0701-02, 7.1.
    if ([0x01, 0x27, 0x29, 0x2a, 0x2b].includes(value.status))
      return fail('READER_CARD_MUTE', { facts: { status: value.status } });
    return fail('TRANSMISSION_BROKEN', { facts: { protocol: 'PN532', status: value.status } });
  }

  async #chip(command: Pn532Command): Promise<Result<Pn532Response, ReaderCode>> {
    const answer = await this.#apdu(wrapForAcr122(encodePn532Command(command)));
    if (!answer.ok) return answer;
    const decoded = decodeResponse(answer.value);
    if (!decoded.ok) return fail('FRAME_INVALID', { cause: decoded.fault });
    const unwrapped = unwrapFromAcr122(decoded.value);
    return unwrapped.ok ? decodePn532Response(unwrapped.value, command) : unwrapped;
  }

  async #apdu(apdu: CommandApdu): Promise<Result<Uint8Array, ReaderCode>> {
    const bytes = encodeCommand(apdu);
    if (!bytes.ok) return fail('FRAME_TOO_LONG', { cause: bytes.fault });
    if (!this.#byEscape) {
      const block = await this.#slot.command({ type: 'xfrBlock', bwi: 0, level: 0, data: bytes.value }, 'dataBlock');
      if (block.ok) return ok(block.value.data);
      // Some firmware takes XfrBlock only while a card is there.
      if (block.fault.code !== 'READER_REFUSED' && block.fault.code !== 'READER_CARD_ABSENT') return block;
      this.#byEscape = true;
    }
    const escaped = await this.#slot.command({ type: 'escape', data: bytes.value }, 'escape');
    return escaped.ok ? ok(escaped.value.data) : escaped;
  }
}

/** Historical bytes of an ATS without its length byte: T0, and the interface bytes that it announces. ISO/IEC 14443-4:2018, 5.2. */
function historicalOf(ats: Uint8Array): Uint8Array {
  const t0 = ats[0] ?? 0;
  const interfaceBytes = [0x10, 0x20, 0x40].filter((bit) => (t0 & bit) !== 0).length;
  return Uint8Array.from(ats.subarray(1 + interfaceBytes));
}
