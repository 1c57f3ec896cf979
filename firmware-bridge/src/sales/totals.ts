import { type PaymentKind, signOf, type TerminalTotals } from '@tsunagu/protocols/fleet';
import type { AdviceEntry } from './advice-store.ts';
import { isVoided, type Transaction } from './record.ts';

/** Kinds that are in the totals; a void is not a line of its own: it takes one out of its own. */
const counted: readonly PaymentKind[] = ['sale', 'refund', 'preauth', 'complete', 'charge', 'issue'];

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
  const lines = new Map<string, TerminalTotals['lines'][number]>();
  const companies = new Map<string, number>();
  let netMinor = 0;
  for (const { card, kind, amountMinor } of standing) {
    const { scheme = '', company } = card ?? {};
    const key = `${company ?? ''}/${scheme}/${kind}`;
    const line = lines.get(key) ?? {
      ...(company !== undefined && { company }),
      scheme,
      kind,
      count: 0,
      amountMinor: 0,
    };
    lines.set(key, { ...line, count: line.count + 1, amountMinor: line.amountMinor + amountMinor });
    const net = signOf(kind) * amountMinor;
    netMinor += net;
    if (company !== undefined) companies.set(company, (companies.get(company) ?? 0) + net);
  }
  const refused = advices.filter(({ state }) => state === 'refused');
  return {
    day,
    isClosed: closedAt !== undefined,
    from: today.at(0)?.at ?? null,
    until: closedAt ?? today.at(-1)?.at ?? null,
    lines: [...lines.values()].sort(
      (a, b) =>
        (a.company ?? '').localeCompare(b.company ?? '') ||
        a.scheme.localeCompare(b.scheme) ||
        counted.indexOf(a.kind) - counted.indexOf(b.kind),
    ),
    ...(companies.size > 0 && {
      companies: [...companies]
        .map(([company, net]) => ({ company, netMinor: net }))
        .sort((a, b) => a.company.localeCompare(b.company)),
    }),
    netMinor,
    waiting: advices.length - refused.length,
    refused: refused.slice(-shownMax).map(({ stan, actionCode }) => ({ stan, actionCode: actionCode ?? '' })),
  };
}
