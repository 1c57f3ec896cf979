import { concat } from '../kit/index.ts';

const nothing = new Uint8Array(0);
const commandBytesMax = 65_544;

/** How an emulated card speaks. */
export interface IsoDepCardSettings {
  /** FSD of the reader, CRC included: how long the card's frames may be. */
  readonly frameBytesMax: number;
  /** Waiting time extensions that it asks for before each answer. */
  readonly extensions?: number;
}

/**
 * The card's side of the block protocol, for emulated cards: one frame in, one out (without CRC), or silence.
 *
 * @see ISO/IEC 14443-4:2018, 7.5.4 and 7.5.5
 */
export class IsoDepCard {
  readonly #settings: IsoDepCardSettings;
  readonly #application: (apdu: Uint8Array) => Uint8Array | undefined;
  /** Rule C: the card's number begins at 1. */
  #number: 0 | 1 = 1;
  #command: Uint8Array = nothing;
  #response: Uint8Array = nothing;
  #extensionsLeft = 0;
  #last: Uint8Array | undefined;

  constructor(settings: IsoDepCardSettings, application: (apdu: Uint8Array) => Uint8Array | undefined) {
    this.#settings = settings;
    this.#application = application;
  }

  /** The frame that answers a frame; undefined is silence. `isDeselected` tells that the card has been let go. */
  receive(frame: Uint8Array): { readonly answer: Uint8Array | undefined; readonly isDeselected: boolean } {
    const pcb = frame[0] ?? 0;
    if (pcb === 0xc2 && frame.length === 1) return { answer: Uint8Array.of(0xc2), isDeselected: true };
    return { answer: this.#answer(pcb, frame), isDeselected: false };
  }

  #answer(pcb: number, frame: Uint8Array): Uint8Array | undefined {
    if ((pcb & 0xee) === 0x02) return this.#take((pcb & 0x10) !== 0, frame.subarray(1));
    if ((pcb & 0xee) === 0xa2 && frame.length === 1) return this.#acknowledged((pcb & 0x10) !== 0, pcb & 1);
    if (pcb === 0xf2 && frame.length === 2) return this.#last?.[0] === 0xf2 ? this.#say(this.#next()) : undefined;
    // Rule 10 and 7.5.5.3: the card never answers a broken frame.
    return undefined;
  }

  #take(more: boolean, data: Uint8Array): Uint8Array | undefined {
    // Rule D: the number toggles with each I-block.
    this.#toggle();
    if (this.#command.length + data.length > commandBytesMax) return undefined;
    this.#command = concat(this.#command, data);
    this.#response = nothing;
    if (more) return this.#say(Uint8Array.of(0xa2 | this.#number));
    const answer = this.#application(this.#command);
    this.#command = nothing;
    if (answer === undefined) return undefined;
    this.#response = answer;
    this.#extensionsLeft = this.#settings.extensions ?? 0;
    return this.#say(this.#next());
  }

  #acknowledged(isNegative: boolean, number: number): Uint8Array | undefined {
    // Rule 11: the last block again.
    if (number === this.#number) return this.#last;
    // Rule 12: R(NAK) with another number is answered with R(ACK).
    if (isNegative) return Uint8Array.of(0xa2 | this.#number);
    // Rules E and 13: R(ACK) continues the chain.
    if (this.#response.length === 0) return undefined;
    this.#toggle();
    return this.#say(this.#next());
  }

  #next(): Uint8Array {
    if (this.#extensionsLeft > 0) {
      this.#extensionsLeft--;
      return Uint8Array.of(0xf2, 1);
    }
    const data = this.#response.subarray(0, this.#settings.frameBytesMax - 3);
    this.#response = this.#response.subarray(data.length);
    return concat(Uint8Array.of(0x02 | (this.#response.length > 0 ? 0x10 : 0) | this.#number), data);
  }

  #say(frame: Uint8Array): Uint8Array {
    this.#last = frame;
    return frame;
  }

  #toggle(): void {
    this.#number = this.#number === 0 ? 1 : 0;
  }
}
