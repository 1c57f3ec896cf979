import { hasBit, type Scheme } from '@tsunagu/protocols/emv';
import { hex } from '@tsunagu/protocols/kit';
import type { CardObjects } from './card-objects.ts';
import { found, type Results, tvrBits } from './results.ts';
import { type KernelTerminal, type KernelTransaction, transactionTypes } from './terminal.ts';
import { isCashMachine } from './terminal-facts.ts';

/** The application version that this terminal knows of each scheme (9F09). */
export const applicationVersions: Readonly<Partial<Record<Scheme, Uint8Array>>> = {
  visa: hex('0096'),
  mastercard: hex('0002'),
  jcb: hex('0200'),
  amex: hex('0001'),
  unionpay: hex('0030'),
  discover: hex('0001'),
};

export const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;

/** YYMMDD as a number that sorts: years below 50 are of this century. EMV 4.3 Book 4, 6.7.3. */
const sortable = (date: string): number => (Number(date.slice(0, 2)) < 50 ? 20 : 19) * 1_000_000 + Number(date);

const digitsOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Processing restrictions: version, usage control, dates. EMV 4.3 Book 3, 10.4. */
export function restrict(
  results: Results,
  card: CardObjects,
  scheme: Scheme | undefined,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Results {
  let next = results;
  const version = card.get(0x9f08);
  const known = scheme === undefined ? undefined : applicationVersions[scheme];
  // A card that does not tell its version is taken to have ours. 10.4.1.
  if (version !== undefined && known !== undefined && !isSame(version, known))
    next = found(next, tvrBits.versionsDiffer);
  if (!isServiceAllowed(card, terminal, transaction)) next = found(next, tvrBits.serviceNotAllowed);
  const effective = card.get(0x5f25);
  const expiry = card.get(0x5f24);
  const today = sortable(transaction.date);
  if (effective !== undefined && sortable(digitsOf(effective)) > today) next = found(next, tvrBits.notYetEffective);
  if (expiry !== undefined && sortable(digitsOf(expiry)) < today) next = found(next, tvrBits.expired);
  return next;
}

/** Application usage control (9F07). 10.4.2: without it, or without the issuer's country, only what it says of cash machines counts. */
function isServiceAllowed(card: CardObjects, terminal: KernelTerminal, transaction: KernelTransaction): boolean {
  const usage = card.get(0x9f07);
  if (usage === undefined) return true;
  if (!hasBit(usage, 1, isCashMachine(terminal) ? 2 : 1)) return false;
  const issuerCountry = card.get(0x5f28);
  if (issuerCountry === undefined) return true;
  const isHome = isSame(issuerCountry, terminal.country);
  const { type, amountOtherMinor } = transaction;
  const has = (home: number, abroad: number, byte = 1): boolean => hasBit(usage, byte, isHome ? home : abroad);
  if (type === transactionTypes.cash) return has(8, 7);
  const isCashback = type === transactionTypes.cashback || amountOtherMinor > 0;
  if (isCashback && !has(8, 7, 2)) return false;
  // Goods or services: what is sold here is either. An inquiry buys nothing.
  return type === transactionTypes.inquiry || has(6, 5) || has(4, 3);
}
