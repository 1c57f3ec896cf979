import { entryModeOf, isTechnicalFallback } from '@tsunagu/protocols/acquiring';
import { configuration, type PaymentOrder, paymentOrder, type SaleResult, saleResult } from '@tsunagu/protocols/fleet';
import type { Message } from '@tsunagu/protocols/iso8583';
import { kernelTrace } from '@tsunagu/protocols/kernel-trace';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Centre } from './centre.ts';
import { boot, type Booted, type BootOptions } from './terminal.ts';

let centre: Centre;
let asked: Message[] = [];
let opened: Booted[] = [];
beforeEach(() => {
  centre = new Centre();
  asked = [];
  centre.actionCode = (message) => {
    asked.push(message);
    return undefined;
  };
});
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
  expect(centre.complaints).toEqual([]);
});

/** The issuer of this centre sends no ARPC, so only cards that do without are approved online. */
async function terminal(options: Partial<BootOptions> = {}) {
  const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), ...options });
  opened.push(booted);
  const steps: string[] = [];
  const run = async (order: PaymentOrder): Promise<SaleResult> =>
    saleResult.parse(
      await booted.side.run(paymentOrder.parse(order), (step, _atMs, detail) => steps.push(`${step} ${detail ?? ''}`)),
    );
  const sell = (card: string, amountMinor = 1_280, application?: string) =>
    run({ kind: 'sale', amountMinor, card, ...(application !== undefined && { application }) });
  const trace = () => {
    const { base64 } = unwrap(booted.side.traceOf({}));
    return kernelTrace.parse(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  };
  return { ...booted, run, sell, steps, trace };
}

const posDataOf = (message: Message | undefined): string => {
  const value = message?.fields[22];
  return typeof value === 'string' ? value : '';
};

describe('a card that the antenna cannot finish', () => {
  it('is inserted: one request, made at the contacts', async () => {
    const { sell, steps, trace, ports } = await terminal();
    const sold = await sell('visa-dual-interface', 15_001);
    expect(sold).toMatchObject({ entry: 'contact', lastFour: '0010', actionCode: '000' });
    expect(steps).toContain('card-elsewhere contact');
    expect(asked.filter(({ mti }) => mti === '1200').map((one) => entryModeOf(posDataOf(one)))).toEqual(['contact']);
    expect(trace().lines).toContainEqual(expect.objectContaining({ step: 'card-elsewhere', detail: 'contact' }));
    expect(ports.sales.all()).toHaveLength(1);
    expect((await sell('visa-dual-interface', 15_000)).entry).toBe('contactless');
  });

  it('is inserted when the reader has no kernel for it', async () => {
    const { sell } = await terminal({ configuration: { floorLimitMinor: 0 } });
    expect(await sell('mastercard-contactless-stripe')).toMatchObject({ entry: 'contact' });
  });

  it('stays refused where the merchant does not allow it, and where there are no contacts on the card', async () => {
    const strict = await terminal({ configuration: { contactFallback: false } });
    expect(await strict.sell('visa-dual-interface', 15_001)).toMatchObject({
      outcome: 'refused',
      reason: 'CARDHOLDER_NOT_VERIFIED',
      entry: 'contactless',
    });
    const open = await terminal();
    expect(await open.sell('visa-contactless', 15_001)).toMatchObject({ reason: 'CARDHOLDER_NOT_VERIFIED' });
    expect(asked).toEqual([]);
  });
});

