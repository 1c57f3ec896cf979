import { currencies, rateText } from '@tsunagu/protocols/acquiring';
import type { OwnCurrency } from '@tsunagu/protocols/fleet';
import type { Store } from '../../store/index.ts';

/** What those of these sales that were converted are in the cardholders' currencies, by id. */
export async function ownCurrenciesOf(
  db: Store['db'],
  sales: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, OwnCurrency>> {
  if (sales.length === 0) return new Map();
  const rows = await db
    .selectFrom('switch_conversions')
    .selectAll()
    .where(
      'sale_id',
      'in',
      sales.map(({ id }) => id),
    )
    .execute();
  return new Map(
    rows.map(({ sale_id, own_minor, own_currency, rate, mark_up }) => [
      sale_id,
      {
        currency: currencies[own_currency]?.alpha ?? own_currency,
        amountMinor: own_minor,
        rate: rateText(rate),
        markUpBasisPoints: mark_up,
      },
    ]),
  );
}
