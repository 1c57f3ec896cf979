import { nextDay } from '@tsunagu/fleet-server/switch/journal/postings';
import { businessDay, cardCompanyLink, defaultLinks } from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, quickLink, type SmallHouse, until } from './small-house.ts';

const { clock } = systemWorld(() => undefined);
const dayMs = 86_400_000;
const midnight = Math.ceil(Date.now() / dayMs) * dayMs + 15 * 3_600_000;
/** Half an hour before a midnight in Japan, whatever the time is: no test takes so long. */
const eve = midnight - 30 * 60_000;
let stepMs = eve - Date.now();
const switchClock = { ...clock, now: () => clock.now() + stepMs };
/** Sets the clock of the switch to so many minutes after that midnight. */
const setTo = (minutes: number): void => {
  stepMs = midnight + minutes * 60_000 - Date.now();
};

const link = cardCompanyLink.id;
const first = businessDay(cardCompanyLink, eve);
const second = nextDay(first);
/** What the issuer says never arrives. */
let isLost = false;
/** How many of its answers were lost. */
let lostCount = 0;
let house: SmallHouse;
let centre: SmallCentre;
const nextFault = (): number => {
  if (isLost) lostCount += 1;
  return isLost ? 0 : 1;
};
beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    switchClock,
    links: [quickLink, ...defaultLinks.filter(({ id }) => id === 'ec-centre-1')],
    cardCompany: { faults: { rates: { drop: 1 }, lateMs: 1, dripMs: 1 }, nextFault },
    isLost: () => isLost,
  });
  centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
});
afterAll(async () => {
  await centre?.close();
  await house?.close();
});

test('a day that has not begun is not compared, and does not stand among those that were', async () => {
  for (const day of [nextDay(first), '991231'])
    expect(await house.sw.operator.reconcile(link, day, false, 'test')).toMatchObject({
      fault: { code: 'SWITCH_DAY_AHEAD', facts: { day, today: first } },
    });
  expect(unwrap(await house.sw.operator.reconciliations({ limit: 10 })).items).toEqual([]);
});

test('a centre that compares a day which has not begun, or is none, is refused, and nothing of it is kept', async () => {
  for (const isFinal of [false, true]) {
    expect((await centre.reconcile(second, [], isFinal)).text(39)).toBe('915');
    const refused = await centre.reconcile('269999', [], isFinal);
    expect([refused.text(39), refused.text(44)]).toEqual(['904', 'DE28']);
  }
  expect(unwrap(await house.sw.operator.reconciliations({ limit: 10 })).items).toEqual([]);
});

/** Both sides have the same of a day, item by item. */
async function expectAgreed(day: string, isFinal = false): Promise<void> {
  const compared = unwrap(await house.sw.operator.reconcile(link, day, isFinal, 'test'));
  expect(compared).toMatchObject({ day, result: 'balanced', differences: 0 });
}
/** What was posted, by the day on which it counts. */
const counted = async (rrn: string): Promise<readonly (readonly string[])[]> => {
  const [kept] = unwrap(await house.sw.operator.transactions({ rrn }, { limit: 1 })).items;
  const { postings } = unwrap(await house.sw.operator.transaction(kept?.id ?? ''));
  return postings.map(({ side, kind, day }) => [side, kind, day] as const);
};

test('what was taken back before midnight, and reached the issuer after it, counts on the same day on both sides', async () => {
  const sold = centre.sale('jcb-contact', 1_000);
  const rrn = (await centre.ask(sold)).text(37) ?? '';
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  expect((await centre.ask(centre.reversal(sold))).text(39)).toBe('400');
  setTo(10);
  await house.startCardCompany();
  await until(() => house.sw.reversalsQueued === 0);
  expect(await counted(rrn)).toContainEqual(['issuer', 'given-back', first]);
  await expectAgreed(first);
  await expectAgreed(second);
});

