import type { WireFault } from '@tsunagu/fleet-server/emulation/wire-faults';
import { openAlarmDesk, switchAlarms } from '@tsunagu/fleet-server/switch/operator/alarms';
import { cardCompanyLink, compileLink } from '@tsunagu/protocols/acquiring';
import { encodeFrame } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQuickly } from '../../empty-store.ts';
import { linkNamed, SmallCentre } from './small-centre.ts';
import { openSmallHouse, issuerPatienceMs, until } from './small-house.ts';

test('an alarm about a centre or a terminal is there for an operator until somebody has seen it, however often it is raised', async () => {
  const house = await openSmallHouse();
  const { operator } = house.sw;
  const alarms = async (limit = 10, cursor?: string) =>
    unwrap(await operator.alarms({}, { limit, ...(cursor && { cursor }) }));
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  const terminal = await house.terminal('CT5100-0001');
  try {
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    // Another body under a used key: from a centre nobody heard of it.
    const sale = centre.sale('jcb-contact', 800);
    expect((await centre.ask(sale)).text(39)).toBe('000');
    const other = centre.sale('jcb-contact', 900);
    const reused = { ...other, fields: { ...other.fields, 11: sale.fields[11] ?? '', 12: sale.fields[12] ?? '' } };
    for (let again = 0; again < 2; again += 1) expect((await centre.ask(reused)).text(39)).toBe('913');
    await until(async () => (await alarms()).items[0]?.count === 2);
    const from = `ec-centre-1/${centre.link.parties.own}`;
    const [known] = (await alarms()).items;
    expect(known).toMatchObject({ code: 'SWITCH_DUPLICATE_DIFFERS', from, facts: { stan: sale.fields[11] } });
    const first = terminal.sale('visa-contact', 801);
    expect((await terminal.ask(first)).text(39)).toBe('000');
    const second = terminal.sale('visa-contact', 901);
    const again = { ...second, fields: { ...second.fields, 11: first.fields[11] ?? '', 12: first.fields[12] ?? '' } };
    expect((await terminal.ask(again)).text(39)).toBe('913');
    await until(async () => (await alarms()).items.length === 2);
    expect(await operator.figures()).toMatchObject({
      alarmsUnseen: [{ code: 'SWITCH_DUPLICATE_DIFFERS', count: 2 }],
      links: expect.arrayContaining([{ id: 'ec-centre-1', state: 'signed-on', inFlight: 0, queued: 0, dead: 0 }]),
    });
    // By pages, newest first.
    const page = await alarms(1);
    expect(page.items.map((alarm) => alarm.from)).toEqual(['CT5100-0001']);
    expect((await alarms(1, page.next ?? '')).items.map((alarm) => alarm.from)).toEqual([from]);
    expect(JSON.stringify(await alarms())).not.toMatch(/\d{13,19}/);
    // Seen once; the next one of its kind is new.
    expect(await operator.seen(known?.id ?? '', 'person/1')).toMatchObject({ ok: true });
    expect(await operator.seen(known?.id ?? '', 'person/2')).toMatchObject({ fault: { code: 'SWITCH_ALARM_UNKNOWN' } });
    expect((await alarms()).items.map((alarm) => alarm.from)).toEqual(['CT5100-0001']);
    expect((await centre.ask(reused)).text(39)).toBe('913');
    await until(async () => (await alarms()).items.length === 2);
    expect((await alarms()).items[0]).toMatchObject({ from, count: 1 });
  } finally {
    terminal.close();
    await centre.close();
    await house.close();
  }
});

const quick = {
  ...cardCompanyLink,
  profile: { ...cardCompanyLink.profile, timers: { ...cardCompanyLink.profile.timers, requestMs: issuerPatienceMs } },
};

