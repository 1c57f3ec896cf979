import type { Operation } from '@tsunagu/protocols/acquiring';
import type { StandInRule } from '@tsunagu/protocols/fleet';

/** Why nobody answers in an issuer's place, in the order in which it is looked at. */
export const standInRefusals = [
  'no-rule',
  'link-state',
  'scheme',
  'operation',
  'entry',
  'range',
  'pin',
  'listed',
  'sale-max',
  'card-day',
  'card-count',
  'velocity',
  'merchant-day',
  'issuer-day',
] as const;
export type StandInRefusal = (typeof standInRefusals)[number];

/** The advice that tells of an approval in an issuer's place; there is none for other operations, which nobody stands in for. */
export const adviceOf = (operation: Operation): StandInAdvice | undefined =>
  operation === 'sale' ? 'offlineSale' : operation === 'authorisation' ? 'offlineAuthorisation' : undefined;
export type StandInAdvice = 'offlineSale' | 'offlineAuthorisation';

/** What somebody wants while the issuer is away. */
export interface StandInRequest {
  readonly state: 'down' | 'signed-off' | 'busy';
  readonly scheme: string;
  readonly operation: Operation;
  readonly entry: string;
  /** Leading digits of the card number. */
  readonly digits: string;
  readonly hasPin: boolean;
  readonly isListed: boolean;
  readonly amountMinor: number;
}

/** What was given away already, of what still stands. */
export interface StandInUsed {
  readonly cardDay: { readonly minor: number; readonly count: number };
  readonly cardLately: number;
  readonly merchantDayMinor: number;
  readonly issuerDayMinor: number;
}

/**
 * Whether a request is approved in the issuer's place. Everything that only the request shows is judged before what was used; of every limit a node has
 * its share, so that nodes that do not see each other cannot exceed it together. What it sees of the others counts against the whole: shares may be
 * others than when that was given away.
 *
 * @param own what this node gave away, and `all` what it sees of every node, itself among them
 * @returns why not; undefined when it is approved
 */
export function judgeStandIn(
  rule: StandInRule | undefined,
  node: string,
  asked: StandInRequest,
  { own, all }: { readonly own: StandInUsed; readonly all: StandInUsed },
): StandInRefusal | undefined {
  const early = judgeRequest(rule, asked);
  if (rule === undefined || early !== undefined) return early;
  if (asked.amountMinor > rule.saleMaxMinor) return 'sale-max';
  const limits = limitsOf(rule);
  const share = rule.shares[node] ?? 0;
  return exceeded(asked, own, limits, share) ?? exceeded(asked, all, limits, 1);
}

type Limit = 'card-day' | 'card-count' | 'velocity' | 'merchant-day' | 'issuer-day';

/** A limit that a rule does not set is not there. */
const limitsOf = (rule: StandInRule): Readonly<Record<Limit, number | undefined>> => ({
  'card-day': rule.cardDay.minor,
  'card-count': rule.cardDay.count,
  velocity: rule.velocity?.count,
  'merchant-day': rule.merchantDayMinor,
  'issuer-day': rule.issuerDayMinor,
});

/** The first limit of which a request would take more than the share that is there. */
function exceeded(
  { amountMinor }: StandInRequest,
  used: StandInUsed,
  limits: ReturnType<typeof limitsOf>,
  share: number,
): Limit | undefined {
  const after: readonly (readonly [Limit, number])[] = [
    ['card-day', used.cardDay.minor + amountMinor],
    ['card-count', used.cardDay.count + 1],
    ['velocity', used.cardLately + 1],
    ['merchant-day', used.merchantDayMinor + amountMinor],
    ['issuer-day', used.issuerDayMinor + amountMinor],
  ];
  return after.find(([name, value]) => {
    const limit = limits[name];
    return limit !== undefined && value > Math.floor(limit * share);
  })?.[0];
}

/** What needs no look at what was used. */
export function judgeRequest(rule: StandInRule | undefined, asked: StandInRequest): StandInRefusal | undefined {
  if (rule === undefined) return 'no-rule';
  if (!rule.when.includes(asked.state)) return 'link-state';
  if (rule.schemes && !rule.schemes.includes(asked.scheme)) return 'scheme';
  if (adviceOf(asked.operation) === undefined || !rule.operations.includes(asked.operation)) return 'operation';
  if (!rule.entries.some((known) => known === asked.entry)) return 'entry';
  if (!isInRanges(rule, asked.digits)) return 'range';
  if (asked.hasPin && rule.hasPin === 'refuse') return 'pin';
  return asked.isListed ? 'listed' : undefined;
}

/** The longest prefix decides; without one that includes, all are in. */
function isInRanges({ ranges }: StandInRule, digits: string): boolean {
  const fitting = ranges.filter(({ prefix }) => digits.startsWith(prefix));
  const longest = fitting.reduce<(typeof fitting)[number] | undefined>(
    (best, range) => (best && best.prefix.length >= range.prefix.length ? best : range),
    undefined,
  );
  return longest ? !longest.isExcluded : ranges.every(({ isExcluded }) => isExcluded);
}
