import type { Operation } from '@tsunagu/protocols/acquiring';
import type { RouteRule, routeVerdicts, RoutingRules } from '@tsunagu/protocols/fleet';
import type { Secret } from '@tsunagu/protocols/kit';

/** A routing table: data with a version, so that each transaction can say by which it went. */
export interface RoutingTable extends RoutingRules {
  readonly version: number;
}

/** What is asked of the table. */
export interface Routed {
  /** Leading digits of the card number, up to 11. */
  readonly digits: string;
  readonly operation: Operation;
  /** How the card was read. */
  readonly entry: string;
  readonly amountMinor: number;
  readonly nowMs: number;
}

/** How a link is doing, as far as routing is concerned; undefined for one that nobody knows. */
export type LinkHealth = (link: string) => 'ready' | 'down' | undefined;

/** A rule whose prefix fits, and what became of it. */
export interface RouteStep {
  readonly rule: RouteRule;
  readonly costMinor: number;
  readonly verdict: (typeof routeVerdicts)[number];
}

/** Why a transaction goes where it goes. Without a rule that is `taken` it goes nowhere. */
export interface Routing {
  readonly taken: RouteRule | undefined;
  /** The first rule that fits whatever its link is doing: whose card it is, and in whose place somebody may stand. */
  readonly first: RouteRule | undefined;
  readonly steps: readonly RouteStep[];
}

const leadingMax = 11;

/** The digits of a card number that routing looks at. */
export const leadingDigits = (pan: Secret<'pan'>): string =>
  pan.use((bytes) => Buffer.from(bytes.subarray(0, leadingMax)).toString('latin1'));

/** A table made ready for questions: rules by prefix, in the order in which they are tried. */
export class Router {
  readonly table: RoutingTable;
  readonly #byPrefix = new Map<string, RouteRule[]>();

  constructor(table: RoutingTable) {
    this.table = table;
    for (const rule of table.routes) {
      const known = this.#byPrefix.get(rule.prefix);
      if (known) known.push(rule);
      else this.#byPrefix.set(rule.prefix, [rule]);
    }
  }

  /**
   * Routes a transaction. Order: the longest prefix, the lowest priority, the lowest cost of this amount, the place in the table. A rule whose
   * conditions do not hold is passed over; one whose link is down as well, where the table says so.
   */
  route(asked: Routed, health: LinkHealth): Routing {
    const steps: RouteStep[] = [];
    let taken: RouteRule | undefined;
    let first: RouteRule | undefined;
    for (let length = Math.min(leadingMax, asked.digits.length); length > 0; length -= 1) {
      const rules = this.#byPrefix.get(asked.digits.slice(0, length));
      if (!rules) continue;
      const ranked = rules
        .map((rule) => ({ rule, costMinor: costOf(rule, asked.amountMinor) }))
        .sort((a, b) => a.rule.priority - b.rule.priority || a.costMinor - b.costMinor);
      for (const { rule, costMinor } of ranked) {
        const misfit = misfitOf(rule, asked);
        let verdict: RouteStep['verdict'] = misfit ?? 'next';
        if (misfit === undefined) {
          const isFirst = first === undefined;
          first ??= rule;
          const link = health(rule.link);
          if (taken === undefined && (isFirst || this.table.failover)) {
            verdict = link === 'ready' ? 'taken' : link === undefined ? 'link-unknown' : 'link-down';
            if (verdict === 'taken') taken = rule;
          }
        }
        steps.push({ rule, costMinor, verdict });
      }
    }
    return { taken, first, steps };
  }
}

function costOf({ cost }: RouteRule, amountMinor: number): number {
  return cost === undefined ? 0 : cost.fixedMinor + (amountMinor * cost.basisPoints) / 10_000;
}

function misfitOf(rule: RouteRule, { operation, entry, amountMinor, nowMs }: Routed): RouteStep['verdict'] | undefined {
  if (rule.operations && !rule.operations.includes(operation)) return 'operation';
  if (rule.entries && !rule.entries.some((known) => known === entry)) return 'entry';
  if (rule.amountMinor && (amountMinor < rule.amountMinor.least || amountMinor > rule.amountMinor.most))
    return 'amount';
  if (rule.hours && !isWithin(rule.hours, nowMs)) return 'hours';
  return rule.days && !rule.days.includes(weekdayOf(nowMs)) ? 'day' : undefined;
}

/** Japan has no summer time. */
const localOffsetMs = 9 * 3_600_000;

/** Whether a moment lies in hours of the day (local time of Japan); hours that end before they begin go over midnight. */
export function isWithin({ from, until }: { readonly from: string; readonly until: string }, nowMs: number): boolean {
  const now = new Date(nowMs + localOffsetMs).toISOString().slice(11, 16);
  return from <= until ? now >= from && now < until : now >= from || now < until;
}

const weekdayOf = (nowMs: number): number => new Date(nowMs + localOffsetMs).getUTCDay();
