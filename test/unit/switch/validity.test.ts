import { numberOf, openIssuerCards } from '@tsunagu/fleet-server/card-company/issuer-cards';
import { issuerProfile } from '@tsunagu/fleet-server/card-company/profile';
import { judgeValidity } from '@tsunagu/fleet-server/switch/validity/rules';
import { defaultLinks, type Link } from '@tsunagu/protocols/acquiring';
import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import {
  readValidityAnswers,
  ValidityRequestFile,
  validityVerdictNames,
  writeValidityAnswers,
} from '@tsunagu/protocols/validity';
import { afterEach, expect, test } from 'vitest';
import { linkNamed, SmallCentre } from './small-centre.ts';
import { afterPowerCut, openSmallHouse, type SmallHouse, type SmallHouseOptions, until } from './small-house.ts';
import { centreLink, fileOf, random, zoneOf } from './validity-files.ts';

const numbered = (index: number): string => unwrap(numberOf('476173', 16, 7_000 + index));
/** The cards of these tests, by what became of them. */
const cards = {
  valid: numbered(0),
  renumbered: numbered(1),
  extended: numbered(2),
  expired: numbered(3),
  stolen: numbered(4),
  unknown: numbered(5),
  silent: numbered(6),
  /** No table has a route for it. */
  foreign: unwrap(numberOf('99', 16, 1)),
  /** What took the place of `renumbered`. */
  fresh: numbered(8),
};
const profile = issuerProfile.parse({
  name: 'validity',
  hasTestCards: true,
  cards: [
    { name: 'valid', pan: cards.valid, expiry: '3012' },
    { name: 'renumbered', pan: cards.renumbered, expiry: '2512', replacedBy: { pan: cards.fresh, expiry: '3106' } },
    { name: 'extended', pan: cards.extended, expiry: '2512', replacedBy: { expiry: '3107' } },
    { name: 'expired', pan: cards.expired, expiry: '2412' },
    { name: 'stolen', pan: cards.stolen, actionCode: '209' },
  ],
});
const issuer = { cards: openIssuerCards(profile, Secret.take('key', new Uint8Array(32))), profile, next: () => 1 };
const links = (batch: Partial<Link['batch']>): readonly Link[] =>
  defaultLinks.map((link) => ({ ...link, batch: { ...link.batch, ...batch } }));
const options: SmallHouseOptions = { cardCompany: { issuer }, links: links({ perSecond: 1_000 }) };

const acquirer = linkNamed(centreLink).parties.far.padStart(11, '0');

const opened: SmallHouse[] = [];
async function open(more: SmallHouseOptions = options): Promise<SmallHouse> {
  const house = await openSmallHouse(undefined, more);
  opened.push(house);
  return house;
}
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});
const done = (house: SmallHouse, id: string) =>
  until(async () => unwrap(await house.sw.validity.show(id)).state === 'done');

test('a file of cards is answered card by card, sealed for its sender, and no number is ever on disk or in a log', async () => {
  const house = await open();
  const zone = await zoneOf(house);
  const text = fileOf(zone, 1, [
    ['CUSTOMER-1', cards.valid, '3012'],
    ['CUSTOMER-2', cards.renumbered, '2512'],
    ['CUSTOMER-3', cards.extended, '2512'],
    ['CUSTOMER-4', cards.expired, '2412'],
    ['CUSTOMER-5', cards.stolen],
    ['CUSTOMER-6', cards.unknown],
    ['CUSTOMER-7', cards.foreign],
  ]);
  const taken = unwrap(await house.sw.validity.handIn(centreLink, text, 'test'));
  expect(taken).toMatchObject({ records: 7, refused: 0, fileId: '000000000001', acquirer });
  await done(house, taken.id);
  const detail = unwrap(await house.sw.validity.show(taken.id));
  expect(Object.values(detail.verdicts)).toEqual(validityVerdictNames.map(() => 1));

  const answers = unwrap(await house.sw.validity.answers(taken.id));
  const read = unwrap(readValidityAnswers(answers.text, zone));
  expect(read.faults).toEqual([]);
  expect(
    read.answers.map(({ reference, verdict, actionCode, card }) => [
      reference,
      verdict,
      actionCode,
      card?.pan.use((digits) => Buffer.from(digits).toString('latin1')),
      card?.expiry,
    ]),
  ).toEqual([
    ['CUSTOMER-1', 'valid', '000', undefined, undefined],
    ['CUSTOMER-2', 'newNumber', '101', cards.fresh, '3106'],
    ['CUSTOMER-3', 'newExpiry', '101', cards.extended, '3107'],
    ['CUSTOMER-4', 'expired', '101', undefined, undefined],
    ['CUSTOMER-5', 'closed', '209', undefined, undefined],
    ['CUSTOMER-6', 'unknown', '118', undefined, undefined],
    ['CUSTOMER-7', 'notJudged', '908', undefined, undefined],
  ]);
  // Nothing moved, and nothing was left of the cards: neither of those that were asked about, nor of the one that is new.
  expect(house.ledger.takenMinor).toBe(0);
  const everything = await house.everything();
  for (const pan of Object.values(cards)) {
    expect(everything.includes(Buffer.from(pan))).toBe(false);
    expect(everything.includes(Buffer.from(pan, 'hex'))).toBe(false);
  }
});

