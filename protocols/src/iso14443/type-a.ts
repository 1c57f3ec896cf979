import { concat, fail, ok, type Result } from '../kit/index.ts';
import type { Reception } from '../iso7816/index.ts';
import { crcA } from './crc.ts';
import { frameSizes } from './ats.ts';
import { IsoDepCard } from './iso-dep-card.ts';

/** A frame of the activation of type A: short frames have seven bits, and CRC_A comes with some. */
export interface TypeAFrame {
  readonly bytes: Uint8Array;
  readonly bits: 7 | 8;
  readonly hasCrc: boolean;
}

/** A card of type A after selection. */
export interface TypeACard {
  /** ATQA, first byte on the air in the low byte. */
  readonly atqa: number;
  /** SAK: bit 6 tells of ISO/IEC 14443-4. */
  readonly sak: number;
  readonly uid: Uint8Array;
}

/** What the air gave back. `collision` is two cards at once. */
export type AirReception = Reception | { readonly type: 'collision' };

type ActivationCode = 'READER_CARD_ABSENT' | 'READER_SEVERAL_CARDS' | 'TRANSMISSION_BROKEN';

const cascadeTag = 0x88;
const short = (byte: number): TypeAFrame => ({ bytes: Uint8Array.of(byte), bits: 7, hasCrc: false });

/**
 * Wakes a card of type A and selects it, as a dialogue of frames. With several cards in the field their UIDs collide, and it
 * ends with READER_SEVERAL_CARDS: a payment must not choose between cards.
 *
 * @see ISO/IEC 14443-3:2018, 6.5; EMV Contactless Book D, 9.3 (collision detection)
 */
export function* activateTypeA(): Generator<TypeAFrame, Result<TypeACard, ActivationCode>, AirReception> {
  const woken = yield short(0x52);
  if (woken.type === 'silence') return fail('READER_CARD_ABSENT');
  if (woken.type === 'collision') return fail('READER_SEVERAL_CARDS');
  if (woken.type === 'garbled' || woken.bytes.length !== 2) return broken('ATQA');
  const atqa = (woken.bytes[0] ?? 0) | ((woken.bytes[1] ?? 0) << 8);
  const uid: Uint8Array[] = [];
  for (const command of [0x93, 0x95, 0x97]) {
    const part = yield { bytes: Uint8Array.of(command, 0x20), bits: 8, hasCrc: false };
    if (part.type === 'collision') return fail('READER_SEVERAL_CARDS');
    if (part.type === 'silence') return fail('READER_CARD_ABSENT');
    if (part.type === 'garbled' || part.bytes.length !== 5) return broken('UID');
    if (part.bytes.reduce((sum, byte) => sum ^ byte, 0) !== 0) return broken('BCC');
    const selected = yield { bytes: concat(Uint8Array.of(command, 0x70), part.bytes), bits: 8, hasCrc: true };
    if (selected.type !== 'bytes' || selected.bytes.length !== 1) return broken('SAK');
    const sak = selected.bytes[0] ?? 0;
    const isCascaded = (sak & 0x04) !== 0;
    if (isCascaded !== (part.bytes[0] === cascadeTag)) return broken('cascade');
    uid.push(isCascaded ? part.bytes.subarray(1, 4) : part.bytes.subarray(0, 4));
    if (!isCascaded) return ok({ atqa, sak, uid: concat(...uid) });
  }
  return broken('cascade');
}

const broken = (reason: string) => fail('TRANSMISSION_BROKEN', { facts: { protocol: 'ISO/IEC 14443-3', reason } });

/** What an emulated card of type A is made of. */
export interface TypeACardSettings {
  /** 4, 7 or 10 bytes. */
  readonly uid: Uint8Array;
  /** Answer to select, TL first. */
  readonly ats: Uint8Array;
  readonly extensions?: number;
}

type State = 'idle' | 'ready' | 'selected' | 'active' | 'halted';

/**
 * The card's side from REQA to DESELECT, for emulated cards: one frame in, one out, or silence. It begins idle: make a new one
 * whenever the field comes on.
 *
 * @see ISO/IEC 14443-3:2018, 6.4
 */
export class TypeAPicc {
  readonly #settings: TypeACardSettings;
  readonly #application: (apdu: Uint8Array) => Uint8Array | undefined;
  readonly #levels: readonly Uint8Array[];
  #state: State = 'idle';
  #level = 0;
  #card: IsoDepCard | undefined;

