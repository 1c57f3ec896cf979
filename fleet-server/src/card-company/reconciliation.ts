import {
  firstUnequal,
  functions,
  itemsAnswer,
  type Link,
  readTotals,
  totalsElements,
  totalsOf,
} from '@tsunagu/protocols/acquiring';
import type { DecodedMessage, FieldValue } from '@tsunagu/protocols/iso8583';
import type { Ledger } from './ledger.ts';

/** Elements that an answer about a business day repeats. */
export const reconciliationEcho: readonly number[] = [7, 11, 12, 24, 28, 32, 71];

/**
 * What a card company says to totals (1520) and to a request for its items (1604, DE24 690), out of its own books. Totals that agree close the day where
 * they are final (DE24 500); ones that do not are 501 with its own.
 */
export async function reconcile(
  ledger: Ledger,
  { profile: { reconciliation } }: Link,
  message: DecodedMessage,
): Promise<{ readonly [element: number]: FieldValue }> {
  const day = message.text(28);
  if (day === undefined) return { 39: '904' };
  const items = ledger.days.items(day);
  if (message.mti.startsWith('16')) {
    if (message.text(24) !== functions.items) return { 39: '902' };
    return itemsAnswer(items, message);
  }
  const theirs = readTotals(message, reconciliation.netRule);
  if (!theirs.ok) return { 39: '904', 44: `DE${theirs.fault.field ?? 0}` };
  const ours = totalsOf(items);
  const isEqual = firstUnequal(ours, theirs.value) === undefined;
  if (isEqual && message.text(24) === functions.reconciliation && !ledger.days.isClosed(day))
    await ledger.append({ kind: 'closed', day });
  return { 39: isEqual ? '500' : '501', ...totalsElements(ours, reconciliation.netRule, message.text(50) ?? '392') };
}