test('an online check brings the new number to the centre, and leaves it nowhere on disk; its repeat brings it again', async () => {
  const house = await open();
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, centreLink);
  try {
    const check = centre.sale('jcb-contact', 0, { 2: secretPan(cards.renumbered), 3: '380000', 14: '2512', 24: '108' });
    const asked = { mti: '1100', fields: check.fields };
    const first = await centre.ask(asked);
    const again = await centre.ask({ mti: '1101', fields: check.fields });
    for (const answer of [first, again]) {
      expect([answer.mti, answer.text(39), answer.text(14)]).toEqual(['1110', '101', '3106']);
      expect(answer.secret(2)?.use((digits) => Buffer.from(digits).toString('latin1'))).toBe(cards.fresh);
    }
    const everything = await house.everything();
    expect(everything.includes(Buffer.from(cards.fresh))).toBe(false);
    expect(everything.includes(Buffer.from(cards.fresh, 'hex'))).toBe(false);
  } finally {
    await centre.close();
  }
});

test('a damaged line costs itself alone: its number and a code come back, and every other card is answered', async () => {
  const house = await open();
  const zone = await zoneOf(house);
  const whole = fileOf(
    zone,
    2,
    Array.from({ length: 8 }, (_, index) => [`R-${index + 1}`, cards.valid, '3012'] as const),
  ).split('\n');
  const [
    header = '',
    one = '',
    two = '',
    three = '',
    four = '',
    five = '',
    six = '',
    seven = '',
    eight = '',
    trailer = '',
  ] = whole;
  const flipped = `${five.slice(0, -1)}${five.endsWith('0') ? '1' : '0'}`;
  const moved = `2000006${seven.slice(7)}`;
  // Cut, repeated, flipped, under another number, gone, and a card number where a reference belongs.
  const text = [header, one, two.slice(0, 60), three, three, four, flipped, moved, seven, eight, trailer, ''].join(
    '\n',
  );
  expect(six).not.toBe(moved);
  const taken = unwrap(await house.sw.validity.handIn(centreLink, text, 'test'));
  await done(house, taken.id);
  expect(unwrap(await house.sw.validity.show(taken.id)).faults).toEqual([
    { code: 'VALIDITY_LINE_FORM', line: 3, sequence: null },
    { code: 'VALIDITY_LINE_REPEATED', line: 5, sequence: 3 },
    { code: 'VALIDITY_LINE_NOT_AUTHENTIC', line: 7, sequence: 5 },
    { code: 'VALIDITY_LINE_NOT_AUTHENTIC', line: 8, sequence: 6 },
    { code: 'VALIDITY_LINE_MISSING', line: null, sequence: 2 },
    { code: 'VALIDITY_LINE_MISSING', line: null, sequence: 5 },
    { code: 'VALIDITY_LINE_MISSING', line: null, sequence: 6 },
  ]);
  const read = unwrap(readValidityAnswers(unwrap(await house.sw.validity.answers(taken.id)).text, zone));
  expect(read.answers.map(({ sequence, verdict }) => [sequence, verdict])).toEqual(
    [1, 3, 4, 7, 8].map((sequence) => [sequence, 'valid']),
  );
  expect(read.faults).toHaveLength(7);
  // A reference that is a card number, and a card that is none.
  const odd = fileOf(zone, 3, [
    [cards.valid.slice(0, 12), cards.valid],
    ['4761 7300 0000 00', cards.valid],
    ['R-3', `${cards.valid.slice(0, -1)}${(Number(cards.valid.at(-1)) + 1) % 10}`],
    ['R-4', cards.valid],
  ]);
  const second = unwrap(await house.sw.validity.handIn(centreLink, odd, 'test'));
  expect(second.faults.map(({ code, line }) => [code, line])).toEqual([
    ['VALIDITY_REFERENCE_REFUSED', 2],
    ['VALIDITY_REFERENCE_REFUSED', 3],
    ['VALIDITY_CARD_INVALID', 4],
  ]);
});