test('a sale whose answers were lost before midnight, and the word of whose reversal came after it, counts on the day before', async () => {
  setTo(-30);
  isLost = true;
  const sold = centre.sale('jcb-contact', 1_100);
  expect((await centre.ask(sold)).text(39)).toBe('911');
  setTo(12);
  isLost = false;
  await until(() => house.sw.reversalsQueued === 0);
  await expectAgreed(first);
  await expectAgreed(second);
  const [kept] = unwrap(await house.sw.operator.transactions({ amount: 1_100 }, { limit: 1 })).items;
  const { postings } = unwrap(await house.sw.operator.transaction(kept?.id ?? ''));
  expect(postings.map(({ side, kind, day }) => [side, kind, day])).toEqual([
    ['issuer', 'taken', first],
    ['issuer', 'given-back', first],
  ]);
});

test('a clock that is set back into a day that was closed: what is sold then counts on the next one, once and on both sides', async () => {
  setTo(40);
  expect((await centre.ask(centre.sale('jcb-contact', 2_000))).text(39)).toBe('000');
  await house.sw.operator.reconcileDue();
  const closed = unwrap(await house.sw.operator.reconciliations({ limit: 10 })).items;
  expect(closed.find(({ day, link: of }) => day === first && of === link)).toMatchObject({ state: 'closed' });
  setTo(-10);
  const sold = centre.sale('jcb-contact', 3_000);
  const answer = await centre.ask(sold);
  expect(await counted(answer.text(37) ?? '')).toContainEqual(['issuer', 'taken', second]);
  expect((await centre.ask(centre.reversal(sold))).text(39)).toBe('400');
  await until(() => house.sw.reversalsQueued === 0);
  // Neither the day before closes anew, nor does one that is to come.
  await house.sw.operator.reconcileDue();
  expect(await house.sw.operator.reconcile(link, second, true, 'test')).toMatchObject({
    fault: { code: 'SWITCH_DAY_OPEN' },
  });
  setTo(24 * 60 + 40);
  await house.sw.operator.reconcileDue();
  const { items } = unwrap(await house.sw.operator.reconciliations({ limit: 10 }));
  for (const day of [first, second])
    expect(items.find((each) => each.day === day && each.link === link)).toMatchObject({
      state: 'closed',
      result: 'balanced',
      differences: 0,
    });
  const twice = await house.store.db
    .selectFrom('switch_postings')
    .select((on) => on.fn.countAll<number>().as('count'))
    .groupBy(['sale_id', 'side', 'kind'])
    .execute();
  expect(twice.every(({ count }) => Number(count) === 1)).toBe(true);
});

test('an open day is compared while sales go on: what is under way is no difference, and what is none of that stays one', async () => {
  const day = businessDay(cardCompanyLink, switchClock.now());
  let isOver = false;
  const selling = async (): Promise<void> => {
    while (!isOver) await Promise.all([1, 2, 3].map((yen) => centre.ask(centre.sale('jcb-contact', yen))));
  };
  const sellers = [selling(), selling()];
  for (let times = 0; times < 10; times += 1) await expectAgreed(day);
  // The answer to this one is lost, and it is not reversed yet.
  isOver = true;
  await Promise.all(sellers);
  isLost = true;
  const before = lostCount;
  const lost = centre.ask(centre.sale('jcb-contact', 4_321));
  await until(() => lostCount > before);
  isLost = false;
  await expectAgreed(day);
  expect((await lost).text(39)).toBe('911');
  await house.ledger.append({
    kind: 'sale',
    what: 'sale',
    key: `999999/${day}120000/1`,
    account: 'jcb-contact',
    day,
    amountMinor: 77,
    actionCode: '000',
    approvalCode: 'A',
    emv: '',
  });
  expect(unwrap(await house.sw.operator.reconcile(link, day, false, 'test'))).toMatchObject({
    result: 'unbalanced',
    differences: 1,
  });
});
