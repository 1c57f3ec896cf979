import { invariants as ofMoney } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import type { Run } from './simulate.ts';

/** What must hold of every run: of the money, as the ledger oracle sees it in the bytes on both sides, and of the switch itself. */
export const invariants = {
  ...ofMoney,
  /** The switch's own books say what stands on either side. */
  booksAgree: 'BOOKS_DIFFER',
  /** Once everything works, everything comes to its end. */
  comesToAnEnd: 'STILL_OPEN',
  /** A card's balance is never below zero by a void: what a person takes back is there to be taken. */
  voidsCovered: 'VOID_BELOW_ZERO',
  /** Nothing of an advice is sent after a person was told that it is settled. */
  settledIsSilent: 'SENT_THOUGH_SETTLED',
  /** What waits for the issuer's answer is not settled: nobody knows yet what became of it. */
  settledIsKnown: 'SETTLED_UNDER_WAY',
  /** An advice comes to one end, and to that of which people were told. */
  endsOnce: 'ADVICE_ENDED_OTHERWISE',
  /** What is over is not told to be tried again. */
  overIsOver: 'RETRIED_THOUGH_OVER',
  /** No card number is in a log. */
  nothingSecretShown: 'SECRET_SHOWN',
  nothingIsThrown: 'THROWN',
} as const;
export type InvariantName = keyof typeof invariants;
export const invariantNames = Object.keys(invariants) as InvariantName[];

/** A broken invariant. */
export interface Broken {
  readonly name: InvariantName;
  readonly what: string;
}

/** What a run broke. */
export function broken(run: Run): readonly Broken[] {
  const { verdict, books, open, isCardShown, voidedBelowZero, thrown, untrue } = run;
  const found: Broken[] = verdict.violations.map(({ code, about, detail }) => ({
    name: invariantNames.find((name) => invariants[name] === code) ?? 'nothingIsThrown',
    what: `${about}: ${detail}`,
  }));
  const stand = { acquirer: verdict.acquirer.standingMinor, issuer: verdict.issuer.standingMinor };
  if (books.acquirerMinor !== stand.acquirer || books.issuerMinor !== stand.issuer)
    found.push({
      name: 'booksAgree',
      what: `the switch has ${books.acquirerMinor} and ${books.issuerMinor}, the sides have ${stand.acquirer} and ${stand.issuer}`,
    });
  for (const what of open) found.push({ name: 'comesToAnEnd', what });
  found.push(...untrue);
  for (const amount of voidedBelowZero) found.push({ name: 'voidsCovered', what: `${amount} was spent` });
  if (isCardShown) found.push({ name: 'nothingSecretShown', what: 'a card number is in the log' });
  for (const what of thrown) found.push({ name: 'nothingIsThrown', what });
  return found;
}
