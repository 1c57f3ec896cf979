import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** Where nothing public lives (IANA special-purpose address registries, RFC 6890). A mapped IPv4 address is judged as IPv4. */
const special: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const family = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function listOf(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, family(net));
  return list;
}

/** An address that a request may be sent to: what was checked is what is connected to. */
export interface Target {
  readonly url: URL;
  readonly address: string;
  readonly family: 4 | 6;
}

/** Names to addresses, as the system does it. */
export type Resolve = (host: string) => Promise<readonly { readonly address: string }[]>;

export interface AddressRules {
  /** Looks a name up and checks every address behind it. One that is not allowed refuses them all. */
  target(url: string): Promise<Result<Target, 'WEBHOOK_URL_REFUSED' | 'WEBHOOK_UNREACHABLE'>>;
}

/** @param allow networks (`127.0.0.1/32`) that are reached although they are not public, and without TLS. */
export function addressRules(
  allow: readonly string[],
  resolve: Resolve = (host) => lookup(host, { all: true }),
): AddressRules {
  const closed = listOf(special);
  const opened = listOf(
    allow.map((text) => {
      const [net = '', prefix = family(net) === 'ipv6' ? '128' : '32'] = text.split('/');
      return [net, Number(prefix)] as const;
    }),
  );
  return {
    async target(text) {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (!url || url.username !== '' || url.password !== '' || !['http:', 'https:'].includes(url.protocol))
        return fail('WEBHOOK_URL_REFUSED', { field: 'url' });
      const host = url.hostname.replace(/^\[|\]$/g, '');
      let found: readonly { readonly address: string }[];
      try {
        found = isIP(host) ? [{ address: host }] : await resolve(host);
      } catch (cause) {
        return fail('WEBHOOK_UNREACHABLE', { cause });
      }
      const [first] = found;
      if (!first) return fail('WEBHOOK_UNREACHABLE');
      const isOpened = found.every(({ address }) => opened.check(address, family(address)));
      const isClosed = found.some(({ address }) => closed.check(address, family(address)));
      if (!isOpened && (isClosed || url.protocol !== 'https:')) return fail('WEBHOOK_URL_REFUSED', { field: 'url' });
      return ok({ url, address: first.address, family: isIPv6(first.address) ? 6 : 4 });
    },
  };
}
