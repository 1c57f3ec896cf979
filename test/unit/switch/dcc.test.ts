import { readFile } from 'node:fs/promises';
import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';
import {
  type Conversion,
  conversionElements,
  merchantIdOf,
  paymentRequest,
  readConversion,
  readOfferTerms,
  terminalIdOf,
  withCard,
} from '@tsunagu/protocols/acquiring';
import { type RateRules, rateRules, type SaleStep } from '@tsunagu/protocols/fleet';
import type { DecodedMessage, Message } from '@tsunagu/protocols/iso8583';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { testCard, type TestCardName } from '@tsunagu/protocols/test-cards';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { boot, type Booted } from '../payment/terminal.ts';
import { lookUps } from '@tsunagu/fleet-server/switch/dcc/look-up-bound';
import { afterPowerCut, openSmallHouse, type SmallHouse, type Terminal, tenant, until } from './small-house.ts';

const serial = 'CT5100-0001';
/** Away from those of the sales. */
let stans = 700_000;
let house: SmallHouse;
let line: Terminal;
let booted: Booted;
let isAnswerLost = false;

const acquirer = (): Acquirer => {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    exchange(message) {
      const turn = tail.then(async () => {
        const answer = await line.ask(message);
        if (isAnswerLost && message.mti === '1200') return fail('ACQUIRER_TIMEOUT');
        return ok({ mti: answer.mti, fields: { ...answer.fields } });
      });
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
};

const ratesNow = (): RateRules =>
  rateRules.parse({
    source: 'a test',
    at: new Date().toISOString(),
    markUpBasisPoints: 400,
    rates: [
      { currency: '840', yen: '150' },
      { currency: '978', yen: '164.82' },
    ],
    cards: [{ prefix: '47617390011', currency: '840' }],
  });

const setRates = async (rules: RateRules): Promise<void> => {
  const { version } = unwrap(await house.sw.rules.view('rates'));
  unwrap(await house.sw.rules.change('rates', version, rules, 'a test', 'tester'));
};

beforeAll(async () => {
  house = await openSmallHouse();
  line = await house.terminal(serial);
  booted = await boot({
    acquirer,
    factor: 1,
    configuration: { dcc: true },
    identity: { terminalId: terminalIdOf(serial), merchantId: merchantIdOf(tenant) },
  });
  await setRates(ratesNow());
});
afterEach(() => {
  isAnswerLost = false;
});
afterAll(async () => {
  await booted.side.close();
  line.close();
  await house.close();
});

const sell = async (amountMinor: number, dcc?: 'accept' | 'decline', card = 'visa-usd') => {
  const steps: string[] = [];
  const onStep = (step: SaleStep, _at: number, detail?: string): void => {
    if (step.startsWith('rate-')) steps.push(`${step} ${detail}`);
  };
  const sale = await booted.side.run({ kind: 'sale', amountMinor, card, ...(dcc && { dcc }) }, onStep);
  return { sale, steps };
};

/** What the card company has of everything in dollars, cents; refunds are below zero. */
const booksCents = async (): Promise<number> => {
  const lines = (await readFile(`${house.folder}/ledger.jsonl`, 'utf8')).split('\n').slice(0, -1);
  const records = lines.map(
    (text) =>
      JSON.parse(text) as {
        kind: string;
        what: string;
        key: string;
        actionCode: string;
        own?: { amountMinor: number };
      },
  );
  const reversed = new Set(records.filter(({ kind }) => kind === 'reversal').map(({ key }) => key));
  return records
    .filter(({ kind, key, actionCode }) => kind === 'sale' && actionCode === '000' && !reversed.has(key))
    .reduce((sum, { what, own }) => sum + (what === 'refund' ? -1 : 1) * (own?.amountMinor ?? 0), 0);
};

/** A rate look-up as a terminal asks it. */
const lookUp = (amountMinor: number, from = serial, card: TestCardName = 'visa-usd'): Message => {
  const { pan, expiry } = testCard(card);
  const request = paymentRequest({
    operation: 'rate',
    terminalId: terminalIdOf(from),
    merchantId: merchantIdOf(tenant),
    abilities: { readers: ['contact'], pinPad: true, printer: 'built-in', screen: 'colour' },
    stan: String((stans += 1)).padStart(6, '0'),
    nowMs: Date.now(),
    amountMinor,
    entry: 'contact',
    verification: 'none',
  });
  return withCard(request, { pan, expiry: expiry.slice(0, 4) });
};

const offerOf = (answer: DecodedMessage): { conversion: Conversion; reference: string } => {
  const conversion = unwrap(readConversion((number) => answer.text(number)));
  const terms = readOfferTerms(answer.text(62));
  if (!conversion || !terms) throw new Error(`nothing was offered: ${answer.text(39)}`);
  return { conversion, reference: terms.reference };
};

/** A sale that says it uses an offer. */
const claim = (amountMinor: number, conversion: Conversion, reference?: string, by = line): Message => {
  const { mti, fields } = by.sale('visa-usd', amountMinor);
  return { mti, fields: { ...fields, ...conversionElements(conversion, reference) } };
};

describe('a card from abroad', () => {
  test('pays in its own currency when its holder says so: both amounts on the steps, at the issuer, in the journal and on the slip', async () => {
    const before = await booksCents();
    const { sale, steps } = await sell(10_000, 'accept');
    expect(sale).toMatchObject({
      outcome: 'approved',
      amountMinor: 10_000,
      currency: 'JPY',
      // 10,000 yen at 150 for a dollar, 4 % on top.
      ownCurrency: { currency: 'USD', amountMinor: 6_933, rate: '0.006933333', markUpBasisPoints: 400 },
    });
    expect(steps).toEqual([
      'rate-offered JPY 10,000 / USD 69.33, JPY 1 = USD 0.006933333, +4.00%',
      'rate-chosen USD 69.33',
    ]);
    expect((await booksCents()) - before).toBe(6_933);
    const found = unwrap(await house.sw.operator.transactions({ rrn: sale.rrn ?? '' }, { limit: 5 }));
    expect(found.items).toMatchObject([{ amountMinor: 10_000, ownCurrency: { currency: 'USD', amountMinor: 6_933 } }]);
    expect((await house.sw.sales(undefined, 1))[0]).toMatchObject({ ownCurrency: { amountMinor: 6_933 } });
    expect(house.lines.at(-1)).toMatchObject({ outcome: 'approved', ownCurrency: { amountMinor: 6_933 } });
    const slipOf = async (language: 'ja' | 'en') => {
      const printed = unwrap(
        await booted.side.print({ what: 'payment', format: 'text', copy: 'customer', columns: 48, language }),
      );
      return Buffer.from(printed.base64, 'base64').toString('utf8');
    };
    const japanese = await slipOf('ja');
    expect(japanese).toContain('¥10,000');
    expect(japanese).toMatch(/お支払額 +USD 69\.33/);
    expect(japanese).toMatch(/換算レート +JPY 1 = USD 0\.006933333/);
    expect(japanese).toMatch(/上乗せ率 +4\.00%/);
    expect(japanese.replaceAll('\n', '')).toContain('USDでのお支払いを選択しました');
    const english = await slipOf('en');
    expect(english.replaceAll(/\s+/g, ' ')).toContain('chose to pay in USD at the rate and mark-up above');
  });

  test('pays in yen when its holder declines, or chooses nothing: nothing of a currency goes to the issuer', async () => {
    const before = await booksCents();
    for (const choice of ['decline', undefined] as const) {
      const { sale, steps } = await sell(5_000, choice);
      expect(sale).toMatchObject({ outcome: 'approved', amountMinor: 5_000 });
      expect(sale.ownCurrency).toBeUndefined();
      expect(steps.at(-1)).toBe('rate-chosen JPY 5,000');
    }
    expect(await booksCents()).toBe(before);
  });

  test('is known by its chip where no table has its number, and a card of the country is never asked about', async () => {
    const { sale } = await sell(1_000, 'accept', 'mastercard-eur');
    expect(sale).toMatchObject({ outcome: 'approved', ownCurrency: { currency: 'EUR', amountMinor: 631 } });
    const home = await sell(1_000, 'accept', 'visa-contactless');
    expect(home.steps).toEqual(['rate-not-offered JPY']);
    expect(home.sale.outcome).toBe('approved');
  });

  test('is sold to in yen where rates are stale', async () => {
    await setRates({ ...ratesNow(), at: '2026-01-01T00:00:00Z' });
    const { sale, steps } = await sell(1_000, 'accept');
    await setRates(ratesNow());
    expect(sale).toMatchObject({ outcome: 'approved', amountMinor: 1_000 });
    // Whoever said that the own currency is to be taken hears that it is not, and why.
    expect([sale.ownCurrency, steps]).toEqual([undefined, ['rate-not-offered RATE_NOT_OFFERED 115']]);
  });
});

describe('what is taken back of a converted sale', () => {
  test('comes to nothing in both currencies: a void, and a reversal of an answer that was lost', async () => {
    const before = [house.ledger.takenMinor, await booksCents()];
    const { sale } = await sell(7_777, 'accept');
    const taken = await booted.side.run({ kind: 'void', original: sale.stan });
    expect(taken).toMatchObject({ outcome: 'approved', ownCurrency: { amountMinor: sale.ownCurrency?.amountMinor } });
    isAnswerLost = true;
    expect((await sell(3_333, 'accept')).sale.outcome).toBe('reversed');
    isAnswerLost = false;
    await booted.drained();
    await until(() => house.sw.reversalsQueued === 0);
    expect([house.ledger.takenMinor, await booksCents()]).toEqual(before);
  });

  test('is given back in parts at the rate of the sale, and the parts come to it', async () => {
    const before = [house.ledger.takenMinor, await booksCents()];
    const { sale } = await sell(1_000, 'accept');
    await setRates({ ...ratesNow(), rates: [{ currency: '840', yen: '110' }] });
    const parts = [];
    for (const amountMinor of [333, 333, 334])
      parts.push(await booted.side.run({ kind: 'refund', original: sale.stan, amountMinor }));
    await setRates(ratesNow());
    expect(parts.map(({ outcome }) => outcome)).toEqual(['approved', 'approved', 'approved']);
    const cents = parts.map(({ ownCurrency }) => ownCurrency?.amountMinor ?? 0);
    expect(cents.reduce((sum, each) => sum + each, 0)).toBe(sale.ownCurrency?.amountMinor);
    expect([house.ledger.takenMinor, await booksCents()]).toEqual(before);
  });

  test('is authorised and completed in the own currency at the rate of the authorisation, given back and voided at it', async () => {
    const before = [house.ledger.takenMinor, await booksCents()];
    const order = { kind: 'preauth', amountMinor: 10_000, card: 'visa-usd', dcc: 'accept' } as const;
    const held = await booted.side.run(order);
    expect(held).toMatchObject({ outcome: 'approved', ownCurrency: { currency: 'USD', amountMinor: 6_933 } });
    await setRates({ ...ratesNow(), rates: [{ currency: '840', yen: '110' }] });
    const done = await booted.side.run({ kind: 'complete', original: held.stan, amountMinor: 9_000 });
    expect(done).toMatchObject({ outcome: 'approved', ownCurrency: { currency: 'USD', amountMinor: 6_240 } });
    await booted.drained();
    await until(() => house.sw.reversalsQueued === 0);
    const { items } = unwrap(await house.sw.operator.transactions({ amount: 9_000 }, { limit: 5 }));
    expect(items.find(({ kind }) => kind === 'completion')).toMatchObject({ ownCurrency: { amountMinor: 6_240 } });
    const back = await booted.side.run({ kind: 'refund', original: done.stan, amountMinor: 9_000 });
    expect(back).toMatchObject({ outcome: 'approved', ownCurrency: { amountMinor: 6_240 } });
    const again = await booted.side.run(order);
    expect(await booted.side.run({ kind: 'void', original: again.stan })).toMatchObject({
      outcome: 'approved',
      ownCurrency: { amountMinor: again.ownCurrency?.amountMinor },
    });
    await booted.drained();
    await until(() => house.sw.reversalsQueued === 0);
    await setRates(ratesNow());
    expect(house.ledger.takenMinor).toBe(before[0]);
  });

  test('is given back in parts of which one is voided: the others come to the sale, and not to a cent more', async () => {
    const before = [house.ledger.takenMinor, await booksCents()];
    // A cent is 1.44 yen: at one yen each, every other part is rounded up.
    const { sale } = await sell(100, 'accept');
    const refund = async (amountMinor: number) => {
      const made = await booted.side.run({ kind: 'refund', original: sale.stan, amountMinor });
      expect(made).toMatchObject({ outcome: 'approved' });
      return made;
    };
    const [one, two, three] = [await refund(1), await refund(1), await refund(1)];
    expect([one, two, three].map(({ ownCurrency }) => ownCurrency?.amountMinor)).toEqual([1, 0, 1]);
    expect(await booted.side.run({ kind: 'void', original: two.stan })).toMatchObject({ outcome: 'approved' });
    await booted.drained();
    const cents = [one, three, await refund(98)].map(({ ownCurrency }) => ownCurrency?.amountMinor ?? 0);
    expect(cents.reduce((sum, each) => sum + each, 0)).toBe(sale.ownCurrency?.amountMinor);
    await until(() => house.sw.reversalsQueued === 0);
    expect([house.ledger.takenMinor, await booksCents()]).toEqual(before);
  });
});

describe('the switch', () => {
  test('offers the same again to the same look-up, and says no to what it cannot offer', async () => {
    const asked = lookUp(2_000);
    const first = await line.ask(asked);
    expect(first.text(39)).toBe('000');
    const again = await line.ask({ ...asked, mti: '1101' });
    expect(again.text(62)).toBe(first.text(62));
    const changed = await line.ask({ ...asked, fields: { ...asked.fields, 4: '000000002001' } });
    expect(changed.text(39)).toBe('913');
    const domestic = await line.ask(lookUp(2_000, serial, 'visa-contact'));
    expect([domestic.text(39), domestic.text(6)]).toEqual(['119', undefined]);
    await setRates({ ...ratesNow(), rates: [] });
    expect((await line.ask(lookUp(2_000))).text(39)).toBe('115');
    // A repeat has the answer of the first one, whatever the rates are by now.
    const late = await line.ask({ ...asked, mti: '1101' });
    expect([late.text(39), late.text(62)]).toEqual(['000', first.text(62)]);
    await setRates(ratesNow());
  });

  test('holds a terminal that asks for rates without end, and no other; each look-up of a repeat is none', async () => {
    const greedy = await house.terminal('CATS220-0001');
    const asked = lookUp(2_000, greedy.serial);
    expect((await greedy.ask(asked)).text(39)).toBe('000');
    expect((await greedy.ask({ ...asked, mti: '1101' })).text(39)).toBe('000');
    const codes: (string | undefined)[] = [];
    for (let count = 1; count < lookUps.max + 3; count += 1)
      codes.push((await greedy.ask(lookUp(2_000, greedy.serial))).text(39));
    expect(codes.filter((code) => code === '000')).toHaveLength(lookUps.max - 1);
    expect(codes.slice(-3)).toEqual(['123', '123', '123']);
    expect(house.alarms.filter(({ fault }) => fault.code === 'SWITCH_RATE_LOOK_UPS_TOO_MANY')).toHaveLength(1);
    expect((await line.ask(lookUp(2_000))).text(39)).toBe('000');
    greedy.close();
  });

  test('believes no rate that is off the one before by more than half, until a second person says the same', async () => {
    const set = async (yen: string, by: string) => {
      const { version } = unwrap(await house.sw.rules.view('rates'));
      const rules = { ...ratesNow(), rates: [{ currency: '410', yen }] };
      const changed = await house.sw.rules.change('rates', version, rules, 'a test', by);
      return changed.ok ? changed.value.version - version : [changed.fault.code, changed.fault.facts?.['currency']];
    };
    const refused = ['SWITCH_RATES_IMPLAUSIBLE', 'KRW'];
    expect(await set('0.1098', 'one')).toBe(1);
    expect(await set('0.12', 'one')).toBe(1);
    expect(await set('12', 'one')).toEqual(refused);
    expect(await set('12', 'one')).toEqual(refused);
    // Another rate is another question.
    expect(await set('13', 'two')).toEqual(refused);
    expect(await set('12', 'two')).toEqual(refused);
    expect(await set('12', 'one')).toBe(1);
    // Leaving a currency out for a while makes no rate believed.
    await setRates(ratesNow());
    expect(await set('0.12', 'one')).toEqual(refused);
    expect(await set('0.12', 'two')).toBe(1);
    await setRates(ratesNow());
  });

  test('takes only what it offered, once, from the terminal and card that it offered it to, while it stands', async () => {
    const { conversion, reference } = offerOf(await line.ask(lookUp(4_000)));
    const saysNo = async (message: Message, by = line): Promise<readonly (string | undefined)[]> => {
      const answer = await by.ask(message);
      return [answer.text(39), house.lines.at(-1)?.reason ?? undefined];
    };
    const before = house.ledger.takenMinor;
    expect(await saysNo(claim(4_000, conversion))).toEqual(['914', 'SWITCH_OFFER_UNKNOWN']);
    expect(await saysNo(claim(4_000, conversion, '0123456789AB'))).toEqual(['914', 'SWITCH_OFFER_UNKNOWN']);
    expect(await saysNo(claim(4_001, conversion, reference))).toEqual(['110', 'SWITCH_OFFER_DIFFERS']);
    for (const change of [{ amountMinor: 1 }, { rate: '96933330' }, { currency: '036' }])
      expect((await line.ask(claim(4_000, { ...conversion, ...change }, reference))).text(39)).toMatch(/^11[09]$/);
    const other = await house.terminal('CATS220-0001');
    expect(await saysNo(claim(4_000, conversion, reference, other), other)).toEqual(['914', 'SWITCH_OFFER_UNKNOWN']);
    other.close();
    const { 10: _rate, ...without } = claim(4_000, conversion, reference).fields;
    expect((await line.ask({ mti: '1200', fields: without })).text(44)?.trim()).toBe('DE10');
    expect(house.ledger.takenMinor).toBe(before);

    expect((await line.ask(claim(4_000, conversion, reference))).text(39)).toBe('000');
    expect(await saysNo(claim(4_000, conversion, reference))).toEqual(['902', 'SWITCH_OFFER_USED']);

    const late = offerOf(await line.ask(lookUp(4_000)));
    await house.store.db
      .updateTable('switch_offers')
      .set({ until: Date.now() - 1 })
      .where('reference', '=', late.reference)
      .execute();
    expect(await saysNo(claim(4_000, late.conversion, late.reference))).toEqual(['903', 'SWITCH_OFFER_EXPIRED']);
    expect(house.ledger.takenMinor - before).toBe(4_000);
  });

  test('of two sales at once that use one offer takes one', async () => {
    const { conversion, reference } = offerOf(await line.ask(lookUp(6_000)));
    const before = house.ledger.takenMinor;
    const second = await house.terminal(serial);
    const answers = await Promise.all([
      line.ask(claim(6_000, conversion, reference)),
      second.ask(claim(6_000, conversion, reference)),
    ]);
    second.close();
    expect(new Set(answers.map((answer) => answer.text(39)))).toEqual(new Set(['000', '902']));
    expect(house.ledger.takenMinor - before).toBe(6_000);
  });

  test('keeps its offers over a restart', async () => {
    const { conversion, reference } = offerOf(await line.ask(lookUp(8_000)));
    const risen = await afterPowerCut(house);
    try {
      const again = await risen.terminal(serial);
      // The terminal counts on where it was.
      const ask = async (counter: number) => {
        again.socket.write(again.frame(claim(8_000, conversion, reference, again), again.ksn(counter)));
        return (await again.answer()).text(39);
      };
      expect(await ask(0x1000_0001)).toBe('000');
      expect(await ask(0x1000_0002)).toBe('902');
      again.close();
    } finally {
      await risen.close();
    }
  });
});
