import { currencies, rateText } from '@tsunagu/protocols/acquiring';
import type { OwnCurrency } from '@tsunagu/protocols/fleet';
import type { Store } from '../../store/index.ts';
import type { SwitchDccTables } from './tables.ts';

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
  return new Map(rows.map((row) => [row.sale_id, ownCurrencyOf(row)]));
}

/** A conversion as people see it. */
export const ownCurrencyOf = ({
  own_minor,
  own_currency,
  rate,
  mark_up,
}: Pick<SwitchDccTables['switch_conversions'], 'own_minor' | 'own_currency' | 'rate' | 'mark_up'>): OwnCurrency => ({
  currency: currencies[own_currency]?.alpha ?? own_currency,
  amountMinor: own_minor,
  rate: rateText(rate),
  markUpBasisPoints: mark_up,
});
