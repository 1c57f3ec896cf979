import { errorTable } from '@tsunagu/protocols/errors';
import { testCard } from '@tsunagu/protocols/test-cards';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { contactlessSale, contactSale } from '@tsunagu/firmware-bridge/kernel/index';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sale, terminalWith } from './support/at-the-till.ts';
import { play } from './support/play.ts';

const terminal = terminalWith();
const names = [
  'visa-contact',
  'mastercard-contact',
  'amex-contact',
  'visa-contactless',
  'mastercard-contactless',
] as const;

/** An answer with a byte changed, cut, or replaced; the status word is kept sound, or the reader would have ended it. */
const bend = (answer: Uint8Array, [at, mask, left]: readonly [number, number, number | undefined]): Uint8Array => {
  const data = answer.slice(0, left === undefined ? answer.length - 2 : Math.min(left, answer.length - 2));
  if (data.length > 0) data[at % data.length] = (data[at % data.length] ?? 0) ^ mask;
  return Uint8Array.of(...data, ...answer.subarray(-2));
};

it('whatever a card answers, a dialogue ends in bounded turns with an outcome or a code of the table', () => {
  const decisions = new Set<string>();
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.tuple(fc.nat(30), fc.tuple(fc.nat(255), fc.nat(255), fc.option(fc.nat(60), { nil: undefined }))), {
        maxLength: 4,
      }),
      fc.constantFrom(undefined, 0x6985, 0x6a81, 0x6283, 0x63c0, 0x6f00),
      fc.nat(30),
      (name, bends, sw, swAt) => {
        const card = testCard(name);
        const chip = new EmvCard(card);
        const plan = new Map(bends);
        let count = 0;
        const { result } = play(
          (card.isContactless ? contactlessSale : contactSale)(terminal, sale),
          {
            transmit(apdu) {
              const at = count++;
              const answer = chip.transmit(apdu) ?? Uint8Array.of(0x6f, 0x00);
              if (sw !== undefined && at === swAt) return Uint8Array.of(...answer.slice(0, -2), sw >> 8, sw & 0xff);
              const how = plan.get(at);
              return how === undefined ? answer : bend(answer, how);
            },
          },
          { pins: ['1234', '1234', '1234'], online: { type: 'answered', isApproved: true, emv: new Uint8Array(0) } },
        );
        if (result.ok) decisions.add(result.value.decision);
        else {
          decisions.add('fault');
          expect(Object.hasOwn(errorTable, result.fault.code)).toBe(true);
        }
        expect(count).toBeLessThan(300);
      },
    ),
    { numRuns: 600 },
  );
  // The property has seen more than one way to end.
  expect(decisions.size).toBeGreaterThan(2);
});
