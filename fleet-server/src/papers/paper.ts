import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import PdfDocument from 'pdfkit';

/** A table of a paper; `widths` in points, 515 in all on A4. */
export interface PaperTable {
  readonly title?: string;
  readonly widths: readonly number[];
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a paper says, from its top to its bottom. */
export interface Paper {
  readonly title: string;
  /** Of what it is: with the title the name of the document. */
  readonly id: string;
  readonly clause: string;
  /** When what it says came to be, RFC 3339: the same paper is the same document. */
  readonly at: string;
  readonly facts: readonly (readonly [head: string, value: string])[];
  readonly figures?: readonly string[];
  readonly tables: readonly PaperTable[];
  /** Where the signed original is. */
  readonly signed: string;
}

const margin = 40;
const cellGap = 4;

/** A paper as PDF, A4. */
export async function paperPdf(paper: Paper): Promise<Uint8Array> {
  const { title, id, clause, at, facts, figures = [], tables, signed } = paper;
  const info = { Title: `${title} ${id}`, Producer: 'Tsunagu', CreationDate: new Date(at) };
  const document = new PdfDocument({ size: 'A4', margin, info });
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    document.once('end', resolve);
    document.once('error', reject);
  });
  const font = createRequire(import.meta.url).resolve(
    '@expo-google-fonts/biz-udgothic/400Regular/BIZUDGothic_400Regular.ttf',
  );
  document.font(readFileSync(font)).fontSize(15).text(title).fontSize(8).text(clause).moveDown();
  for (const [head, value] of facts) document.text(`${head}: ${value}`);
  document.moveDown().fontSize(10);
  for (const figure of figures) document.text(figure);
  document.moveDown().fontSize(7);
  for (const { title: head, widths, heads, rows } of tables) {
    if (head !== undefined) document.fontSize(10).text(head, margin).fontSize(7);
    for (const cells of [heads, ...rows]) line(cells, widths);
    document.moveDown();
  }
  document.text(signed, margin);
  document.end();
  await ended;
  return Buffer.concat(chunks);

  function line(cells: readonly string[], widths: readonly number[]): void {
    if (document.y > document.page.height - 2 * margin) document.addPage();
    const { y } = document;
    let x = margin;
    let bottom = y;
    cells.forEach((cell, index) => {
      const width = widths[index] ?? 0;
      document.text(cell, x, y, { width: width - cellGap });
      bottom = Math.max(bottom, document.y);
      x += width;
    });
    document.y = bottom + 2;
    document.x = margin;
  }
}