describe('a chip that says nothing readable', () => {
  it('is drawn where the acquirer allows it, and the issuer is told why', async () => {
    const { sell, steps, trace, ports } = await terminal({ configuration: { stripeFallback: true } });
    const sold = await sell('faulty-mute-from-the-start');
    expect(sold).toMatchObject({ outcome: 'approved', entry: 'stripe' });
    expect(steps).toContain('card-elsewhere stripe, technical fallback');
    const [request] = asked;
    expect(posDataOf(request)).toMatch(/^.{6}9/);
    expect([isTechnicalFallback(posDataOf(request)), entryModeOf(posDataOf(request))]).toEqual([true, 'stripe']);
    expect(request?.fields[35]).toBeInstanceOf(Secret);
    expect(trace()).toMatchObject({ entry: 'stripe', stan: sold.stan });
    expect(ports.sales.all()).toMatchObject([{ posDataCode: posDataOf(request), entry: 'stripe' }]);
  });

  it('is reversed like any sale when the answer is lost, under the same flag', async () => {
    const { sell, drained } = await terminal({ configuration: { stripeFallback: true } });
    centre.mood = ({ mti }) => (mti === '1200' ? 'answerLost' : 'whole');
    expect(await sell('faulty-mute-from-the-start')).toMatchObject({ outcome: 'reversed', entry: 'stripe' });
    await drained();
    expect(centre.netMinor).toBe(0);
    expect(isTechnicalFallback(posDataOf(asked.find(({ mti }) => mti.startsWith('142'))))).toBe(true);
  });

  it('is refused by default', async () => {
    expect(configuration.parse({})).toMatchObject({ contactFallback: true, stripeFallback: false });
    const { sell } = await terminal();
    expect(await sell('faulty-mute-from-the-start')).toMatchObject({ outcome: 'failed', reason: 'READER_CARD_MUTE' });
    expect(asked).toEqual([]);
  });

  it.each(['faulty-mute-in-records', 'visa-card-blocked', 'faulty-no-pan'])(
    'is not drawn once an application was selected, nor when it is blocked: %s',
    async (card) => {
      const { sell } = await terminal({ configuration: { stripeFallback: true } });
      expect((await sell(card)).entry).toBe('contact');
      expect(asked).toEqual([]);
    },
  );
});

it('refuses the stripe of a card whose chip was not tried (service code 2xx), unless no reader could', async () => {
  const { sell } = await terminal({ configuration: { stripeFallback: true } });
  expect(await sell('visa-chip-stripe')).toMatchObject({ outcome: 'refused', reason: 'CARD_NEEDS_CHIP' });
  expect(await sell('visa-stripe')).toMatchObject({ outcome: 'approved' });
  expect(asked.map((one) => isTechnicalFallback(posDataOf(one)))).toEqual([false]);
});

describe('split sales (EMV 4.3 Book 3, 10.6.1)', () => {
  it('count together towards the floor limit, by card, on one business day', async () => {
    const { sell, side, trace, run, drained } = await terminal({ configuration: { floorLimitMinor: 1_000 } });
    const first = await sell('visa-offline', 600);
    expect(first).toMatchObject({ decidedBy: 'terminal' });
    // Another card does not count.
    expect(await sell('mastercard-offline', 600)).toMatchObject({ decidedBy: 'terminal' });
    await drained();
    asked = [];
    await sell('visa-offline', 400);
    expect(asked.map(({ mti }) => mti)).toContain('1200');
    expect(trace().lines).toContainEqual(
      expect.objectContaining({
        note: expect.objectContaining({ what: 'floorLimit', detail: '400 + 600 >= 1000' }),
      }),
    );
    expect(await run({ kind: 'void', original: first.stan })).toMatchObject({ outcome: 'approved' });
    await drained();
    asked = [];
    await sell('visa-offline', 400);
    expect(JSON.stringify(trace().lines)).not.toContain('400 + ');
    await drained();
    unwrap(await side.totals(true));
    await sell('mastercard-offline', 400);
    expect(JSON.stringify(trace().lines)).not.toContain('400 + ');
  });
});

describe('a card with several applications', () => {
  const selected = (steps: readonly string[]) => steps.find((step) => step.startsWith('application-selected'));

  it.each([
    ['visa-first-account', undefined, 'VISA CREDIT'],
    ['visa-first-account', 'VISA DEBIT', 'VISA DEBIT'],
    ['visa-first-account', 'visa debit', 'VISA DEBIT'],
    ['mastercard-and-maestro', 'MAESTRO', 'MAESTRO'],
  ] as const)('%s pays with what its holder chooses: %s', async (card, application, label) => {
    const { sell, steps } = await terminal();
    await sell(card, 1_280, application);
    expect(selected(steps)).toBe(`application-selected ${label}`);
  });

  it('ends the sale when the one that is wanted is not there', async () => {
    const { sell } = await terminal();
    expect(await sell('visa-first-account', 1_280, 'JCB CREDIT')).toMatchObject({ reason: 'CARDHOLDER_CANCELLED' });
    expect(asked).toEqual([]);
  });
});

it('presents a phone again that wanted to be looked at, once', async () => {
  const { sell, steps } = await terminal();
  expect(await sell('faulty-contactless-locked-phone')).toMatchObject({ outcome: 'approved', entry: 'contactless' });
  expect(steps.filter((step) => step.startsWith('card-presented'))).toEqual([
    'card-presented contactless',
    'card-presented contactless, again',
  ]);
});
