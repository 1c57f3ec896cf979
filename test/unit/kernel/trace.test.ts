import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  explainTrace,
  type KernelNote,
  type KernelTrace,
  kernelTrace,
  tracesMax,
} from '@tsunagu/protocols/kernel-trace';
import { type TestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastWorld } from '../bridge/support/fast-world.ts';
import { type LoopbackSwitch, loopbackSwitch } from '../bridge/support/loopback-switch.ts';
import { memoryPorts } from '../bridge/support/memory-ports.ts';

let centre: LoopbackSwitch;
let side: TerminalCardSide;
const folder = mkdtempSync(join(tmpdir(), 'kernel-trace-'));

beforeAll(async () => {
  centre = await loopbackSwitch();
  // Slower than elsewhere: on a busy machine a wait must not run out before the answer is there.
  const { world } = fastWorld(10);
  const model = modelOf('CT-5100');
  if (model === undefined) throw new Error('no such model');
  const memory = await memoryPorts(centre.acquirer);
  memory.configuration = { ...memory.configuration, answerTimeoutMs: 60_000 };
  side = await TerminalCardSide.open({ world, model, ports: memory.ports }, openEmulatedStation(world, model));
});
afterAll(async () => {
  await side.close();
  await centre.close();
  rmSync(folder, { recursive: true });
});

function traceOf(stan?: string): KernelTrace {
  const document = side.traceOf(stan === undefined ? {} : { stan });
  if (!document.ok) throw new Error(document.fault.code);
  return kernelTrace.parse(JSON.parse(Buffer.from(document.value.base64, 'base64').toString()));
}

const text = (trace: KernelTrace, language: 'en' | 'ja'): string =>
  explainTrace(trace)
    .flatMap(({ text: line, details }) => [line[language], ...details.map((detail) => detail[language])])
    .join('\n');

