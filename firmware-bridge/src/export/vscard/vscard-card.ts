import { T0Card } from '@tsunagu/protocols/iso7816';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { encodeVscard, takeVscard, undefinedReader, vscardErrorOf, vscardInit } from '@tsunagu/protocols/vscard';
import type { ChipCard } from '../../readers/emulated/chip-card.ts';
import { type CardEvent, commandEvent } from '../card-events.ts';
import type { Conversation } from '../peer.ts';

const nothing = new Uint8Array(0);

/** A card in QEMU's own reader: `-device usb-ccid -device ccid-card-passthru,chardev=…`. */
export class VscardCard implements Conversation {
  readonly #card: ChipCard;
  readonly #line: T0Card;
  readonly #atr: Uint8Array;
  readonly #peer: string;
  readonly #onEvent: (event: CardEvent) => void;
  #phase: 'greeting' | 'adding' | 'inserted' = 'greeting';
  #reader = undefinedReader;

  constructor(card: ChipCard, atr: Uint8Array, peer: string, onEvent: (event: CardEvent) => void) {
    this.#card = card;
    // QEMU takes whole TPDUs: nobody asks which way the data of an instruction goes.
    this.#line = new T0Card({ takesData: () => false }, (apdu) => card.transmit(apdu));
    this.#atr = atr;
    this.#peer = peer;
    this.#onEvent = onEvent;
  }

  open(write: (bytes: Uint8Array) => void): void {
    write(encodeVscard(vscardInit()));
  }

  take(unread: Uint8Array, write: (bytes: Uint8Array) => void): Result<number, 'VSCARD_INVALID'> {
    let at = 0;
    for (;;) {
      const taken = takeVscard(unread.subarray(at));
      if (!taken.ok) return taken;
      if (taken.value === undefined) return ok(at);
      at += taken.value.lengthBytes;
      const { message } = taken.value;
      switch (message.type) {
        case 'init':
          this.#phase = 'adding';
          write(encodeVscard({ type: 'readerAdd', readerId: undefinedReader, payload: Buffer.from('Tsunagu') }));
          break;
        case 'error': {
          const error = vscardErrorOf(message);
          if (error !== 0) return fail('VSCARD_INVALID', { field: 'error', facts: { error } });
          // The good answer to "add a reader" names it; the one to the ATR says no more.
          if (this.#phase !== 'adding') break;
          this.#phase = 'inserted';
          this.#reader = message.readerId;
          write(encodeVscard({ type: 'atr', readerId: this.#reader, payload: this.#atr }));
          this.#onEvent({ event: 'cardConnected', peer: this.#peer });
          break;
        }
        case 'apdu': {
          const response = this.#line.receive(message.payload) ?? nothing;
          write(encodeVscard({ type: 'apdu', readerId: message.readerId, payload: response }));
          this.#onEvent(commandEvent(message.payload, response));
          break;
        }
        case 'flush':
          write(encodeVscard({ type: 'flushComplete', readerId: message.readerId, payload: nothing }));
          break;
        // QEMU powers a card without a word: there is no message for it.
        default:
          break;
      }
    }
  }

  leave(write: (bytes: Uint8Array) => void): void {
    if (this.#phase !== 'inserted') return;
    write(encodeVscard({ type: 'cardRemove', readerId: this.#reader, payload: nothing }));
    write(encodeVscard({ type: 'readerRemove', readerId: this.#reader, payload: nothing }));
  }

  closed(): void {
    this.#card.reset();
    this.#phase = 'greeting';
    this.#onEvent({ event: 'cardDisconnected', peer: this.#peer });
  }
}
