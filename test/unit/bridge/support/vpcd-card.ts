import { connect, type Socket } from 'node:net';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import { contactAtr } from '@tsunagu/firmware-bridge/readers/emulated/atr';

/** A card in the reader of vpcd (vsmartcard): frames of two length bytes and content, a length of one being an order. */
export class VpcdCard {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);

  constructor(card: ChipCard, port = 35_963) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (part: Buffer) => {
      this.#held = Buffer.concat([this.#held, part]);
      while (this.#held.length >= 2 && this.#held.length >= 2 + this.#held.readUInt16BE(0)) {
        const frame = this.#held.subarray(2, 2 + this.#held.readUInt16BE(0));
        this.#held = this.#held.subarray(2 + frame.length);
        if (frame.length !== 1) this.#say(card.transmit(Uint8Array.from(frame)) ?? new Uint8Array(0));
        else if (frame[0] === 0x04) this.#say(contactAtr(card.historicalBytes));
        else card.reset();
      }
    });
  }

  /** Takes the card out. */
  remove(): void {
    this.#socket.destroy();
  }

  #say(content: Uint8Array): void {
    this.#socket.write(Buffer.concat([Buffer.of(content.length >> 8, content.length & 0xff), content]));
  }
}
