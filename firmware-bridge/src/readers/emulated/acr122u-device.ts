import { decodeCommand, encodeResponse, response } from '@tsunagu/protocols/apdu';
import {
  type BulkIn,
  type BulkOut,
  decodeBulkOut,
  encodeBulkIn,
  encodeClassDescriptor,
  encodeInterrupt,
  encodeParameters,
  headerBytes,
} from '@tsunagu/protocols/ccid';
import { readPseudoCommand, storageCardAtr } from '@tsunagu/protocols/pcsc';
import { describeDevice } from '../../usb/descriptors.ts';
import { EmulatedUsbDevice } from '../../usb/emulated/model-base.ts';
import type { ControlSetup } from '../../usb/port.ts';
import { acr122u } from '../acr122u/open.ts';
import { contactlessAtr } from './atr.ts';
import type { ChipCard } from './chip-card.ts';
import type { FelicaCard } from './felica-card.ts';
import { EmulatedField, uidAt } from './field.ts';
import { EmulatedPn532 } from './pn532-chip.ts';

const endpoints = { interruptIn: 1, bulkOut: 2, bulkIn: 2 } as const;
const errors = { unsupported: 0x00, length: 0x01, slot: 0x05, hardware: 0xfb, mute: 0xfe } as const;
const nothing: Uint8Array = new Uint8Array(0);
const firmware = Buffer.from('ACR122U214', 'latin1');

/** What can go wrong, one at a time. */
export const acr122uFaults = {
  /** The card does not answer on the air. */
  mute: 'The card stays mute',
  /** The chip behind the reader does not answer: 6300. */
  chipSilent: 'The PN532 stays silent',
  silent: 'The reader stays silent',
  split: 'The answer is split over transfers',
  zeroLength: 'A zero-length packet comes first',
  wrongSequence: 'The answer has another bSeq',
  wrongCommand: 'The chip answers another command',
  lengthTooLong: 'dwLength is larger than the data',
  garbage: 'The answer is no CCID message',
  cut: 'The chip’s answer is cut off',
  unplug: 'The reader is unplugged',
  removed: 'The card is removed',
} as const;

/** A fault of `acr122uFaults`. */
export type Acr122uFault = keyof typeof acr122uFaults;

const descriptors = describeDevice({
  ...acr122u,
  releaseBcd: 0x0214,
  speed: 'full',
  manufacturer: 'ACS',
  product: 'ACR122U PICC Interface',
  interfaces: [
    {
      class: 0x0b,
      subclass: 0,
      protocol: 0,
      classDescriptor: encodeClassDescriptor({
        releaseBcd: 0x0100,
        slotIndexMax: 0,
        voltages: ['5V'],
        protocols: ['T=0', 'T=1'],
        defaultClockKhz: 4_000,
        maximumClockKhz: 4_000,
        clockCount: 0,
        dataRateBps: 9_600,
        dataRateBpsMax: 115_200,
        dataRateCount: 0,
        ifsdMax: 248,
        synchronousProtocols: 0,
        mechanical: 0,
        features: 0x00020040,
        messageBytesMax: 271,
        classGetResponse: 0,
        classEnvelope: 0,
        lcd: { lines: 0, characters: 0 },
        pinSupport: [],
        busySlotsMax: 1,
      }),
      endpoints: [
        { address: 0x80 | endpoints.interruptIn, type: 'interrupt', packetBytes: 8, interval: 10 },
        { address: endpoints.bulkOut, type: 'bulk', packetBytes: 64 },
        { address: 0x80 | endpoints.bulkIn, type: 'bulk', packetBytes: 64 },
      ],
    },
  ],
});

/**
 * An emulated ACS ACR122U: a CCID reader at short APDU level whose pseudo-APDUs reach a PN532, over XfrBlock and Escape alike,
 * card or no card.
 *
 * @see ACS ACR122U API 2.04
 */
export class EmulatedAcr122u extends EmulatedUsbDevice {
  readonly kind = 'contactless';
  readonly #field = new EmulatedField();
  readonly #chip = new EmulatedPn532(this.#field);
  readonly #faults: Acr122uFault[] = [];
  #isPowered = false;

