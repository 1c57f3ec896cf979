import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';
import { judgeFollowUp } from '@tsunagu/fleet-server/switch/transaction/rules';
import { cardCompanyLink, merchantIdOf, terminalIdOf } from '@tsunagu/protocols/acquiring';
import type { SaleMethod } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { boot, type Booted } from '../payment/terminal.ts';
import { openSmallHouse, type SmallHouse, type Terminal, tenant, until } from './small-house.ts';

const serial = 'CT5100-0001';
let house: SmallHouse;
let line: Terminal;
let booted: Booted;
/** What the line does to the n-th sending of a message. */
let mood: (mti: string, nth: number) => 'whole' | 'answerLost' | 'down' = () => 'whole';

/** W3 to the real switch, with a line that can lose answers. One message at a time, as the test's terminal has it. */
const acquirer = (): Acquirer => {
  const sent = new Map<string, number>();
  let tail: Promise<unknown> = Promise.resolve();
  return {
    exchange: (message) => {
      const turn = tail.then(async () => {
        const key = `${message.mti.slice(0, 3)}/${String(message.fields[11])}`;
        const nth = sent.get(key) ?? 0;
        sent.set(key, nth + 1);
        const now = mood(message.mti, nth);
        if (now === 'down') return fail('ACQUIRER_UNREACHABLE');
        const answer = await line.ask(message);
        return now === 'answerLost' ? fail('ACQUIRER_TIMEOUT') : ok({ mti: answer.mti, fields: { ...answer.fields } });
      });
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
};

/** The card company with a code of the acquirer's for what its declined card gets. */
const { profile } = cardCompanyLink;
const codedLink = {
  ...cardCompanyLink,
  profile: { ...profile, codes: { ...profile.codes, till: { '116': 'G06', '902': 'G99' } } },
};

beforeAll(async () => {
  house = await openSmallHouse(undefined, { switchClock: noonInJapan(), links: [codedLink] });
  line = await house.terminal(serial);
  booted = await boot({
    acquirer,
    factor: 1,
    identity: { terminalId: terminalIdOf(serial), merchantId: merchantIdOf(tenant) },
  });
});
afterEach(() => {
  mood = () => 'whole';
});
afterAll(async () => {
  await booted.side.close();
  line.close();
  await house.close();
});

const settled = async (taken: number): Promise<void> => {
  await booted.drained();
  await until(() => house.sw.reversalsQueued === 0);
  expect(house.ledger.takenMinor).toBe(taken);
};

test('every kind goes from terminal to card company and back, and the books agree', async () => {
  const { side } = booted;
  const sold = await side.run({ kind: 'sale', amountMinor: 5_000, card: 'jcb-contact' });
  expect(sold).toMatchObject({ outcome: 'approved', actionCode: '000' });
  expect(await side.run({ kind: 'refund', original: sold.stan, amountMinor: 2_000 })).toMatchObject({
    outcome: 'approved',
    actionCode: '000',
  });
  await settled(3_000);

  const held = await side.run({ kind: 'preauth', amountMinor: 9_000, card: 'visa-contact' });
  expect(held).toMatchObject({ outcome: 'approved', kind: 'preauth' });
  await settled(3_000);
  const left = await side.run({ kind: 'balance', card: 'visa-contact' });
  expect(left).toMatchObject({ outcome: 'approved', balanceMinor: 50_000_000 - 9_000 });
  const posted = await side.run({ kind: 'complete', original: held.stan, amountMinor: 8_000 });
  expect(posted).toMatchObject({ outcome: 'approved', actionCode: '900' });
  await settled(11_000);
  // The hold went with the posting.
  expect(await side.run({ kind: 'balance', card: 'visa-contact' })).toMatchObject({ balanceMinor: 50_000_000 - 8_000 });

  expect(await side.run({ kind: 'void', original: posted.stan })).toMatchObject({
    outcome: 'approved',
    actionCode: '400',
  });
  await settled(3_000);
  expect(house.lines.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['sale', 'refund', 'authorisation', 'balance', 'completion']),
  );
});

test('a till issues a gift card once, tops it up, and the issue can be taken back', async () => {
  const { side } = booted;
  const card = 'gift-card-new';
  expect(await side.run({ kind: 'charge', amountMinor: 1_000, card })).toMatchObject({ actionCode: '125' });
  const issue = { kind: 'issue', amountMinor: 5_007, card } as const;
  const issued = await side.run(issue);
  expect(issued).toMatchObject({ outcome: 'approved', kind: 'issue', balanceMinor: 5_007 });
  expect(await side.run(issue)).toMatchObject({ outcome: 'declined', actionCode: '119' });
  const charged = await side.run({ kind: 'charge', amountMinor: 1_000, card });
  expect(charged).toMatchObject({ outcome: 'approved', balanceMinor: 6_007 });
  // Both sides count it on their day as a credit, which the shop owes: it has the cash.
  const posted = await house.store.db
    .selectFrom('switch_postings')
    .select(['side', 'class'])
    .where('amount_minor', '=', 5_007)
    .orderBy('side')
    .execute();
  expect(posted).toEqual([
    { side: 'acquirer', class: 'credit' },
    { side: 'issuer', class: 'credit' },
  ]);
  const day = unwrap(await house.sw.operator.reconcile(cardCompanyLink.id, undefined, false, 'test'));
  expect(day.result).toBe('balanced');
  // What nobody bought is not refunded either: it would be put onto the card once more.
  const [kept] = await house.store.db
    .selectFrom('switch_sales')
    .selectAll()
    .where('kind', '=', 'issue')
    .where('state', '=', 'approved')
    .execute();
  if (!kept) throw new Error('no issue');
  const followed = { kind: kept.kind, state: kept.state, amountMinor: kept.amount_minor, panToken: kept.pan_token };
  const wanted = { kind: 'refund', amountMinor: 1, panToken: kept.pan_token } as const;
  expect(judgeFollowUp(wanted, followed, [])).toBe('902');
  expect(judgeFollowUp(wanted, { ...followed, kind: 'sale' }, [])).toBeUndefined();
  expect(await side.run({ kind: 'void', original: charged.stan })).toMatchObject({ outcome: 'approved' });
  expect(await side.run({ kind: 'void', original: issued.stan })).toMatchObject({ outcome: 'approved' });
  await booted.drained();
  await until(() => house.sw.reversalsQueued === 0);
  expect(await side.run({ kind: 'balance', card })).toMatchObject({ actionCode: '125' });
});

test('a refusal reaches the till with the code that the acquirer has for it, and stays with the transaction', async () => {
  const declined = await booted.side.run({ kind: 'sale', amountMinor: 5_000, card: 'visa-declined' });
  expect(declined).toMatchObject({ outcome: 'declined', actionCode: '116', tillCode: 'G06' });
  // The list of the acquirer has nothing for it: the action code alone is shown.
  const beyond = await booted.side.run({ kind: 'charge', amountMinor: 99_999, card: 'gift-card' });
  expect(beyond).toMatchObject({ outcome: 'declined', actionCode: '110' });
  expect(beyond).not.toHaveProperty('tillCode');
});

test('what a points card has left is told in points', async () => {
  const left = await booted.side.run({ kind: 'balance', card: 'points-card' });
  expect(left).toMatchObject({ outcome: 'approved', balanceMinor: 3_000, balanceUnit: 'points' });
});

test('a gift card pays with what is on it, and a charge, a void and a refund put it there', async () => {
  const { side } = booted;
  const card = 'gift-card';
  const left = async () => (await side.run({ kind: 'balance', card })).balanceMinor;
  expect(await left()).toBe(10_000);
  const sold = await side.run({ kind: 'sale', amountMinor: 4_000, card });
  expect(sold).toMatchObject({ outcome: 'approved', balanceMinor: 6_000 });
  const beyond = { kind: 'sale', amountMinor: 6_001, card } as const;
  expect(await side.run(beyond)).toMatchObject({ outcome: 'declined', actionCode: '116' });
  const charged = await side.run({ kind: 'charge', amountMinor: 5_000, card });
  expect(charged).toMatchObject({ outcome: 'approved', balanceMinor: 11_000 });
  // It may hold 100,000.
  const above = { kind: 'charge', amountMinor: 89_001, card } as const;
  expect(await side.run(above)).toMatchObject({ outcome: 'declined', actionCode: '110' });
  expect(await side.run({ kind: 'refund', original: sold.stan, amountMinor: 1_000 })).toMatchObject({
    outcome: 'approved',
    balanceMinor: 12_000,
  });
  expect(await side.run({ kind: 'void', original: charged.stan })).toMatchObject({ outcome: 'approved' });
  await booted.drained();
  await until(() => house.sw.reversalsQueued === 0);
  expect(await left()).toBe(7_000);
  // No other card is charged: the terminal says so of a chip, the switch of a stripe.
  expect(await side.run({ kind: 'charge', amountMinor: 1_000, card: 'visa-contact' })).toMatchObject({
    outcome: 'refused',
    reason: 'PAYMENT_NOT_FOR_CARD',
  });
  expect(await side.run({ kind: 'charge', amountMinor: 1_000, card: 'visa-stripe' })).toMatchObject({
    outcome: 'declined',
  });
});

test('the void of a charge whose money was spent meanwhile is refused by the issuer, and told as that', async () => {
  const { side } = booted;
  const card = 'gift-card';
  const left = async () => (await side.run({ kind: 'balance', card })).balanceMinor ?? 0;
  const before = await left();
  const charged = await side.run({ kind: 'charge', amountMinor: 5_000, card });
  expect(await side.run({ kind: 'sale', amountMinor: before + 4_000, card })).toMatchObject({ outcome: 'approved' });
  const kept = async () =>
    await house.store.db
      .selectFrom('switch_sales')
      .selectAll()
      .where('rrn', '=', charged.rrn ?? '')
      .execute();
  const voided = await side.run({ kind: 'void', original: charged.stan });
  expect(voided).toMatchObject({ outcome: 'declined', actionCode: '116', tillCode: 'G06', reason: 'ADVICE_REFUSED' });
  expect(await left()).toBe(1_000);
  expect(await kept()).toMatchObject([{ state: 'approved' }]);
  expect(house.alarms.at(-1)?.fault).toMatchObject({ code: 'SWITCH_VOID_REFUSED', facts: { actionCode: '116' } });
  // The issuer is away: nobody is told that the money is back, and nothing is lost. Then there is enough on the card.
  const again = await side.run({ kind: 'charge', amountMinor: 2_000, card });
  await house.stopCardCompany();
  expect(await side.run({ kind: 'void', original: again.stan })).toMatchObject({
    isQueued: true,
    reason: 'VOID_UNDECIDED',
  });
  // Whoever asks again is not told that it is done.
  expect(await side.run({ kind: 'void', original: again.stan })).toMatchObject({
    outcome: 'refused',
    reason: 'VOID_UNDECIDED',
  });
  const states = async () =>
    (
      await house.store.db
        .selectFrom('switch_sales')
        .select('state')
        .where('rrn', '=', again.rrn ?? '')
        .execute()
    ).map(({ state }) => state);
  expect(await states()).toEqual(['voiding']);
  await house.startCardCompany();
  await until(async () => (await states()).includes('reversed'));
  await booted.drained();
  expect(await left()).toBe(1_000);
});

test('an offline sale whose answers are lost is posted once, and its void takes it back', async () => {
  const before = house.ledger.takenMinor;
  mood = () => 'down';
  const offline = await booted.side.run({ kind: 'sale', amountMinor: 700, card: 'visa-offline' });
  expect(offline).toMatchObject({ outcome: 'approved', decidedBy: 'terminal', isQueued: true });
  mood = (mti, nth) => (mti.startsWith('122') && nth < 3 ? 'answerLost' : 'whole');
  await settled(before + 700);
  mood = () => 'whole';
  expect(await booted.side.run({ kind: 'void', original: offline.stan })).toMatchObject({ outcome: 'approved' });
  await settled(before);
});

test('a refund whose answer is lost is reversed at the card company, and its money is there to be refunded again', async () => {
  const sold = await booted.side.run({ kind: 'sale', amountMinor: 1_000, card: 'mastercard-contact' });
  const before = house.ledger.takenMinor;
  mood = (mti, nth) => (mti === '1200' && nth === 0 ? 'answerLost' : 'whole');
  expect(await booted.side.run({ kind: 'refund', original: sold.stan, amountMinor: 1_000 })).toMatchObject({
    outcome: 'reversed',
  });
  await settled(before);
  mood = () => 'whole';
  expect(await booted.side.run({ kind: 'refund', original: sold.stan, amountMinor: 1_000 })).toMatchObject({
    outcome: 'approved',
  });
  await settled(before - 1_000);
});

test.each<[string, SaleMethod, number, string, string | undefined]>([
  ['jcb-contact', { code: '61', instalments: 3 }, 12_000, '000', undefined],
  ['jcb-contact', { code: '80' }, 1_000, '000', undefined],
  // Not a number of the contract; below what is worth it; a scheme that is paid at once.
  ['jcb-contact', { code: '61', instalments: 4 }, 12_000, '119', 'PAYMENT_METHOD_NOT_AGREED'],
  ['jcb-contact', { code: '80' }, 999, '110', 'PAYMENT_METHOD_NOT_AGREED'],
  ['unionpay-contact', { code: '80' }, 12_000, '119', 'PAYMENT_METHOD_NOT_AGREED'],
])(
  '%s, paid by %j, %i yen: the contract at the switch says %s',
  async (card, method, amountMinor, actionCode, reason) => {
    const before = house.ledger.takenMinor;
    const sold = await booted.side.run({ kind: 'sale', amountMinor, card, method });
    expect(sold).toMatchObject({ outcome: reason ? 'declined' : 'approved', actionCode, method });
    expect(sold.reason).toBe(reason);
    if (reason) expect(house.lines.at(-1)).toMatchObject({ reason: 'SWITCH_CONTRACT_FORBIDS' });
    await settled(before + (reason ? 0 : amountMinor));
  },
);

test('the switch judges by itself what a terminal that forgot its books asks for', async () => {
  const sold = await booted.side.run({ kind: 'sale', amountMinor: 1_000, card: 'visa-contact' });
  const original = booted.ports.sales.all().find(({ stan }) => stan === sold.stan);
  if (original?.card === undefined) throw new Error('no record');
  // The books of the terminal are set back: as if the first refund had never been written down.
  const refund = () => booted.side.run({ kind: 'refund', original: sold.stan, amountMinor: 700 });
  const first = await refund();
  expect(first.outcome).toBe('approved');
  const slip = booted.ports.sales.all().find(({ stan }) => stan === first.stan);
  if (slip === undefined) throw new Error('no record');
  await booted.ports.sales.put({ ...slip, outcome: 'declined' });
  expect(await refund()).toMatchObject({ outcome: 'declined', actionCode: '110' });
  expect(house.lines.at(-1)).toMatchObject({ kind: 'refund', reason: 'SWITCH_FOLLOW_UP_REFUSED' });
  // A void of what was refunded, and of what nobody knows.
  await booted.ports.sales.put({ ...slip, outcome: 'declined' });
  expect(await booted.side.run({ kind: 'void', original: sold.stan })).toMatchObject({
    outcome: 'declined',
    actionCode: '902',
    tillCode: 'G99',
  });
  await booted.ports.sales.put({ ...original, stan: '555555', rrn: undefined });
  expect(await booted.side.run({ kind: 'void', original: '555555' })).toMatchObject({
    outcome: 'declined',
    actionCode: '914',
  });
});

test('no file, log or answer of the house shows a card number', async () => {
  const everything = await house.everything();
  const terminals = Buffer.from(JSON.stringify([booted.ports.sales.all(), booted.lines]));
  for (const card of ['visa-contact', 'jcb-contact', 'mastercard-contact', 'visa-offline'] as const) {
    const digits = testCard(card).pan.use((pan) => Buffer.from(pan).toString('latin1'));
    expect(everything.includes(digits)).toBe(false);
    expect(terminals.includes(digits)).toBe(false);
  }
});
