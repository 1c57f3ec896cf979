import type { SaleResult } from '@tsunagu/protocols/fleet';
import { EmulatedHand, entryOf, readableCards } from '../cards/index.ts';
import type { TraceLine } from '../kernel/index.ts';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import { type EmulatedStation, openEmulatedStation } from '../readers/station.ts';
import { countOf } from './online-leg.ts';
import type { CardSide, CardSideOptions, OnSaleStep, SaleOrder, SaleTimings } from './ports.ts';
import { typePin } from './pin-habit.ts';
import { ReversalSender } from './reversal-sender.ts';
import { makeSale, refusedSale } from './sale.ts';
import { Stopwatch } from './stopwatch.ts';

/** Commands of one sale that are kept for a person to look at. */
const traceLinesMax = 256;

/** Opens the card side of an emulated terminal: the readers of its model, its cards, the kernel and the payment application. */
export function openCardSide(options: CardSideOptions): Promise<CardSide> {
  return Promise.resolve(new EmulatedCardSide(options, openEmulatedStation(options.world, options.model)));
}

/** The card side of one emulated terminal. Tests reach its devices through the station that they hand in. */
export class EmulatedCardSide implements CardSide {
  readonly cards: readonly string[];
  readonly #options: CardSideOptions;
  readonly #station: EmulatedStation;
  readonly #hand: EmulatedHand;
  readonly #sender: ReversalSender;
  #running: Promise<SaleResult> | undefined;
  #timings: SaleTimings | undefined;
  #trace: TraceLine[] = [];
  #isClosed = false;

  constructor(options: CardSideOptions, station: EmulatedStation) {
    const { world, model, ports } = options;
    this.#options = options;
    this.#station = station;
    this.#hand = new EmulatedHand(station.emulated);
    this.#sender = new ReversalSender(world, ports.acquirer, ports.reversals);
    this.cards = readableCards(model.readers);
    // What is found at boot is due: its sale did not end.
    this.#sender.wake();
  }

  sell(order: SaleOrder, onStep: OnSaleStep = () => undefined): Promise<SaleResult> {
    const entry = entryOf(order.card);
    if (entry === undefined) return Promise.resolve(refusedSale(order, 'contact', 'refused', 'CARD_UNKNOWN'));
    if (this.#running !== undefined || this.#isClosed)
      return Promise.resolve(refusedSale(order, entry, 'refused', 'SALE_IN_PROGRESS'));
    const { amountMinor } = order;
    if (!Number.isSafeInteger(amountMinor) || amountMinor < 1)
      return Promise.resolve({ ...refusedSale(order, entry, 'refused', 'AMOUNT_INVALID'), amountMinor: 0 });
    if (amountMinor > this.#options.ports.configuration().amountMaxMinor)
      return Promise.resolve(refusedSale(order, entry, 'refused', 'AMOUNT_ABOVE_LIMIT'));
    const running = this.#sell(order, onStep);
    this.#running = running;
    return running.finally(() => {
      this.#running = undefined;
    });
  }

  /** Commands and status words of the last sale, without data. */
  trace(): readonly TraceLine[] {
    return this.#trace;
  }

  timings(): SaleTimings | undefined {
    return this.#timings;
  }

  reversalsPending(): Promise<number> {
    return countOf(this.#options.ports);
  }

  wake(): void {
    this.#sender.wake();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#running;
    await this.#sender.close();
    await this.#station.station.close();
  }

  async #sell(order: SaleOrder, onStep: OnSaleStep): Promise<SaleResult> {
    const watch = new Stopwatch(this.#options.world.clock);
    this.#trace = [];
    const presented = this.#hand.present(order.card, (card) => timed(card, watch));
    if (!presented.ok) return refusedSale(order, entryOf(order.card) ?? 'contact', 'refused', presented.fault.code);
    const { entry, pin, remove } = presented.value;
    try {
      return await makeSale(
        {
          ...this.#options,
          station: this.#station.station,
          sender: this.#sender,
          watch,
          onStep,
          askPin: (question) => typePin(order.pin ?? 'right', pin(), question),
          onTrace: (line) => {
            if (this.#trace.length < traceLinesMax) this.#trace.push(line);
          },
        },
        order,
        entry,
      );
    } finally {
      remove();
      this.#timings = watch.read();
    }
  }
}

/** A card whose own time is told apart from the reader's. */
const timed = (card: ChipCard, watch: Stopwatch): ChipCard => ({
  historicalBytes: card.historicalBytes,
  reset: () => watch.in('card', () => card.reset()),
  transmit: (apdu) => watch.in('card', () => card.transmit(apdu)),
});