  constructor(settings: TypeACardSettings, application: (apdu: Uint8Array) => Uint8Array | undefined) {
    this.#settings = settings;
    this.#application = application;
    this.#levels = levelsOf(settings.uid);
  }

  /** The answer to a frame of that many bits in its last byte, and whether it carries a CRC (which is not in `bytes`). */
  receive(frame: TypeAFrame): TypeAFrame | undefined {
    const { bytes, bits, hasCrc } = frame;
    if (bits === 7) return this.#wake(bytes);
    if (this.#state === 'idle' || this.#state === 'halted') return undefined;
    if (this.#state === 'active') return hasCrc ? this.#exchange(bytes) : undefined;
    if (bytes[0] === 0x50 && bytes[1] === 0 && hasCrc) return this.#go('halted');
    if (this.#state === 'ready') return this.#collide(bytes, hasCrc);
    if (bytes[0] !== 0xe0 || bytes.length !== 2 || !hasCrc) return this.#go('idle');
    this.#state = 'active';
    const fsd = frameSizes[Math.min((bytes[1] ?? 0) >> 4, frameSizes.length - 1)] ?? 16;
    const { extensions = 0 } = this.#settings;
    this.#card = new IsoDepCard({ frameBytesMax: fsd, extensions }, this.#application);
    return withCrc(this.#settings.ats);
  }

  #wake(bytes: Uint8Array): TypeAFrame | undefined {
    const isWakeUp = bytes[0] === 0x52;
    if (!isWakeUp && bytes[0] !== 0x26) return undefined;
    if (this.#state === 'halted' ? !isWakeUp : this.#state !== 'idle') return this.#go('idle');
    this.#state = 'ready';
    this.#level = 0;
    const size = this.#levels.length - 1;
    return { bytes: Uint8Array.of(0x04 | (size << 6), 0x00), bits: 8, hasCrc: false };
  }

  #collide(bytes: Uint8Array, hasCrc: boolean): TypeAFrame | undefined {
    const part = this.#levels[this.#level];
    if (part === undefined || bytes[0] !== 0x93 + 2 * this.#level) return this.#go('idle');
    if (bytes[1] === 0x20 && bytes.length === 2) return { bytes: part, bits: 8, hasCrc: false };
    const isSelected = bytes[1] === 0x70 && hasCrc && Buffer.compare(bytes.subarray(2), part) === 0;
    if (!isSelected) return this.#go('idle');
    const isLast = this.#level === this.#levels.length - 1;
    if (isLast) this.#state = 'selected';
    else this.#level++;
    return withCrc(Uint8Array.of(isLast ? 0x20 : 0x04));
  }

  #exchange(bytes: Uint8Array): TypeAFrame | undefined {
    const result = this.#card?.receive(bytes);
    if (result?.isDeselected) this.#state = 'halted';
    return result?.answer === undefined ? undefined : withCrc(result.answer);
  }

  #go(state: State): undefined {
    this.#state = state;
    return undefined;
  }
}

const withCrc = (bytes: Uint8Array): TypeAFrame => ({ bytes, bits: 8, hasCrc: true });

/** The parts of a UID by cascade level, each with its check byte. ISO/IEC 14443-3:2018, 6.5.4. */
function levelsOf(uid: Uint8Array): readonly Uint8Array[] {
  const levels: Uint8Array[] = [];
  for (let at = 0; at < uid.length; ) {
    const isLast = uid.length - at <= 4;
    const part = isLast ? uid.subarray(at, at + 4) : concat(Uint8Array.of(cascadeTag), uid.subarray(at, at + 3));
    levels.push(concat(part, Uint8Array.of(part.reduce((sum, byte) => sum ^ byte, 0))));
    at += isLast ? 4 : 3;
  }
  return levels;
}

/** Splits CRC_A off a frame that carries it in its bytes; undefined when it is wrong. */
export function withoutCrc(frame: Uint8Array): Uint8Array | undefined {
  const end = frame.length - 2;
  if (end < 1) return undefined;
  const [low, high] = crcA(frame.subarray(0, end));
  return frame[end] === low && frame[end + 1] === high ? frame.subarray(0, end) : undefined;
}
