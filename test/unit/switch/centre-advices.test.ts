import type { CardCompanyOptions } from '@tsunagu/fleet-server/card-company/card-company';
import {
  cardCompanyLink,
  defaultLinks,
  issuerCodec,
  type Link,
  paymentRequest,
  terminalIdOf,
  withCard,
} from '@tsunagu/protocols/acquiring';
import { type FieldValue, formatOriginalData, type Message, originalMti } from '@tsunagu/protocols/iso8583';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterEach, expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, issuerPatienceMs, type SmallHouse, until } from './small-house.ts';

/** What the issuer was sent, by its own edge: MTI and the keys of the transaction. */
let heard: { readonly mti: string; readonly stan: string; readonly amount: string; readonly original: string }[] = [];
const tap = {
  message(_line: string, way: 'in' | 'out', bytes: Uint8Array) {
    const read = issuerCodec.decode(bytes);
    if (way !== 'in' || !read.ok || read.value.mti[1] === '8') return;
    const { mti } = read.value;
    heard.push({
      mti,
      stan: read.value.text(11) ?? '',
      amount: read.value.text(4) ?? '',
      original: read.value.text(56)?.slice(0, 4) ?? '',
    });
  },
  close: () => undefined,
};
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  heard = [];
});
async function open(links?: readonly Link[]): Promise<[SmallHouse, SmallCentre]> {
  const house = await openSmallHouse(undefined, {
    switchClock: noonInJapan(),
    cardCompany: { tap },
    ...(links && { links }),
  });
  closing.push(() => house.close());
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'pos-centre-1');
  closing.push(() => centre.close());
  return [house, centre];
}

/** Advices are repeated soon. */
const quickLinks: readonly Link[] = defaultLinks
  .filter(({ side, id }) => side === 'acquirer' || id === cardCompanyLink.id)
  .map((link) =>
    link.side === 'acquirer'
      ? link
      : {
          ...link,
          profile: {
            ...link.profile,
            timers: {
              ...link.profile.timers,
              requestMs: issuerPatienceMs,
              storeAndForward: { ...link.profile.timers.storeAndForward, firstMs: 100, maxMs: 300, manualAfter: 1_000 },
            },
          },
        },
  );

type Advice = '1120' | '1220';
/** What a centre decided by itself: a clerk had the approval code on the telephone. */
function advised(
  centre: SmallCentre,
  mti: Advice,
  amountMinor: number,
  change: { readonly [element: number]: FieldValue } = {},
): Message {
  const { fields } = centre.sale('jcb-contact', amountMinor);
  const code = mti === '1120' ? '100' : '200';
  return { mti, fields: { ...fields, 24: code, 25: '1004', 38: 'V12345', 39: '000', 58: '39200070001', ...change } };
}
const repeated = ({ mti, fields }: Message): Message => ({
  mti: mti.replace(/0$/, '1'),
  fields: { ...fields, 7: '0101000000' },
});
const kept = async (house: SmallHouse, amount: number) => {
  const [found] = unwrap(await house.sw.operator.transactions({ amount }, { limit: 2 })).items;
  return unwrap(await house.sw.operator.transaction(found?.id ?? ''));
};
/** First sendings of a class and amount that reached the issuer. */
const told = (mti: string, amountMinor: number) =>
  heard.filter((each) => originalMti(each.mti) === mti && Number(each.amount) === amountMinor);

