import { render } from 'ink-testing-library';
import { createElement } from 'react';
import { expect, test, vi } from 'vitest';
import { openConsole } from '../../cli/src/console/index.ts';
import { SaleDialog } from '../../cli/src/views/sale-dialog.tsx';

const { texts } = openConsole({ env: {}, stdout: { write: () => {} }, stderr: { write: () => {} } });

test('Enter starts the sale that was typed last, before the screen has drawn it', async () => {
  const started: unknown[] = [];
  const offer = {
    link: 'card-company-1',
    scheme: 'visa',
    methods: ['10' as const, '61' as const],
    instalments: [3, 5],
    methodMinMinor: 0,
  };
  const { stdin, unmount } = render(
    createElement(SaleDialog, {
      texts,
      language: 'en',
      cards: ['visa-contact'],
      offers: [offer],
      onCancel: () => {},
      onStart: (...sale) => started.push(sale),
    }),
  );
  // Keys are listened to a moment after the first frame.
  await vi.waitFor(() => expect(stdin.listenerCount('readable')).toBeGreaterThan(0), 60_000);
  for (const key of ['p', 'n', '5', '\r']) stdin.write(key);
  expect(started).toEqual([
    ['visa-contact', 12_805, { wantsOwnCurrency: false, method: { code: '61', instalments: 5 } }],
  ]);
  unmount();
});
