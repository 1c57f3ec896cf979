import { cardNames, entryOf, readableCards, trackOf } from '@tsunagu/firmware-bridge/cards/index';
import { hasLuhnDigit } from '@tsunagu/protocols/emv';
import { findStripeAccount, findTestCard, stripeAccount, stripeAccountNames } from '@tsunagu/protocols/test-cards';
import { describe, expect, test } from 'vitest';

describe.each(stripeAccountNames)('%s', (name) => {
  const account = stripeAccount(name);

  test('has a number of its own that no scheme assigns (ISO/IEC 7812-1)', () => {
    expect(hasLuhnDigit(account.pan)).toBe(true);
    expect(account.pan.use((digits) => Buffer.from(digits.subarray(0, 4)).toString('latin1'))).toBe('9392');
    expect(findStripeAccount(account.pan)?.name).toBe(name);
    expect(findTestCard(account.pan)).toBeUndefined();
  });

  test('has a track 2 of 37 digits at most, and shows no secret (ISO/IEC 7813)', () => {
    expect(trackOf(name).use((track) => Buffer.from(track).toString('latin1'))).toMatch(/^\d{16}=\d{7}\d{13}$/);
    expect(JSON.stringify(account)).not.toMatch(/9392|4829|1234/);
    expect(entryOf(name)).toBe('stripe');
  });

  test('has a front stripe of 69 characters when it is a cash card, without its PIN (JIS X 6302-2, annex JA)', () => {
    const front = account.frontStripe?.use((bytes) => Buffer.from(bytes).toString('latin1'));
    expect(front === undefined).toBe(account.kind !== 'cash');
    if (front !== undefined) expect(front).toMatch(/^1\d{4}\d{3}1\d{7}0{53}$/);
  });
});

test('everybody’s cards, and those of a stripe without a scheme, are listed; faulty ones are presented by name alone', () => {
  const common = readableCards(['contact', 'contactless', 'stripe']);
  expect(common).toHaveLength(21 + stripeAccountNames.length);
  expect(common.slice(21)).toEqual(stripeAccountNames);
  expect(common.some((name) => name.startsWith('faulty'))).toBe(false);
  expect(readableCards(['contact']).some((name) => name.startsWith('gift'))).toBe(false);
  expect(cardNames()).toEqual(expect.arrayContaining([...common, 'gift-card', 'visa-offline', 'faulty-wrong-ca']));
  expect(new Set(cardNames()).size).toBe(cardNames().length);
});
