import { nextDay } from '@tsunagu/fleet-server/switch/journal/postings';
import {
  businessDay,
  cardCompanyLink,
  defaultLinks,
  type Link,
  type ReconciliationItem,
  totalsOf,
} from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';

const switchClock = noonInJapan();
let house: SmallHouse;
let centre: SmallCentre;
let terminal: Terminal;
beforeAll(async () => {
  house = await openSmallHouse(undefined, { switchClock });
  centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  terminal = await house.terminal('CT5100-0001');
});
afterAll(async () => {
  terminal?.close();
  await centre?.close();
  await house?.close();
});

const link = cardCompanyLink.id;
/** What the journal says of the days of a link. */
const journalled = async (of: string) =>
  (
    await house.store.db
      .selectFrom('switch_journal')
      .select('facts')
      .where('entry', '=', 'reconciled')
      .orderBy('seq')
      .execute()
  )
    .map(({ facts }) => JSON.parse(facts) as Record<string, unknown>)
    .filter((facts) => facts['link'] === of);
const today = (): string => businessDay(cardCompanyLink, switchClock.now());

test('a day with sales and a reversal agrees with the issuer, figure by figure', async () => {
  expect((await terminal.ask(terminal.sale('visa-contact', 1_000))).text(39)).toBe('000');
  expect((await centre.ask(centre.sale('jcb-contact', 2_000))).text(39)).toBe('000');
  const undone = centre.sale('jcb-contact', 3_000);
  expect((await centre.ask(undone)).text(39)).toBe('000');
  expect((await centre.ask(centre.reversal(undone))).text(39)).toBe('400');
  await until(() => house.sw.reversalsQueued === 0);
  const day = unwrap(await house.sw.operator.reconcile(link, undefined, false, 'test'));
  expect(day).toMatchObject({ result: 'balanced', state: 'open', differences: 0 });
  expect(day.ours).toEqual(day.theirs);
  expect(day.ours).toMatchObject({ debits: 3, debitsMinor: 6_000, debitReversals: 1, debitReversalsMinor: 3_000 });
});

test('a day that was never compared, and a link that there is not, have no differences to show, and are not said to agree', async () => {
  expect(await house.sw.operator.differences(link, '200101')).toMatchObject({
    fault: { code: 'SWITCH_DAY_NOT_COMPARED', facts: { link, day: '200101' } },
  });
  expect(await house.sw.operator.differences('nobody', today())).toMatchObject({ fault: { code: 'LINK_UNKNOWN' } });
  expect(await house.sw.operator.differences(link, today())).toEqual({ ok: true, value: [] });
});

test('a day that is not over cannot be closed', async () => {
  expect(await house.sw.operator.reconcile(link, today(), true, 'test')).toMatchObject({
    ok: false,
    fault: { code: 'SWITCH_DAY_OPEN' },
  });
  expect(await house.sw.operator.reconcile('nobody', today(), true, 'test')).toMatchObject({
    fault: { code: 'LINK_UNKNOWN' },
  });
});

test('what only the issuer has, and what it has with another amount, is named item by item', async () => {
  const sale = centre.sale('jcb-contact', 5_000);
  const rrn = (await centre.ask(sale)).text(37) ?? '';
  const [kept] = unwrap(await house.sw.operator.transactions({ rrn }, { limit: 1 })).items;
  if (!kept) throw new Error('no transaction');
  // Somebody changed our books behind our back, and the issuer has a sale that we never heard of.
  await house.store.db
    .updateTable('switch_postings')
    .set({ amount_minor: 5_001 })
    .where('sale_id', '=', kept.id)
    .where('side', '=', 'issuer')
    .execute();
  await house.ledger.append({
    kind: 'sale',
    what: 'sale',
    key: `999999/${today()}120000/1`,
    account: 'visa-contact',
    day: today(),
    amountMinor: 77,
    actionCode: '000',
    approvalCode: 'A',
    emv: '',
  });
  const day = unwrap(await house.sw.operator.reconcile(link, undefined, false, 'test'));
  expect(day).toMatchObject({ result: 'unbalanced', state: 'open', differences: 2 });
  const differences = unwrap(await house.sw.operator.differences(link, today()));
  expect(differences).toContainEqual({
    stan: kept.outStan,
    localTime: String(sale.fields[12]),
    kind: 'debit',
    oursMinor: 5_001,
    theirsMinor: 5_000,
    transaction: kept.id,
  });
  expect(differences).toContainEqual({
    stan: '999999',
    localTime: `${today()}120000`,
    kind: 'debit',
    oursMinor: null,
    theirsMinor: 77,
    transaction: null,
  });
});

test('a centre compares its own totals at any time, and fetches the items where they differ', async () => {
  const day = today();
  const items = await centre.items(day);
  expect(items.length).toBeGreaterThan(2);
  expect((await centre.reconcile(day, items, false)).text(39)).toBe('500');
  const [first] = items;
  if (!first) throw new Error('no items');
  const wrong: readonly ReconciliationItem[] = [{ ...first, amountMinor: first.amountMinor + 1 }, ...items.slice(1)];
  const answer = await centre.reconcile(day, wrong, false);
  expect([answer.mti, answer.text(39)]).toEqual(['1530', '501']);
  // It is not over yet: nobody closes it.
  expect((await centre.reconcile(day, items, true)).text(39)).toBe('915');
});

