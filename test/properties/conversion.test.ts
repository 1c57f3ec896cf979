import {
  conversionElements,
  convertMinor,
  currencies,
  currencyNumber,
  formatOfferTerms,
  moneyText,
  rateOf,
  rateText,
  readConversion,
  readOfferReference,
  readOfferTerms,
  refundMinor,
} from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const number = fc.constantFrom(...Object.keys(currencies));
const amount = fc.integer({ min: 1, max: 99_999_999 });
/** Units of the cardholder's currency for one yen, as a fraction. */
const fraction = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.bigInt({ min: 1n, max: 10n ** 9n }));
const minorOf = (code: string): number => currencies[code]?.minorDigits ?? 0;

/** DE10, DE6 and what is left over as exact fractions: reckoned in another way than the code does, by long division. */
function longDivision(numerator: bigint, denominator: bigint): bigint {
  const whole = numerator / denominator;
  return (numerator % denominator) * 2n >= denominator ? whole + 1n : whole;
}

describe('DE10', () => {
  test('says a rate to seven digits: within half of its last place, and never with a decimal less than there is room for', () => {
    fc.assert(
      fc.property(fraction, ([numerator, denominator]) => {
        const rate = rateOf(numerator, denominator);
        const isTooSmall = numerator * 10n ** 9n * 2n < denominator;
        const isTooLarge = numerator * 2n >= denominator * 19_999_999n;
        if (rate === undefined) {
          expect(isTooSmall || isTooLarge).toBe(true);
          return;
        }
        expect(rate).toMatch(/^\d{8}$/);
        const decimals = BigInt(rate.slice(0, 1));
        const digits = BigInt(rate.slice(1));
        // |digits / 10^decimals - numerator / denominator| <= half of 10^-decimals
        const off = digits * denominator - numerator * 10n ** decimals;
        expect((off < 0n ? -off : off) * 2n <= denominator).toBe(true);
        if (decimals < 9n)
          expect(longDivision(numerator * 10n ** (decimals + 1n), denominator) > 9_999_999n).toBe(true);
      }),
    );
  });

  test('is read by people as the same number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9_999_999 }), (decimals, digits) => {
        const text = rateText(`${decimals}${String(digits).padStart(7, '0')}`);
        const [whole = '', parts = ''] = text.split('.');
        expect(BigInt(whole + parts.padEnd(decimals, '0'))).toBe(BigInt(digits));
        expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
      }),
    );
  });

  test.each([
    ['half a cent of a yen and a bit', 104n, 15_000n, '96933333'],
    ['one for one', 1n, 1n, '61000000'],
    ['more won than yen', 10_400n, 1_098n, '69471767'],
    ['seven digits before the point', 9_999_999n, 1n, '09999999'],
    ['nothing that seven digits could say', 19_999_999n, 2n, undefined],
  ])('of %s', (_name, numerator, denominator, expected) => {
    expect(rateOf(numerator, denominator)).toBe(expected);
  });
});

