import { currencies, rateText } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { PaymentKind, PaymentOrder, SaleOutcome, SaleResult } from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';
import type { Transaction } from '../sales/index.ts';

/** A transaction as it is told to the outside. */
export const resultOf = (one: Transaction, durationMs: number): SaleResult => ({
  kind: one.kind,
  outcome: one.outcome,
  amountMinor: one.amountMinor,
  currency: 'JPY',
  card: '',
  scheme: one.card?.scheme ?? '',
  entry: one.entry,
  lastFour: one.card?.lastFour ?? '',
  stan: one.stan,
  slip: one.slip,
  durationMs,
  ...(one.rrn !== undefined && { rrn: one.rrn }),
  ...(one.approvalCode !== undefined && one.outcome === 'approved' && { approvalCode: one.approvalCode }),
  ...(one.actionCode !== undefined && { actionCode: one.actionCode }),
  ...(one.tillCode !== undefined && { tillCode: one.tillCode }),
  ...(one.reason !== undefined && { reason: one.reason }),
  ...(one.isOffline && { decidedBy: 'terminal' as const }),
  ...(one.original !== undefined && { original: one.original.stan }),
  ...(one.balanceMinor !== undefined && { balanceMinor: one.balanceMinor }),
  ...(one.balanceUnit !== undefined && { balanceUnit: one.balanceUnit }),
  ...(one.serviceHours !== undefined && { serviceHours: one.serviceHours }),
  ...(one.method !== undefined && { method: one.method }),
  ...(one.ownCurrency !== undefined && {
    ownCurrency: {
      currency: currencies[one.ownCurrency.currency]?.alpha ?? one.ownCurrency.currency,
      amountMinor: one.ownCurrency.amountMinor,
      rate: rateText(one.ownCurrency.rate),
      markUpBasisPoints: one.ownCurrency.markUpBasisPoints,
    },
  }),
});

/** A payment that ended before it began. */
export function refusedPayment(
  order: PaymentOrder | { readonly kind: PaymentKind; readonly amountMinor: number },
  entry: SaleResult['entry'],
  outcome: SaleOutcome,
  reason: ErrorCode,
  reasonFacts?: Fault['facts'],
): SaleResult {
  return {
    kind: order.kind,
    outcome,
    amountMinor: 'amountMinor' in order ? order.amountMinor : 0,
    currency: 'JPY',
    card: 'card' in order ? order.card : '',
    scheme: '',
    entry,
    lastFour: '',
    stan: '',
    reason,
    ...(reasonFacts !== undefined && { reasonFacts }),
    durationMs: 0,
  };
}
