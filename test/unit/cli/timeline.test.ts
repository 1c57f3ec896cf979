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
    expect(lines.filter((line) => line.includes(language === 'ja' ? 'コード=' : 'code='))).toHaveLength(3);
  }
});

test.each([
  [
    'en',
    ['from=deployed to=quarantined by=mori', 'kind=sale outcome=approved amount=¥2,420 scheme=visa', 'state=lost'],
  ],
  ['ja', ['前=設置済み 後=隔離 担当=mori', '取引=売上 結果=承認 金額=¥2,420 ブランド=visa', '状態=切断(異常)']],
] as const)('facts of a timeline are in the language of the reader (%s)', (language, told) => {
  const at = '2026-03-01T00:00:00.000Z';
  const { console } = keptConsole(language);
  const lines = timelineLines(console, [
    { id: 3, at, kind: 'lifecycle-moved', facts: { from: 'deployed', to: 'quarantined', by: 'mori' } },
    { id: 2, at, kind: 'sale', facts: { kind: 'sale', outcome: 'approved', amountMinor: 2420, scheme: 'visa' } },
    { id: 1, at, kind: 'lost', facts: { state: 'lost' } },
  ]);
  expect(lines.map((line) => line.split('  ').at(-1))).toEqual(told);
});
