import { connect as connectTcp } from 'node:net';
import { encodeFrame } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, type SmallHouse, until } from './small-house.ts';

let house: SmallHouse;
let centre: SmallCentre;
beforeAll(async () => {
  house = await openSmallHouse();
  centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
});
afterAll(async () => {
  await centre?.close();
  await house?.close();
});

const linkOf = async (id: string) => (await house.sw.operator.links()).find((link) => link.id === id);
const found = async (rrn: string) => {
  const [transaction] = unwrap(await house.sw.operator.transactions({ rrn }, { limit: 5 })).items;
  return transaction && unwrap(await house.sw.operator.transaction(transaction.id));
};

test('a centre signs on, takes its keys, and its sale goes to the issuer and back, enciphered on the wire', async () => {
  expect(await linkOf('ec-centre-1')).toMatchObject({ state: 'signed-on', side: 'acquirer', kind: 'ec' });
  const before = house.ledger.takenMinor;
  // The frames of the sign-on and of the keys are in the clear, and their times and numbers may hold any digits.
  const signedOn = centre.wire.length;
  const sale = centre.sale('jcb-contact', 4_200);
  const answer = await centre.ask(sale);
  expect([answer.mti, answer.text(39), answer.text(11)]).toEqual(['1210', '000', sale.fields[11]]);
  expect(answer.text(28)).toMatch(/^\d{6}$/);
  expect(house.ledger.takenMinor).toBe(before + 4_200);
  const kept = await found(answer.text(37) ?? '');
  expect(kept).toMatchObject({
    origin: 'ec-centre-1',
    from: `ec-centre-1/${centre.link.parties.own}`,
    entry: 'e-commerce',
    terminal: 'EC000001',
    state: 'approved',
    link: 'card-company-1',
  });
  expect(kept?.postings.map(({ side, kind }) => `${side} ${kind}`).sort()).toEqual(['acquirer taken', 'issuer taken']);
  // Behind them there is nothing in the clear: every message begins with the mark.
  const wire = Buffer.concat(centre.wire.slice(signedOn));
  expect(wire.length).toBeGreaterThan(0);
  expect(wire.includes(Buffer.from('1210'))).toBe(false);
});

test('a repeat is answered with the stored answer, another request under its number with 913 and an alarm', async () => {
  const sale = centre.sale('jcb-contact', 4_300);
  const first = await centre.ask(sale);
  const taken = house.ledger.takenMinor;
  const again = await centre.ask({ mti: '1201', fields: { ...sale.fields, 7: '0101000000' } });
  expect([again.mti, again.text(38), again.text(37)]).toEqual(['1210', first.text(38), first.text(37)]);
  const other = await centre.ask({ mti: '1200', fields: { ...sale.fields, 4: '000000009999' } });
  expect(other.text(39)).toBe('913');
  expect(house.alarms.at(-1)?.fault.code).toBe('SWITCH_DUPLICATE_DIFFERS');
  expect(house.ledger.takenMinor).toBe(taken);
});

test('a reversal takes the sale back on both sides, and the postings come to nothing', async () => {
  const before = house.ledger.takenMinor;
  const sale = centre.sale('jcb-contact', 4_400);
  const rrn = (await centre.ask(sale)).text(37) ?? '';
  const reversal = centre.reversal(sale);
  expect((await centre.ask(reversal)).text(39)).toBe('400');
  expect((await centre.ask({ ...reversal, mti: '1421' })).text(39)).toBe('400');
  await until(async () => (await found(rrn))?.state === 'reversed');
  expect(house.ledger.takenMinor).toBe(before);
  const kept = await found(rrn);
  for (const side of ['acquirer', 'issuer'])
    expect(kept?.postings.filter((posting) => posting.side === side).map(({ kind }) => kind)).toEqual([
      'taken',
      'given-back',
    ]);
});

test('a PIN under the zone key of the centre is translated to that of the issuer, right or wrong', async () => {
  const right = centre.withPin(centre.sale('visa-contact', 900), '1234');
  expect((await centre.ask(right)).text(39)).toBe('000');
  const wrong = centre.withPin(centre.sale('visa-contact', 900), '9999');
  expect((await centre.ask(wrong)).text(39)).toBe('117');
});

