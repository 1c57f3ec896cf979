import { decodeCommand } from '@tsunagu/protocols/apdu';
import { concat } from '@tsunagu/protocols/kit';
import type { ChipCard } from '../readers/emulated/chip-card.ts';

const getResponse = 0xc0;
const status = (sw1: number, length: number): Uint8Array => Uint8Array.of(sw1, length >= 256 ? 0 : length);

/**
 * A card behind a driver that passes on what programs send: whole APDUs, or those of T=0, whose case 4 has no Le. What a
 * program did not ask for is announced (61xx) and kept for GET RESPONSE, and a too small Le is corrected (6Cxx); each command
 * runs once.
 *
 * @see ISO/IEC 7816-3:2006, 12.2; EMV 4.3 Book 1, 9.3.1.1
 */
export class CardLine {
  readonly #card: ChipCard;
  /** A response that waits to be fetched. */
  #kept: Uint8Array | undefined;
  /** A command that was answered 6Cxx, header in hexadecimal, and the whole response. */
  #again: { readonly header: string; readonly response: Uint8Array } | undefined;

  constructor(card: ChipCard) {
    this.#card = card;
  }

  reset(): void {
    this.#kept = undefined;
    this.#again = undefined;
    this.#card.reset();
  }

  /** The response to a command; undefined when the card stays mute. */
  exchange(bytes: Uint8Array): Uint8Array | undefined {
    const command = decodeCommand(bytes);
    if (!command.ok) return Uint8Array.of(0x67, 0x00);
    const { ins, le, data } = command.value;
    const header = Buffer.from(bytes.subarray(0, 4)).toString('hex');
    if (ins === getResponse && data.length === 0 && this.#kept !== undefined) return this.#fetch(this.#kept, le ?? 256);
    this.#kept = undefined;
    const again = this.#again;
    this.#again = undefined;
    const response = again?.header === header && data.length === 0 ? again.response : this.#card.transmit(bytes);
    if (response === undefined || response.length <= 2) return response;
    const available = response.length - 2;
    if (le === undefined) {
      // No Le, yet there is data: the next command fetches it.
      this.#kept = response;
      return status(0x61, available);
    }
    if (available <= le) return response;
    if (data.length > 0) {
      this.#kept = response;
      return status(0x61, available);
    }
    this.#again = { header, response };
    return status(0x6c, available);
  }

  #fetch(response: Uint8Array, le: number): Uint8Array {
    const available = response.length - 2;
    if (le >= available) {
      this.#kept = undefined;
      return response;
    }
    const rest = response.subarray(le);
    this.#kept = rest;
    return concat(response.subarray(0, le), status(0x61, rest.length - 2));
  }
}