test('a day that is over is closed once, its figures stay, and what comes for it later counts on the next', async () => {
  await house.store.db
    .updateTable('switch_postings')
    .set({ day: '200101', said_day: '200101' })
    .where('link', '=', 'ec-centre-1')
    .execute();
  const items = await centre.items('200101');
  expect((await centre.reconcile('200101', items, true)).text(39)).toBe('500');
  const days = unwrap(await house.sw.operator.reconciliations({ limit: 10 })).items;
  expect(days.find((each) => each.day === '200101')).toMatchObject({
    link: 'ec-centre-1',
    state: 'closed',
    settled: { figures: 'both', why: 'balanced', by: 'ec-centre-1' },
  });
  // The journal tells it, as it does of a day that we had closed: who did, and by whose figures.
  expect((await journalled('ec-centre-1')).at(-1)).toEqual({
    link: 'ec-centre-1',
    day: '200101',
    result: 'balanced',
    state: 'closed',
    differences: 0,
    figures: 'both',
    by: 'ec-centre-1',
  });
  const told = (await journalled('ec-centre-1')).length;
  const again = await centre.reconcile('200101', items.slice(1), true);
  expect(await journalled('ec-centre-1')).toHaveLength(told);
  expect([again.text(39), again.text(76)]).toEqual([
    '501',
    String(items.filter(({ kind }) => kind === 'debit').length).padStart(10, '0'),
  ]);
  // It was compared so far by now; here it ends early.
  await house.store.db
    .updateTable('switch_days')
    .set({ state: 'closed' })
    .where('link', '=', 'ec-centre-1')
    .where('day', '=', today())
    .execute();
  const rrn = (await centre.ask(centre.sale('jcb-contact', 610))).text(37) ?? '';
  const [kept] = unwrap(await house.sw.operator.transactions({ rrn }, { limit: 1 })).items;
  const { postings } = unwrap(await house.sw.operator.transaction(kept?.id ?? ''));
  const late = postings.find(({ side }) => side === 'acquirer');
  expect([late?.saidDay, late?.day]).toEqual([today(), nextDay(today())]);
});

test('days that are over are compared and closed by the calendar, oldest first and once; one that is not over is left', async () => {
  const posting = {
    sale_id: 'x',
    side: 'issuer',
    kind: 'taken',
    class: 'debit',
    amount_minor: 90,
    link,
    at: 1,
  } as const;
  const ofDay = (day: string, stan: string) => ({
    day,
    said_day: day,
    stan,
    local_time: `${day}120000`,
    sale_id: stan,
  });
  await house.store.db
    .insertInto('switch_postings')
    .values([
      { ...posting, ...ofDay('200103', '999997') },
      { ...posting, ...ofDay('200102', '999998') },
    ])
    .execute();
  // The issuer has the older one; of the other it never heard.
  await house.ledger.append({
    kind: 'sale',
    what: 'sale',
    key: '999998/200102120000/1',
    account: 'visa-contact',
    day: '200102',
    amountMinor: 90,
    actionCode: '000',
    approvalCode: 'A',
    emv: '',
  });
  const before = switchClock.now();
  await house.sw.operator.reconcileDue();
  const compared = async () =>
    unwrap(await house.sw.operator.reconciliations({ limit: 50 })).items.filter((each) => each.link === link);
  const first = await compared();
  const of = (day: string) => first.find((each) => each.day === day);
  expect(of('200102')).toMatchObject({ state: 'closed', result: 'balanced', differences: 0 });
  // It waits for a person, and is not asked for again.
  expect(of('200103')).toMatchObject({ state: 'open', result: 'held', differences: 1, settled: null });
  expect(Date.parse(of('200102')?.at ?? '')).toBeLessThanOrEqual(Date.parse(of('200103')?.at ?? ''));
  expect(Date.parse(of(today())?.at ?? '')).toBeLessThan(before);
  expect(of(today())?.state).toBe('open');
  // What is settled is passed over, and holds up nothing that comes later.
  await house.store.db
    .insertInto('switch_postings')
    .values({ ...posting, ...ofDay('200104', '999996') })
    .execute();
  await house.sw.operator.reconcileDue();
  const second = await compared();
  expect(second.find(({ day }) => day === '200104')).toMatchObject({ result: 'held', differences: 1 });
  expect(second.filter(({ day }) => day !== '200104')).toEqual(first);
});

