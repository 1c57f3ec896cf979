import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs the real command line on the sources. */
function tsunagu(args: readonly string[], input = ''): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=tsunagu-source', '--import', 'tsx', 'cli/src/main.ts', ...args],
    { cwd: project, input, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } },
  );
  return { status, out: stdout, err: stderr };
}

const record = ['70', '10', '5A', '08', '4761739001010010', '9F34', '03', '1E0300'];

describe('tsunagu wire decode', () => {
  test('shows places, names, values and meanings, the card number masked', () => {
    const { status, out } = tsunagu(['--lang', 'en', 'wire', 'decode', ...record]);
    expect(status).toBe(0);
    expect(out).toContain('EMV data objects (BER-TLV)  18 bytes');
    expect(out).toMatch(/^02-11 {4}5A Application Primary Account Number \(PAN\) +\*{12}0010$/m);
    expect(out).toContain('Signature; If the terminal supports the CVM');
    expect(out).toContain('--reveal');
    expect(out).not.toContain('4761739001010010');
  });

  test('speaks Japanese, reads standard input, and reveals when asked', () => {
    const { status, out } = tsunagu(['--lang', 'ja', 'wire', 'decode', '-', '--reveal'], `${record.join(' ')}\n`);
    expect(status).toBe(0);
    expect(out).toMatch(/会員番号（PAN） +4761739001010010/);
    expect(out).toContain('端末が対応する場合');
    expect(out).not.toContain('--reveal');
  });

  test('gives scripts one JSON document, masked as well', () => {
    const { status, out } = tsunagu(['wire', 'decode', '--json', ...record]);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'tlv',
      lengthBytes: 18,
      lines: [{ from: 0, to: 18 }, { value: '************0010', masked: true }, { value: '1E0300' }],
    });
  });

  test('ends with 1 where nothing fits, and with 2 where the text is not hexadecimal', () => {
    expect(tsunagu(['--lang', 'en', 'wire', 'decode', 'FFFFFFFFFFFF'])).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringContaining('No format fits') as string,
    });
    expect(tsunagu(['wire', 'decode', 'xyz'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('HEX_INVALID') as string,
    });
  });
});

describe('tsunagu wire', () => {
  test('still answers lines of JSON, and still wants to be asked for it', () => {
    const { status, out } = tsunagu(['wire', '--jsonl'], '{"id":7,"family":"none","op":"none"}\n');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: 7, ok: false, code: 'UNKNOWN_OP' });
    expect(tsunagu(['wire'])).toMatchObject({ status: 2, err: expect.stringContaining('--jsonl') as string });
  });
});
