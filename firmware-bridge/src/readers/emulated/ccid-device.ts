import {
  type BulkIn,
  type BulkOut,
  decodeBulkOut,
  encodeBulkIn,
  encodeInterrupt,
  headerBytes,
} from '@tsunagu/protocols/ccid';
import { concat } from '@tsunagu/protocols/kit';
import { EmulatedUsbDevice } from '../../usb/emulated/model-base.ts';
import type { ControlSetup } from '../../usb/port.ts';
import { EmulatedSlot } from './ccid-slot.ts';
import {
  type CcidVariant,
  type CcidVariantName,
  ccidVariants,
  describeCcid,
  endpoints,
  messageBytesMax,
} from './ccid-variant.ts';
import type { ChipCard } from './chip-card.ts';
import type { CcidFault } from './faults.ts';
import { EmulatedPinPad } from './pin-pad.ts';

const errors = {
  hardware: 0xfb,
  parity: 0xfd,
  mute: 0xfe,
  length: 0x01,
  unsupported: 0x00,
  slot: 0x05,
  byte7: 0x07,
  byte10: 0x0a,
} as const;

const nothing: Uint8Array = new Uint8Array(0);
/** The longest APDU, command or response. */
const apduBytesMax = 65_546;

/** The work of a command: data, or the error that the reader reports. */
type Outcome = { readonly data: Uint8Array; readonly chain?: number } | { readonly error: number };

/**
 * An emulated CCID reader, of one of the variants: at any exchange level, with one slot or two, with a PIN pad. It speaks the
 * frames of a real one, and on request it breaks them as a broken one does.
 *
 * @see USB CCID 1.1
 */
export class EmulatedCcidReader extends EmulatedUsbDevice {
  readonly kind: 'contact' | 'contactless';
  readonly pinPad: EmulatedPinPad | undefined;
  readonly #variant: CcidVariant;
  readonly #slots: readonly EmulatedSlot[];
  readonly #faults: CcidFault[] = [];
  /** Extended APDU level: parts of a command so far, and of a response not yet fetched. */
  #command = nothing;
  #response = nothing;

  constructor(name: CcidVariantName) {
    const variant: CcidVariant = ccidVariants[name];
    super(describeCcid(variant));
    this.#variant = variant;
    this.kind = variant.kind;
    this.pinPad = variant.hasPinPad ? new EmulatedPinPad() : undefined;
    this.#slots = Array.from({ length: variant.slots }, () => new EmulatedSlot(variant));
  }

  /** Puts a card into a slot or field; one that is there leaves it first. */
  insert(card: ChipCard, slot = 0): void {
    this.remove(slot);
    this.#slots[slot]?.insert(card);
    this.#notify(slot);
  }

