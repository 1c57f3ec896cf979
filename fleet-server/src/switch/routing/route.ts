import type { Secret } from '@tsunagu/protocols/kit';

/** Where cards whose number begins with `prefix` go. */
export interface Route {
  /** Leading digits of the PAN, 1 to 11. */
  readonly prefix: string;
  readonly scheme: string;
  /** The link that takes them: its profile's id. */
  readonly link: string;
}

/** A routing table: data with a version, so that each transaction can say by which it went. */
export interface RoutingTable {
  readonly version: number;
  readonly routes: readonly Route[];
}

/**
 * The route of a card: the longest prefix wins. Two routes with one prefix are a fault of the table, which its test finds.
 * @returns undefined when no issuer is responsible (action code 908)
 */
export function routeOf(table: RoutingTable, pan: Secret<'pan'>): Route | undefined {
  const digits = pan.use((bytes) => Buffer.from(bytes.subarray(0, 11)).toString('latin1'));
  let best: Route | undefined;
  for (const route of table.routes)
    if (digits.startsWith(route.prefix) && route.prefix.length > (best?.prefix.length ?? 0)) best = route;
  return best;
}
