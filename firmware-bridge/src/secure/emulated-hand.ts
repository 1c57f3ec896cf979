import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { ok, type Result } from '@tsunagu/protocols/kit';
import { type CardWallet, EmulatedHand, type Presented, readableCards } from '../cards/index.ts';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import type { Readers } from '../readers/port.ts';
import type { EmulatedStation } from '../readers/station.ts';
import type { CardHand, CardInHand } from './hand.ts';
import { choose, type HolderHabits } from './holder-habits.ts';
import { typePin } from './pin-habit.ts';
import type { Stopwatch } from './stopwatch.ts';

/** How long an emulated card may take to appear. */
const cardWaitMs = 10_000;

/** An emulated customer at emulated readers: has all cards of its names in the pocket, and takes to PIN pad and screen as told. */
export class EmulatedCustomer implements CardHand {
  readonly readers: Readers;
  readonly isPerson = false;
  readonly cardWaitMs = cardWaitMs;
  readonly cards: readonly string[];
  readonly #hand: EmulatedHand;

  /** @param wallet where transit cards are between two contacts */
  constructor({ station, emulated }: EmulatedStation, model: TerminalModel, wallet: CardWallet | undefined) {
    this.readers = station;
    this.cards = readableCards(model.readers);
    this.#hand = new EmulatedHand(emulated, wallet);
  }

  present(
    card: string,
    watch: Stopwatch,
    habits: HolderHabits,
  ): Promise<Result<CardInHand, 'CARD_UNKNOWN' | 'MODEL_HAS_NO_READER' | 'CARD_ELSEWHERE'>> {
    const watched = (chip: ChipCard): ChipCard => timed(chip, watch);
    // Making the card is its own affair, not the terminal's.
    const presented = watch.in('card', () => this.#hand.present(card, watched));
    return Promise.resolve(presented.ok ? ok(this.#inHand(card, presented.value, habits, watched)) : presented);
  }

  #inHand(name: string, presented: Presented, habits: HolderHabits, watched: (chip: ChipCard) => ChipCard): CardInHand {
    return {
      entry: presented.entry,
      isTransit: presented.isTransit,
      holder: () => ({
        askPin: (question) => typePin(habits.pin ?? 'right', presented.pin(), question),
        choose: (labels) => choose(habits, labels),
        chooseCurrency: () => habits.dcc === 'accept',
        presentAgain: () => presented.again(),
      }),
      again: () => presented.again(),
      elsewhere: (entry) => {
        presented.remove();
        const elsewhere = this.#hand.presentElsewhere(name, entry, watched);
        return elsewhere.ok ? this.#inHand(elsewhere.value.name, elsewhere.value, habits, watched) : undefined;
      },
      remove: () => presented.remove(),
    };
  }
}

/** A card whose own time is told apart from the reader's. */
const timed = (card: ChipCard, watch: Stopwatch): ChipCard => ({
  historicalBytes: card.historicalBytes,
  reset: () => watch.in('card', () => card.reset()),
  transmit: (apdu) => watch.in('card', () => card.transmit(apdu)),
});
