import { houseIssuers, issuerLink } from '@tsunagu/protocols/acquiring';
import { transitNumberPrefixes, transitScheme } from '@tsunagu/protocols/felica';
import type { RoutingTable } from './route.ts';

/** The version of the table of a fresh house. */
export const defaultRoutingVersion = 3;

const range = (from: number, until: number): readonly string[] =>
  Array.from({ length: until - from + 1 }, (_, index) => String(from + index));

/**
 * The table of a fresh house: each scheme to the emulated issuer of its own, and to the card company where the house has no link to that. Issuer identification
 * ranges as the schemes publish them; gift, points and cash cards (J-Debit) have numbers of our own test cards, which no scheme has (`protocols/test-cards`).
 *
 * @param links ids of the links that there are
 */
export function defaultRoutingTable(links: readonly string[]): RoutingTable {
  const to = (scheme: string, prefixes: readonly string[], kind = 'credit') => {
    const own = houseIssuers.find((link) => link.kind === kind && links.includes(link.id));
    return prefixes.map((prefix) => ({ prefix, scheme, link: own?.id ?? issuerLink.id, priority: 50 }));
  };
  return {
    version: defaultRoutingVersion,
    failover: true,
    routes: [
      ...to('visa', ['4']),
      ...to('mastercard', [...range(51, 55), ...range(2221, 2720)]),
      ...to('jcb', range(3528, 3589)),
      ...to('amex', ['34', '37']),
      ...to('unionpay', ['62'], 'unionpay'),
      ...to(transitScheme.key, transitNumberPrefixes, 'e-money'),
      ...to('gift', ['939201'], 'gift'),
      ...to('j-debit', ['939202'], 'j-debit'),
      ...to('points', ['939203'], 'points'),
    ],
  };
}
