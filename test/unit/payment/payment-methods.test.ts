import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';
import { answerTo, formatPaymentMethod, terminalLink } from '@tsunagu/protocols/acquiring';
import type { Configuration, PaymentOrder, SaleMethod } from '@tsunagu/protocols/fleet';
import type { FieldValue, Message } from '@tsunagu/protocols/iso8583';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { Centre } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

let centre: Centre;
let opened: Booted[] = [];
/** Everything that left, in order. */
let left: Message[] = [];
/** What the switch says instead of an approval. */
let said: { readonly [element: number]: FieldValue } | undefined;
beforeEach(() => {
  centre = new Centre();
  left = [];
  said = undefined;
});
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
});

async function terminal(configuration: Partial<Configuration> = {}) {
  const acquirer = (isAlive: () => boolean): Acquirer => {
    const line = centre.line(isAlive);
    return {
      async exchange(message, how) {
        left.push(message);
        if (said && message.mti === '1200') return ok(answerTo(message, '1210', terminalLink.echoElements, said));
        return await line.exchange(message, how);
      },
    };
  };
  const booted = await boot({ acquirer, configuration });
  opened.push(booted);
  const sell = (method: SaleMethod | undefined, change: Partial<Extract<PaymentOrder, { kind: 'sale' }>> = {}) =>
    booted.side.run({ kind: 'sale', amountMinor: 12_800, card: 'visa-stripe', method, ...change });
  const slip = async (language: 'ja' | 'en') => {
    const order = { what: 'payment', format: 'text', copy: 'merchant', language, columns: 32 } as const;
    return Buffer.from(unwrap(await booted.side.print(order)).base64, 'base64').toString('utf8');
  };
  return { ...booted, sell, slip };
}

describe('a sale that is not paid at once', () => {
  it.each([
    [{ code: '61', instalments: 3 }, 'JP6103000', /支払区分 +分割払い 3回/, /Payment +Instalments x 3/],
    [{ code: '80' }, 'JP8000000', /支払区分 +リボルビング払い/, /Payment +Revolving/],
    [
      { code: '22', bonus: [{ month: 12, amountMinor: 0 }] },
      'JP22000011200000000',
      /ボーナス払い\(22\) ボーナス12月/,
      /Bonus \(22\) bonus month 12/,
    ],
    [
      { code: '34', instalments: 6, firstMonth: 1, bonus: [{ month: 7, amountMinor: 3_000 }] },
      'JP3406011' + '0700003000',
      /ボーナス併用払い\(34\)/,
      /Bonus and instalments/,
    ],
  ] as const)('says %j in DE48, tells it, and prints it on the slip', async (method, element, ja, en) => {
    const { sell, slip } = await terminal();
    const sold = await sell({ ...method, bonus: 'bonus' in method ? [...method.bonus] : undefined });
    expect(sold).toMatchObject({ outcome: 'approved', method: { code: method.code } });
    expect(left[0]?.fields[48]).toBe(element);
    expect((await slip('ja')).replaceAll(/\n +/g, ' ')).toMatch(ja);
    expect((await slip('en')).replaceAll(/\n +/g, ' ')).toMatch(en);
  });

  it('one at once says nothing of it, and is printed as such', async () => {
    const { sell, slip } = await terminal();
    for (const method of [undefined, { code: '10' as const }]) {
      expect((await sell(method)).method).toBeUndefined();
      expect(left.at(-1)?.fields[48]).toBeUndefined();
      expect(await slip('ja')).toMatch(/支払区分 +一括/);
    }
  });

  it('is given back as it was paid, and the issuer finds it by its sale', async () => {
    const { side, sell, slip } = await terminal();
    const sold = await sell({ code: '61', instalments: 3 });
    expect(await side.run({ kind: 'refund', original: sold.stan, amountMinor: 800 })).toMatchObject({
      outcome: 'approved',
      method: { code: '61', instalments: 3 },
    });
    expect(left.at(-1)?.fields[48]).toBeUndefined();
    expect(await slip('ja')).toMatch(/支払区分 +分割払い 3回/);
  });

  it('is never approved by terminal and card alone: the contract is at the switch', async () => {
    const { sell } = await terminal();
    const order = { card: 'visa-offline', amountMinor: 700 } as const;
    expect(await sell(undefined, order)).toMatchObject({ outcome: 'approved', decidedBy: 'terminal' });
    await sell({ code: '80' }, order);
    expect(left.find(({ mti }) => mti === '1200')?.fields[48]).toBe('JP8000000');
  });

  it('is in yen: no rate is looked up', async () => {
    const { sell } = await terminal({ dcc: true });
    await sell({ code: '80' }, { dcc: 'accept' });
    expect(left.map(({ mti }) => mti)).toEqual(['1200']);
  });

  it('is no way to pay with a transit card', async () => {
    const { sell } = await terminal();
    expect(await sell({ code: '80' }, { card: 'transit' })).toMatchObject({
      outcome: 'refused',
      reason: 'PAYMENT_METHOD_NOT_AGREED',
    });
    expect(left).toEqual([]);
  });

  it('says that the contract lacks it where the no names DE48, and only then', async () => {
    const { sell } = await terminal();
    said = { 39: '119', 44: 'DE48' };
    expect(await sell({ code: '80' })).toMatchObject({
      outcome: 'declined',
      actionCode: '119',
      reason: 'PAYMENT_METHOD_NOT_AGREED',
    });
    said = { 39: '119' };
    expect((await sell({ code: '80' })).reason).toBeUndefined();
  });
});

test('every method that a sale can name can be written', () => {
  for (const [method, isOne] of [
    [{ code: '61' }, false],
    [{ code: '61', instalments: 2 }, true],
    [{ code: '80', instalments: 3 }, false],
    [{ code: '10', bonus: [{ month: 7, amountMinor: 0 }] }, false],
  ] as const)
    expect(formatPaymentMethod(method).ok, JSON.stringify(method)).toBe(isOne);
});
