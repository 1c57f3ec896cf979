import { currencies } from '@tsunagu/protocols/acquiring';
import {
  type ContractRules,
  parseWith,
  type RateRules,
  type RoutingRules,
  type StandInRules,
  switchRuleDocuments,
  type SwitchRuleKind,
  type SwitchRulesView,
  type SwitchRuleVersion,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { isoTime, type Store } from '../../store/index.ts';
import { noRates } from '../dcc/offer.ts';
import { agreedOn, confirmWithinMs, firstJump, jumpMax } from '../dcc/plausible.ts';
import { defaultRoutingTable, defaultRoutingVersion } from '../routing/default-table.ts';
import { Router } from '../routing/route.ts';
import { Contracts, defaultContracts } from '../schemes/contracts.ts';

/** The rules of the switch, as they are in force and as they were. */
export interface SwitchRules {
  readonly router: Router;
  readonly standIn: StandInRules & { readonly version: number };
  readonly contracts: Contracts;
  readonly rates: RateRules & { readonly version: number };
  /** The rules of a kind; those of a version that never was are SWITCH_RULES_VERSION_UNKNOWN. */
  view(kind: SwitchRuleKind, version?: number): Promise<Result<SwitchRulesView, 'SWITCH_RULES_VERSION_UNKNOWN'>>;
  /** Newest first, at most a thousand; the first of all is what the house began with. */
  versions(kind: SwitchRuleKind): Promise<readonly SwitchRuleVersion[]>;
  /**
   * Writes the version after `base`. SWITCH_RULES_INVALID: not rules of this kind, they contradict themselves, or name a link that is not there.
   * SWITCH_RATES_IMPLAUSIBLE: a rate is far from the one before (`jumpMax`); the same rates, put in force by another person within a day, are taken.
   */
  change(
    kind: SwitchRuleKind,
    base: number,
    rules: unknown,
    reason: string,
    by: string,
  ): Promise<Result<SwitchRulesView, 'VERSION_CONFLICT' | 'SWITCH_RULES_INVALID' | 'SWITCH_RATES_IMPLAUSIBLE'>>;
}

type Documents = { routing: RoutingRules; 'stand-in': StandInRules; contracts: ContractRules; rates: RateRules };

const versionsMax = 1_000;
/** Versions of the rates that a new one is compared with: a currency may have been left out for a while. */
const comparedMax = 50;
/** How far the clock of whoever sets rates may be ahead. */
const clockSkewMs = 5 * 60_000;

/** What a fresh house begins with, and the version of that. */
function firstsOf(links: readonly string[]): {
  readonly [K in SwitchRuleKind]: { readonly version: number; readonly rules: Documents[K] };
} {
  const { version: _version, ...table } = defaultRoutingTable(links);
  return {
    routing: { version: defaultRoutingVersion, rules: table },
    'stand-in': { version: 1, rules: { issuers: [] } },
    contracts: { version: 1, rules: defaultContracts },
    rates: { version: 1, rules: noRates },
  };
}

/** Opens the rules: the newest version of each kind is in force, on every transaction that begins from then on. @param links ids of the links that there are */
export async function openSwitchRules(
  world: Pick<World, 'clock'>,
  store: Store,
  links: () => readonly string[],
): Promise<SwitchRules> {
  const firsts = firstsOf(links());
  const newest = async <K extends SwitchRuleKind>(kind: K): Promise<{ version: number; rules: Documents[K] }> => {
    const row = await store.db
      .selectFrom('switch_rules')
      .selectAll()
      .where('kind', '=', kind)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row ? { version: row.version, rules: parsed(kind, row.rules) } : firsts[kind];
  };
  const routing = await newest('routing');
  let router = new Router({ ...routing.rules, version: routing.version });
  const standing = await newest('stand-in');
  let standIn = { ...standing.rules, version: standing.version };
  const contracted = await newest('contracts');
  let contracts = new Contracts(contracted.rules);
  const rated = await newest('rates');
  let rates = { ...rated.rules, version: rated.version };
  const current = {
    routing: routing.version,
    'stand-in': standing.version,
    contracts: contracted.version,
    rates: rated.version,
  };

  function adopt(kind: SwitchRuleKind, version: number, rules: Documents[SwitchRuleKind]): void {
    current[kind] = version;
    if ('routes' in rules) router = new Router({ ...rules, version });
    else if ('issuers' in rules) standIn = { ...rules, version };
    else if ('rates' in rules) rates = { ...rules, version };
    else contracts = new Contracts(rules);
  }

  async function view(kind: SwitchRuleKind, version = current[kind]): ReturnType<SwitchRules['view']> {
    const first = firsts[kind];
    const row = await store.db
      .selectFrom('switch_rules')
      .selectAll()
      .where('kind', '=', kind)
      .where('version', '=', version)
      .executeTakeFirst();
    // What somebody wrote comes first: a house of before began with an earlier version than one of today.
    if (!row && version === first.version)
      return ok({ kind, version, at: null, by: 'house', reason: '', rules: first.rules });
    if (!row) return fail('SWITCH_RULES_VERSION_UNKNOWN', { facts: { kind, version } });
    const { at, by, reason } = row;
    return ok({ kind, version, at: isoTime(at), by, reason, rules: parsed(kind, row.rules) });
  }

  /** The last rate that a currency had, of the newest versions. */
  async function lastRates(): Promise<ReadonlyMap<string, string>> {
    const rows = await store.db
      .selectFrom('switch_rules')
      .select('rules')
      .where('kind', '=', 'rates')
      .orderBy('version', 'desc')
      .limit(comparedMax)
      .execute();
    const last = new Map<string, string>();
    for (const row of rows)
      for (const { currency, yen } of parsed('rates', row.rules).rates)
        if (!last.has(currency)) last.set(currency, yen);
    return last;
  }

  /** Who asked for which implausible rates last, and waits for a second person. Of this process alone: after a restart they ask again. */
  let asked: { readonly digest: string; readonly by: string; readonly at: number } | undefined;

  async function doubt(wanted: RateRules, by: string): Promise<Result<never, 'SWITCH_RATES_IMPLAUSIBLE'> | undefined> {
    const last = await lastRates();
    const jump = firstJump(wanted.rates, (currency) => last.get(currency));
    if (!jump) return undefined;
    const now = world.clock.now();
    const digest = agreedOn(wanted);
    const first = asked?.digest === digest && now - asked.at < confirmWithinMs ? asked : undefined;
    if (first && first.by !== by) {
      asked = undefined;
      return undefined;
    }
    asked = first ?? { digest, by, at: now };
    const { index, currency, before, now: wantedYen } = jump;
    return fail('SWITCH_RATES_IMPLAUSIBLE', {
      field: `rates.${index}.yen`,
      facts: {
        currency: currencies[currency]?.alpha ?? currency,
        before,
        now: wantedYen,
        factor: jumpMax,
        by: asked.by,
      },
    });
  }

  return {
    get router() {
      return router;
    },
    get standIn() {
      return standIn;
    },
    get contracts() {
      return contracts;
    },
    get rates() {
      return rates;
    },
    view,
    async versions(kind) {
      const rows = await store.db
        .selectFrom('switch_rules')
        .select(['version', 'at', 'by', 'reason'])
        .where('kind', '=', kind)
        .orderBy('version', 'desc')
        .limit(versionsMax)
        .execute();
      const written = rows.map(({ version, at, by, reason }) => ({ kind, version, at: isoTime(at), by, reason }));
      const first = { kind, version: firsts[kind].version, at: null, by: 'house', reason: '' };
      return written.some(({ version }) => version <= first.version) ? written : [...written, first];
    },
    async change(kind, base, rules, reason, by) {
      const read = parseWith(switchRuleDocuments[kind], rules);
      // The shape of a document is the document's, not the command's.
      if (!read.ok)
        return fail('SWITCH_RULES_INVALID', {
          ...(read.fault.field !== undefined && { field: read.fault.field }),
          ...(read.fault.facts && { facts: read.fault.facts }),
        });
      const problem = problemOf(read.value, links(), world.clock.now());
      if (problem) return fail('SWITCH_RULES_INVALID', { field: problem.field, facts: { problem: problem.says } });
      if ('rates' in read.value) {
        const doubted = await doubt(read.value, by);
        if (doubted) return doubted;
      }
      const at = world.clock.now();
      const written = await store.write(async (tx): Promise<Result<number, 'VERSION_CONFLICT'>> => {
        const row = await tx
          .selectFrom('switch_rules')
          .select('version')
          .where('kind', '=', kind)
          .orderBy('version', 'desc')
          .limit(1)
          .executeTakeFirst();
        const version = row?.version ?? firsts[kind].version;
        if (version !== base) return fail('VERSION_CONFLICT', { facts: { base, newest: version } });
        await tx
          .insertInto('switch_rules')
          .values({ kind, version: version + 1, rules: JSON.stringify(read.value), at, by, reason })
          .execute();
        return ok(version + 1);
      });
      if (!written.ok) return written;
      adopt(kind, written.value, read.value);
      return ok({ kind, version: written.value, at: isoTime(at), by, reason, rules: read.value });
    },
  };
}

/** What is in the store went through the same schema when it was written; one that does not any more is a fault of ours. */
function parsed<K extends SwitchRuleKind>(kind: K, text: string): Documents[K] {
  return switchRuleDocuments[kind].parse(JSON.parse(text)) as Documents[K];
}

/** What a schema cannot see: a rule that can never be taken, an issuer or a currency named twice, rates of a day to come, a link that is not there. */
function problemOf(
  rules: Documents[SwitchRuleKind],
  links: readonly string[],
  nowMs: number,
): { readonly field: string; readonly says: string } | undefined {
  const seen = new Set<string>();
  const twice = (key: string): boolean => seen.size === seen.add(key).size;
  if ('routes' in rules) {
    for (const [index, { cost: _cost, scheme: _scheme, brand: _brand, ...rule }] of rules.routes.entries()) {
      if (!links.includes(rule.link)) return { field: `routes.${index}.link`, says: 'no such link' };
      if (rule.amountMinor && rule.amountMinor.least > rule.amountMinor.most)
        return { field: `routes.${index}.amountMinor`, says: 'no amount' };
      if (isNever(rule.hours)) return { field: `routes.${index}.hours`, says: 'no hour' };
      if (twice(JSON.stringify(Object.entries(rule).toSorted(([a], [b]) => (a < b ? -1 : 1)))))
        return { field: `routes.${index}`, says: 'the same as one before it' };
    }
    return undefined;
  }
  if ('issuers' in rules) {
    for (const [index, { link }] of rules.issuers.entries()) {
      if (!links.includes(link)) return { field: `issuers.${index}.link`, says: 'no such link' };
      if (twice(link)) return { field: `issuers.${index}`, says: 'the same as one before it' };
    }
    return undefined;
  }
  if ('rates' in rules) {
    // How old they are is reckoned from there: a year that is mistyped would keep them fresh for so long.
    if (Date.parse(rules.at) > nowMs + clockSkewMs) return { field: 'at', says: 'in the future' };
    for (const [index, { currency }] of rules.rates.entries())
      if (twice(currency)) return { field: `rates.${index}.currency`, says: 'the same as one before it' };
    for (const [index, { prefix }] of rules.cards.entries())
      if (twice(`card ${prefix}`)) return { field: `cards.${index}.prefix`, says: 'the same as one before it' };
    return undefined;
  }
  for (const [index, { scheme, link = '', merchant = '', hours }] of rules.contracts.entries()) {
    if (twice(`${scheme}/${link}/${merchant}`))
      return { field: `contracts.${index}`, says: 'the same as one before it' };
    if (isNever(hours)) return { field: `contracts.${index}.hours`, says: 'no hour' };
  }
  return undefined;
}

/** Hours that end when they begin are none: `until` is not in them. */
const isNever = (hours: { readonly from: string; readonly until: string } | undefined): boolean =>
  hours !== undefined && hours.from === hours.until;
