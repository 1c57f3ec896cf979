import type { TimelineEntry } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { timelineLines } from '../../../cli/src/commands/describe.ts';
import { keptConsole } from './kept-console.ts';

test('an alarm is told with what it means and what to do, once for each code', () => {
  const entry = (id: number, code: string): TimelineEntry => ({
    id,
    at: '2026-03-01T00:00:00.000Z',
    kind: 'alarm',
    facts: { code },
  });
  const entries = [entry(3, 'KSN_WENT_BACK'), entry(2, 'KSN_WENT_BACK'), entry(1, 'OF_A_NEWER_SERVER')];
  for (const [language, next] of [
    ['en', 'The terminal is quarantined: it was cloned, or an old state was put back. Load new keys.'],
    ['ja', '端末は隔離されました。複製か古い状態の復元が疑われます。鍵を入れ直してください。'],
  ] as const) {
    const { console } = keptConsole(language);
    const lines = timelineLines(console, entries);
    expect(lines.filter((line) => line.includes(next))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('code='))).toHaveLength(3);
  }
});
