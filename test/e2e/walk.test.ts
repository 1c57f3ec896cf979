import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type House, type Ran, runCli, startHouse, until } from './house.ts';

// A person walks through custody, the assessor's pack and the switch, at one house of real processes. Each command is given what is
// right and what is wrong; what is wrong ends in a code and a next step, in the language asked for, and never in a stack trace.
let house: House;
let serial = '';
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-walk-'));
const at = (name: string): string => join(folder, name);
const passphrase = { TSUNAGU_KEY_PASSPHRASE: 'a passphrase of this test' };
const own = (...args: string[]): Promise<Ran> => runCli(['--data', house.data, ...args], passphrase);
// oxlint-disable-next-line typescript/no-explicit-any -- each command has a shape of its own, and each test looks at its part
const json = async (...args: string[]): Promise<{ code: number; body: any }> => {
  const { code, stdout, stderr } = await own('--json', ...args);
  expect(stderr, args.join(' ')).toBe('');
  return { code, body: JSON.parse(stdout) };
};
const kana = /[\u3040-\u30ff\u4e00-\u9fff]/;

/** Runs a command that is refused, in both languages. */
async function refused(code: string, exitCode: number, ...args: string[]): Promise<void> {
  const [en, ja] = await Promise.all([own(...args), own('--lang', 'ja', ...args)]);
  for (const { code: ended, stderr } of [en, ja]) {
    expect(stderr, args.join(' ')).toContain(`${code}: `);
    expect(stderr).not.toMatch(/\n\s+at |node:internal|title=/);
    expect(ended, args.join(' ')).toBe(exitCode);
  }
  expect(en.stderr).toContain('next: ');
  expect(en.stderr.split('\n')[0]).not.toMatch(kana);
  expect(ja.stderr).toMatch(kana);
}

beforeAll(async () => {
  house = await startHouse({ args: ['--terminals', '2', '--sale-every-seconds', '3600'] });
  await until(
    async () => {
      const { body } = await json('terminals');
      [serial] = body.map(({ serial: each }: { serial: string }) => each);
      return body.length === 2 && body.every(({ link }: { link: { state: string } }) => link.state === 'ready');
    },
    60_000,
    () => house.logs().slice(-500),
  );
}, 180_000);
afterAll(async () => {
  await house?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a terminal goes from hand to hand, and anybody can check it', async () => {
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => json('custody', 'key', at(`${name}.key`))));
  await Promise.all(['ann', 'bob'].map((name) => json('custody', 'holder', name, '--key', at(`${name}.key`))));
  const kid: string = bob?.body.kid ?? '';
  expect(ann?.body.kid).not.toBe(kid);
  const offer = ['custody', 'offer', serial, '--to', kid, '--key', at('ann.key'), '--bag', 'B-1', '--out', at('offer')];
  expect(await own(...offer)).toMatchObject({ code: 0, stderr: '' });
  const accept = (bag: string): string[] => [
    'custody',
    'accept',
    at('offer'),
    '--key',
    at('bob.key'),
    '--bag',
    bag,
    '--out',
    at('handed'),
  ];
  await refused('CUSTODY_BAG_MISMATCH', 1, ...accept('B-2'));
  expect(await own(...accept('B-1'))).toMatchObject({ code: 0, stderr: '' });
  expect((await json('custody', 'deliver', at('handed'))).body).toMatchObject({ holder: { name: 'bob' } });
  expect((await own('custody', 'show', serial)).stdout).toContain('bob');
  expect(await own('custody', 'export', at('chains'))).toMatchObject({ code: 0 });
  expect((await json('custody', 'verify', at('chains'))).body).toMatchObject({ isWhole: true, handovers: 1 });
  writeFileSync(at('bent'), readFileSync(at('chains'), 'utf8').replaceAll('B-1', 'B-9'));
  expect((await json('custody', 'verify', at('bent'))).code).toBe(1);
  await Promise.all([
    refused('FILE_UNREADABLE', 1, 'custody', 'verify', at('nothing')),
    refused('FILE_UNWRITABLE', 1, 'custody', 'export', join(folder, 'no', 'folder')),
  ]);
}, 120_000);

test('the pack for the assessor checks itself, without anything of ours', async () => {
  const out = at('pack');
  const day = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(0, 10);
  const range = ['--from', day(-86_400_000), '--to', day(2 * 86_400_000)];
  const packed = await own('evidence', ...range, '--out', out);
  expect(packed, packed.stderr).toMatchObject({ code: 0 });
  const verify = () => promisify(execFile)(process.execPath, [join(out, 'verify.mjs')], { cwd: '/' });
  await expect(verify()).resolves.toBeDefined();
  expect(existsSync(join(out, 'custody.jsonl'))).toBe(true);
  writeFileSync(join(out, 'steps.jsonl'), '');
  await expect(verify()).rejects.toThrow();
  await refused('FILE_EXISTS', 1, 'evidence', ...range, '--out', out);
});

test('the switch: a centre sends, its transactions are found, explained and reconciled', async () => {
  mkdirSync(at('centre'), { recursive: true });
  const centre = ['emulate', 'acquirer', '--folder', house.data, '--link', 'pos-centre-1'];
  const ran = await own('--json', ...centre, '--port-base', String(house.portBase), '--requests', '5', '--rate', '20');
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  const found = await json('switch', 'transactions', '--origin', 'pos-centre-1');
  expect(JSON.stringify(found.body)).toContain('pos-centre-1');
  const [links, ja, route, rules, balanced] = await Promise.all([
    own('switch', 'links'),
    own('--lang', 'ja', 'switch', 'links'),
    own('switch', 'route', 'explain', '476173'),
    json('switch', 'rules', 'show', 'routing'),
    own('switch', 'reconcile', 'card-company-1'),
  ]);
  expect(links.stdout).toContain('signed on');
  expect(ja.stdout).toContain('開局');
  expect(route.stdout).toContain('card-company-1');
  expect(rules.body.kind).toBe('routing');
  expect(balanced.stdout).toContain('card-company-1');
  await Promise.all([
    refused('SWITCH_TRANSACTION_UNKNOWN', 1, 'switch', 'show', '1'),
    refused('OPTION_INVALID', 2, 'switch', 'route', 'explain', '476173', '--at', 'tomorrow'),
  ]);
}, 120_000);
