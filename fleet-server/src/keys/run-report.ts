import type { KeyRunView } from '@tsunagu/protocols/fleet';
import { paperPdf } from '../papers/index.ts';

const texts = {
  en: {
    title: 'Key-injection run',
    clause: 'PCI PIN 3.1, requirement 30-3',
    rows: ['Run', 'State', 'Manifest (SHA-256)', 'Proposed by', 'Authorised by', 'Begun', 'Closed'],
    figures: ['Listed', 'Submitted', 'Keyed', 'Rejected', 'Investigated'],
    heads: ['Device', 'State', 'When', 'By', 'Check values / note'],
    states: { proposed: 'proposed', open: 'open', closed: 'closed' },
    deviceStates: {
      listed: 'listed',
      submitted: 'submitted',
      keyed: 'keyed',
      rejected: 'rejected',
      refused: 'not listed, to be investigated',
      investigated: 'not listed, investigated',
    },
    signed: 'The signed record of this run is its JSON; this is its print.',
  },
  ja: {
    title: '鍵注入ラン報告書',
    clause: 'PCI PIN 3.1 要件30-3',
    rows: ['ラン', '状態', '一覧(SHA-256)', '起案者', '承認者', '開始', '終了'],
    figures: ['一覧', '投入', '注入済', '却下', '調査済'],
    heads: ['端末', '状態', '日時', '担当', '検査値・備考'],
    states: { proposed: '起案', open: '実施中', closed: '終了' },
    deviceStates: {
      listed: '未投入',
      submitted: '投入済',
      keyed: '注入済',
      rejected: '却下',
      refused: '一覧外・要調査',
      investigated: '一覧外・調査済',
    },
    signed: '署名付きの正本はJSONです。本書はその印刷です。',
  },
} as const;

const widths = [110, 70, 120, 75, 140] as const;

/** The report of a run as PDF, A4. The same run gives the same text; its creation time is the run's own. */
export function runPdf(run: KeyRunView, language: 'ja' | 'en'): Promise<Uint8Array> {
  const text = texts[language];
  const nameOf = (id: string): string => run.people[id] ?? id;
  const { listed, submitted, keyed, rejected, investigated, isBalanced } = run.balance;
  const figures = [listed, submitted, keyed, rejected, investigated];
  const facts = [
    `${run.name} (${run.id})`,
    text.states[run.state],
    run.digest,
    nameOf(run.orderedBy),
    run.authorisedBy === null ? '-' : nameOf(run.authorisedBy),
    run.begunAt,
    run.closedAt ?? '-',
  ];
  return paperPdf({
    title: text.title,
    id: run.id,
    clause: text.clause,
    at: run.closedAt ?? run.begunAt,
    facts: text.rows.map((head, index) => [head, facts[index] ?? ''] as const),
    figures: [
      text.figures.map((head, index) => `${head} ${figures[index] ?? 0}`).join('   '),
      `${submitted} = ${keyed} + ${rejected} + ${investigated}: ${isBalanced ? 'OK' : '-'}`,
    ],
    tables: [
      {
        widths,
        heads: text.heads,
        rows: run.devices.map((device) => [
          device.serial,
          text.deviceStates[device.state],
          device.at,
          nameOf(device.by),
          [...Object.entries(device.kcvs).map(([slot, kcv]) => `${slot} ${kcv}`), device.note ?? '']
            .filter(Boolean)
            .join(' · '),
        ]),
      },
    ],
    signed: text.signed,
  });
}