describe('an amount in another currency', () => {
  test('is the amount times DE10, half up to the last minor unit of ISO 4217', () => {
    fc.assert(
      fc.property(amount, number, number, fraction, (minor, from, to, [numerator, denominator]) => {
        const rate = rateOf(numerator, denominator);
        if (rate === undefined) return;
        const converted = convertMinor(minor, from, rate, to);
        const exact = [
          BigInt(minor) * BigInt(rate.slice(1)) * 10n ** BigInt(minorOf(to)),
          10n ** BigInt(Number(rate.slice(0, 1)) + minorOf(from)),
        ] as const;
        const expected = longDivision(...exact);
        if (converted === undefined) expect(expected > 999_999_999_999n).toBe(true);
        else expect(BigInt(converted)).toBe(expected);
      }),
    );
  });

  test('comes back in parts that add up to it, however it is given back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9_999 }), { minLength: 1, maxLength: 12 }),
        number,
        fraction,
        (parts, currency, [numerator, denominator]) => {
          const rate = rateOf(numerator, denominator);
          if (rate === undefined) return;
          let before = 0;
          let own = 0;
          for (const part of parts) {
            const back = refundMinor(part, { amountMinor: before, ownMinor: own }, '392', { rate, currency });
            if (back === undefined) return;
            expect(back).toBeGreaterThanOrEqual(0);
            own += back;
            before += part;
          }
          expect(own).toBe(convertMinor(before, '392', rate, currency));
        },
      ),
    );
  });

  test('comes back in parts of which some are voided again, and all that stands never comes to more than the rate says of the sale', () => {
    const step = fc.record({ part: fc.integer({ min: 1, max: 99 }), voids: fc.option(fc.nat(20)) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 40 }), number, fraction, (steps, currency, parts) => {
        const rate = rateOf(...parts);
        if (rate === undefined) return;
        const standing: { readonly amountMinor: number; readonly ownMinor: number }[] = [];
        const sum = (of: 'amountMinor' | 'ownMinor') => standing.reduce((all, each) => all + each[of], 0);
        let most = 0;
        for (const { part, voids } of steps) {
          const before = { amountMinor: sum('amountMinor'), ownMinor: sum('ownMinor') };
          const own = refundMinor(part, before, '392', { rate, currency });
          if (own === undefined) return;
          expect(own).toBeGreaterThanOrEqual(0);
          standing.push({ amountMinor: part, ownMinor: own });
          most = Math.max(most, sum('amountMinor'));
          expect(sum('ownMinor')).toBeLessThanOrEqual(convertMinor(most, '392', rate, currency) ?? 0);
          if (voids !== null) standing.splice(voids % standing.length, 1);
        }
      }),
    );
  });

  test('goes through a message and back', () => {
    const rates = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9_999_999 }));
    fc.assert(
      fc.property(
        amount,
        number,
        rates,
        fc.bigInt({ min: 0n, max: 16n ** 12n - 1n }),
        (amountMinor, currency, [decimals, digits], id) => {
          const reference = id.toString(16).toUpperCase().padStart(12, '0');
          const conversion = { amountMinor, currency, rate: `${decimals}${String(digits).padStart(7, '0')}` };
          const fields = conversionElements(conversion, reference);
          expect(unwrap(readConversion((element) => fields[element]))).toEqual(conversion);
          expect(readOfferReference(fields[62])).toBe(reference);
          const terms = { reference, markUpBasisPoints: digits % 2_001, until: 1_700_000_000_000 + digits * 1_000 };
          expect(readOfferTerms(formatOfferTerms(terms))).toEqual(terms);
          expect(readOfferReference(formatOfferTerms(terms))).toBe(reference);
        },
      ),
    );
  });

  test('that is half said is refused, by the element that is missing or wrong', () => {
    const whole = conversionElements({ amountMinor: 100, currency: '840', rate: '96933333' });
    const fieldOf = (change: Readonly<Record<number, string | undefined>>) => {
      const read = readConversion((element) => ({ ...whole, ...change })[element]);
      return read.ok ? undefined : read.fault.field;
    };
    expect([{}, { 6: undefined }, { 10: undefined }, { 51: undefined }].map(fieldOf)).toEqual([undefined, 6, 10, 51]);
    expect([{ 10: '90000000' }, { 51: '000' }].map(fieldOf)).toEqual([10, 51]);
    expect(unwrap(readConversion(() => undefined))).toBeUndefined();
  });
});

test('a person reads an amount with its code and its minor units', () => {
  expect(moneyText(6_933, '840')).toBe('USD 69.33');
  expect(moneyText(-5, '840')).toBe('USD -0.05');
  expect(moneyText(1_234_567, '392')).toBe('JPY 1,234,567');
  expect(moneyText(1_234_567, '414')).toBe('KWD 1,234.567');
  for (const [code, { alpha }] of Object.entries(currencies)) expect(currencyNumber(alpha)).toBe(code);
});