test('what is refused on a link is an alarm about that link, one row however many frames it was, and says why an answer matched nothing', async () => {
  const faults: { rates: Partial<Record<WireFault, number>>; lateMs: number; dripMs: number } = {
    rates: {},
    lateMs: 1,
    dripMs: 1,
  };
  const ec = linkNamed('ec-centre-1');
  const house = await openSmallHouse(undefined, {
    links: [quick, ec],
    cardCompany: { link: quick, faults, nextFault: () => 0 },
    isLost: () => faults.rates.wrongMac === 1,
  });
  const { operator } = house.sw;
  const alarms = async () => unwrap(await operator.alarms({}, { limit: 10 })).items;
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  try {
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    // Enciphered under no key of this link.
    const forged = new Uint8Array(80).fill(7);
    forged[0] = 0xe1;
    const frames = 40;
    for (let frame = 0; frame < frames; frame += 1) centre.socket.write(unwrap(encodeFrame(ec.frame, forged)));
    await until(async () => (await alarms())[0]?.count === frames);
    expect(await alarms()).toMatchObject([{ code: 'ACQUIRING_FRAME_NOT_AUTHENTIC', from: 'ec-centre-1' }]);
    expect(house.alarms.length).toBeLessThan(frames / 2);
    // An answer of its own that nobody asked for: the neighbours are not disturbed, and the operator sees what it was nearest to.
    centre.say({ mti: '1814', fields: { 7: '1127040000', 11: '999999', 12: '261127040000', 24: '831', 39: '800' } });
    const mismatchesOf = async () => (await operator.links()).find(({ id }) => id === 'ec-centre-1')?.mismatches ?? [];
    await until(async () => (await mismatchesOf()).length === 1);
    expect(await mismatchesOf()).toMatchObject([
      { mti: '1814', stan: '999999', rrn: null, waiting: 0, differs: [], why: 'none waiting' },
    ]);
    expect((await centre.ask(centre.sale('jcb-contact', 700))).text(39)).toBe('000');
    // The card company's answers with a MAC that is wrong.
    faults.rates = { wrongMac: 1 };
    expect((await centre.ask(centre.sale('jcb-contact', 701))).text(39)).toBe('911');
    await until(async () => (await alarms()).some(({ code }) => code === 'ISSUER_MAC_INVALID'));
    expect((await alarms()).find(({ code }) => code === 'ISSUER_MAC_INVALID')).toMatchObject({
      from: 'card-company-1',
      facts: { mti: '1210' },
    });
    // An answer that comes twice is named by what its transaction is searched by.
    faults.rates = { duplicate: 1 };
    const answered = await centre.ask(centre.sale('jcb-contact', 702));
    expect(answered.text(39)).toBe('000');
    const twice = async () =>
      (await operator.links())
        .find(({ id }) => id === quick.id)
        ?.mismatches.find(({ mti, rrn }) => mti === '1210' && rrn !== null);
    await until(async () => (await twice()) !== undefined);
    const rrn = (await twice())?.rrn ?? '';
    expect(unwrap(await operator.transactions({ rrn }, { limit: 10 })).items).toMatchObject([{ amountMinor: 702 }]);
    expect((await twice())?.stan).toBe(rrn.slice(-6));
    faults.rates = {};
  } finally {
    await centre.close();
    await house.close();
  }
});

test('an answer that came under the key of a request and says another thing is shown with what it says otherwise, and its sale is taken back', async () => {
  // Requests are told apart by time and terminal here, so that a wrong trace number does not keep the two apart.
  const link = { ...quick, connections: 1, profile: { ...quick.profile, matchKeys: [12, 41] } };
  const faults = { rates: { wrongStan: 1 }, lateMs: 1, dripMs: 1 };
  const house = await openSmallHouse(undefined, {
    links: [link],
    cardCompany: { link, faults, nextFault: () => 0 },
    isLost: () => true,
  });
  const terminal = await house.terminal('CT5100-0001');
  try {
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 801))).text(39)).toBe('911');
    const [shown] = await house.sw.operator.links();
    expect(shown?.mismatches[0]).toMatchObject({ mti: '1210', waiting: 1, differs: [11] });
  } finally {
    terminal.close();
    await house.close();
  }
});