test('a day that is held is closed by a person, by the figures of one side, and once; the journal has who and why', async () => {
  const { operator } = house.sw;
  const settle = (day: string, figures: 'ours' | 'theirs', of = link) =>
    operator.settleDay(of, day, figures, 'kim', 'agreed by phone with Ms Abe');
  expect(await settle('200103', 'ours', 'nobody')).toMatchObject({ fault: { code: 'LINK_UNKNOWN' } });
  expect(await settle('190101', 'ours')).toMatchObject({ fault: { code: 'SWITCH_DAY_NOT_COMPARED' } });
  expect(await settle(today(), 'ours')).toMatchObject({ fault: { code: 'SWITCH_DAY_NOT_HELD' } });
  const theirs = unwrap(await settle('200103', 'theirs'));
  expect(theirs).toMatchObject({ state: 'closed', result: 'unbalanced', differences: 1 });
  expect(theirs.settled).toEqual({ figures: 'theirs', why: 'by-hand', by: 'kim', at: theirs.at });
  expect([theirs.counted.debitsMinor, theirs.ours.debitsMinor]).toEqual([0, 90]);
  expect(await settle('200103', 'ours')).toMatchObject({ fault: { code: 'SWITCH_DAY_CLOSED' } });
  // Nobody knows their totals of this one; and something of it was given back since it was compared.
  await house.store.db.updateTable('switch_days').set({ theirs: null }).where('day', '=', '200104').execute();
  expect(await settle('200104', 'theirs')).toMatchObject({ fault: { code: 'SWITCH_DAY_THEIRS_UNKNOWN' } });
  const [taken] = await house.store.db.selectFrom('switch_postings').selectAll().where('day', '=', '200104').execute();
  if (!taken) throw new Error('no posting');
  const { seq: _seq, ...posting } = taken;
  await house.store.db
    .insertInto('switch_postings')
    .values({ ...posting, kind: 'given-back' })
    .execute();
  const ours = unwrap(await settle('200104', 'ours'));
  expect(ours.counted).toMatchObject({ debitsMinor: 90, debitReversalsMinor: 90 });
  expect((await journalled(link)).slice(-2)).toEqual([
    expect.objectContaining({
      day: '200103',
      state: 'closed',
      figures: 'theirs',
      by: 'kim',
      reason: expect.any(String),
    }),
    expect.objectContaining({ day: '200104', figures: 'ours', by: 'kim', reason: 'agreed by phone with Ms Abe' }),
  ]);
  // What is settled is not due any more.
  const before = (await journalled(link)).length;
  await operator.reconcileDue();
  expect(await journalled(link)).toHaveLength(before);
});

test.each([
  ['settle-ours', 'ours', '501'],
  ['settle-theirs', 'theirs', '500'],
] as const)(
  'a day out of balance that %s closes says whose figures count, who closed it, when and why',
  async (outOfBalance, figures, again) => {
    const settling = (each: Link): Link => ({
      ...each,
      profile: { ...each.profile, reconciliation: { ...each.profile.reconciliation, outOfBalance } },
    });
    const links = defaultLinks.filter(({ id }) => id === link || id === 'ec-centre-1').map(settling);
    const other = await openSmallHouse(undefined, { links, switchClock });
    try {
      const settlingCentre = await SmallCentre.open(other.folder, other.sw.centresPort ?? 0, 'ec-centre-1');
      await until(() => other.sw.links().some(({ id, state }) => id === link && state === 'signed-on'));
      const posting = { kind: 'taken', class: 'debit', day: '200102', said_day: '200102', at: 1 } as const;
      const numbered = { ...posting, local_time: '200102120000', amount_minor: 90 };
      await other.store.db
        .insertInto('switch_postings')
        .values([
          { ...numbered, link, side: 'issuer', sale_id: 'a', stan: '999998' },
          { ...numbered, link: 'ec-centre-1', side: 'acquirer', sale_id: 'b', stan: '999999' },
        ])
        .execute();
      const { operator } = other.sw;
      // The issuer never heard of it.
      const closed = unwrap(await operator.reconcile(link, '200102', true, 'kim'));
      expect(closed).toMatchObject({ state: 'closed', result: 'unbalanced', differences: 1 });
      expect(closed.settled).toEqual({ figures, why: outOfBalance, by: 'kim', at: closed.at });
      expect(closed.counted).toEqual(closed[figures]);
      expect(closed.counted.debitsMinor).toBe(figures === 'ours' ? 90 : 0);
      // The centre has it with another amount; its own totals are told to differ whoever's count.
      const items = (await settlingCentre.items('200102')).map((item) => ({ ...item, amountMinor: 70 }));
      expect((await settlingCentre.reconcile('200102', items, true)).text(39)).toBe('501');
      const days = unwrap(await operator.reconciliations({ limit: 10 })).items;
      const ofCentre = days.find((each) => each.link === 'ec-centre-1');
      expect(ofCentre?.settled).toMatchObject({ figures, why: outOfBalance, by: 'ec-centre-1' });
      expect(ofCentre?.counted).toEqual(figures === 'ours' ? ofCentre?.ours : totalsOf(items));
      // From then on the day is what counts of it.
      const later = await settlingCentre.reconcile('200102', items, true);
      expect([later.text(39), Number(later.text(88))]).toEqual([again, ofCentre?.counted.debitsMinor]);
      await settlingCentre.close();
    } finally {
      await other.close();
    }
  },
);