test.each([
  ['1120', '1130', 0],
  ['1220', '1230', 5_100],
] as const)(
  'a %s of a centre is stored before it is answered, and the issuer hears of it once when it is back',
  async (mti, answered, taken) => {
    const [house, centre] = await open();
    await house.stopCardCompany();
    await until(() => house.sw.links()[0]?.state === 'down');
    const advice = advised(centre, mti, 5_100);
    const answer = await centre.ask(advice);
    expect([answer.mti, answer.text(39), answer.text(11)]).toEqual([answered, '900', advice.fields[11]]);
    // What was answered is what is on file: again, again as a repeat, and after the keys of the line changed.
    for (const again of [advice, repeated(advice), repeated(advice)]) {
      const said = await centre.ask(again);
      expect([said.mti, said.text(39), said.text(28)]).toEqual([answered, '900', answer.text(28)]);
    }
    const alarms = house.alarms.length;
    const other = await centre.ask({ mti, fields: { ...advice.fields, 4: '000000005199' } });
    expect(other.text(39)).toBe('913');
    expect(house.alarms.slice(alarms).map(({ fault }) => fault.code)).toEqual(['SWITCH_DUPLICATE_DIFFERS']);
    expect((await kept(house, 5_100)).state).toBe('posting');

    await house.startCardCompany();
    await until(async () => (await kept(house, 5_100)).state === 'posted');
    expect(told(mti, 5_100).map((each) => each.mti)).toEqual([mti]);
    expect(house.ledger.takenMinor).toBe(taken);
    const sides = (await kept(house, 5_100)).postings.map(({ side, kind }) => `${side} ${kind}`).sort();
    expect(sides).toEqual(taken === 0 ? [] : ['acquirer taken', 'issuer taken']);
  },
);

test('a completion posts what a centre advised, once and within the amount; a refund of it is none', async () => {
  const [house, centre] = await open();
  const advice = advised(centre, '1120', 6_000);
  expect((await centre.ask(advice)).text(39)).toBe('900');
  await until(async () => (await kept(house, 6_000)).state === 'posted');
  const original = unwrap(
    formatOriginalData({
      mti: '1120',
      stan: String(advice.fields[11]),
      localTime: String(advice.fields[12]),
      acquirer: centre.link.parties.own,
    }),
  );
  const follow = (mti: string, amountMinor: number, more: { readonly [element: number]: FieldValue }): Message => {
    const { fields } = centre.sale('jcb-contact', amountMinor);
    return { mti, fields: { ...fields, 56: original, ...more } };
  };
  expect((await centre.ask(follow('1220', 9_999, { 24: '202', 38: 'V12345' }))).text(39)).toBe('110');
  expect((await centre.ask(follow('1200', 6_000, { 3: '200000' }))).text(39)).toBe('902');
  const completion = follow('1220', 6_000, { 24: '201', 38: 'V12345' });
  expect((await centre.ask(completion)).text(39)).toBe('900');
  expect((await centre.ask(follow('1220', 6_000, { 24: '201', 38: 'V12345' }))).text(39)).toBe('902');
  await until(() => house.ledger.takenMinor === 6_000 && house.sw.reversalsQueued === 0);
  // The issuer knows what is completed by the advice that it heard.
  expect(told('1220', 6_000).map((each) => each.original)).toEqual(['1120']);
  const day = unwrap(await house.sw.operator.reconcile('card-company-1', undefined, false, 'test'));
  expect(day).toMatchObject({ result: 'balanced', ours: { debits: 1, debitsMinor: 6_000 } });
});

test('a completion waits until the issuer has taken the advice that it follows, however long that is lost', async () => {
  // The answer to the 1120 is lost the first time: a completion that did not wait would overtake its repeat.
  let isLost = true;
  const lost: CardCompanyOptions['faults'] = { rates: { drop: 1 }, lateMs: 1, dripMs: 1 };
  const house = await openSmallHouse(undefined, {
    cardCompany: { tap, faults: lost, nextFault: () => (isLost ? 0 : 1) },
    links: quickLinks,
    isLost: () => isLost,
  });
  closing.push(() => house.close());
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'pos-centre-1');
  closing.push(() => centre.close());
  const advice = advised(centre, '1120', 6_100);
  expect((await centre.ask(advice)).text(39)).toBe('900');
  const original = unwrap(
    formatOriginalData({
      mti: '1120',
      stan: String(advice.fields[11]),
      localTime: String(advice.fields[12]),
      acquirer: centre.link.parties.own,
    }),
  );
  const { fields } = centre.sale('jcb-contact', 6_100);
  const completion = { mti: '1220', fields: { ...fields, 56: original, 24: '201', 38: 'V12345' } };
  expect((await centre.ask(completion)).text(39)).toBe('900');
  // Another's money does not wait for it.
  expect((await centre.ask(advised(centre, '1220', 6_200))).text(39)).toBe('900');
  await until(() => told('1120', 6_100).length > 1 && told('1220', 6_200).length > 0);
  expect(told('1220', 6_100)).toEqual([]);
  isLost = false;
  await until(() => house.ledger.takenMinor === 12_300 && house.sw.reversalsQueued === 0);
  expect(heard.filter(({ amount }) => Number(amount) === 6_100).at(-1)?.mti).toBe('1220');
});

