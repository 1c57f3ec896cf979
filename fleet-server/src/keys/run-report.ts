import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { KeyRunView } from '@tsunagu/protocols/fleet';
import PdfDocument from 'pdfkit';

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

const margin = 40;
const widths = [110, 70, 120, 75, 140] as const;

/** The report of a run as PDF, A4. The same run gives the same text; its creation time is the run's own. */
export async function runPdf(run: KeyRunView, language: 'ja' | 'en'): Promise<Uint8Array> {
  const text = texts[language];
  const document = new PdfDocument({
    size: 'A4',
    margin,
    info: {
      Title: `${text.title} ${run.id}`,
      Producer: 'Tsunagu',
      CreationDate: new Date(run.closedAt ?? run.begunAt),
    },
  });
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    document.once('end', resolve);
    document.once('error', reject);
  });
  const font = createRequire(import.meta.url).resolve(
    '@expo-google-fonts/biz-udgothic/400Regular/BIZUDGothic_400Regular.ttf',
  );
  document.font(readFileSync(font)).fontSize(15).text(text.title).fontSize(8).text(text.clause).moveDown();
  const nameOf = (id: string): string => run.people[id] ?? id;
  const facts = [
    `${run.name} (${run.id})`,
    text.states[run.state],
    run.digest,
    nameOf(run.orderedBy),
    run.authorisedBy === null ? '-' : nameOf(run.authorisedBy),
    run.begunAt,
    run.closedAt ?? '-',
  ];
  text.rows.forEach((head, index) => document.text(`${head}: ${facts[index] ?? ''}`));
  const { listed, submitted, keyed, rejected, investigated } = run.balance;
  const figures = [listed, submitted, keyed, rejected, investigated];
  document.moveDown().fontSize(10);
  document.text(text.figures.map((head, index) => `${head} ${figures[index] ?? 0}`).join('   '));
  document.text(`${submitted} = ${keyed} + ${rejected} + ${investigated}: ${run.balance.isBalanced ? 'OK' : '-'}`);
  document.moveDown().fontSize(7);
  const line = (cells: readonly string[]): void => {
    if (document.y > document.page.height - 2 * margin) document.addPage();
    const { y } = document;
    let x = margin;
    let bottom = y;
    cells.forEach((cell, index) => {
      const width = widths[index] ?? 60;
      document.text(cell, x, y, { width: width - 4 });
      bottom = Math.max(bottom, document.y);
      x += width;
    });
    document.y = bottom + 2;
    document.x = margin;
  };
  line(text.heads);
  for (const device of run.devices)
    line([
      device.serial,
      text.deviceStates[device.state],
      device.at,
      nameOf(device.by),
      [...Object.entries(device.kcvs).map(([slot, kcv]) => `${slot} ${kcv}`), device.note ?? '']
        .filter(Boolean)
        .join(' · '),
    ]);
  document.moveDown().text(text.signed, margin);
  document.end();
  await ended;
  return Buffer.concat(chunks);
}
