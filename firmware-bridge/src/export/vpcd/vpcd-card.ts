import { ok, type Result } from '@tsunagu/protocols/kit';
import { encodeVpcdFrame, readVpcdRequest, takeVpcdFrame } from '@tsunagu/protocols/vpcd';
import type { ChipCard } from '../../readers/emulated/chip-card.ts';
import { type CardEvent, commandEvent } from '../card-events.ts';
import { CardLine } from '../card-line.ts';
import type { Conversation } from '../peer.ts';

/** A card in pcscd's virtual reader. A mute card gives an empty answer, which the driver takes as "no response". */
export class VpcdCard implements Conversation {
  readonly #line: CardLine;
  readonly #atr: Uint8Array;
  readonly #peer: string;
  readonly #onEvent: (event: CardEvent) => void;

  constructor(card: ChipCard, atr: Uint8Array, peer: string, onEvent: (event: CardEvent) => void) {
    this.#line = new CardLine(card);
    this.#atr = atr;
    this.#peer = peer;
    this.#onEvent = onEvent;
  }

  open(): void {
    this.#onEvent({ event: 'cardConnected', peer: this.#peer });
  }

  take(unread: Uint8Array, write: (bytes: Uint8Array) => void): Result<number, 'VPCD_INVALID'> {
    let at = 0;
    for (;;) {
      const frame = takeVpcdFrame(unread.subarray(at));
      if (frame === undefined) return ok(at);
      at += frame.lengthBytes;
      const request = readVpcdRequest(frame.payload);
      if (!request.ok) return request;
      switch (request.value.type) {
        case 'atr':
          write(encodeVpcdFrame(this.#atr));
          break;
        case 'apdu': {
          const { apdu } = request.value;
          const response = this.#line.exchange(apdu);
          write(encodeVpcdFrame(response ?? new Uint8Array(0)));
          this.#onEvent(commandEvent(apdu, response));
          break;
        }
        case 'powerOn':
        case 'reset':
          this.#line.reset();
          this.#onEvent({ event: 'cardPower', power: request.value.type === 'reset' ? 'reset' : 'on' });
          break;
        case 'powerOff':
          this.#line.reset();
          this.#onEvent({ event: 'cardPower', power: 'off' });
      }
    }
  }

  leave(): void {
    // Closing the connection takes the card out.
  }

  closed(): void {
    this.#line.reset();
    this.#onEvent({ event: 'cardDisconnected', peer: this.#peer });
  }
}
