import { expect, test } from 'vitest';
import { findOriginal } from '../../../firmware-bridge/src/payment/index.ts';
import { type Transaction } from '../../../firmware-bridge/src/sales/index.ts';

const one = (kind: Transaction['kind'], stan: string): Transaction => ({
  v: 1,
  slip: Number(stan),
  day: 1,
  kind,
  at: 0,
  outcome: 'approved',
  amountMinor: 100,
  entry: 'stripe',
  verification: 'none',
  stan,
  localTime: '261127120000',
  posDataCode: '',
  mti: '1200',
  rrn: '633120000006',
  isOffline: false,
});
const rrn = '633120000006';

test('an inquiry with the same RRN, over another link, does not stand in the way of a sale', () => {
  expect(findOriginal([one('sale', '000001'), one('balance', '000002')], rrn)).toMatchObject({
    value: { stan: '000001' },
  });
});

test('an RRN that two sales have is refused, and names their STANs', () => {
  const both = [one('sale', '000001'), one('charge', '000003')];
  expect(findOriginal(both, rrn)).toMatchObject({
    fault: { code: 'PAYMENT_RRN_TWICE', facts: { stans: '000001 000003' } },
  });
  expect(findOriginal(both, '1')).toMatchObject({ value: { stan: '000001' } });
});
