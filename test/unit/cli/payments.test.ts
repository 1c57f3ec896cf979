import { job } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { describeSale, makePayment } from '../../../cli/src/commands/sale.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { keptConsole } from './kept-console.ts';

const world = systemWorld(() => undefined);
const now = '2026-11-26T00:00:00.000Z';

test.each([
  ['en', 'next: ', { outcome: 'refused', stan: '', reason: 'REFUND_ABOVE_SALE' }, 'REFUND_ABOVE_SALE'],
  ['ja', '対処: ', { outcome: 'refused', stan: '', reason: 'REFUND_ABOVE_SALE' }, 'REFUND_ABOVE_SALE'],
  [
    'en',
    'next: Name the transaction by the STAN',
    { outcome: 'refused', stan: '', reason: 'PAYMENT_RRN_TWICE', reasonFacts: { stans: '000001 000003' } },
    '(stans=000001 000003)',
  ],
  [
    'en',
    'next: Cards of this bank are served',
    { outcome: 'declined', stan: '', actionCode: '907', serviceHours: { from: '08:00', until: '21:00' } },
    '907 (Outside of the bank’s hours',
  ],
  ['ja', '対処: ', { outcome: 'declined', stan: '000007', actionCode: '117', tillCode: 'G42' }, 'エラーコード G42'],
  ['en', 'next: ', { outcome: 'declined', stan: '000007', actionCode: '117', tillCode: 'G42' }, 'till code G42'],
  ['en', 'next: The payment does not stand', { outcome: 'declined', stan: '000007', actionCode: '911' }, '911'],
  ['ja', '対処: 取引は成立していません', { outcome: 'declined', stan: '000007', actionCode: '911' }, '911'],
  [
    'en',
    'next: Nothing was booked',
    { kind: 'balance', outcome: 'declined', stan: '000007', actionCode: '911' },
    '911',
  ],
  ['en', 'next: The sale is reversed', { outcome: 'reversed', stan: '000007', reason: 'ACQUIRER_TIMEOUT' }, 'TIMEOUT'],
  ['ja', '対処: 取消電文は自動', { outcome: 'reversed', stan: '000007', reason: 'ACQUIRER_TIMEOUT' }, 'TIMEOUT'],
])('a payment that did not stand says what can be done, in %s: %s', async (lang, next, came, why) => {
  const ended = job.parse({
    id: 'job-1',
    serial: 'CT5100-0001',
    type: 'payment.run',
    state: 'succeeded',
    attempt: 1,
    createdAt: now,
    finishedAt: now,
    fault: null,
    steps: [{ step: 'negative-checked', atMs: 3, detail: 'clear' }],
    evidence: null,
    totals: null,
    document: null,
    result: null,
    priority: 'routine',
    notBefore: now,
    notAfter: now,
    attemptsMax: 1,
    orderedBy: 'mori',
    approvedBy: null,
    reference: null,
    isCancelling: false,
    isLate: false,
    sale: {
      kind: 'refund',
      amountMinor: 4_000,
      currency: 'JPY',
      card: '',
      scheme: '',
      entry: 'stored',
      lastFour: '',
      durationMs: 0,
      ...came,
    },
  });
  const client = Object.assign(openClient({ url: 'http://127.0.0.1:9', token: '' }, world), {
    startPayment: () => Promise.resolve(ok({ ...ended, state: 'running' as const })),
    job: () => Promise.resolve(ok(ended)),
    live: ({ on }: { readonly on: { readonly job?: (one: typeof ended) => unknown } }) => {
      queueMicrotask(() => on.job?.(ended));
      return { close: () => undefined };
    },
  });
  const { console, printed } = keptConsole(lang);
  const order = { kind: 'refund', original: '000003', amountMinor: 4_000 } as const;
  expect(await makePayment({ world, console, client, json: false }, 'CT5100-0001', order)).toBe(exit.otherOutcome);
  expect(printed().out).toContain(why);
  expect(printed().err.split('\n')).toContainEqual(expect.stringContaining(next));
  expect(printed().err).toContain(lang === 'ja' ? 'ネガ照合  該当なし' : 'negative file checked  clear');
  // A sum that is taken away has its sign before the yen, as on a slip.
  expect(console.texts.yen(-4_000)).toBe('-¥4,000');
});

test.each([
  ['en', 'action code 116 (Not sufficient funds)', 'action code 000 ('],
  ['ja', 'アクションコード 116（残高不足）', 'アクションコード 000（'],
])('a "no" of the issuer has words, a "yes" needs none, in %s', (lang, no, yes) => {
  const { console } = keptConsole(lang);
  const sale = {
    kind: 'sale',
    amountMinor: 6_001,
    currency: 'JPY',
    card: 'gift-card',
    scheme: 'gift',
    entry: 'stripe',
    lastFour: '0010',
    stan: '000003',
    durationMs: 1,
  } as const;
  expect(describeSale(console, { ...sale, outcome: 'declined', actionCode: '116' })).toContain(no);
  expect(describeSale(console, { ...sale, outcome: 'approved', actionCode: '000' })).not.toContain(yes);
});