  /** Takes the card out. */
  remove(slot = 0): void {
    if (this.#slots[slot]?.remove()) this.#notify(slot);
  }

  /** Breaks the next answers to power-on and transfers, one fault each, in this order. */
  inject(...faults: readonly CcidFault[]): void {
    this.#faults.push(...faults);
  }

  override unplugged(): void {
    super.unplugged();
    this.pinPad?.forget();
    for (const slot of this.#slots) slot.powerOff();
  }

  protected override onClassRequest(setup: ControlSetup): Uint8Array | undefined {
    // ABORT: the bulk half answers. CCID 1.1, 5.3.1.
    if (setup.request === 1) {
      this.pinPad?.forget();
      this.#command = nothing;
      this.#response = nothing;
      return nothing;
    }
    return undefined;
  }

  protected onTransfer(_endpoint: number, transfer: Uint8Array): void {
    if (transfer.length === 0) return;
    const read = decodeBulkOut(transfer);
    if (read.ok) this.#obey(read.value);
    else if (transfer.length >= headerBytes) this.#status(transfer[5] ?? 0, transfer[6] ?? 0, errors.length);
  }

  #obey(command: BulkOut): void {
    const { slot: index, seq } = command;
    const slot = this.#slots[index];
    if (slot === undefined) return this.#status(index, seq, errors.slot);
    switch (command.type) {
      case 'getSlotStatus':
      case 'abort':
        return this.#status(index, seq);
      case 'iccPowerOff':
        slot.powerOff();
        return this.#status(index, seq);
      case 'iccPowerOn':
        return this.#withFault(index, seq, () => {
          const atr = slot.powerOn();
          return atr === undefined ? { error: errors.mute } : { data: atr };
        });
      case 'xfrBlock':
        for (let count = 0; count < slot.extensions; count++) this.#extension(index, seq);
        return this.#withFault(index, seq, () => this.#transfer(slot, command.data, command.level));
      case 'getParameters':
        return this.#parameters(index, seq);
      case 'setParameters':
        return this.#parameters(
          index,
          seq,
          slot.setParameters(command.protocol, command.data) ? undefined : errors.byte10,
        );
      case 'resetParameters':
        return this.#parameters(index, seq);
      case 'secure':
        return this.#secure(index, seq, command.data);
      default:
        return this.#status(index, seq, errors.unsupported);
    }
  }

  #transfer(slot: EmulatedSlot, data: Uint8Array, level: number): Outcome {
    if (slot.icc !== 'active') return { error: slot.icc === 'absent' ? errors.mute : errors.hardware };
    if (this.#variant.level === 'extendedApdu') return this.#transferPart(slot, data, level);
    const answer = slot.exchange(data, level);
    return answer === undefined ? { error: errors.mute } : { data: answer };
  }

  /** One part of an extended APDU, either way. CCID 1.1, 6.1.4 and 6.2.1. */
  #transferPart(slot: EmulatedSlot, data: Uint8Array, level: number): Outcome {
    if (level === 0x10) return this.#nextPart(false);
    if (level > 3 || this.#command.length + data.length > apduBytesMax) return { error: 0x08 };
    this.#command = level === 0 || level === 1 ? data : concat(this.#command, data);
    if (level === 1 || level === 3) {
      this.#command = Uint8Array.from(this.#command);
      return { data: nothing, chain: 0x10 };
    }
    const answer = slot.exchange(this.#command, 0);
    this.#command = nothing;
    if (answer === undefined) return { error: errors.mute };
    this.#response = answer;
    return this.#nextPart(true);
  }

  #nextPart(isFirst: boolean): Outcome {
    const data = this.#response.subarray(0, messageBytesMax - headerBytes);
    this.#response = this.#response.subarray(data.length);
    const hasMore = this.#response.length > 0;
    return { data, chain: isFirst ? (hasMore ? 1 : 0) : hasMore ? 3 : 2 };
  }

  #secure(index: number, seq: number, data: Uint8Array): void {
    const slot = this.#slots[index];
    const { level, protocol } = this.#variant;
    if (this.pinPad === undefined || this.pinPad.isMissing || slot === undefined)
      return this.#status(index, seq, errors.unsupported);
    if (!slot.isPowered) return this.#failure(index, seq, slot.icc === 'absent' ? errors.mute : errors.hardware);
    const isBlock = level === 'tpdu' && protocol === 'T=1';
    const isSound = this.pinPad.ask(data, isBlock, (end) => {
      if (end.type === 'error') return this.#failure(index, seq, end.error);
      if (end.type === 'words') return this.send(endpoints.bulkIn, this.#block(index, seq, end.data));
      const answer = end.data.use((unit) => slot.exchange(unit, 0));
      end.data.wipe();
      if (answer === undefined) return this.#failure(index, seq, errors.mute);
      this.send(endpoints.bulkIn, this.#block(index, seq, answer));
    });
    // The person takes a while: the reader asks for time. CCID 1.1, 6.2.6.
    if (isSound) this.#extension(index, seq);
    else this.#failure(index, seq, errors.byte10);
  }

  #iccOf(index: number): BulkIn['icc'] {
    return this.#slots[index]?.icc ?? 'absent';
  }

  #status(slot: number, seq: number, error?: number): void {
    const clock = this.#slots[slot]?.isPowered ? 'running' : 'stoppedLow';
    const status = error === undefined ? 'ok' : 'failed';
    this.send(
      endpoints.bulkIn,
      encodeBulkIn({ type: 'slotStatus', slot, seq, icc: this.#iccOf(slot), status, error: error ?? 0, clock }),
    );
  }

  #parameters(slot: number, seq: number, error?: number): void {
    const { protocol, data } = this.#slots[slot]?.parameters ?? { protocol: 'T=0', data: nothing };
    const status = error === undefined ? 'ok' : 'failed';
    this.send(
      endpoints.bulkIn,
      encodeBulkIn({
        type: 'parameters',
        slot,
        seq,
        icc: this.#iccOf(slot),
        status,
        error: error ?? 0,
        protocol,
        data,
      }),
    );
  }

  #failure(slot: number, seq: number, error: number): void {
    this.send(endpoints.bulkIn, this.#block(slot, seq, nothing, 'failed', error));
  }

  #extension(slot: number, seq: number): void {
    this.send(endpoints.bulkIn, this.#block(slot, seq, nothing, 'timeExtension', 1));
  }

  #block(
    slot: number,
    seq: number,
    data: Uint8Array,
    status: BulkIn['status'] = 'ok',
    error = 0,
    chain = 0,
  ): Uint8Array {
    return encodeBulkIn({ type: 'dataBlock', slot, seq, icc: this.#iccOf(slot), status, error, chain, data });
  }

  /** Does the work of a command and answers it, or answers wrongly when a fault is due. */
  #withFault(slot: number, seq: number, work: () => Outcome): void {
    const fault = this.#faults.shift();
    if (fault === 'removed') this.remove(slot);
    if (fault === 'mute') return this.#failure(slot, seq, errors.mute);
    if (fault === 'parity') return this.#failure(slot, seq, errors.parity);
    if (fault === 'stall') return this.halt(0x80 | endpoints.bulkIn);
    const outcome = work();
    if ('error' in outcome) return this.#failure(slot, seq, outcome.error);
    const { data, chain } = outcome;
    const sound = this.#block(slot, seq, data, 'ok', 0, chain);
    const send = (message: Uint8Array): void => this.send(endpoints.bulkIn, message);
    switch (fault) {
      case undefined:
      case 'removed':
        return send(sound);
      case 'silent':
        return;
      case 'unplug':
        return this.unplug();
      case 'split':
        send(sound.slice(0, 4));
        send(sound.slice(4, 11));
        return send(sound.slice(11));
      case 'zeroLength':
        send(nothing);
        return send(sound);
      case 'wrongSequence':
        return send(this.#block(slot, (seq + 0x80) & 0xff, data, 'ok', 0, chain));
      case 'wrongSlot':
        return send(this.#block(slot + 1, seq, data, 'ok', 0, chain));
      case 'lengthTooLong':
        return send(withLength(sound, data.length + 5));
      case 'lengthTooShort':
        return send(withLength(sound, Math.max(0, data.length - 1)));
      case 'lengthHuge':
        return send(withLength(sound, 0xffffffff));
      case 'headerCut':
        return send(sound.slice(0, 6));
      case 'garbage':
        return send(sound.map((byte) => byte ^ 0xff));
      case 'wrongType':
        return this.#status(slot, seq);
      case 'emptyAnswer':
        return send(this.#block(slot, seq, nothing));
      case 'timeExtension':
      case 'timeExtensionStorm':
        for (let count = 0; count < (fault === 'timeExtension' ? 3 : 80); count++) this.#extension(slot, seq);
        return send(sound);
    }
  }

  #notify(changed: number): void {
    const slots = this.#slots.map(({ icc }, index) => ({ isPresent: icc !== 'absent', hasChanged: index === changed }));
    this.send(endpoints.interruptIn, encodeInterrupt({ type: 'notifySlotChange', slots }));
  }
}

function withLength(message: Uint8Array, length: number): Uint8Array {
  const lying = Uint8Array.from(message);
  new DataView(lying.buffer).setUint32(1, length, true);
  return lying;
}
