import type { Configuration } from '@tsunagu/protocols/fleet';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import { type AdviceEntry, isVoided, type SaleStore } from '../sales/index.ts';

/**
 * Whether terminal and card may approve a sale by themselves, before the card has said anything: the model can, the amount is below the
 * floor limit, and what the switch has not taken yet leaves room in number and amount.
 */
export function mayApproveOffline(
  model: { readonly offline: boolean },
  configuration: Configuration,
  amountMinor: number,
  waiting: readonly AdviceEntry[],
): boolean {
  const { floorLimitMinor, offlineCountMax, offlineAmountMaxMinor } = configuration;
  const offline = waiting.filter(({ isOffline, state }) => isOffline && state === 'waiting');
  const spent = offline.reduce((sum, entry) => sum + entry.amountMinor, 0);
  return (
    model.offline &&
    amountMinor < floorLimitMinor &&
    offline.length < offlineCountMax &&
    spent + amountMinor <= offlineAmountMaxMinor
  );
}

/** Whether the negative file lets it stand: only a fresh, readable file that does not hold the card. */
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
