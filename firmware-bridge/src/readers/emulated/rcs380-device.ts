import { crcA, encodeAts, type TypeAFrame, TypeAPicc, withoutCrc } from '@tsunagu/protocols/iso14443';
import { concat } from '@tsunagu/protocols/kit';
import {
  decodePort100Command,
  decodePort100Frame,
  encodePort100Frame,
  encodePort100Response,
  type Port100Command,
  type Port100Response,
  port100DataMax,
  type RfSetting,
} from '@tsunagu/protocols/rcs380';
import { describeDevice } from '../../usb/descriptors.ts';
import { EmulatedUsbDevice } from '../../usb/emulated/model-base.ts';
import type { ChipCard } from './chip-card.ts';
import type { FelicaCard } from './felica-card.ts';
import { EmulatedField, uidAt } from './field.ts';

const endpoints = { bulkIn: 1, bulkOut: 2 } as const;
const nothing: Uint8Array = new Uint8Array(0);

/** What can go wrong, one at a time. */
export const rcs380Faults = {
  /** The card does not answer once on the air: the block protocol mends it. */
  mute: 'The card stays mute for one frame',
  /** It never answers again until the field goes off. */
  muteForGood: 'The card stays mute',
  /** A frame of the card is spoilt on the air. */
  crc: 'A frame of the card has a wrong CRC',
  silent: 'The reader stays silent after its ACK',
  noAck: 'The reader does not even acknowledge',
  errorFrame: 'The reader answers with an error frame',
  split: 'The answer is split over transfers',
  zeroLength: 'A zero-length packet comes first',
  checksum: 'The checksum of the answer is wrong',
  lengthTooLong: 'The length of the answer is a lie',
  garbage: 'The answer is no frame',
  wrongCommand: 'The answer is that of another command',
  unplug: 'The reader is unplugged',
  removed: 'The card is removed',
} as const;

/** A fault of `rcs380Faults`. */
export type Rcs380Fault = keyof typeof rcs380Faults;

/** Bits of the status of InCommRF. */
const statuses = { crc: 0x04, collision: 0x08, timeout: 0x80, rfOff: 0x400 } as const;

const descriptors = describeDevice({
  vendorId: 0x054c,
  productId: 0x06c1,
  releaseBcd: 0x0111,
  speed: 'full',
  manufacturer: 'SONY',
  product: 'RC-S380/S',
  serial: '0000001',
  interfaces: [
    {
      class: 0xff,
      subclass: 0,
      protocol: 0,
      endpoints: [
        { address: 0x80 | endpoints.bulkIn, type: 'bulk', packetBytes: 64 },
        { address: endpoints.bulkOut, type: 'bulk', packetBytes: 64 },
      ],
    },
  ],
});

/** Items of InSetProtocol that change frames. */
const items = { addCrc: 0x01, checkCrc: 0x02, lastByteBits: 0x07 } as const;

/**
 * An emulated Sony RC-S380: Port-100 frames, and an antenna over a field of type A and FeliCa cards. Activation, CRC and block
 * protocol of type A are the host's, as on the real one; several cards at once collide.
 */
export class EmulatedRcs380 extends EmulatedUsbDevice {
  readonly kind = 'felica';
  readonly #field = new EmulatedField();
  readonly #faults: Rcs380Fault[] = [];
  readonly #items = new Map<number, number>();
  #setting: RfSetting | undefined;
  #cards: readonly TypeAPicc[] = [];
  #isMuteForGood = false;

  constructor() {
    super(descriptors);
  }

  /** Puts a chip card into the field, beside what is there. */
  insert(card: ChipCard): void {
    this.#field.add(card);
    this.#fieldOff();
  }

  /** Puts a FeliCa card into the field, beside what is there. */
  insertFelica(card: FelicaCard): void {
    this.#field.addFelica(card);
    this.#fieldOff();
  }

  /** Takes everything out of the field. */
  remove(): void {
    this.#field.clear();
    this.#fieldOff();
  }

  /** Breaks the next exchanges with a card, one fault each, in this order. */
  inject(...faults: readonly Rcs380Fault[]): void {
    this.#faults.push(...faults);
  }

  override unplugged(): void {
    super.unplugged();
    this.#fieldOff();
  }

  protected onTransfer(_endpoint: number, transfer: Uint8Array): void {
    // A packet of no bytes ends a transfer of whole packets.
    if (transfer.length === 0) return;
    const frame = decodePort100Frame(transfer);
    // A frame that is none is not acknowledged; an ACK of the host cancels what is under way, and nothing is.
    if (!frame.ok || frame.value.type !== 'data') return;
    this.#say(encodePort100Frame({ type: 'ack' }), isToCard(frame.value.data) ? this.#faults[0] : undefined);
    const command = decodePort100Command(frame.value.data);
    if (!command.ok) return this.send(endpoints.bulkIn, encodePort100Frame({ type: 'error' }));
    const fault = isToCard(frame.value.data) ? this.#faults.shift() : undefined;
    if (fault === 'removed') this.remove();
    if (fault === 'muteForGood') this.#isMuteForGood = true;
    const response = this.#obey(command.value, fault);
    this.#answer(encodePort100Response(response), fault);
  }

