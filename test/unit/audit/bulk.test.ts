import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildApp } from '@tsunagu/fleet-server/api/app';
import { noMeter } from '@tsunagu/fleet-server/metrics/index';
import { openAccess } from '@tsunagu/fleet-server/api/access/index';
import { keepAnswers } from '@tsunagu/fleet-server/api/idempotency';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit, type VerifyOptions } from '../../../cli/src/commands/audit.ts';
import { openParts } from '../api/opened-api.ts';
import { keptConsole } from '../cli/kept-console.ts';
import { enrol, newFolder, removeFolder, type TestHouse, testHouse, TestLink, until } from '../core/support.ts';

const dataDir = newFolder();
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(dataDir);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

interface Outcome {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly items: readonly {
    readonly serial: string;
    readonly ok: boolean;
    readonly code: string | null;
    readonly [more: string]: unknown;
  }[];
}
const bulk = async (body: object): Promise<{ status: number; body: Outcome & { code?: string } }> => {
  const { status, body: answer } = await house.call('POST', '/bulk', body);
  return { status, body: answer as unknown as Outcome };
};
const csvOf = (lines: readonly string[]): string => ['serial,model,merchant,shop,lane', ...lines].join('\r\n');
const listed = async (query: string): Promise<{ items: { serial: string }[]; next: string | null }> =>
  (await house.call('GET', `/terminals?${query}`)).body as never;

