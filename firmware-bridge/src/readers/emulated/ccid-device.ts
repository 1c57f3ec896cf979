import {
  type BulkOut,
  decodeBulkOut,
  encodeBulkIn,
  encodeClassDescriptor,
  encodeInterrupt,
  type IccStatus,
} from '@tsunagu/protocols/ccid';
import { describeDevice, type UsbDescriptors } from '../../usb/descriptors.ts';
import { EmulatedUsbDevice } from '../../usb/emulated/model-base.ts';
import type { ControlSetup } from '../../usb/port.ts';
import { contactAtr, contactlessAtr } from './atr.ts';
import type { ChipCard } from './chip-card.ts';
import type { CcidFault } from './faults.ts';

const endpoints = { bulkOut: 1, bulkIn: 2, interruptIn: 3 } as const;
const messageBytesMax = 271;
/** Automatic parameters, voltage, clock, baud rate and PPS; short APDU level. */
const features = 0x000200fe;

const errors = { hardware: 0xfb, parity: 0xfd, mute: 0xfe, length: 0x01, unsupported: 0x00, slot: 0x05 } as const;

/** Products of the vendor id that no driver has quirks for. */
const products = { contact: 0x0004, contactless: 0x0005 } as const;

/** What a reader's own antenna answers to GET DATA for the card's UID. PC/SC part 3, 3.2.2.1.3. */
const getUid = Uint8Array.of(0xff, 0xca, 0x00, 0x00, 0x00);
const uid = Uint8Array.of(0x04, 0x54, 0x53, 0x55, 0x4e, 0x41, 0x47);

/**
 * An emulated CCID reader with one slot: contact or contactless, at short APDU level. It speaks the frames of a real one, and
 * on request it breaks them as a broken one does.
 *
 * @see USB CCID 1.1
 */
export class EmulatedCcidReader extends EmulatedUsbDevice {
  readonly kind: 'contact' | 'contactless';
  #card: ChipCard | undefined;
  #isPowered = false;
  readonly #faults: CcidFault[] = [];

  constructor(kind: 'contact' | 'contactless') {
    super(descriptorsOf(kind));
    this.kind = kind;
  }

  /** Puts a card into the slot or field; one that is there leaves it first. */
  insert(card: ChipCard): void {
    this.remove();
    this.#card = card;
    this.#notify(true);
  }

  /** Takes the card out. */
  remove(): void {
    if (this.#card === undefined) return;
    this.#card = undefined;
    this.#isPowered = false;
    this.#notify(false);
  }

  /** Breaks the next answers to power-on and APDU commands, one fault each, in this order. */
  inject(...faults: readonly CcidFault[]): void {
    this.#faults.push(...faults);
  }

  override unplugged(): void {
    super.unplugged();
    this.#isPowered = false;
  }

  protected override onClassRequest(setup: ControlSetup): Uint8Array | undefined {
    // ABORT: the bulk half answers. CCID 1.1, 5.3.1.
    if (setup.type === 'class' && setup.request === 1) return new Uint8Array(0);
    return undefined;
  }

  protected onTransfer(_endpoint: number, transfer: Uint8Array): void {
    const read = decodeBulkOut(transfer);
    if (read.ok) this.#obey(read.value);
    else if (transfer.length >= 7) this.#status(transfer[5] ?? 0, transfer[6] ?? 0, errors.length);
  }

  #obey(command: BulkOut): void {
    const { slot, seq } = command;
    if (slot !== 0) return this.#status(slot, seq, errors.slot);
    switch (command.type) {
      case 'getSlotStatus':
      case 'abort':
        return this.#status(slot, seq);
      case 'iccPowerOff':
        this.#isPowered = false;
        return this.#status(slot, seq);
      case 'iccPowerOn':
        return this.#withFault(seq, () => this.#powerOn());
      case 'xfrBlock':
        return this.#withFault(seq, () => this.#transmit(command.data));
      default:
        return this.#status(slot, seq, errors.unsupported);
    }
  }

  #powerOn(): Uint8Array | undefined {
    if (this.#card === undefined) return undefined;
    this.#isPowered = true;
    this.#card.reset();
    const { historicalBytes } = this.#card;
    return this.kind === 'contact' ? contactAtr(historicalBytes) : contactlessAtr(historicalBytes);
  }

  #transmit(apdu: Uint8Array): Uint8Array | undefined {
    if (this.#card === undefined || !this.#isPowered) return undefined;
    if (this.kind === 'contactless' && Buffer.compare(apdu, getUid) === 0) return Uint8Array.of(...uid, 0x90, 0x00);
    return this.#card.transmit(apdu);
  }

  get #icc(): IccStatus {
    if (this.#card === undefined) return 'absent';
    return this.#isPowered ? 'active' : 'inactive';
  }