  #say(ack: Uint8Array, fault: Rcs380Fault | undefined): void {
    if (fault !== 'noAck') this.send(endpoints.bulkIn, ack);
  }

  #answer(data: Uint8Array, fault: Rcs380Fault | undefined): void {
    const frame = encodePort100Frame({ type: 'data', data });
    const end = frame.length - 2;
    switch (fault) {
      case 'silent':
      case 'noAck':
        return;
      case 'unplug':
        return this.unplug();
      case 'errorFrame':
        return this.send(endpoints.bulkIn, encodePort100Frame({ type: 'error' }));
      case 'zeroLength':
        this.send(endpoints.bulkIn, nothing);
        return this.send(endpoints.bulkIn, frame);
      case 'split':
        this.send(endpoints.bulkIn, frame.slice(0, 9));
        return this.send(endpoints.bulkIn, frame.slice(9));
      case 'checksum':
        return this.send(
          endpoints.bulkIn,
          frame.map((byte, at) => (at === end ? byte ^ 0x55 : byte)),
        );
      case 'lengthTooLong':
        return this.send(
          endpoints.bulkIn,
          frame.map((byte, at) => (at === 5 ? byte + 5 : at === 7 ? byte - 5 : byte)),
        );
      case 'garbage':
        return this.send(
          endpoints.bulkIn,
          frame.map((byte) => byte ^ 0xff),
        );
      case 'wrongCommand':
        return this.send(
          endpoints.bulkIn,
          encodePort100Frame({ type: 'data', data: encodePort100Response({ type: 'switchRf', status: 0 }) }),
        );
      default:
        return this.send(endpoints.bulkIn, frame);
    }
  }

  #obey(command: Port100Command, fault: Rcs380Fault | undefined): Port100Response {
    switch (command.type) {
      case 'getFirmwareVersion':
        return { type: command.type, version: 0x0111 };
      case 'getPdDataVersion':
        return { type: command.type, version: 0x0100 };
      case 'getCommandType':
        // Types 0 and 1, as a big-endian mask of 64 bits.
        return { type: command.type, types: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 3) };
      case 'setCommandType':
        return { type: command.type, status: command.value <= 1 ? 0 : 1 };
      case 'switchRf':
        if (!command.on) this.#fieldOff();
        return { type: command.type, status: 0 };
      case 'inSetRf':
        this.#fieldOff();
        this.#setting = command.setting;
        return { type: command.type, status: 0 };
      case 'inSetProtocol':
        for (const [item, value] of command.items) this.#items.set(item, value);
        return { type: command.type, status: 0 };
      case 'inCommRf':
        if (this.#setting === undefined) return commRf(statuses.rfOff);
        if (fault === 'mute' || this.#isMuteForGood) return commRf(statuses.timeout);
        return this.#setting === '106A' ? this.#typeA(command.data, fault) : this.#typeF(command.data, fault);
    }
  }

  #typeA(data: Uint8Array, fault: Rcs380Fault | undefined): Port100Response {
    const frame = this.#frameOf(data);
    const answers = this.#wake()
      .map((card) => card.receive(frame))
      .filter((answer) => answer !== undefined);
    const [first] = answers;
    if (first === undefined) return commRf(statuses.timeout);
    if (fault === 'crc') return commRf(statuses.crc);
    if (answers.some(({ bytes }) => Buffer.compare(bytes, first.bytes) !== 0)) return commRf(statuses.collision);
    const checksCrc = this.#item(items.checkCrc) !== 0;
    if (checksCrc && !first.hasCrc) return commRf(statuses.crc);
    const bytes = first.hasCrc && !checksCrc ? concat(first.bytes, crcA(first.bytes)) : first.bytes;
    return bytes.length + 7 > port100DataMax ? commRf(0x10) : { type: 'inCommRf', status: 0, data: bytes };
  }

  #typeF(data: Uint8Array, fault: Rcs380Fault | undefined): Port100Response {
    const answers = this.#setting === '106B' ? [] : this.#field.answersOfFelica(data);
    const [first] = answers;
    if (first === undefined) return commRf(statuses.timeout);
    if (fault === 'crc') return commRf(statuses.crc);
    if (answers.length > 1) return commRf(statuses.collision);
    return { type: 'inCommRf', status: 0, data: first };
  }

  /** The host's bytes as the air has them: with the CRC that the reader puts to them, or their own. */
  #frameOf(data: Uint8Array): TypeAFrame {
    if (this.#item(items.lastByteBits) === 7) return { bytes: data, bits: 7, hasCrc: false };
    if (this.#item(items.addCrc) !== 0) return { bytes: data, bits: 8, hasCrc: true };
    const bare = withoutCrc(data);
    return bare === undefined ? { bytes: data, bits: 8, hasCrc: false } : { bytes: bare, bits: 8, hasCrc: true };
  }

  /** The cards as they answer in this field. */
  #wake(): readonly TypeAPicc[] {
    if (this.#cards.length === 0)
      this.#cards = this.#field.chips.map((card, place) => {
        card.reset();
        const ats = encodeAts(card.historicalBytes);
        return new TypeAPicc({ uid: uidAt(place), ats, extensions: 1 + (card.extensions ?? 0) }, (apdu) =>
          card.transmit(apdu),
        );
      });
    return this.#cards;
  }

  #item(item: number): number {
    return this.#items.get(item) ?? 0;
  }

  #fieldOff(): void {
    this.#isMuteForGood = false;
    this.#cards = [];
    this.#field.reset();
  }
}

const commRf = (status: number): Port100Response => ({ type: 'inCommRf', status, data: nothing });

/** InCommRF of a block or a FeliCa command. Faults strike there, where a card is spoken to, and not at its activation. */
function isToCard(command: Uint8Array): boolean {
  if (command[1] !== 0x04) return false;
  const frame = command.subarray(4);
  const isPoll = frame[0] === 6 && frame[1] === 0;
  return frame.length > 2 && !isPoll && ![0x93, 0x95, 0x97, 0xe0].includes(frame[0] ?? 0);
}
