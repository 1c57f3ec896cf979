import { decodeCommand, encodeResponse, response } from '@tsunagu/protocols/apdu';
import type { TestCard } from '@tsunagu/protocols/test-cards';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import { obey } from './commands.ts';
import { type CardProgram, programOf } from './program.ts';
import { atRest, type CardState } from './state.ts';
import { sw } from './status.ts';

/** An emulated EMV card: the shell around `obey`. */
export class EmvCard implements ChipCard {
  /** "TSUNAGU". */
  readonly historicalBytes = Uint8Array.of(0x54, 0x53, 0x55, 0x4e, 0x41, 0x47, 0x55);
  readonly #program: CardProgram;
  #state: CardState;

  /** @param atc the counter that the card had when it was last seen */
  constructor(card: TestCard, atc: number = card.atc) {
    this.#program = programOf(card);
    this.#state = atRest(atc);
  }

  /** Application transaction counter: the one thing that a card keeps without power. */
  get atc(): number {
    return this.#state.atc;
  }

  reset(): void {
    this.#state = atRest(this.#state.atc);
  }

  transmit(apdu: Uint8Array): Uint8Array {
    const command = decodeCommand(apdu);
    if (!command.ok) return encodeResponse(response(sw.wrongLength));
    const step = obey(this.#program, this.#state, command.value);
    this.#state = step.state;
    return encodeResponse(step.answer);
  }
}
