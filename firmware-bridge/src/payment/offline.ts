import type { Configuration } from '@tsunagu/protocols/fleet';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { Freshness, OfflineAllowance } from '@tsunagu/protocols/negative/authority';
import { type AdviceEntry, isVoided, type SaleStore } from '../sales/index.ts';

/** What is left of the floor limit on a negative file of some age, in percent: a blocked card is worth less the older the file is. */
const floorPercent: Readonly<Record<Freshness, number>> = { fresh: 100, soft: 50, hard: 0 };

/** The floor limit that holds with a negative file of some age, minor units. */
export const floorLimitAt = (floorLimitMinor: number, freshness: Freshness): number =>
  Math.floor((floorLimitMinor * floorPercent[freshness]) / 100);

/**
 * Whether terminal and card may approve a sale by themselves, before the card has said anything: the model can, the amount is below the
 * floor limit that the age of the negative file leaves, what was approved on that file leaves room for it, and so does what the switch has
 * not taken yet, in number and amount.
 */
export function mayApproveOffline(
  model: { readonly offline: boolean },
  configuration: Configuration,
  amountMinor: number,
  waiting: readonly AdviceEntry[],
  { freshness, amountLeftMinor }: OfflineAllowance,
): boolean {
  const { floorLimitMinor, offlineCountMax, offlineAmountMaxMinor } = configuration;
  const offline = waiting.filter(({ isOffline, state }) => isOffline && state === 'waiting');
  const spent = offline.reduce((sum, entry) => sum + entry.amountMinor, 0);
  return (
    model.offline &&
    amountMinor < floorLimitAt(floorLimitMinor, freshness) &&
    amountMinor <= amountLeftMinor &&
    offline.length < offlineCountMax &&
    spent + amountMinor <= offlineAmountMaxMinor
  );
}

/** Whether the negative file lets it stand: only a fresh, readable file, under the key in the terminal, that does not hold the card. */
export const standsOffline = (negative: NegativeAnswer | undefined): boolean => negative === 'clear';

/**
 * What a card bought here offline in the open business day, yen: several small sales do not slip below the floor limit. The card is known by
 * its token, and what was taken back does not count. EMV 4.3 Book 3, 10.6.1.
 */
export function boughtOfflineMinor(token: string, sales: Pick<SaleStore, 'day' | 'all'>): number {
  const all = sales.all();
  return all
    .filter(
      ({ card, isOffline, outcome, day }) =>
        isOffline && outcome === 'approved' && day === sales.day && card?.token === token,
    )
    .filter((one) => !isVoided(all, one))
    .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}