test('a file whose header, key or trailer is not right is refused as a whole, and so is one of another link or acquirer', async () => {
  const house = await open();
  const zone = await zoneOf(house);
  const text = fileOf(zone, 4, [['R-1', cards.valid]]);
  const lines = text.split('\n');
  const refusedFor = async (changed: string, link = centreLink) => {
    const answer = await house.sw.validity.handIn(link, changed, 'test');
    return answer.ok ? 'taken' : [answer.fault.code, answer.fault.field];
  };
  expect(await refusedFor('')).toEqual(['VALIDITY_FILE_REFUSED', 'header']);
  expect(await refusedFor(text.replace('VALIDREQ01', 'VALIDREQ02'))).toEqual(['VALIDITY_FILE_REFUSED', 'header']);
  // The number of the file is not the trailer's any more.
  expect(await refusedFor(text.replace('000000000004', '000000000005'))).toEqual(['VALIDITY_FILE_REFUSED', 'trailer']);
  expect(await refusedFor(lines.slice(0, -2).join('\n'))).toEqual(['VALIDITY_FILE_REFUSED', 'trailer']);
  expect(await refusedFor(text.replace(/^8000001/m, '8000002'))).toEqual(['VALIDITY_FILE_REFUSED', 'trailer']);
  // Each of its lines would be a fault to keep.
  const padded = lines.toSpliced(1, 0, ...Array.from({ length: 60_000 }, () => ''));
  expect(await refusedFor(padded.join('\n'))).toEqual(['VALIDITY_FILE_REFUSED', 'size']);
  expect(await refusedFor(text, 'pos-centre-1')).toEqual(['VALIDITY_FILE_REFUSED', 'key']);
  expect(await refusedFor(text, 'nobody')).toEqual(['LINK_UNKNOWN', undefined]);
  expect(await refusedFor(text, 'card-company-1')).toEqual(['VALIDITY_LINK_REFUSED', 'link']);
  const others = text.replace(acquirer, acquirer.replace(/\d$/, '0'));
  expect(await refusedFor(others)).toEqual(['VALIDITY_FILE_REFUSED', 'trailer']);
  expect(unwrap(await house.sw.validity.list({ limit: 10 })).items).toEqual([]);
});

test('after a kill a file goes on where it was; the same file again is the same, another one under its number is refused', async () => {
  const first = await open({ ...options, links: links({ perSecond: 40, inFlightMax: 1 }) });
  const zone = await zoneOf(first);
  const asked = Array.from({ length: 60 }, (_, index) => [`R-${index}`, cards.valid, '3012'] as const);
  const text = fileOf(zone, 6, asked);
  const taken = unwrap(await first.sw.validity.handIn(centreLink, text, 'test'));
  await until(async () => unwrap(await first.sw.validity.show(taken.id)).verdicts.valid > 2);
  await first.stopCardCompany();
  await until(async () => unwrap(await first.sw.validity.show(taken.id)).waitingFor[0]?.isUp === false);
  const half = unwrap(await first.sw.validity.show(taken.id));
  expect(half.state).toBe('asking');
  expect(half.verdicts.valid + half.waiting).toBe(60);
  expect(await first.sw.validity.answers(taken.id)).toMatchObject({ ok: false, fault: { code: 'VALIDITY_FILE_OPEN' } });
  // What a process leaves behind that is killed: the folder as it is.
  const second = await afterPowerCut(first, options);
  opened.push(second);
  await done(second, taken.id);
  expect(unwrap(await second.sw.validity.show(taken.id))).toMatchObject({ records: 60, verdicts: { valid: 60 } });
  expect(unwrap(await second.sw.validity.handIn(centreLink, text, 'test')).id).toBe(taken.id);
  const other = fileOf(await zoneOf(second), 6, asked.slice(1));
  expect(await second.sw.validity.handIn(centreLink, other, 'test')).toMatchObject({
    ok: false,
    fault: { code: 'VALIDITY_FILE_DIFFERS' },
  });
});

