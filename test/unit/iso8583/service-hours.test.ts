import { formatHours, parseHours } from '@tsunagu/protocols/acquiring';
import { nextAtHours } from '@tsunagu/protocols/iso8583';
import { expect, test } from 'vitest';
import { nextAfterSale } from '../../../cli/src/commands/sale.ts';

const hours = { from: '08:00', until: '21:00' };

test('hours of service go through DE44 and come back; other words are none', () => {
  expect(parseHours(formatHours(hours))).toEqual(hours);
  for (const text of ['DE48', 'HOURS 25:00-21:00', 'HOURS 08:00-21:00 ', '']) expect(parseHours(text)).toBeUndefined();
});

test('outside of the hours of a bank the till says when they are, and not to try again in a minute', () => {
  const refused = { outcome: 'declined', actionCode: '907', kind: 'sale', serviceHours: hours } as const;
  expect(nextAfterSale(refused, 'en')).toBe(nextAtHours(hours).en);
  expect(nextAfterSale(refused, 'ja')).toContain('08:00から21:00');
  expect(nextAfterSale({ ...refused, serviceHours: undefined }, 'en')).toContain('Wait a minute');
});
