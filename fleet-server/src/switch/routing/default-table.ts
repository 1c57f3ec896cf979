import { issuerLink } from '@tsunagu/protocols/acquiring';
import { transitNumberPrefixes, transitScheme } from '@tsunagu/protocols/felica';
import type { RoutingTable } from './route.ts';

const to = (scheme: string, prefixes: readonly string[]) =>
  prefixes.map((prefix) => ({ prefix, scheme, link: issuerLink.id, priority: 50 }));

const range = (from: number, until: number): readonly string[] =>
  Array.from({ length: until - from + 1 }, (_, index) => String(from + index));

/** The table of a fresh house: every scheme goes to the one emulated card company. Issuer identification ranges as the schemes publish them;
 * gift and cash cards (J-Debit) have numbers of our own test cards, which no scheme has (`protocols/test-cards`). */
export const defaultRoutingTable: RoutingTable = {
  version: 2,
  failover: true,
  routes: [
    ...to('visa', ['4']),
    ...to('mastercard', [...range(51, 55), ...range(2221, 2720)]),
    ...to('jcb', range(3528, 3589)),
    ...to('amex', ['34', '37']),
    ...to('unionpay', ['62']),
    ...to(transitScheme.key, transitNumberPrefixes),
    ...to('gift', ['939201']),
    ...to('j-debit', ['939202']),
  ],
};
