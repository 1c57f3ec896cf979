import type { Configuration, PaymentOrder } from '@tsunagu/protocols/fleet';
import { afterEach, expect, it } from 'vitest';
import { Centre } from './centre.ts';
import { boot, type Booted } from './terminal.ts';

let opened: Booted[] = [];
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
});

/** A sale at a terminal with these settings, through kernel, secure part and payment. */
async function sell(settings: Partial<Configuration>, order: Partial<Extract<PaymentOrder, { kind: 'sale' }>>) {
  const centre = new Centre();
  const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), configuration: settings });
  opened.push(booted);
  return booted.side.run({ kind: 'sale', amountMinor: 1_280, card: 'visa-contactless', ...order });
}

it('from the contactless limit on, a card is not read without contacts', async () => {
  expect(await sell({}, { amountMinor: 3_000 })).toMatchObject({ entry: 'contactless', outcome: 'approved' });
  expect(await sell({ contactlessLimitMinor: 3_001 }, { amountMinor: 3_000 })).toMatchObject({ outcome: 'approved' });
  const above = await sell({ contactlessLimitMinor: 3_000 }, { amountMinor: 3_000 });
  expect(above.outcome).not.toBe('approved');
  // A card that has both moves to its contacts.
  expect(
    await sell({ contactlessLimitMinor: 3_000 }, { amountMinor: 3_000, card: 'visa-dual-interface' }),
  ).toMatchObject({
    entry: 'contact',
  });
});

it('from the limit without verification on, the cardholder is verified', async () => {
  const order = { amountMinor: 1_280, card: 'visa-contactless' } as const;
  expect(await sell({ contactFallback: false }, order)).toMatchObject({ outcome: 'approved' });
  expect(await sell({ contactFallback: false, contactlessCvmLimitMinor: 1_000 }, order)).toMatchObject({
    reason: 'CARDHOLDER_NOT_VERIFIED',
  });
});

it('a PIN may be left out where that is allowed, and leaves the sale where it is not', async () => {
  const order = { card: 'visa-contact', pin: 'bypass' } as const;
  expect(await sell({ pinBypass: false }, order)).toMatchObject({ reason: 'CARDHOLDER_CANCELLED' });
  const allowed = await sell({ pinBypass: true }, order);
  expect(allowed.reason).not.toBe('CARDHOLDER_CANCELLED');
});