describe('the trace of a sale', () => {
  it('names commands, findings, decisions and their reasons, in both languages', async () => {
    await side.sell({ card: 'jcb-contact', amountMinor: 1_280 });
    const trace = traceOf();
    expect(trace).toMatchObject({ card: 'jcb-contact', entry: 'contact', outcome: 'approved', isCut: false });
    const en = text(trace, 'en');
    for (const part of [
      'application A0000000651010 "JCB CREDIT" (JCB)',
      'READ RECORD file 2, record 1  9000 Done',
      'VERIFY enciphered PIN  9000 Done',
      'CVM rule 4403 Enciphered PIN verified by the card (If the terminal supports the CVM): successful',
      'the terminal decides: ask the issuer (ARQC)',
      'TVR byte 4 bit 8 (Transaction exceeds the floor limit) is in TAC online',
      'GENERATE AC ARQC with CDA  9000 Done',
      'offline data authentication CDA: passed',
      '9F27 Cryptogram Information Data 80',
      'ARQC: online authorisation requested',
      'EXTERNAL AUTHENTICATE  9000 Done',
      'Issuer authentication was performed',
      'outcome: approved',
    ])
      expect(en).toContain(part);
    const ja = text(trace, 'ja');
    for (const part of [
      'アプリケーション選択: JCB CREDIT',
      'ネガ照合: 該当なし',
      '結果: 承認',
      '端末の判断: オンライン要求（ARQC）',
      'フロアリミット超過',
      'オフラインデータ認証 CDA: 成功',
      '正常終了',
    ])
      expect(ja).toContain(part);
    expect(explainTrace(trace).filter(({ clause }) => clause !== undefined).length).toBeGreaterThan(15);
    const times = trace.lines.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it.each(['visa-contact', 'mastercard-contact', 'visa-contactless', 'mastercard-contactless', 'visa-listed'] as const)(
    'holds no account data: %s',
    async (name: TestCardName) => {
      await side.sell({ card: name, amountMinor: 1_280 });
      const trace = traceOf();
      expect(trace.card).toBe(name);
      const { pan, pin } = testCard(name);
      const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
      const seen = [JSON.stringify(trace), text(trace, 'en'), text(trace, 'ja')].join('');
      expect(seen).not.toContain(digits);
      expect(seen).not.toContain(digits.slice(4, 12));
      expect(seen).not.toContain(`24${pin.use((bytes) => Buffer.from(bytes).toString('latin1'))}FF`);
    },
  );

  it('says where a card is found out', async () => {
    await side.sell({ card: 'faulty-cda-hash', amountMinor: 1_280 });
    const en = text(traceOf(), 'en');
    expect(en).toContain('offline data authentication CDA: failed\nat: hash');
    expect(en).toContain('CDA failed');
    expect(en).toContain('outcome: refused CARD_NOT_AUTHENTIC');
  });

  it('is found by its STAN as long as it is kept', async () => {
    const { stan } = await side.sell({ card: 'visa-contact', amountMinor: 1_111 });
    expect(traceOf(stan)).toMatchObject({ stan, amountMinor: 1_111 });
    expect(traceOf(String(Number(stan))).amountMinor).toBe(1_111);
    for (let more = 0; more < tracesMax; more++) await side.sell({ card: 'visa-contactless', amountMinor: 100 });
    expect(side.traceOf({ stan })).toMatchObject({ fault: { code: 'TRACE_UNKNOWN' } });
    expect(traceOf().amountMinor).toBe(100);
  });
});

describe('every note', () => {
  const notes: readonly KernelNote[] = [
    { type: 'application', aid: 'A0000000031010', label: 'VISA', kernel: 3 },
    { type: 'authentication', method: 'fDDA', isPassed: false, step: 'hash' },
    { type: 'authentication', method: 'none', isPassed: false },
    { type: 'cvm', rule: '5E03', result: 'unknown' },
    { type: 'value', tag: '95', value: '8000008000' },
    {
      type: 'action',
      asks: 'AAC',
      because: [{ rule: 'online-only' }, { byte: 1, bit: 5, code: 'IAC', list: 'denial' }],
    },
    { type: 'script', template: '72', outcome: 'failed', at: 2 },
    { type: 'risk', what: 'random', detail: '3 <= 20' },
    { type: 'outcome', outcome: 'tryAgain' },
  ];
  it.each(notes)('$type has words in both languages', (note) => {
    const [line] = explainTrace({ lines: [{ atMs: 0, note }] });
    expect(line?.text.en).toMatch(/[a-z]/);
    expect(line?.text.ja).toMatch(/[ぁ-んァ-ン一-龯]/);
    for (const { en, ja } of line?.details ?? []) expect([en.length > 0, ja.length > 0]).toEqual([true, true]);
  });
});

it('names the messages of a transit card and its centre in both languages', () => {
  const [line] = explainTrace({ lines: [{ atMs: 0, step: 'transitConfirm', detail: '000' }] });
  expect(line?.text).toEqual({
    en: 'the centre hears what the card did: 000',
    ja: 'カードの結果をセンターへ通知: 000',
  });
});

describe('tsunagu trace FILE', () => {
  const run = (args: readonly string[]): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=tsunagu-source', '--import', 'tsx', 'cli/src/main.ts', ...args],
      {
        cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      },
    );
    return { status, out: stdout, err: stderr };
  };

  it('shows a trace that was saved, and gives it back as JSON', async () => {
    await side.sell({ card: 'visa-contact', amountMinor: 1_280 });
    const trace = traceOf();
    const path = join(folder, 'trace.json');
    writeFileSync(path, JSON.stringify(trace));
    const shown = run(['--lang', 'en', 'trace', path]);
    expect(shown).toMatchObject({ status: 0, err: '' });
    expect(shown.out).toMatch(/\* the terminal decides: ask the issuer \(ARQC\) {2}\[B3 10\.7\]/);
    expect(JSON.parse(run(['--json', 'trace', path]).out)).toEqual(trace);
  });

  it('refuses what is no trace', () => {
    const path = join(folder, 'other.json');
    writeFileSync(path, '{"v":2}');
    expect(run(['--lang', 'en', 'trace', path])).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringContaining('TRACE_UNREADABLE') as string,
    });
  });
});
