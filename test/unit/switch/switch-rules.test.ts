import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { defaultRoutingTable } from '@tsunagu/fleet-server/switch/routing/default-table';
import { isWithin, Router, type Routed } from '@tsunagu/fleet-server/switch/routing/route';
import { openSwitchRules } from '@tsunagu/fleet-server/switch/rules/rules';
import { type Contracted, Contracts, defaultContracts } from '@tsunagu/fleet-server/switch/schemes/contracts';
import { judgeStandIn, type StandInRequest, type StandInUsed } from '@tsunagu/fleet-server/switch/stand-in/rules';
import { openStandIn } from '@tsunagu/fleet-server/switch/stand-in/stand-in';
import { toldMti } from '@tsunagu/fleet-server/switch/transaction/messages';
import { cardCompanyLink, formatPaymentMethod, parsePaymentMethod } from '@tsunagu/protocols/acquiring';
import { contractRules, routingRules, type RouteRule, standInRule } from '@tsunagu/protocols/fleet';
import { type Message, originalDataOf } from '@tsunagu/protocols/iso8583';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { SmallCentre } from './small-centre.ts';
import { afterPowerCut, openSmallHouse, until } from './small-house.ts';

/** Thursday, 26 November 2026, noon in Japan. */
const noon = Date.UTC(2026, 10, 26, 3);

const routerOf = (routes: readonly (Partial<RouteRule> & Pick<RouteRule, 'prefix' | 'link'>)[], failover = true) =>
  new Router({
    version: 7,
    ...routingRules.parse({ routes: routes.map((rule) => ({ scheme: 'visa', ...rule })), failover }),
  });
const sale: Routed = { digits: '47617390010', operation: 'sale', entry: 'contact', amountMinor: 1_000, nowMs: noon };
const verdicts = (router: Router, asked: Partial<Routed>, down: readonly string[] = []) => {
  const { taken, first, steps } = router.route({ ...sale, ...asked }, (link) =>
    link === 'nobody' ? undefined : down.includes(link) ? 'down' : 'ready',
  );
  return { link: taken?.link, owner: first?.link, steps: steps.map(({ rule, verdict }) => `${rule.link} ${verdict}`) };
};

test('the longest prefix, then priority, then cost, then the place in the table; and every rule says why not', () => {
  const router = routerOf([
    { prefix: '4', link: 'wide' },
    { prefix: '476173', link: 'dear', cost: { fixedMinor: 30, basisPoints: 0 } },
    { prefix: '476173', link: 'cheap', cost: { fixedMinor: 0, basisPoints: 100 } },
    { prefix: '476173', link: 'last', priority: 90 },
    { prefix: '476173', link: 'large', amountMinor: { least: 10_000, most: 99_999 }, priority: 1 },
    { prefix: '476173', link: 'night', hours: { from: '22:00', until: '06:00' }, priority: 1 },
    { prefix: '476173', link: 'sunday', days: [0], priority: 1 },
    { prefix: '476173', link: 'refunds', operations: ['refund'], priority: 1 },
    { prefix: '476173', link: 'net', entries: ['e-commerce'], priority: 1 },
    { prefix: '5', link: 'other' },
  ]);
  expect(verdicts(router, {})).toEqual({
    link: 'cheap',
    owner: 'cheap',
    steps: [
      'large amount',
      'night hours',
      'sunday day',
      'refunds operation',
      'net entry',
      'cheap taken',
      'dear next',
      'last next',
      'wide next',
    ],
  });
  // One per cent of 4,000 is more than 30.
  expect(verdicts(router, { amountMinor: 4_000 }).link).toBe('dear');
  expect(verdicts(router, { amountMinor: 10_000 }).link).toBe('large');
  expect(verdicts(router, { nowMs: noon + 11 * 3_600_000 }).link).toBe('night');
  expect(verdicts(router, { nowMs: noon + 3 * 86_400_000 }).link).toBe('sunday');
  expect(verdicts(router, { digits: '41111111111' }).link).toBe('wide');
  expect(verdicts(router, { digits: '99999999999' })).toEqual({ link: undefined, owner: undefined, steps: [] });
});

