import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SlipBlock, slipPdf } from '@tsunagu/firmware-bridge/slips/index';
import { expect, test } from 'vitest';

const hasPoppler =
  spawnSync('pdftotext', ['-v']).error === undefined && spawnSync('pdftoppm', ['-v']).error === undefined;
if (!hasPoppler) console.log('skipped: no pdftotext and pdftoppm here (Debian package poppler-utils)');

const blocks: readonly SlipBlock[] = [
  { type: 'title', text: 'お客様控え', isLarge: true },
  { type: 'pair', label: '加盟店名', value: '喫茶つなぐ' },
  { type: 'pair', label: '合計金額', value: '¥1,280', isStrong: true },
];

test.skipIf(!hasPoppler)('poppler reads the Japanese text of a slip, and draws it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slip-'));
  try {
    const file = join(folder, 'slip.pdf');
    writeFileSync(file, await slipPdf(blocks, 32, 0));
    const text = spawnSync('pdftotext', ['-layout', '-enc', 'UTF-8', file, '-'], { encoding: 'utf8' }).stdout;
    for (const wanted of ['お客様控え', '加盟店名', '喫茶つなぐ', '合計金額', '¥1,280']) expect(text).toContain(wanted);
    const { stdout } = spawnSync('pdftoppm', ['-gray', '-r', '100', file], { maxBuffer: 1 << 24 });
    // PGM: header, then one byte a pixel; ink is there, and not everywhere.
    const ink = stdout.subarray(20).filter((pixel) => pixel < 128).length;
    expect(ink).toBeGreaterThan(500);
    expect(ink).toBeLessThan(stdout.length / 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