  constructor() {
    super(descriptors);
  }

  /** Puts a chip card into the field, beside what is there. */
  insert(card: ChipCard): void {
    this.#field.add(card);
    this.#notify();
  }

  /** Puts a FeliCa card into the field, beside what is there. */
  insertFelica(card: FelicaCard): void {
    this.#field.addFelica(card);
    this.#notify();
  }

  /** Takes everything out of the field. */
  remove(): void {
    if (this.#field.isEmpty) return;
    this.#field.clear();
    this.#isPowered = false;
    this.#notify();
  }

  /** Breaks the next exchanges with a card, one fault each, in this order. */
  inject(...faults: readonly Acr122uFault[]): void {
    this.#faults.push(...faults);
  }

  override unplugged(): void {
    super.unplugged();
    this.#isPowered = false;
    this.#chip.reset();
  }

  protected override onClassRequest(setup: ControlSetup): Uint8Array | undefined {
    return setup.request === 1 ? nothing : undefined;
  }

  protected onTransfer(_endpoint: number, transfer: Uint8Array): void {
    if (transfer.length === 0) return;
    const read = decodeBulkOut(transfer);
    if (read.ok) this.#obey(read.value);
    else if (transfer.length >= headerBytes)
      this.#say({ type: 'slotStatus', seq: transfer[6] ?? 0, error: errors.length });
  }

  #obey(command: BulkOut): void {
    const { seq } = command;
    if (command.slot !== 0) return this.#say({ type: 'slotStatus', seq, error: errors.slot });
    switch (command.type) {
      case 'getSlotStatus':
      case 'abort':
        return this.#say({ type: 'slotStatus', seq });
      case 'iccPowerOff':
        this.#isPowered = false;
        return this.#say({ type: 'slotStatus', seq });
      case 'iccPowerOn': {
        const atr = this.#powerOn();
        return this.#say({ type: 'dataBlock', seq, data: atr ?? nothing, ...(atr ? {} : { error: errors.mute }) });
      }
      case 'xfrBlock':
        return this.#answer('dataBlock', seq, command.data);
      case 'escape':
        return this.#answer('escape', seq, command.data);
      case 'getParameters':
      case 'setParameters':
      case 'resetParameters':
        return this.#say({ type: 'parameters', seq, data: parameters });
      default:
        return this.#say({ type: 'slotStatus', seq, error: errors.unsupported });
    }
  }

