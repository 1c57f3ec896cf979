import { decodeFelicaResponse, encodeFelicaCommand } from '@tsunagu/protocols/felica';
import { encodeAts } from '@tsunagu/protocols/iso14443';
import { concat } from '@tsunagu/protocols/kit';
import {
  decodePn532Command,
  encodePn532Response,
  type Pn532Command,
  type Pn532Response,
  type Pn532Target,
} from '@tsunagu/protocols/pn532';
import type { ChipCard } from './chip-card.ts';
import { type EmulatedField, uidAt } from './field.ts';
import type { FelicaCard } from './felica-card.ts';

/** Status codes. UM0701-02, 7.1. */
const status = { timeout: 0x01, context: 0x27, released: 0x29 } as const;
/** Data of an InDataExchange answer that fits an ACR122U's response; the rest is fetched. */
const partBytesMax = 252;

type Listed =
  | { readonly type: 'chip'; readonly card: ChipCard }
  | { readonly type: 'felica'; readonly card: FelicaCard };

const nothing: Uint8Array = new Uint8Array(0);

/**
 * A PN532 with an antenna over an emulated field: firmware 1.6, activation and block protocol of type A in the chip, FeliCa
 * frames as they are.
 *
 * @see NXP UM0701-02 (PN532 user manual), 7
 */
export class EmulatedPn532 {
  readonly #field: EmulatedField;
  readonly #registers = new Map<number, number>();
  #listed: readonly Listed[] = [];
  #command = nothing;
  #response = nothing;
  #isMute = false;

  constructor(field: EmulatedField) {
    this.#field = field;
  }

  /** The next exchange with a card meets silence on the air. */
  mute(): void {
    this.#isMute = true;
  }

  /** The chip's answer, D5 first; undefined for what it does not know (it then sends an error frame). */
  answer(bytes: Uint8Array): Uint8Array | undefined {
    const command = decodePn532Command(bytes);
    if (!command.ok) return undefined;
    const response = this.#obey(command.value);
    return response === undefined ? undefined : encodePn532Response(response);
  }

  /** As after power-on. */
  reset(): void {
    this.#registers.clear();
    this.#release();
  }

  #obey(command: Pn532Command): Pn532Response | undefined {
    switch (command.type) {
      case 'getFirmwareVersion':
        // PN532, 1.6, ISO 14443 A and B and ISO 18092.
        return { type: 'getFirmwareVersion', chip: 0x32, version: 1, revision: 6, support: 7 };
      case 'getGeneralStatus':
        return { type: 'getGeneralStatus', data: this.#generalStatus() };
      case 'diagnose':
        return this.#diagnose(command.test, command.parameters);
      case 'readRegister':
        return {
          type: 'readRegister',
          values: Uint8Array.from(command.addresses, (address) => this.#registers.get(address) ?? 0),
        };
      case 'writeRegister':
        for (const { address, value } of command.values.slice(0, 64)) this.#registers.set(address & 0xffff, value);
        return { type: 'writeRegister' };
      case 'setParameters':
      case 'samConfiguration':
        return { type: command.type };
      case 'rfConfiguration':
        if (command.item === 0x01 && ((command.data[0] ?? 0) & 1) === 0) this.#release();
        return { type: 'rfConfiguration' };
      case 'inListPassiveTarget':
        return { type: 'inListPassiveTarget', targets: this.#list(command) };
      case 'inDataExchange':
        return this.#exchange(command);
      case 'inCommunicateThru':
        return this.#communicate(command.data);
      case 'inRelease':
        this.#release();
        return { type: 'inRelease', status: 0 };
      case 'inDeselect':
      case 'inSelect':
        return { type: command.type, status: this.#listed[command.target - 1] === undefined ? status.context : 0 };
      case 'powerDown':
        this.#release();
        return { type: 'powerDown', status: 0 };
    }
  }

  #generalStatus(): Uint8Array {
    const targets = this.#listed.flatMap(({ type }, index) => {
      const isFelica = type === 'felica';
      return isFelica ? [index + 1, 1, 1, 0x10] : [index + 1, 0, 0, 0];
    });
    return Uint8Array.of(0, this.#listed.length > 0 ? 1 : 0, this.#listed.length, ...targets, 0x80);
  }

  #diagnose(test: number, parameters: Uint8Array): Pn532Response | undefined {
    // 0: the line is echoed. 6: whether the card is still there. UM0701-02, 7.2.1.
    if (test === 0) return { type: 'diagnose', data: concat(Uint8Array.of(0), parameters) };
    if (test !== 6) return { type: 'diagnose', data: Uint8Array.of(0) };
    const [listed] = this.#listed;
    if (listed?.type !== 'chip') return { type: 'diagnose', data: Uint8Array.of(status.context) };
    return { type: 'diagnose', data: Uint8Array.of(this.#isThere(listed) ? 0 : status.timeout) };
  }

  #list({
    targetsMax,
    kind,
    initiator,
  }: Extract<Pn532Command, { type: 'inListPassiveTarget' }>): readonly Pn532Target[] {
    this.#release();
    if (kind === '106A') {
      const cards = this.#field.chips.slice(0, targetsMax);
      this.#listed = cards.map((card) => ({ type: 'chip', card }));
      for (const card of cards) card.reset();
      return cards.map(({ historicalBytes }, place) => ({
        kind,
        number: place + 1,
        sensRes: 0x0044,
        selRes: 0x20,
        uid: uidAt(place),
        // The answer to select without its length byte.
        ats: encodeAts(historicalBytes).subarray(1),
      }));
    }
    if (kind !== '212F' && kind !== '424F') return [];
    const targets: Pn532Target[] = [];
    const listed: Listed[] = [];
    const poll = pollOf(initiator);
    for (const card of this.#field.felica) {
      if (targets.length === targetsMax) break;
      card.reset();
      const answer = card.transmit(poll);
      const decoded = answer === undefined ? undefined : decodeFelicaResponse(answer);
      if (!decoded?.ok || decoded.value.type !== 'polling') continue;
      const { idm, pmm, requested } = decoded.value;
      const target = { kind, number: targets.length + 1, idm, pmm };
      targets.push(requested === undefined ? target : { ...target, systemCode: requested });
      listed.push({ type: 'felica', card });
    }
    this.#listed = listed;
    return targets;
  }

