import type { PaymentKind, TerminalTotals } from '@tsunagu/protocols/fleet';
import type { AdviceEntry } from './advice-store.ts';
import { isVoided, type Transaction } from './record.ts';

/** Kinds that are in the totals; a void is not a line of its own: it takes one out of its own. */
const counted: readonly PaymentKind[] = ['sale', 'refund', 'preauth', 'complete', 'charge'];

/** What the kind adds to the net amount: of a charge the merchant has the cash already. */
const sign: Readonly<Partial<Record<PaymentKind, number>>> = { sale: 1, complete: 1, refund: -1, charge: -1 };

const shownMax = 32;

/** The totals of a business day, out of its transactions: approved, and not taken back. */
export function totalsOf(
  day: number,
  all: readonly Transaction[],
  advices: readonly Pick<AdviceEntry, 'state' | 'stan' | 'actionCode'>[],
  closedAt?: number,
): TerminalTotals {
  const today = all.filter((one) => one.day === day);
  const standing = today.filter(
    (one) => one.outcome === 'approved' && counted.includes(one.kind) && !isVoided(all, one),
  );
  const lines = new Map<string, { scheme: string; kind: PaymentKind; count: number; amountMinor: number }>();
  let netMinor = 0;
  for (const { card, kind, amountMinor } of standing) {
    const scheme = card?.scheme ?? '';
    const line = lines.get(`${scheme}/${kind}`) ?? { scheme, kind, count: 0, amountMinor: 0 };
    lines.set(`${scheme}/${kind}`, { ...line, count: line.count + 1, amountMinor: line.amountMinor + amountMinor });
    netMinor += (sign[kind] ?? 0) * amountMinor;
  }
  const refused = advices.filter(({ state }) => state === 'refused');
  return {
    day,
    isClosed: closedAt !== undefined,
    from: today.at(0)?.at ?? null,
    until: closedAt ?? today.at(-1)?.at ?? null,
    lines: [...lines.values()].sort(
      (a, b) => a.scheme.localeCompare(b.scheme) || counted.indexOf(a.kind) - counted.indexOf(b.kind),
    ),
    netMinor,
    waiting: advices.length - refused.length,
    refused: refused.slice(-shownMax).map(({ stan, actionCode }) => ({ stan, actionCode: actionCode ?? '' })),
  };
}
