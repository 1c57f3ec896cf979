import { formatRemark, parseRemark } from '@tsunagu/protocols/acquiring';
import { nextAtHours } from '@tsunagu/protocols/iso8583';
import { expect, test } from 'vitest';
import { nextAfterSale } from '../../../cli/src/commands/sale.ts';

const hours = { from: '08:00', until: '21:00' };
const nothing = { element: undefined, hours: undefined, tillCode: undefined };

test('an element, hours of service and a till code go through DE44 and come back, each alone and together; other words are none', () => {
  for (const said of [{}, { element: 48 }, { hours }, { tillCode: 'G12' }, { element: 128, hours, tillCode: 'C20' }])
    expect(parseRemark(formatRemark(said))).toEqual({ ...nothing, ...said });
  expect(formatRemark({ element: 48, hours, tillCode: 'G97' })).toBe('DE48; HOURS 08:00-21:00; TILL G97');
  for (const text of ['DE', 'HOURS 25:00-21:00', 'HOURS 08:00-21:00 ', 'TILL g12', 'TILL G12345678', 'SORRY', ''])
    expect(parseRemark(text)).toEqual(nothing);
  expect(parseRemark('SORRY; TILL G12')).toEqual({ ...nothing, tillCode: 'G12' });
});

test('outside of the hours of a bank the till says when they are, and not to try again in a minute', () => {
  const refused = { outcome: 'declined', actionCode: '907', kind: 'sale', serviceHours: hours } as const;
  expect(nextAfterSale(refused, 'en')).toBe(nextAtHours(hours).en);
  expect(nextAfterSale(refused, 'ja')).toContain('08:00から21:00');
  expect(nextAfterSale({ ...refused, serviceHours: undefined }, 'en')).toContain('Wait a minute');
});