test('a file whose taking failed half-way is taken from its beginning when it comes again, whoever else knocks meanwhile', async () => {
  const house = await open();
  const zone = await zoneOf(house);
  const asked = Array.from({ length: 200 }, (_, index) => [`R-${index}`, cards.valid] as const);
  const text = fileOf(zone, 8, asked);
  const handIn = (file: string) => house.sw.validity.handIn(centreLink, file, 'test');
  // Two at once, one after them, and one with another content: one of them all takes it, and the others hear nothing of a file that is not there yet.
  const first = handIn(text);
  const others = await Promise.all([handIn(text), handIn(fileOf(zone, 8, asked.slice(1)))]);
  const third = await handIn(text);
  const taken = unwrap(await first);
  expect(taken.records).toBe(200);
  for (const other of [...others, third])
    expect(other.ok ? other.value.records : other.fault.code).toSatisfy(
      (said) => said === 'VALIDITY_FILE_ARRIVING' || said === 200,
    );
  // What a disk that failed leaves.
  await house.store.db.updateTable('switch_validity_files').set({ state: 'arriving', records: 0 }).execute();
  await house.store.db.deleteFrom('switch_validity_cards').where('sequence', '>', 50).execute();
  expect(unwrap(await handIn(text))).toMatchObject({ records: 200, refused: 0 });
  expect(unwrap(await house.sw.validity.list({ limit: 10 })).items).toHaveLength(1);
});

test('no more cards than its link allows are under way at an issuer, and a sale goes between them', async () => {
  let [underWay, most] = [0, 0];
  const tap = {
    message(_line: string, way: 'in' | 'out') {
      underWay += way === 'in' ? 1 : -1;
      most = Math.max(most, underWay);
    },
    close: () => undefined,
  };
  const house = await open({
    cardCompany: { issuer, tap },
    links: links({ perSecond: 1_000, inFlightMax: 3 }),
  });
  const asked = Array.from({ length: 60 }, (_, index) => [`R-${index}`, cards.valid] as const);
  const text = fileOf(await zoneOf(house), 7, asked);
  const taken = unwrap(await house.sw.validity.handIn(centreLink, text, 'test'));
  await done(house, taken.id);
  expect([underWay, most]).toEqual([0, 3]);
  const terminal = await house.terminal('CT5100-0001');
  terminal.socket.write(terminal.frame(terminal.sale('visa-contact', 1_000)));
  expect((await terminal.answer()).text(39)).toBe('000');
  terminal.socket.destroy();
});

test('what an issuer says means one thing: every action code has its verdict, or is asked again', () => {
  const pan = secretPan(cards.valid);
  const of = (actionCode: string, said: { pan?: string; expiry?: string } = {}) =>
    judgeValidity(
      { pan, expiry: '3012' },
      { actionCode, pan: said.pan === undefined ? undefined : secretPan(said.pan), expiry: said.expiry },
    );
  expect(of('000')).toBe('valid');
  expect(of('000', { pan: cards.valid, expiry: '3012' })).toBe('valid');
  expect(of('000', { expiry: '3101' })).toBe('newExpiry');
  expect(of('201', { pan: cards.fresh, expiry: '3101' })).toBe('newNumber');
  expect(of('101')).toBe('expired');
  expect(['111', '118'].map((code) => of(code))).toEqual(['unknown', 'unknown']);
  expect(['115', '120'].map((code) => of(code))).toEqual(['notJudged', 'notJudged']);
  expect(['100', '104', '208', '209'].map((code) => of(code))).toEqual(Array.from({ length: 4 }, () => 'closed'));
  expect(['904', '907', '911'].map((code) => of(code))).toEqual([undefined, undefined, undefined]);
  // A number with a wrong check digit, and a month that is none: nobody could open such an answer.
  const wrong = `${cards.fresh.slice(0, -1)}${(Number(cards.fresh.at(-1)) + 1) % 10}`;
  expect([
    of('000', { pan: wrong, expiry: '3101' }),
    of('201', { expiry: '3113' }),
    of('000', { expiry: '0000' }),
  ]).toEqual([undefined, undefined, undefined]);
});

test('answers are authentic as a whole: a line that was left out, added or changed spoils them', () => {
  const zone = Secret.take('key', random(32));
  const text = fileOf(zone, 9, [['R-1', cards.valid]]);
  const file = unwrap(ValidityRequestFile.open(text, zone));
  const line = { reference: 'R-1', verdict: 'valid', actionCode: '000', box: undefined } as const;
  const written = writeValidityAnswers(
    file.header,
    [1, 2].map((sequence) => ({ ...line, sequence })),
    [],
    file.key,
    random(12),
  );
  expect(readValidityAnswers(written, zone).ok).toBe(true);
  const lines = written.split('\n');
  const spoilt = [lines.toSpliced(1, 1), lines.toSpliced(1, 0, lines[1] ?? ''), lines.with(1, lines[2] ?? '')];
  for (const changed of [...spoilt.map((each) => each.join('\n')), written.replace('000 ', '100 ')])
    expect(readValidityAnswers(changed, zone)).toMatchObject({ ok: false, fault: { code: 'VALIDITY_FILE_REFUSED' } });
});
