import type { RouteExplanation, StandInUse } from '@tsunagu/protocols/fleet';

/** English texts of `emulate` and of the rules of the switch. */
export const switchRulesEn = {
  emulate: {
    events: {
      ready: 'ready',
      counts: 'so far',
      ended: 'ended',
      reconciled: 'reconciled',
      verdict: 'verdict',
      lineDown: 'no line yet',
    },
  },
  paymentMethods: {
    columns: { scheme: 'SCHEME', methods: 'METHODS', instalments: 'INSTALMENTS', least: 'FROM' },
  },
  switchRules: {
    columns: {
      version: 'VERSION',
      at: 'WHEN',
      by: 'WHO',
      reason: 'WHY',
      prefix: 'PREFIX',
      scheme: 'SCHEME',
      link: 'LINK',
      priority: 'PRIO',
      cost: 'COST',
      verdict: 'VERDICT',
      card: 'CARD',
      amount: 'AMOUNT',
    },
    verdicts: {
      taken: 'taken',
      next: 'next, were it needed',
      'link-down': 'link is down',
      'link-unknown': 'no such link',
      operation: 'not for this operation',
      entry: 'not for this way of reading',
      amount: 'not for this amount',
      hours: 'not at this hour',
      day: 'not on this day',
    } satisfies Record<RouteExplanation['steps'][number]['verdict'], string>,
    states: {
      advising: 'issuer not told yet',
      taken: 'taken by the issuer',
      refused: 'refused by the issuer',
    } satisfies Record<StandInUse['state'], string>,
    changed: (kind: string, version: number) => `${kind}: version ${version} is in force`,
    goes: (link: string, scheme: string, version: number) => `${scheme} → ${link} (table ${version})`,
    nowhere: (version: number) =>
      `goes nowhere (table ${version}): no route fits this card, and it is declined with 908.\nAdd one for its leading digits: tsunagu switch rules show routing, then tsunagu switch rules set routing FILE --reason ….`,
    away: (version: number) =>
      `goes nowhere now (table ${version}): the link that it belongs to is down, and it is declined with 912 unless stand-in approves it.\nWhat the link does: tsunagu switch links; who stands in: tsunagu switch rules show stand-in.`,
    standIn: (verdict: string) => `stand-in: ${verdict}`,
  },
  switchRates: {
    columns: { currency: 'CURRENCY', name: 'NAME', yen: 'YEN FOR 1', digits: 'CARDS' },
    from: (source: string, at: string, version: number) => `Rates of ${source}, ${at}, version ${version}`,
    markUp: (percent: string, minutes: number) => `mark-up ${percent}%, an offer stands ${minutes} min`,
    valid: (until: string) => `in force until ${until}`,
    stale: (since: string) => `STALE since ${since}: nothing is offered`,
    none: 'There are no rates: nothing is offered.',
  },
};