test('what a centre advised and takes back is taken back at the issuer, behind the advice', async () => {
  const [house, centre] = await open();
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  const advice = advised(centre, '1120', 7_000);
  expect((await centre.ask(advice)).text(39)).toBe('900');
  const { mti: reversing, fields } = centre.reversal(advice);
  const named = unwrap(
    formatOriginalData({
      mti: '1120',
      stan: String(advice.fields[11]),
      localTime: String(advice.fields[12]),
      acquirer: centre.link.parties.own,
    }),
  );
  expect((await centre.ask({ mti: reversing, fields: { ...fields, 56: named } })).text(39)).toBe('400');
  await house.startCardCompany();
  await until(async () => (await kept(house, 7_000)).state === 'reversed');
  const about = heard.filter(({ amount }) => Number(amount) === 7_000).map((each) => [each.mti, each.original]);
  expect(about).toEqual([
    ['1120', ''],
    ['1420', '1120'],
  ]);
  expect(house.ledger.takenMinor).toBe(0);
});

test('an advice tells what was approved, brings nothing that only a decision needs, and comes from who may bring it', async () => {
  const links = defaultLinks.map((link) =>
    link.id === 'pos-centre-1' ? { ...link, advices: ['1220' as const] } : link,
  );
  const [house, centre] = await open(links);
  const saidTo = async (message: Message) => {
    const answer = await centre.ask(message);
    return [answer.mti, answer.text(39), answer.text(44)];
  };
  expect(await saidTo(advised(centre, '1120', 8_000))).toEqual(['1130', '904', 'DE0']);
  expect(await saidTo(advised(centre, '1220', 8_000, { 39: '116' }))).toEqual(['1230', '904', 'DE39']);
  const track = Secret.take('pan', Uint8Array.from(Buffer.from('3528000000000007=49122010000')));
  expect(await saidTo(advised(centre, '1220', 8_000, { 35: track }))).toEqual(['1230', '904', 'DE35']);
  const sale = centre.withPin(advised(centre, '1220', 8_000), '1234');
  expect(await saidTo(sale)).toEqual(['1230', '904', 'DE52']);
  expect(await saidTo({ mti: '1200', fields: { ...centre.sale('jcb-contact', 8_000).fields, 39: '000' } })).toEqual([
    '1210',
    '904',
    'DE39',
  ]);
  expect(heard).toEqual([]);
  expect(house.ledger.takenMinor).toBe(0);
});

test.each(['CT5100-0001', 'CATS220-0002'])(
  'an authorisation advice of terminal %s is taken, told once and posts nothing',
  async (serial) => {
    const [house] = await open();
    const terminal = await house.terminal(serial);
    const { fields: sold } = terminal.sale('visa-contact', 9_000);
    const card = testCard('visa-contact');
    const open1120 = paymentRequest({
      operation: 'offlineAuthorisation',
      terminalId: terminalIdOf(serial as Parameters<typeof terminalIdOf>[0]),
      merchantId: String(sold[42]),
      abilities: { readers: ['stripe', 'contact'], pinPad: true, printer: 'built-in', screen: 'mono' },
      stan: String(sold[11]),
      nowMs: Date.now(),
      amountMinor: 9_000,
      entry: 'contact',
      verification: 'signature',
      emv: hex('9F260811223344556677889F2701409F36020001950500000080009A032601059C01009F3704112233445F2A020392'),
      reason: '1004',
    });
    const advice = withCard(open1120, { pan: card.pan.use((digits) => Secret.copy('pan', digits)), expiry: '4912' });
    for (const message of [advice, repeated(advice)]) {
      terminal.socket.write(terminal.frame(message));
      const answer = await terminal.answer();
      expect([answer.mti, answer.text(39)]).toEqual(['1130', '900']);
    }
    await until(async () => (await kept(house, 9_000)).state === 'posted');
    expect(told('1120', 9_000)).toHaveLength(1);
    expect(house.ledger.takenMinor).toBe(0);
    terminal.socket.destroy();
  },
);