describe('work in bulk, on a real house', () => {
  it('imports a file of terminals: first dry, then truly, line by line, and lets a bad line stop no other', async () => {
    const lines = Array.from(
      { length: 60 },
      (_, n) => `CT5100-${String(n).padStart(4, '0')},CT-5100,"喫茶, つなぐ",店${n % 3},${n}`,
    );
    const csv = csvOf([
      ...lines,
      'CT5100-0003,CT-5100,x,y,',
      'CT5100-9999,NONE,x,y,',
      'CT5100-9998,CT-5100,x',
      '!!,CT-5100,x,y,',
    ]);
    const dry = (await house.call('POST', '/terminals/imports', { csv, dryRun: true })).body as unknown as Outcome;
    expect([dry.total, dry.succeeded, dry.failed]).toEqual([64, 60, 4]);
    expect((await listed('limit=500')).items).toEqual([]);
    const truly = (await house.call('POST', '/terminals/imports', { csv })).body as unknown as Outcome;
    expect([truly.succeeded, truly.failed]).toEqual([60, 4]);
    expect(truly.items.slice(60).map(({ code }) => code)).toEqual([
      'TERMINAL_EXISTS',
      'MODEL_UNKNOWN',
      'INPUT_INVALID',
      'INPUT_INVALID',
    ]);
    expect(truly.items[0]?.['claim']).toMatchObject({ serial: 'CT5100-0000' });
    expect((await house.call('POST', '/terminals/imports', { csv: 'serial,colour\r\nx,y' })).status).toBe(400);
  });

  it('labels and places what a filter finds, and says of each how it went', async () => {
    const dry = await bulk({
      targets: { query: { shop: '店1' } },
      action: { type: 'tags', add: ['pilot'] },
      dryRun: true,
    });
    expect([dry.body.total, dry.body.succeeded]).toEqual([20, 20]);
    expect((await listed('tag=pilot')).items).toEqual([]);
    await bulk({ targets: { query: { shop: '店1' } }, action: { type: 'tags', add: ['pilot'] } });
    expect((await listed('tag=pilot&limit=500')).items.length).toBe(20);
    const placed = await bulk({
      targets: { serials: ['CT5100-0001', 'CT5100-7777'] },
      action: { type: 'place', place: { merchant: 'm', shop: 's', lane: '' } },
    });
    expect(placed.body.items.map(({ ok, code }) => [ok, code])).toEqual([
      [true, null],
      [false, 'TERMINAL_UNKNOWN'],
    ]);
    // Each terminal has its own entry, with who and what.
    const log = await house.call('GET', '/audit?subject=terminal/CT5100-0001');
    expect((log.body as unknown as { items: { action: string }[] }).items.map(({ action }) => action)).toEqual([
      'POST /api/v1/bulk',
      'POST /api/v1/bulk',
      'POST /api/v1/terminals/imports',
    ]);
  });

  it('computes anew what is desired of a terminal that is moved, and tells it', async () => {
    const layer = '/configuration?layer=shop&merchant=m2&shop=s2&reason=open';
    expect((await house.call('PATCH', layer, { language: 'en' }, { 'if-match': '"0"' })).status).toBe(200);
    const terminal = await enrol(house, await house.register('CT5200-0001'));
    const link = await TestLink.open(house, terminal);
    await link.hello();
    const before = await link.ask('pull', 'request', { pull: 'twin' });
    if (before.kind !== 'twin') throw new Error('no twin');
    await link.hello({ configuration: { version: before.version, hash: before.hash } });
    const seen = link.received.length;
    const place = { merchant: 'm2', shop: 's2', lane: '1' };
    await bulk({ targets: { serials: ['CT5200-0001'] }, action: { type: 'place', place } });
    await until('the notice', () =>
      link.received.slice(seen).some(({ message }) => JSON.stringify(message.body).includes('"configuration"')),
    );
    expect(await link.ask('pull', 'request', { pull: 'twin' })).toMatchObject({ values: { language: 'en' } });
    await link.close();
  });

  it('has each do something, and hands out the job of each', async () => {
    const done = await bulk({
      targets: { query: { tag: 'pilot', shop: '店1' } },
      action: { type: 'job', job: { type: 'payment.totals', params: { closes: false } } },
    });
    expect(done.body.failed).toBe(0);
    const [first] = done.body.items;
    expect((await house.call('GET', `/jobs/${String(first?.['job'])}`)).body).toMatchObject({
      serial: first?.serial,
      type: 'payment.totals',
    });
    const entry = await house.call('GET', `/audit?subject=terminal/${first?.serial}&limit=1`);
    const [newest] = (entry.body as unknown as { items: { before: string; after: string }[] }).items;
    expect(newest?.before).toMatch(/^[0-9a-f]{64}$/);
    expect(newest?.after).not.toBe(newest?.before);
  });

  it('reads how 10,000 stand in one call, and refuses more', async () => {
    const serials = Array.from({ length: 10_000 }, (_, n) => `CT5100-${String(n).padStart(4, '0')}`);
    const all = await bulk({ targets: { serials }, action: { type: 'status' } });
    expect([all.body.total, all.body.succeeded]).toEqual([10_000, 60]);
    expect(all.body.items[5]?.['terminal']).toMatchObject({ serial: 'CT5100-0005', link: { state: 'never' } });
    expect(
      (await bulk({ targets: { serials: [...serials, 'CT5100-10000'] }, action: { type: 'status' } })).status,
    ).toBe(400);
    expect((await bulk({ targets: { serials }, action: { type: 'revoke' } })).body.code).toBe('BULK_TOO_MANY');
  });

  it('pages in any order, each once, while others are added', async () => {
    for (const sort of ['serial', '-serial', 'registered', '-registered']) {
      const seen: string[] = [];
      let cursor: string | null = '';
      for (let part = 0; cursor !== null; part++) {
        const found: Awaited<ReturnType<typeof listed>> = await listed(
          `limit=7&sort=${sort}&search=CT5100-0${cursor ? `&cursor=${cursor}` : ''}`,
        );
        seen.push(...found.items.map(({ serial }) => serial));
        cursor = found.next;
        if (part === 2) await house.register(`CT5100-0${sort.startsWith('-') ? '9' : '8'}${sort.length}0`);
      }
      expect(new Set(seen).size, sort).toBe(seen.length);
      expect(seen.filter((serial) => /-00/.test(serial)).length, sort).toBe(60);
    }
  });
});

describe('routes', () => {
  it('that do not say who may call them are not registered', async () => {
    const folder = newFolder();
    const world = systemWorld(() => {});
    const parts = await openParts(world, folder);
    const access = await openAccess(world, parts.store, parts.audit, folder);
    const app = await buildApp({
      ...parts,
      world,
      access,
      idempotency: await keepAnswers(world, parts.store, parts.vault),
      placeOf: () => Promise.resolve(undefined),
      serialOfJob: () => Promise.resolve(undefined),
      hosts: [],
      cookieName: 'c',
      tls: undefined,
      http: noMeter.http,
      requestTimeoutMs: 1_000,
    });
    expect(() => app.get('/api/v1/anything', () => 'x')).toThrow('does not say who may call it');
    app.get('/api/v1/old', { config: { role: 'operator' } }, () => 'x');
    app.get('/api/v1/new', { config: { permission: 'keys.approve' } }, () => 'x');
    app.get('/api/v1/open', { config: { isOpen: true } }, () => 'x');
    await app.close();
    await access.close();
    await parts.webhooks.close();
    await parts.audit.close();
    await parts.store.close();
    removeFolder(folder);
  });
});

