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

test('words of ours in a timeline are Japanese to who reads Japanese', () => {
  const at = '2026-03-01T00:00:00.000Z';
  const { console } = keptConsole('ja');
  const told = (kind: TimelineEntry['kind'], facts: TimelineEntry['facts']) =>
    timelineLines(console, [{ id: 1, at, kind, facts }])[0]
      ?.split('  ')
      .at(-1);
  expect(told('swap', { swap: '7', step: 'drained', old: 'A-1', new: 'B-1' })).toBe(
    '交換番号=7 段階=旧端末の未送信なし 旧端末=A-1 新端末=B-1',
  );
  expect(told('swap', { swap: '7', dead: true })).toBe('交換番号=7 応答なし=はい');
  expect(told('work-order', { work: 'W-1', opened: true })).toBe('整備指示=W-1 入庫=はい');
  expect(told('work-order', { work: 'W-1', outcome: 'no-fault-found', grade: 'A' })).toBe(
    '整備指示=W-1 結果=異常なし 等級=A',
  );
  expect(told('inspection', { inspection: 'I-1', surface: 'intact', findings: '' })).toBe(
    '点検番号=I-1 外装=異常なし 所見=異常なし',
  );
  expect(told('inspection', { inspection: 'I-1', surface: 'opened', findings: 'surface seals' })).toBe(
    '点検番号=I-1 外装=開封の形跡 所見=外装 封印',
  );
  expect(told('alarm', { code: 'EXPIRY_NEAR', level: 'near', ends: 'terminal-certificate' })).toBe(
    'コード=EXPIRY_NEAR 段階=接近 切れるもの=端末証明書',
  );
  expect(told('alarm', { code: 'CUSTODY_DWELL', state: 'in-transit' })).not.toContain('in-transit');
  expect(told('job-finished', { job: 'J-1', state: 'timed-out', late: true })).toBe(
    'ジョブ=J-1 状態=時間切れ 期限後=はい',
  );
});
