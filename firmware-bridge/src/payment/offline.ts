import type { Configuration } from '@tsunagu/protocols/fleet';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { AdviceEntry } from '../sales/index.ts';

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