describe('tsunagu audit verify', () => {
  it('checks an exported log without a server, says what is wrong, and ends with 1', async () => {
    const { token } = JSON.parse(
      await (await import('node:fs/promises')).readFile(join(dataDir, 'access.json'), 'utf8'),
    );
    const answer = await fetch(`${house.house.managementUrl}/api/v1/audit/export`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await answer.text();
    const lines = text.trim().split('\n');
    const file = join(dataDir, 'log.jsonl');
    const verify = async (content: readonly string[], options: Partial<VerifyOptions> = {}) => {
      writeFileSync(file, content.join('\n'));
      const { console, printed } = keptConsole('en');
      const code = await verifyAudit(console, file, { from: 1, ...options }, false);
      return { code, ...printed() };
    };
    const whole = await verify(lines);
    expect(whole.out).toContain('The log is whole.');
    expect(whole.code).toBe(0);
    const altered = await verify(
      lines.map((line) => (line.includes('"seq":5,') ? line.replace('CT5100-', 'CT5100-9') : line)),
    );
    expect(altered.out).toContain('Changed: entry 5 is not what was written.');
    expect(altered.code).toBe(1);
    const heads = join(dataDir, 'heads.jsonl');
    writeFileSync(heads, lines.filter((line) => line.startsWith('{"head"')).join('\n'));
    const cut = await verify(lines.slice(0, 20), { heads });
    expect(cut.out).toMatch(/Cut off: entries 20-\d+ were signed for and are missing/);
    // Cut off together with its heads it looks whole, and says what nobody can tell of it.
    expect(whole.out).toMatch(/Whether entries after \d+ were cut off, only heads .* --heads/);
    expect(cut.out).not.toContain('Whether entries after');
    expect((await verify(lines, { key: '0'.repeat(16) })).code).toBe(1);
    // A file without a head proves nothing of the end; a log of which only heads are left is one.
    writeFileSync(heads, `${lines[0]}\n`);
    expect(await verify(lines, { heads })).toMatchObject({
      code: 1,
      err: expect.stringContaining('AUDIT_HEADS_INVALID'),
    });
    const emptied = await verify(lines.filter((line) => !line.startsWith('{"entry"')));
    expect(emptied.out).toMatch(/Cut off: entries 1-\d+ were signed for and are missing/);
    expect(emptied.code).toBe(1);
    // The head of the file stays: what is missing are the first entries, or the last head.
    const behead = lines.filter((line) => !/"seq":[1-4],/.test(line) || line.startsWith('{"head"'));
    const beheaded = await verify(behead);
    expect(beheaded.out).toContain('Removed: entry 1-4 is missing.');
    expect(beheaded.code).toBe(1);
    expect((await verify(behead, { from: 5 })).code).toBe(0);
    const lastHead = lines.findLastIndex((line) => line.startsWith('{"head"'));
    const unsigned = await verify([...lines.slice(0, lastHead), ...lines.slice(lastHead + 1)]);
    if (/not signed for yet/.test(unsigned.out)) expect(unsigned.code).toBe(1);
    // The program itself, twice: it needs no server, and its options arrive.
    writeFileSync(file, behead.join('\n'));
    const program = ['--conditions=tsunagu-source', '--import', 'tsx', 'cli/src/main.ts', 'audit', 'verify', file];
    const env = { ...process.env, NO_COLOR: '1', TSUNAGU_LANG: 'en' };
    const run = (...more: string[]) =>
      promisify(execFile)(process.execPath, [...program, ...more], { cwd: join(import.meta.dirname, '../../..'), env });
    writeFileSync(heads, lines.filter((line) => line.startsWith('{"head"')).join('\n'));
    const { stdout } = await run('--from', '5', '--heads', heads);
    expect(stdout).toContain('The log is whole.');
    expect(stdout).not.toContain('Whether entries after');
    await expect(run('--from', '5', '--key', '0'.repeat(16))).rejects.toMatchObject({ code: 1 });
  });
});
