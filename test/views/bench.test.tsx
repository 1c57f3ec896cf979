import type { BridgeEvent, CardSeen } from '@tsunagu/protocols/workshop';
import { render } from 'ink-testing-library';
import { createElement } from 'react';
import { expect, test, vi } from 'vitest';
import { openConsole } from '../../cli/src/console/index.ts';
import { Bench } from '../../cli/src/views/bench.tsx';
import { BenchModel, emptyBench, onBenchEvent } from '../../cli/src/views/bench-model.ts';

const console_ = openConsole({ env: {}, stdout: { write: () => {} }, stderr: { write: () => {} } });
const reader = { id: 'usb-1', vendorId: 0x04e6, productId: 0x5116, name: 'SCR3310', kind: 'contact' as const };
const card: CardSeen = {
  atr: '3B6700005453554E414755',
  explained: [{ en: 'Protocols: T=0', ja: 'プロトコル: T=0' }],
  applications: [{ aid: 'A0000000031010', label: 'VISA CREDIT' }],
};
const events: readonly BridgeEvent[] = [
  { event: 'readerFound', reader },
  { event: 'readerFound', reader: { id: 'usb-2', vendorId: 1, productId: 2, code: 'USB_BUSY' } },
  { event: 'cardFound', reader: 'usb-1', card },
];

test('the workbench shows readers and cards as they come and go, in both languages', async () => {
  const model = new BenchModel();
  const screen = render(createElement(Bench, { model, console: console_, language: 'en' }));
  expect(screen.lastFrame()).toContain('No reader is plugged in.');
  const shown = (isSo: (frame: string) => void): Promise<void> =>
    vi.waitFor(() => isSo(screen.lastFrame() ?? ''), 60_000);
  for (const event of events) model.take(event);
  await shown((frame) => {
    expect(frame).toContain('usb-1  04e6:5116  SCR3310  contact');
    expect(frame).toContain('A0000000031010  VISA CREDIT');
    expect(frame).toContain('USB_BUSY');
    // Keys are listened to a moment after the first frame.
    expect(screen.stdin.listenerCount('readable')).toBeGreaterThan(0);
  });
  screen.stdin.write('L');
  await shown((frame) => expect(frame).toContain('プロトコル: T=0'));
  model.take({ event: 'slotEmpty', reader: 'usb-1' });
  await shown((frame) => expect(frame).toContain('カードなし'));
  model.take({ event: 'readerGone', reader });
  await shown((frame) => expect(frame).not.toContain('SCR3310'));
  screen.unmount();
});

test('a reader that comes back has nothing in it until somebody looks', () => {
  let state = emptyBench;
  for (const event of [...events, ...events.slice(0, 1)]) state = onBenchEvent(state, event);
  expect(state.rows.map(({ reader: { id }, slot }) => [id, slot])).toEqual([
    ['usb-2', undefined],
    ['usb-1', undefined],
  ]);
});
