import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { signatureBox, signaturePath } from '../signature/index.ts';
import { layout } from './layout.ts';
import type { SlipBlock } from './slip.ts';

/** Paper of 80 mm, in points. */
const paperWidth = 226.77;
const margin = 12;
const codeHeight = 14;

let font: Uint8Array | undefined;

/** BIZ UDGothic: half-width characters are half an em, full-width ones an em, as on a slip printer. Read once, when it is first needed. */
function slipFont(): Uint8Array {
  font ??= readFileSync(
    createRequire(import.meta.url).resolve('@expo-google-fonts/biz-udgothic/400Regular/BIZUDGothic_400Regular.ttf'),
  );
  return font;
}

/** A slip as PDF, one page as long as the slip, with the part of the font that it uses. @param at time of creation, milliseconds since 1970 */
export async function slipPdf(blocks: readonly SlipBlock[], columns: number, at: number): Promise<Uint8Array> {
  // Loaded when the first slip is to be a PDF: it is an eighth of what a terminal loads when it is switched on.
  const { default: PdfDocument } = await import('pdfkit');
  const rows = layout(blocks, columns);
  const width = paperWidth - 2 * margin;
  const size = (2 * width) / columns;
  const leading = size * 1.25;
  const signatureHeight = (width * signatureBox.height) / signatureBox.width;
  const heightOf = (row: (typeof rows)[number]): number =>
    row.type === 'signature' ? signatureHeight : row.type === 'code' ? codeHeight : row.isLarge ? 2 * leading : leading;
  const height = rows.reduce((sum, row) => sum + heightOf(row), 2 * margin);
  const document = new PdfDocument({
    size: [paperWidth, height],
    margin: 0,
    info: { Title: 'Slip', Producer: 'Tsunagu', CreationDate: new Date(at) },
  });
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    document.on('end', resolve);
    document.on('error', reject);
  });
  document.registerFont('slip', Buffer.from(slipFont()));
  document.font('slip');
  let y = margin;
  for (const row of rows) {
    if (row.type === 'text') {
      document.fontSize(row.isLarge ? 2 * size : size);
      // Bold without a second font: the outline is drawn too.
      document.lineWidth(size / 30);
      document.text(row.text, margin, y, { lineBreak: false, fill: true, stroke: row.isStrong });
    } else if (row.type === 'signature') {
      document
        .save()
        .translate(margin, y)
        .scale(width / signatureBox.width)
        .lineWidth(8)
        .lineCap('round')
        .lineJoin('round')
        .path(signaturePath(row.written))
        .stroke()
        .restore();
    } else {
      document.fontSize(size).text(`*${row.data}*`, margin, y, { width, align: 'center', lineBreak: false });
    }
    y += heightOf(row);
  }
  document.end();
  await ended;
  return Uint8Array.from(Buffer.concat(chunks));
}