  #powerOn(): Uint8Array | undefined {
    this.#field.reset();
    const [chip] = this.#field.chips;
    this.#isPowered = !this.#field.isEmpty;
    if (chip !== undefined) {
      chip.reset();
      return contactlessAtr(chip.historicalBytes);
    }
    // FeliCa at 212 kbit/s, as this reader names it.
    return this.#isPowered ? storageCardAtr({ standard: 0x03, name: 0xf011 }) : undefined;
  }

  #answer(type: 'dataBlock' | 'escape', seq: number, apdu: Uint8Array): void {
    // Faults strike where a card is spoken to, so that setting the chip up is not in their way.
    const isExchange = isToCard(apdu);
    const fault = isExchange ? this.#faults.shift() : undefined;
    if (fault === 'removed') this.remove();
    if (fault === 'mute') this.#chip.mute();
    const answer = fault === 'chipSilent' ? sw(0x6300) : this.#transmit(apdu);
    if (answer === undefined) return this.#say({ type, seq, data: nothing, error: errors.mute });
    switch (fault) {
      case 'silent':
        return;
      case 'unplug':
        return this.unplug();
      case 'zeroLength':
        this.send(endpoints.bulkIn, nothing);
        return this.#say({ type, seq, data: answer });
      case 'split': {
        const message = this.#message({ type, seq, data: answer });
        this.send(endpoints.bulkIn, message.slice(0, 7));
        return this.send(endpoints.bulkIn, message.slice(7));
      }
      case 'wrongSequence':
        return this.#say({ type, seq: (seq + 0x80) & 0xff, data: answer });
      case 'wrongCommand':
        return this.#say({ type, seq, data: Uint8Array.of(0xd5, 0x03, 0x32, 1, 6, 7, 0x90, 0x00) });
      case 'cut':
        return this.#say({ type, seq, data: Uint8Array.of(0xd5, 0x90, 0x00) });
      case 'lengthTooLong': {
        const message = this.#message({ type, seq, data: answer });
        message[1] = ((message[1] ?? 0) + 5) & 0xff;
        return this.send(endpoints.bulkIn, message);
      }
      case 'garbage':
        return this.send(
          endpoints.bulkIn,
          this.#message({ type, seq, data: answer }).map((byte) => byte ^ 0xff),
        );
      default:
        return this.#say({ type, seq, data: answer });
    }
  }

  #transmit(apdu: Uint8Array): Uint8Array | undefined {
    const command = decodeCommand(apdu);
    if (!command.ok) return sw(0x6700);
    const { cla, ins, p1, p2, data } = command.value;
    if (cla !== 0xff) return this.#isPowered ? this.#field.chips[0]?.transmit(apdu) : undefined;
    if (ins === 0x00 && p1 === 0x00) {
      const answer = this.#chip.answer(data);
      return answer === undefined ? sw(0x637f) : encodeResponse(response(0x9000, answer));
    }
    // The firmware text comes without a status word. 6.6.
    if (ins === 0x00 && p1 === 0x48) return Uint8Array.from(firmware);
    if (ins === 0x00 && p1 === 0x51) return sw(0x9000 | p2);
    if (ins === 0x00 && p1 === 0x40) return sw(0x9000);
    const pseudo = readPseudoCommand(command.value);
    if (pseudo?.type === 'getUid' && this.#isPowered) return encodeResponse(response(0x9000, this.#uid()));
    return sw(0x6a81);
  }

  #uid(): Uint8Array {
    if (this.#field.chips.length > 0) return uidAt(0);
    const [answer] = this.#field.answersOfFelica(Uint8Array.of(6, 0x00, 0xff, 0xff, 0x00, 0x00));
    return answer?.subarray(2, 10) ?? nothing;
  }

  get #icc(): BulkIn['icc'] {
    if (this.#field.isEmpty) return 'absent';
    return this.#isPowered ? 'active' : 'inactive';
  }

  #say(answer: Answer): void {
    this.send(endpoints.bulkIn, this.#message(answer));
  }

  #message({ type, seq, data = nothing, error }: Answer): Uint8Array {
    const status = error === undefined ? ('ok' as const) : ('failed' as const);
    const head = { slot: 0, seq, icc: this.#icc, status, error: error ?? 0 };
    switch (type) {
      case 'slotStatus':
        return encodeBulkIn({ type, ...head, clock: 'running' });
      case 'parameters':
        return encodeBulkIn({ type, ...head, protocol: 'T=1', data });
      case 'dataBlock':
        return encodeBulkIn({ type, ...head, chain: 0, data });
      case 'escape':
        return encodeBulkIn({ type, ...head, data });
    }
  }

  #notify(): void {
    const slots = [{ isPresent: !this.#field.isEmpty, hasChanged: true }];
    this.send(endpoints.interruptIn, encodeInterrupt({ type: 'notifySlotChange', slots }));
  }
}

interface Answer {
  readonly type: 'slotStatus' | 'dataBlock' | 'escape' | 'parameters';
  readonly seq: number;
  readonly data?: Uint8Array;
  readonly error?: number;
}

const sw = (word: number): Uint8Array => Uint8Array.of(word >> 8, word & 0xff);

/** InDataExchange or InCommunicateThru behind a direct transmit. */
const isToCard = (apdu: Uint8Array): boolean =>
  apdu[0] === 0xff && apdu[1] === 0 && apdu[2] === 0 && apdu[5] === 0xd4 && (apdu[6] === 0x40 || apdu[6] === 0x42);

const parameters = encodeParameters({
  protocol: 'T=1',
  fiDi: 0x11,
  convention: 'direct',
  checksum: 'lrc',
  guardTime: 0,
  waitingIntegers: 0x4d,
  clockStop: 'notAllowed',
  ifsc: 254,
  nad: 0,
});