test('keys change on the running line, and it signs off and on again, while sales go on', async () => {
  await house.sw.operator.order('ec-centre-1', 'change-key', 'test');
  const answers = await Promise.all([1, 2, 3].map((more) => centre.ask(centre.sale('jcb-contact', 100 + more))));
  expect(answers.map((answer) => answer.text(39))).toEqual(['000', '000', '000']);
  await house.sw.operator.order('card-company-1', 'change-key', 'test');
  expect((await centre.ask(centre.sale('jcb-contact', 110))).text(39)).toBe('000');
  centre.order('signOffWanted');
  await until(async () => (await linkOf('ec-centre-1'))?.state === 'up');
  centre.order('signOnWanted');
  await until(() => centre.isReady);
  expect((await centre.ask(centre.sale('jcb-contact', 120))).text(39)).toBe('000');
  // An operator takes the issuer's link out of service, and back.
  await house.sw.operator.order('card-company-1', 'sign-off', 'test');
  await until(async () => (await linkOf('card-company-1'))?.state === 'up');
  expect((await centre.ask(centre.sale('jcb-contact', 121))).text(39)).toBe('910');
  // A test tells whether the echo came back: not over a line that is signed off.
  const test831 = async () => await house.sw.operator.order('card-company-1', 'echo', 'test');
  expect(await test831()).toMatchObject({ value: { echo: { answered: 0 } } });
  // Nobody is told that something was ordered where there is no line to do it on.
  expect(await house.sw.operator.order('travel-centre-1', 'echo', 'test')).toMatchObject({
    fault: { code: 'LINK_NOT_CONNECTED' },
  });
  await until(async () => !(await linkOf('card-company-1'))?.lines.some(({ inFlight }) => inFlight > 0));
  await house.sw.operator.order('card-company-1', 'sign-on', 'test');
  await until(async () => (await linkOf('card-company-1'))?.state === 'signed-on');
  const connections = (await linkOf('card-company-1'))?.lines.length ?? 0;
  await until(async () => {
    const tested = await test831();
    return tested.ok && tested.value.echo?.sent === connections && tested.value.echo.answered === connections;
  });
  expect((await centre.ask(centre.sale('jcb-contact', 122))).text(39)).toBe('000');
});

test('what a centre may not say is refused by the name of its element', async () => {
  const odd = async (change: Record<number, string>) => {
    const answer = await centre.ask(centre.sale('jcb-contact', 500, change));
    return [answer.text(39), answer.text(44)];
  };
  expect(await odd({ 49: '840' })).toEqual(['904', 'DE49']);
  expect(await odd({ 22: '100050Z00000' })).toEqual(['904', 'DE22']);
  expect(await odd({ 4: '000000000000' })).toEqual(['904', 'DE4']);
});

test('a stranger’s acquirer is refused', async () => {
  const sale = centre.sale('jcb-contact', 500, { 32: '39200099999' });
  expect((await centre.ask(sale)).text(39)).toBe('904');
});

test('bytes that are no message end or are answered, and neighbours go on', async () => {
  const bad = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'pos-centre-1');
  bad.socket.write(unwrap(encodeFrame(bad.link.frame, Buffer.from('1200 this was never enciphered'))));
  expect((await centre.ask(centre.sale('jcb-contact', 130))).text(39)).toBe('000');
  await until(() => house.logs.some((line) => line.includes('messageRefused') && line.includes('pos-centre-1')));
  await bad.close();
  const plain = connectTcp(house.sw.centresPort ?? 0, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'));
  plain.on('error', () => undefined);
  await new Promise((resolve) => plain.once('close', resolve));
  expect((await centre.ask(centre.sale('jcb-contact', 140))).text(39)).toBe('000');
});

test('connections that say nothing cost those who are known nothing', async () => {
  const mute = Array.from({ length: 400 }, () => {
    const socket = connectTcp(house.sw.centresPort ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    return socket;
  });
  await until(() => mute.some((socket) => socket.destroyed || socket.readableEnded));
  expect((await centre.ask(centre.sale('jcb-contact', 150))).text(39)).toBe('000');
  const late = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'travel-centre-1');
  expect((await late.ask(late.sale('jcb-contact', 160))).text(39)).toBe('000');
  await late.close();
  for (const socket of mute) socket.destroy();
});

test('no card number of a centre is on disk or in a log', async () => {
  const everything = await house.everything();
  const digits = testCard('jcb-contact').pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
  expect(everything.includes(Buffer.from(digits))).toBe(false);
});