  #exchange({ target, more, data }: Extract<Pn532Command, { type: 'inDataExchange' }>): Pn532Response {
    const end = (code: number): Pn532Response => ({ type: 'inDataExchange', status: code, more: false, data: nothing });
    const listed = this.#listed[target - 1];
    if (listed === undefined) return end(status.context);
    if (this.#isMute || !this.#isThere(listed)) {
      this.#isMute = false;
      return end(status.timeout);
    }
    if (listed.type === 'felica') return this.#communicate(data, 'inDataExchange');
    // Without data: the next part of the response, or a part of a command.
    if (data.length > 0 || more) {
      this.#response = nothing;
      if (this.#command.length + data.length > 65_544) return end(0x07);
      this.#command = concat(this.#command, data);
      if (more) return end(0);
      const command = this.#command;
      this.#command = nothing;
      const answer = listed.card.transmit(command);
      if (answer === undefined) return end(status.timeout);
      this.#response = answer;
    }
    const part = this.#response.subarray(0, partBytesMax);
    this.#response = this.#response.subarray(part.length);
    return { type: 'inDataExchange', status: 0, more: this.#response.length > 0, data: part };
  }

  /** A frame of FeliCa as it is. Raw frames of type A meet a card that is not in that state: nothing answers. */
  #communicate(frame: Uint8Array, type: 'inDataExchange' | 'inCommunicateThru' = 'inCommunicateThru'): Pn532Response {
    const isMute = this.#isMute;
    this.#isMute = false;
    const [answer] = isMute || this.#listed[0]?.type === 'chip' ? [] : this.#field.answersOfFelica(frame);
    if (answer === undefined) return { type, status: status.timeout, more: false, data: nothing };
    return { type, status: 0, more: false, data: answer };
  }

  #isThere(listed: Listed): boolean {
    return listed.type === 'chip' ? this.#field.chips.includes(listed.card) : this.#field.felica.includes(listed.card);
  }

  #release(): void {
    this.#listed = [];
    this.#command = nothing;
    this.#response = nothing;
    this.#field.reset();
  }
}

/** The polling frame of InListPassiveTarget's initiator data, which lacks its length byte. */
function pollOf(initiator: Uint8Array): Uint8Array {
  if (initiator.length === 5) return Uint8Array.of(6, ...initiator);
  return encodeFelicaCommand({ type: 'polling', systemCode: 0xffff, request: 'systemCode', slots: 0 });
}