test('a link that is down gives way to the next that fits, where the table says so; its owner stays', () => {
  const routes = [
    { prefix: '4', link: 'b' },
    { prefix: '47', link: 'a' },
    { prefix: '476', link: 'nobody' },
  ];
  expect(verdicts(routerOf(routes), {}, ['a'])).toMatchObject({
    link: 'b',
    owner: 'nobody',
    steps: ['nobody link-unknown', 'a link-down', 'b taken'],
  });
  expect(verdicts(routerOf(routes.slice(0, 2), false), {}, ['a'])).toMatchObject({ link: undefined, owner: 'a' });
  const prefixes = defaultRoutingTable([]).routes.map(({ prefix }) => prefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
  expect(isWithin({ from: '22:00', until: '06:00' }, noon - 9 * 3_600_000)).toBe(true);
});

const pays = (code: string, more = '0000', bonus = '0') => unwrap(parsePaymentMethod(`JP${code}${more}${bonus}`));
const asked = (change: Partial<Contracted>): Contracted => ({
  scheme: 'jcb',
  link: 'a',
  merchant: 'M1             ',
  operation: 'sale',
  amountMinor: 50_000,
  method: pays('10'),
  entry: 'contact',
  hasPin: false,
  verifications: ['5'],
  digits: '35699900100',
  cardholderCurrency: undefined,
  nowMs: noon,
  ...change,
});

test('contracts say how may be paid, how it is verified, when, and in which currency; the most particular counts', () => {
  const contracts = new Contracts(contractRules.parse(defaultContracts));
  const judge = (change: Partial<Contracted>) => {
    const refused = contracts.judge(asked(change));
    return refused ? `${refused.actionCode} ${refused.why}` : 'may';
  };
  expect(judge({})).toBe('may');
  expect(judge({ method: pays('61', '0312') })).toBe('may');
  expect(judge({ method: pays('61', '0412') })).toBe('119 instalments');
  expect(judge({ method: pays('80'), amountMinor: 900 })).toBe('110 amount');
  expect(judge({ scheme: 'unionpay', method: pays('61', '0300') })).toBe('119 method');
  // UnionPay: PIN and signature where chip or stripe were read; small amounts without contact go without, larger ones not.
  expect(judge({ scheme: 'unionpay', verifications: ['5'] })).toBe('112 pin');
  expect(judge({ scheme: 'unionpay', hasPin: true, verifications: ['1'] })).toBe('112 signature');
  expect(judge({ scheme: 'unionpay', hasPin: true, verifications: ['1', '5'] })).toBe('may');
  expect(judge({ scheme: 'unionpay', verifications: ['0'], entry: 'contactless' })).toBe('may');
  expect(judge({ scheme: 'unionpay', hasPin: true, verifications: ['1'], entry: 'contactless' })).toBe('112 signature');
  expect(judge({ scheme: 'j-debit' })).toBe('112 pin');
  expect(judge({ scheme: 'j-debit', hasPin: true })).toBe('may');
  expect(judge({ scheme: 'j-debit', operation: 'refund', hasPin: true })).toBe('119 operation');
  expect(judge({ scheme: 'visa', cardholderCurrency: '840' })).toBe('may');
  expect(judge({ scheme: 'jcb', cardholderCurrency: '840' })).toBe('119 currency');
  expect(contracts.judgeCancellation({ scheme: 'j-debit', link: 'a', merchant: '' }, '261127', '261128')).toMatchObject(
    { actionCode: '914' },
  );
  expect(
    contracts.judgeCancellation({ scheme: 'j-debit', link: 'a', merchant: '' }, '261127', '261127'),
  ).toBeUndefined();
  const own = new Contracts(
    contractRules.parse({
      contracts: [
        { scheme: 'jcb' },
        { scheme: 'jcb', link: 'a', methods: ['10', '21'] },
        { scheme: 'jcb', merchant: 'M1', methods: ['80'], hours: { from: '09:00', until: '12:00' } },
        { scheme: 'unionpay', pin: 'required', signatureOnly: ['6250'] },
      ],
    }),
  );
  expect(own.judge(asked({ method: pays('21'), merchant: 'M2' }))).toBeUndefined();
  expect(own.judge(asked({ method: pays('80') }))).toMatchObject({
    why: 'hours',
    hours: { from: '09:00', until: '12:00' },
  });
  expect(own.judge(asked({ method: pays('80'), nowMs: noon - 1 }))).toBeUndefined();
  expect(own.judge(asked({ scheme: 'unionpay', digits: '62509460000' }))).toBeUndefined();
  expect(own.judge(asked({ scheme: 'unionpay', digits: '62509460000', hasPin: true }))).toMatchObject({ why: 'pin' });
  expect(own.judge(asked({ scheme: 'unionpay', digits: '62219460000' }))).toMatchObject({ actionCode: '112' });
});

test('a payment method is written and read, and one that makes no sense is neither', () => {
  for (const method of [
    { code: '10' },
    { code: '61', instalments: 12, firstMonth: 1 },
    { code: '80' },
    {
      code: '22',
      bonus: [
        { month: 7, amountMinor: 0 },
        { month: 12, amountMinor: 30_000 },
      ],
    },
    { code: '34', instalments: 6, bonus: [{ month: 8, amountMinor: 10_000 }] },
  ] as const)
    expect(unwrap(parsePaymentMethod(unwrap(formatPaymentMethod(method))))).toEqual(method);
  for (const text of [
    '',
    'JP99000000',
    'JP6101000',
    'JP1003000',
    'JP6103130',
    'JP1000001',
    'JP610300',
    'JP8000001070000000',
  ])
    expect(parsePaymentMethod(text)).toMatchObject({ fault: { code: 'ACQUIRING_MESSAGE_REFUSED', field: 48 } });
});

const rule = standInRule.parse({
  link: 'a',
  saleMaxMinor: 5_000,
  cardDay: { minor: 9_000, count: 4 },
  merchantDayMinor: 20_000,
  issuerDayMinor: 100_000,
  velocity: { count: 3, minutes: 10 },
  ranges: [{ prefix: '47' }, { prefix: '4761', isExcluded: true }, { prefix: '476173' }],
  shares: { main: 0.5, second: 0.5 },
});
const request: StandInRequest = {
  state: 'down',
  scheme: 'visa',
  operation: 'sale',
  entry: 'contact',
  digits: '47617390010',
  hasPin: false,
  isListed: false,
  amountMinor: 1_000,
};
const unused: StandInUsed = { cardDay: { minor: 0, count: 0 }, cardLately: 0, merchantDayMinor: 0, issuerDayMinor: 0 };

test.each<[string, string | undefined, Partial<StandInRequest>, Partial<StandInUsed>]>([
  ['a small sale', undefined, {}, {}],
  ['what was sent already', 'link-state', { state: 'busy' }, {}],
  ['another operation', 'operation', { operation: 'refund' }, {}],
  ['a number typed in', 'entry', { entry: 'keyed' }, {}],
  ['a range that is left out', 'range', { digits: '47619990010' }, {}],
  ['a range that is not named', 'range', { digits: '51111111111' }, {}],
  ['a PIN', 'pin', { hasPin: true }, {}],
  ['a listed card', 'listed', { isListed: true }, {}],
  ['a large sale', 'sale-max', { amountMinor: 5_001 }, {}],
  ['half the limit of the card is used', 'card-day', {}, { cardDay: { minor: 3_501, count: 1 } }],
  ['half the count of the card is used', 'card-count', {}, { cardDay: { minor: 0, count: 2 } }],
  ['too often', 'velocity', {}, { cardLately: 1 }],
  ['half the limit of the shop is used', 'merchant-day', {}, { merchantDayMinor: 9_001 }],
  ['half the limit of the issuer is used', 'issuer-day', {}, { issuerDayMinor: 49_001 }],
])('stand-in: %s', (_, why, change, used) => {
  const own = { ...unused, ...used };
  expect(judgeStandIn(rule, 'main', { ...request, ...change }, { own, all: own })).toBe(why);
});

test('two nodes that do not see each other never give away more than the limit together', () => {
  let given = 0;
  for (const node of ['main', 'second', 'third']) {
    let minor = 0;
    for (let count = 0; count < 10; count += 1) {
      const used = { ...unused, cardDay: { minor, count: 0 } };
      if (judgeStandIn(rule, node, { ...request, amountMinor: 700 }, { own: used, all: used }) === undefined)
        minor += 700;
    }
    given += minor;
  }
  expect(given).toBeGreaterThan(0);
  expect(given).toBeLessThanOrEqual(rule.cardDay.minor);
  expect(standInRule.safeParse({ ...rule, shares: { main: 0.6, second: 0.5 } }).success).toBe(false);
});

test('a node that gets the share of one that is gone gives away what that one left of the limit, and no more', () => {
  const taken = { ...rule, shares: { second: 1 } };
  const judge = (amountMinor: number, minor: number): string | undefined => {
    const all = { ...unused, cardDay: { minor, count: 1 } };
    return judgeStandIn(taken, 'second', { ...request, amountMinor }, { own: unused, all });
  };
  expect(judge(4_500, 4_500)).toBeUndefined();
  expect(judge(4_501, 4_500)).toBe('card-day');
});

test('with the issuer away a sale is approved within its limits; when it is back it hears of each, and what it refuses is in the report', async () => {
  const house = await openSmallHouse(undefined, { switchClock: noonInJapan() });
  try {
    const { rules, standIn } = house.sw;
    const before = unwrap(await rules.view('stand-in')).version;
    const { link: _link, ranges: _ranges, ...limits } = rule;
    const issuers = [{ ...limits, link: 'card-company-1', shares: { main: 1 } }];
    expect(
      await rules.change('stand-in', before, { issuers: [{ ...issuers[0], link: 'nobody' }] }, 'test', 'me'),
    ).toMatchObject({
      fault: { code: 'SWITCH_RULES_INVALID', field: 'issuers.0.link' },
    });
    const { version: routed } = rules.router.table;
    for (const [never, field] of [
      [{ amountMinor: { least: 5_000, most: 10 } }, 'routes.0.amountMinor'],
      [{ hours: { from: '08:00', until: '08:00' } }, 'routes.0.hours'],
    ] as const)
      expect(
        await rules.change(
          'routing',
          routed,
          { routes: [{ prefix: '4', scheme: 'visa', link: 'card-company-1', ...never }] },
          'test',
          'me',
        ),
      ).toMatchObject({ fault: { code: 'SWITCH_RULES_INVALID', field } });
    const changed = unwrap(await rules.change('stand-in', before, { issuers }, 'planned stop', 'me'));
    expect(changed).toMatchObject({ version: before + 1, by: 'me', reason: 'planned stop' });
    expect(await rules.change('stand-in', before, { issuers: [] }, 'late', 'you')).toMatchObject({
      fault: { code: 'VERSION_CONFLICT' },
    });
    expect((await rules.versions('stand-in')).map(({ version }) => version)).toEqual([2, 1]);

    await house.stopCardCompany();
    await until(() => house.sw.links()[0]?.state === 'down');
    const terminal = await house.terminal('CT5100-0001');
    const sold = terminal.sale('visa-contact', 1_000);
    const approved = await terminal.ask(sold);
    expect([approved.text(39), approved.text(38)?.[0]]).toEqual(['000', 'S']);
    // The same again is the same answer, and the limit is used once.
    expect((await terminal.ask({ ...sold, mti: '1201' })).text(38)).toBe(approved.text(38));
    expect((await terminal.ask(terminal.sale('visa-contact', 5_001))).text(39)).toBe('912');
    // This one the issuer would never have approved.
    expect((await terminal.ask(terminal.sale('visa-declined', 2_000))).text(39)).toBe('000');
    // One that the till takes back: both advices go to the issuer, and nothing stands.
    const back = terminal.sale('jcb-contact', 3_000);
    expect((await terminal.ask(back)).text(39)).toBe('000');
    expect((await terminal.ask(terminal.reversal(back, '4000'))).text(39)).toBe('400');
    expect((await standIn.list(10, undefined, undefined)).map(({ state }) => state)).toEqual([
      'advising',
      'advising',
      'advising',
    ]);

    await house.startCardCompany();
    await until(() => house.sw.reversalsQueued === 0);
    const report = await standIn.list(10, undefined, undefined);
    expect(report.map(({ amountMinor, state, actionCode }) => [amountMinor, state, actionCode])).toEqual([
      [3_000, 'taken', null],
      [2_000, 'refused', '116'],
      [1_000, 'taken', null],
    ]);
    await until(() => house.ledger.takenMinor === 1_000);
    // What it refused is not in its books, and not in ours of it: the day agrees.
    const day = unwrap(await house.sw.operator.reconcile('card-company-1', undefined, false, 'test'));
    expect(day).toMatchObject({ result: 'balanced' });
    terminal.close();
  } finally {
    await house.close();
  }
});

test('a contract that takes back on the same day alone means the business day of the issuer, which need not end at midnight', async () => {
  const { clock } = systemWorld(() => undefined);
  let stepMs = 0;
  const cutover = new Date(Date.now() + 9 * 3_600_000 + 600_000).toISOString().slice(11, 16);
  const link = { ...cardCompanyLink, calendar: { ...cardCompanyLink.calendar, cutover } };
  const switchClock = { ...clock, now: () => clock.now() + stepMs };
  const house = await openSmallHouse(undefined, { links: [link], cardCompany: { link }, switchClock });
  try {
    const { rules } = house.sw;
    const { version } = unwrap(await rules.view('contracts'));
    const contracts = [{ scheme: 'visa', cancelSameDay: true }];
    unwrap(await rules.change('contracts', version, { contracts }, 'test', 'me'));
    const terminal = await house.terminal('CT5100-0001');
    const sales = [terminal.sale('visa-contact', 1_000), terminal.sale('visa-contact', 2_000)] as const;
    for (const sold of sales) expect((await terminal.ask(sold)).text(39)).toBe('000');
    expect((await terminal.ask(terminal.reversal(sales[0], '4000'))).text(39)).toBe('400');
    stepMs = 660_000;
    expect((await terminal.ask(terminal.reversal(sales[1], '4000'))).text(39)).toBe('914');
    terminal.close();
  } finally {
    await house.close();
  }
});

test('an approval in the place of an issuer of which no sale ever came is taken back by the next start; one that has its sale stays', async () => {
  const house = await openSmallHouse();
  try {
    const terminal = await house.terminal('CT5100-0001');
    const sold = terminal.sale('visa-contact', 1_000);
    await terminal.ask(sold);
    terminal.close();
    const sale = await house.store.db.selectFrom('switch_sales').selectAll().executeTakeFirstOrThrow();
    await house.store.db.updateTable('switch_sales').set({ state: 'posted' }).execute();
    const given = {
      at: 1,
      link: 'card-company-1',
      rule_version: 1,
      node: 'main',
      day: '261126',
      pan_token: sale.pan_token,
      last_four: '0010',
      merchant: 'm',
      amount_minor: 1_000,
      approval_code: 'S00000',
      state: 'advising',
      action_code: null,
    } as const;
    await house.store.db
      .insertInto('switch_stand_in')
      .values([
        { ...given, sale_id: sale.id },
        { ...given, sale_id: 'never-committed' },
      ])
      .execute();
    const risen = await afterPowerCut(house);
    try {
      const uses = await risen.store.db.selectFrom('switch_stand_in').select('sale_id').execute();
      expect(uses).toEqual([{ sale_id: sale.id }]);
    } finally {
      await risen.close();
    }
  } finally {
    await house.close();
  }
});

test('an approval that a sale is about to be written for is nobody’s to take back; once its commit failed it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stand-in-'));
  const world = systemWorld(() => undefined);
  const store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  try {
    const rules = await openSwitchRules(world, store, () => ['a']);
    const { ranges: _ranges, ...limits } = rule;
    const issuers = [{ ...limits, link: 'a', shares: { main: 1 } }];
    unwrap(await rules.change('stand-in', unwrap(await rules.view('stand-in')).version, { issuers }, 'test', 'me'));
    const standIn = openStandIn(
      world,
      store,
      () => rules,
      () => Promise.resolve(false),
    );
    const pan = Secret.take('pan', Buffer.from('4761739001010010'));
    const asked = { ...request, saleId: 'one', link: 'a', pan, panToken: 't', merchant: 'm', amountMinor: 1_000 };
    expect(await standIn.approve(asked)).toMatchObject({ advice: 'offlineSale' });
    const given = async () => (await standIn.list(9, undefined, undefined)).map(({ sale }) => sale);
    await standIn.releaseLost();
    expect(await given()).toEqual(['one']);
    standIn.left('one');
    await standIn.releaseLost();
    expect(await given()).toEqual([]);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('an authorisation given in the place of an issuer is told by a 1120: it posts nothing there, and its completion posts once', async () => {
  const house = await openSmallHouse(undefined, { switchClock: noonInJapan() });
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  try {
    const { rules, standIn } = house.sw;
    const { link: _link, ranges: _ranges, ...limits } = rule;
    const issuers = [{ ...limits, link: 'card-company-1', shares: { main: 1 }, entries: ['e-commerce'] }];
    unwrap(await rules.change('stand-in', unwrap(await rules.view('stand-in')).version, { issuers }, 'test', 'me'));
    await house.stopCardCompany();
    await until(() => house.sw.links()[0]?.state === 'down');
    const hold = (card: Parameters<SmallCentre['sale']>[0], amountMinor: number): Message => {
      const { fields } = centre.sale(card, amountMinor);
      return { mti: '1100', fields: { ...fields, 24: '100' } };
    };
    const held = hold('visa-contact', 4_000);
    const approved = await centre.ask(held);
    expect([approved.mti, approved.text(39), approved.text(38)?.[0]]).toEqual(['1110', '000', 'S']);
    // One that the issuer would never have given, and one that the centre takes back.
    expect((await centre.ask(hold('visa-declined', 2_000))).text(39)).toBe('000');
    const back = hold('jcb-contact', 3_000);
    expect((await centre.ask(back)).text(39)).toBe('000');
    expect((await centre.ask(centre.reversal(back))).text(39)).toBe('400');
    // Nobody gives money back in an issuer's place: there is no advice that would tell it.
    const refund = { ...request, operation: 'refund' } as const;
    expect(judgeStandIn({ ...rule, operations: ['refund'] }, 'main', refund, { own: unused, all: unused })).toBe(
      'operation',
    );

    await house.startCardCompany();
    await until(() => house.sw.reversalsQueued === 0);
    const report = await standIn.list(10, undefined, undefined);
    expect(report.map(({ amountMinor, state, actionCode }) => [amountMinor, state, actionCode])).toEqual([
      [3_000, 'taken', null],
      [2_000, 'refused', '116'],
      [4_000, 'taken', null],
    ]);
    expect(house.ledger.takenMinor).toBe(0);
    const [visa] = unwrap(await house.sw.operator.transactions({ amount: 4_000 }, { limit: 1 })).items;
    expect(visa?.state).toBe('posted');

    const { fields } = centre.sale('visa-contact', 4_000);
    const completion = { ...fields, 24: '201', 38: approved.text(38) ?? '', 56: unwrap(originalDataOf(held)) };
    expect((await centre.ask({ mti: '1220', fields: completion })).text(39)).toBe('900');
    await until(() => house.sw.reversalsQueued === 0);
    await until(() => house.ledger.takenMinor === 4_000);
    const day = unwrap(await house.sw.operator.reconcile('card-company-1', undefined, false, 'test'));
    expect(day).toMatchObject({ result: 'balanced', differences: 0, ours: { debits: 1, debitsMinor: 4_000 } });
  } finally {
    await centre.close();
    await house.close();
  }
});

test.each([
  ['1200', 'sale', 'issuer'],
  ['1220', 'sale', 'switch'],
  ['1100', 'authorisation', 'issuer'],
  ['1120', 'authorisation', 'switch'],
  ['1220', 'offlineSale', 'switch'],
] as const)('what follows a transaction names it by the %s that its issuer heard: %s, by %s', (mti, kind, by) => {
  expect(toldMti({ kind, decided_by: by })).toBe(mti);
});
