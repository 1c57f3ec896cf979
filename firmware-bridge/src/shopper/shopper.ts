import type { SaleResult } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { exponential, type Seeded, seeded, weighted } from './seeded.ts';

export interface ShopperOptions {
  readonly world: World;
  /** The same seed makes the same sales in the same order. */
  readonly seed: string;
  readonly meanSeconds: number;
  /** Cards that this model can read. */
  readonly cards: readonly string[];
  readonly amountMaxMinor: () => number;
  readonly sell: (order: { amountMinor: number; card: string }) => Promise<SaleResult>;
}

/** Somebody who buys something now and then. */
export interface Shopper {
  /** The terminal can take cards: the first sale follows within three seconds. Further calls change nothing. */
  start(): void;
  stop(): void;
}

/** Cards whose name says that they do not end well; they come rarely. Everything else is an ordinary customer. */
const rare: readonly (readonly [RegExp, number])[] = [
  [/-silent\b/, 0.02],
  [/-listed\b/, 0.05],
  [/-declined\b/, 0.15],
];
const weightOf = (card: string): number => rare.find(([pattern]) => pattern.test(card))?.[1] ?? 1;

/** A shopper for one terminal. */
export function openShopper(options: ShopperOptions): Shopper {
  const { world, cards, meanSeconds } = options;
  const next = seeded(options.seed);
  const deck = cards.map((item) => ({ item, weight: weightOf(item) }));
  const stopping = new AbortController();
  let isStarted = false;

  async function shop(): Promise<void> {
    let pauseMs = 1_000 + next() * 2_000;
    while (!stopping.signal.aborted) {
      await world.timers.sleep(pauseMs, stopping.signal);
      const card = weighted(next, deck);
      const amountMinor = Math.min(plausibleAmount(next), options.amountMaxMinor());
      pauseMs = exponential(next, meanSeconds * 1_000);
      if (card !== undefined) await options.sell({ amountMinor, card });
    }
  }

  return {
    start() {
      if (isStarted || stopping.signal.aborted) return;
      isStarted = true;
      shop().catch((error: unknown) => {
        if (!stopping.signal.aborted) world.log('error', 'shopperFailed', { message: String(error) });
      });
    },
    stop: () => stopping.abort(new Error('stopped')),
  };
}

/** Yen in a café or a shop: mostly hundreds to some thousands, in tens; now and then much more. Log-normal, median about 1,300. */
function plausibleAmount(next: Seeded): number {
  const radius = Math.sqrt(-2 * Math.log(1 - next()));
  const normal = radius * Math.cos(2 * Math.PI * next());
  return Math.max(100, Math.round(Math.exp(7.2 + 0.8 * normal) / 10) * 10);
}