  #status(slot: number, seq: number, error?: number): void {
    const clock = this.#isPowered ? 'running' : 'stoppedLow';
    const status = error === undefined ? 'ok' : 'failed';
    this.#send(encodeBulkIn({ type: 'slotStatus', slot, seq, icc: this.#icc, status, error: error ?? 0, clock }));
  }

  #failure(seq: number, error: number): void {
    const data = new Uint8Array(0);
    this.#send(
      encodeBulkIn({ type: 'dataBlock', slot: 0, seq, icc: this.#icc, status: 'failed', error, chain: 0, data }),
    );
  }

  #answer(slot: number, seq: number, data: Uint8Array): Uint8Array {
    return encodeBulkIn({ type: 'dataBlock', slot, seq, icc: this.#icc, status: 'ok', error: 0, chain: 0, data });
  }

  #extension(seq: number): void {
    const data = new Uint8Array(0);
    const icc = this.#icc;
    this.#send(
      encodeBulkIn({ type: 'dataBlock', slot: 0, seq, icc, status: 'timeExtension', error: 1, chain: 0, data }),
    );
  }

  /** Does the work of a command and answers it, or answers wrongly when a fault is due. */
  #withFault(seq: number, work: () => Uint8Array | undefined): void {
    const fault = this.#faults.shift();
    if (fault === 'removed') this.remove();
    if (fault === 'mute') {
      this.#isPowered = false;
      return this.#failure(seq, errors.mute);
    }
    if (fault === 'parity') return this.#failure(seq, errors.parity);
    const data = work();
    if (data === undefined) return this.#failure(seq, this.#card === undefined ? errors.mute : errors.hardware);
    const sound = this.#answer(0, seq, data);
    switch (fault) {
      case undefined:
      case 'removed':
        return this.#send(sound);
      case 'silent':
        return;
      case 'unplug':
        return this.unplug();
      case 'split':
        this.#send(sound.slice(0, 4));
        this.#send(sound.slice(4, 11));
        return this.#send(sound.slice(11));
      case 'zeroLength':
        this.#send(new Uint8Array(0));
        return this.#send(sound);
      case 'wrongSequence':
        return this.#send(this.#answer(0, (seq + 0x80) & 0xff, data));
      case 'wrongSlot':
        return this.#send(this.#answer(1, seq, data));
      case 'lengthTooLong':
        return this.#send(withLength(sound, data.length + 5));
      case 'lengthTooShort':
        return this.#send(withLength(sound, data.length - 1));
      case 'lengthHuge':
        return this.#send(withLength(sound, 0xffffffff));
      case 'headerCut':
        return this.#send(sound.slice(0, 6));
      case 'garbage':
        return this.#send(sound.map((byte) => byte ^ 0xff));
      case 'wrongType':
        return this.#status(0, seq);
      case 'emptyAnswer':
        return this.#send(this.#answer(0, seq, new Uint8Array(0)));
      case 'timeExtension':
      case 'timeExtensionStorm':
        for (let count = 0; count < (fault === 'timeExtension' ? 3 : 80); count++) this.#extension(seq);
        return this.#send(sound);
    }
  }

  #send(message: Uint8Array): void {
    this.send(endpoints.bulkIn, message);
  }

  #notify(isPresent: boolean): void {
    this.send(
      endpoints.interruptIn,
      encodeInterrupt({ type: 'notifySlotChange', slots: [{ isPresent, hasChanged: true }] }),
    );
  }
}

function withLength(message: Uint8Array, length: number): Uint8Array {
  const lying = Uint8Array.from(message);
  new DataView(lying.buffer).setUint32(1, length, true);
  return lying;
}

function descriptorsOf(kind: 'contact' | 'contactless'): UsbDescriptors {
  return describeDevice({
    vendorId: 0x0e0f,
    productId: products[kind],
    releaseBcd: 0x0100,
    speed: 'full',
    manufacturer: 'Tsunagu',
    product: `Emulated CCID reader (${kind})`,
    interfaces: [
      {
        class: 0x0b,
        subclass: 0,
        protocol: 0,
        classDescriptor: encodeClassDescriptor({
          releaseBcd: 0x0110,
          slotIndexMax: 0,
          voltages: ['5V', '3V', '1.8V'],
          protocols: ['T=0', 'T=1'],
          defaultClockKhz: 4_000,
          maximumClockKhz: 4_000,
          clockCount: 0,
          dataRateBps: 10_752,
          dataRateBpsMax: 344_086,
          dataRateCount: 0,
          ifsdMax: 254,
          synchronousProtocols: 0,
          mechanical: 0,
          features,
          messageBytesMax,
          classGetResponse: 0xff,
          classEnvelope: 0xff,
          lcd: { lines: 0, characters: 0 },
          pinSupport: [],
          busySlotsMax: 1,
        }),
        endpoints: [
          { address: endpoints.bulkOut, type: 'bulk', packetBytes: 64 },
          { address: 0x80 | endpoints.bulkIn, type: 'bulk', packetBytes: 64 },
          { address: 0x80 | endpoints.interruptIn, type: 'interrupt', packetBytes: 8, interval: 24 },
        ],
      },
    ],
  });
}