test('an alarm is written at most once in a while, counts what came meanwhile, and goes ninety days after it was seen', async () => {
  const world = systemWorld(() => undefined);
  const store = await openQuickly(join(await mkdtemp(join(tmpdir(), 'alarms-')), 'store.sqlite'), world.clock);
  let now = 1_000;
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  const timers: typeof world.timers = {
    ...world.timers,
    after(_ms, work) {
      waiting.push(work);
      return { cancel: () => undefined };
    },
  };
  const desk = openAlarmDesk({ ...world, clock: { ...world.clock, now: () => now }, timers }, store, ({ place }) =>
    told.push(place),
  );
  const raise = (place: string) => desk.raise({ place, serial: undefined, fault: { code: 'ISSUER_MAC_INVALID' } });
  const rows = () => store.db.selectFrom('switch_alarms').selectAll().orderBy('seq').execute();
  for (let count = 0; count < 500; count += 1) {
    now += 1;
    raise('one');
  }
  raise('two');
  expect(told).toEqual(['one', 'two']);
  waiting.shift()?.();
  expect(told).toEqual(['one', 'two', 'one']);
  await desk.close();
  const [one, two] = await rows();
  expect([one, two]).toMatchObject([
    { place: 'one', count: 500, first_at: 1_001, last_at: 1_500 },
    { place: 'two', count: 1 },
  ]);
  const day = 86_400_000;
  unwrap(await switchAlarms.seen(store, one?.id ?? '', 'person/1', now));
  // A week later the seen one is still there; after ninety days it goes with the next one that is seen, and nothing unseen does.
  expect(await switchAlarms.seen(store, 'none', 'person/1', now + 7 * day)).toMatchObject({ ok: false });
  expect(await rows()).toHaveLength(2);
  expect(await switchAlarms.seen(store, 'none', 'person/1', now + 91 * day)).toMatchObject({ ok: false });
  expect((await rows()).map(({ place }) => place)).toEqual(['two']);
  // All of a code or a place at once; what was raised after somebody looked stays, and again there is nothing to see.
  const others = openAlarmDesk({ ...world, clock: { ...world.clock, now: () => now } }, store, () => undefined);
  const looked = now;
  for (const place of ['three', 'four']) others.raise({ place, serial: undefined, fault: { code: 'ISSUER_TIMEOUT' } });
  now += 1;
  others.raise({ place: 'five', serial: undefined, fault: { code: 'ISSUER_TIMEOUT' } });
  await others.close();
  const seeAll = (filter: { code?: string; from?: string }, untilMs: number) =>
    switchAlarms.seenAll(store, { ...filter, untilMs }, 'person/1', now);
  const counts = async () => (await switchAlarms.counts(store.db)).map(({ code, count }) => `${code} ${count}`).sort();
  expect(await counts()).toEqual(['ISSUER_MAC_INVALID 1', 'ISSUER_TIMEOUT 3']);
  expect(await seeAll({ code: 'ISSUER_TIMEOUT' }, looked)).toBe(2);
  expect(await seeAll({ code: 'ISSUER_TIMEOUT' }, looked)).toBe(0);
  expect(await seeAll({ from: 'five' }, looked)).toBe(0);
  expect(await seeAll({ from: 'five' }, now)).toBe(1);
  expect(await counts()).toEqual(['ISSUER_MAC_INVALID 1']);
  await store.close();
});

test('what a link is allowed beyond the strict reading is counted for it alone; where it cannot go on to the issuer, and without its name, it is 904', async () => {
  const wide = (strict: typeof cardCompanyLink) => {
    const { codec: _codec, frame: _frame, ...text } = strict;
    return compileLink({ ...text, profile: { ...text.profile, allow: ['ans-8bit'] } });
  };
  const ec = linkNamed('ec-centre-1');
  const inKana = (centre: SmallCentre) => {
    const sale = centre.sale('jcb-contact', 700);
    // The name of a shop in half-width kana: JIS X 0201.
    return { ...sale, fields: { ...sale.fields, 43: '\u00b6\u00cc\u00aa'.padEnd(40) } };
  };
  for (const { ours, issuer, answer } of [
    { ours: wide(ec), issuer: wide(cardCompanyLink), answer: '000' },
    { ours: wide(ec), issuer: cardCompanyLink, answer: '904' },
    { ours: ec, issuer: wide(cardCompanyLink), answer: '904' },
  ]) {
    const house = await openSmallHouse(undefined, {
      links: [issuer, ours, linkNamed('pos-centre-1')],
      cardCompany: { link: issuer },
    });
    const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1', wide(ec));
    try {
      await until(() => house.sw.links()[0]?.state === 'signed-on');
      expect((await centre.ask(centre.sale('jcb-contact', 699))).text(39)).toBe('000');
      for (let times = 0; times < 2; times += 1) {
        const answered = await centre.ask(inKana(centre));
        expect([answered.text(39), answered.text(44)]).toEqual([answer, answer === '904' ? 'DE43' : undefined]);
      }
      const used = (await house.sw.operator.links()).map(({ id, lenient }) => [id, lenient]);
      const twice = ours === ec ? [] : [{ leniency: 'ans-8bit', count: 2, lastAt: expect.any(String) }];
      expect(Object.fromEntries(used)).toMatchObject({ 'ec-centre-1': twice, 'pos-centre-1': [] });
      // What is taken back is kept as it was said.
      if (answer === '000') {
        const sale = inKana(centre);
        expect((await centre.ask(sale)).text(39)).toBe('000');
        expect((await centre.ask(centre.reversal(sale))).text(39)).toBe('400');
        await until(async () => unwrap(await house.sw.operator.advices(false, { limit: 5 })).items.length === 0);
      }
    } finally {
      await centre.close();
      await house.close();
    }
  }
});
