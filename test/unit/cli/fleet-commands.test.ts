import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command, Option } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { momentOf } from '../../../cli/src/console/index.ts';
import { createCampaign, listCampaigns } from '../../../cli/src/commands/campaign.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { listCustodyAlarms, listHolders } from '../../../cli/src/commands/custody.ts';
import { listApprovals } from '../../../cli/src/commands/approvals.ts';
import { showExpiry } from '../../../cli/src/commands/expiry.ts';
import { cancelJobs, changeJob, listJobs, orderJob, orderJobs } from '../../../cli/src/commands/jobs.ts';
import { moveLifecycle } from '../../../cli/src/commands/lifecycle.ts';
import { showApproval } from '../../../cli/src/commands/approvals.ts';
import { revokeCertificate, revokeCertificates } from '../../../cli/src/commands/revoke.ts';
import {
  addToNegative,
  allowInNegative,
  blockRange,
  explainNegative,
  importNegative,
  proveNegative,
  publishNegative,
  removeFromNegative,
} from '../../../cli/src/commands/negative.ts';
import { addWebhook, removeWebhook, rotateSecret, setState } from '../../../cli/src/commands/webhooks.ts';
import { actOnSwap, listSwaps } from '../../../cli/src/commands/swap.ts';
import { listTerminals } from '../../../cli/src/commands/terminals.ts';
import { exit, fileFaultOf, usageFaultOf } from '../../../cli/src/console/index.ts';
import { signedIn } from '../audit/support.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse, until } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

const dataDir = newFolder();
const world = systemWorld(() => undefined);
const serials = Array.from({ length: 12 }, (_, index) => `CLI-${String(index + 1).padStart(4, '0')}`);
let house: TestHouse;
let tokens: Record<'owner' | 'mori' | 'sato', string>;
beforeAll(async () => {
  house = await testHouse(dataDir, { webhookAllow: ['127.0.0.1/32'] });
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  const tokenOf = async (name: string, role: 'operator' | 'admin') => {
    const person = await signedIn(api, name, [role]);
    const made = await person.call('POST', '/tokens', { name: `${name}'s`, roles: [role] });
    return String(made.body.token);
  };
  tokens = { owner: token, mori: await tokenOf('mori', 'operator'), sato: await tokenOf('sato', 'admin') };
  await Promise.all(serials.map((serial) => house.register(serial)));
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

const one = 'CLI-0001';

/** Runs a command as somebody, and gives what it printed. */
async function run(
  who: keyof typeof tokens,
  work: (context: Context) => Promise<number>,
  { json = false, lang = 'en' } = {},
) {
  const { console, printed } = keptConsole(lang);
  const client = openClient({ url: house.house.managementUrl, token: tokens[who] }, world, patientMs);
  const code = await work({ world, console, client, json });
  return { code, ...printed() };
}
const order = { params: '{}', emergency: false, detach: true };

test('jobs are ordered, listed and taken back by their reference or terminal, first dry', async () => {
  expect((await run('mori', (all) => listJobs(all, { limit: 50 }))).out).toBe('None.\n');
  const wave = { ...order, reference: 'wave-1' };
  for (const serial of serials.slice(0, 3))
    expect((await run('mori', (all) => orderJob(all, serial, 'terminal.diagnose', wave))).code).toBe(exit.ok);
  expect((await run('mori', (all) => orderJobs(all, serials.slice(0, 2), 'terminal.test', order))).code).toBe(exit.ok);
  const listed = async (more: object = {}) =>
    (
      JSON.parse((await run('mori', (all) => listJobs(all, { limit: 50, ...more }), { json: true })).out) as {
        items: { state: string; id: string }[];
      }
    ).items;
  expect(await listed({ reference: 'wave-1', state: 'queued' })).toHaveLength(3);
  const dry = await run('mori', (all) => cancelJobs(all, undefined, { reference: 'wave-1' }, true));
  expect(dry.out.match(/CLI-/g)).toHaveLength(3);
  expect(await listed({ reference: 'wave-1', state: 'queued' })).toHaveLength(3);
  const done = await run('mori', (all) => cancelJobs(all, undefined, { reference: 'wave-1' }, false));
  expect([done.code, done.out.match(/cancelled/g)?.length]).toEqual([exit.ok, 3]);
  expect(await listed({ reference: 'wave-1', state: 'cancelled' })).toHaveLength(3);
  // The others are as they were; and what is over is not taken back again.
  expect(await listed({ state: 'queued' })).toHaveLength(2);
  expect((await run('mori', (all) => cancelJobs(all, undefined, { reference: 'wave-1' }, false))).out).toBe('None.\n');
  await run('mori', (all) => cancelJobs(all, undefined, { serial: one, type: 'terminal.test' }, false));
  expect(await listed({ state: 'queued' })).toHaveLength(1);
  // Everything that is open needs a word more than nothing, and one job is not a selection too.
  for (const [id, selection] of [
    [undefined, {}],
    ['x', { serial: one }],
  ] as const) {
    const refused = await run('mori', (all) => cancelJobs(all, id, selection, false));
    expect([refused.code, refused.err]).toEqual([exit.usage, expect.stringContaining('OPTION_INVALID')]);
  }
  expect(await listed({ state: 'queued' })).toHaveLength(1);
});

test('nothing is handed in for a campaign that cannot be proposed', async () => {
  const image = join(dataDir, 'image.tsw');
  writeFileSync(image, 'an image');
  const whole = {
    name: 'new',
    images: [image],
    back: [],
    set: [],
    soakSeconds: 0,
    gate: false,
    dryRun: false,
    keys: '',
  };
  const handedIn = async (more: object): Promise<readonly [string, boolean]> => {
    let isHandedIn = false;
    const ran = await run('mori', (all) =>
      createCampaign(
        {
          ...all,
          client: new Proxy(all.client, {
            get(client, name): unknown {
              isHandedIn ||= name === 'uploadSoftware';
              return Reflect.get(client, name);
            },
          }),
        },
        { ...whole, ...more },
      ),
    );
    return [/^\w+/.exec(ran.err)?.[0] ?? '', isHandedIn];
  };
  expect(await handedIn({ target: 'model =' })).toEqual(['model', false]);
  expect(await handedIn({ rings: [10, 50] })).toEqual(['CAMPAIGN_RINGS_INVALID', false]);
  expect(await handedIn({ name: '' })).toEqual(['INPUT_INVALID', false]);
  expect(await handedIn({})).toEqual([expect.stringMatching(/^SOFTWARE_/), true]);
});

test('moments are told with their zone', () => {
  expect(momentOf('2026-11-27T09:03:17.635Z')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:17 \S+/);
});

test('an id that is none is one that is not known, and the next step is one that a person can take', async () => {
  const job = await run('mori', (all) => changeJob(all, 'cancelJob', 'abc'));
  expect(job.err).toMatch(/^JOB_UNKNOWN: .*\n.*tsunagu job list/s);
  expect((await run('mori', (all) => actOnSwap(all, '99'))).err).toMatch(/^SWAP_UNKNOWN: .*\n.*tsunagu swap list/s);
  const other = await run('mori', (all) => listJobs(all, { limit: 50, type: 'nonsense' }), { lang: 'ja' });
  expect(other.err).toMatch(/^INPUT_INVALID: .*\n.*--help/s);
});

test('a list without entries says so, and is [] for a program', async () => {
  for (const list of [
    listHolders,
    listCustodyAlarms,
    listSwaps,
    listCampaigns,
    (all: Context) => listApprovals(all, true),
  ]) {
    expect((await run('mori', list)).out).toBe('None.\n');
    expect((await run('mori', list, { lang: 'ja' })).out).toBe('ありません。\n');
    expect((await run('mori', list, { json: true })).out).toBe('[]\n');
  }
});

test('a campaign needs an operator, and whoever is none is told which role, and how one gets it', async () => {
  const file = join(dataDir, 'campaign.json');
  writeFileSync(
    file,
    JSON.stringify({
      name: 'hours',
      target: `serial = ${one}`,
      action: { kind: 'job', body: { type: 'terminal.diagnose', params: {} } },
      rings: [{ percent: 100 }],
      gate: null,
    }),
  );
  const create = (all: Context) =>
    createCampaign(all, { file, images: [], back: [], set: [], soakSeconds: 0, gate: false, dryRun: false, keys: '' });
  for (const lang of ['en', 'ja']) {
    const refused = await run('sato', create, { lang });
    expect(refused.code).toBe(exit.failed);
    expect(refused.err).toMatch(/^ROLE_INSUFFICIENT/);
    expect(refused.err).toContain('campaigns.order');
    expect(refused.err).toMatch(/tsunagu people add \S+ --role operator/);
  }
  const made = await run('mori', create);
  expect([made.code, made.err]).toEqual([exit.ok, '']);
  expect((await run('mori', listCampaigns)).out).toContain('hours');
  const why = await run('mori', (all) => listApprovals(all, false));
  expect(why.out).toContain('campaign');
});

test('a state that cannot follow is answered with those that can', async () => {
  const move = { reason: 'x', dryRun: false };
  for (const state of ['nonsense', 'keyed']) {
    const refused = await run('mori', (all) => moveLifecycle(all, one, state, move));
    expect(refused.err).toMatch(/^LIFECYCLE_EDGE_UNKNOWN/);
    expect(refused.err).toMatch(/From \S+ it can move to: .*\S/);
    expect(refused.code).toBe(state === 'nonsense' ? exit.usage : exit.failed);
  }
});

test('the expiry horizon is a table, with its reasons where they are asked for', async () => {
  const show = () => run('mori', (all) => showExpiry(all, { count: 3, reasons: true }));
  // It is reckoned soon after each change, and not with it.
  await until('a horizon of three', async () => ((await show()).out.match(/^CLI-/gm)?.length ?? 0) >= 3);
  const shown = await show();
  expect(shown.out.match(/^CLI-\d{4}/gm)).toHaveLength(3);
  expect(shown.out).toMatch(/^ {4}\S+ {2}\S/m);
  const items = JSON.parse(
    (await run('mori', (all) => showExpiry(all, { count: 3, reasons: false }), { json: true })).out,
  );
  expect(items).toHaveLength(3);
});

test('more than ten certificates within a day are revoked by two persons, all or none', async () => {
  const revoked = async () => {
    const ended = await Promise.all(
      serials.map(async (serial) => JSON.stringify((await house.call('GET', `/terminals/${serial}/timeline`)).body)),
    );
    return ended.filter((text) => text.includes('certificate-revoked')).length;
  };
  const revoke = (some: readonly string[], confirm: string | undefined, dryRun = false) =>
    run('mori', (all) => revokeCertificates(all, some, { ...(confirm !== undefined && { confirm }), dryRun }));
  expect((await revoke(serials, undefined)).code).toBe(exit.usage);
  expect((await revoke(serials, '11')).code).toBe(exit.usage);
  expect((await revoke(serials, undefined, true)).out).toContain('would wait for a second person');
  const held = await revoke(serials, '12');
  expect([held.code, held.out]).toEqual([exit.otherOutcome, expect.stringContaining('tsunagu approvals approve')]);
  expect(await revoked()).toBe(0);
  const approval = /approve (\S+)/.exec(held.out)?.[1] ?? '';
  // Whoever approves sees who asked, and for which terminals.
  const asked = await run('sato', (all) => showApproval(all, approval));
  expect(asked.out).toMatch(/terminals \(12\) +mori/);
  for (const serial of serials) expect(asked.out).toContain(serial);
  const decide = (who: 'mori' | 'sato', verdict: string) =>
    fetch(`${house.house.managementUrl}/api/v1/approvals/${approval}/decisions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[who]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ verdict, reason: 'stolen' }),
    });
  expect((await decide('mori', 'approved')).status).toBe(403);
  expect(await revoked()).toBe(0);
  expect((await decide('sato', 'approved')).status).toBe(200);
  expect(await revoked()).toBe(12);
  // One by one leads no further.
  const one = await run('mori', (all) => revokeCertificate(all, serials[0] ?? '', serials[0]));
  expect([one.code, one.out]).toEqual([exit.otherOutcome, expect.stringContaining('tsunagu approvals approve')]);
});

test('a mistake on the command line has a code, and is told in both languages with what was written and what is possible', () => {
  let language: 'ja' | 'en' = 'ja';
  const said = (...argv: string[]): string => {
    const program = new Command('t')
      .exitOverride()
      .configureOutput({ outputError: () => undefined, writeErr: () => undefined });
    program.command('group').command('one');
    program
      .command('list <serial>')
      .addOption(new Option('--state <state>').choices(['queued', 'held']))
      .requiredOption('--role <role>')
      .action(() => undefined);
    try {
      program.parse(argv, { from: 'user' });
    } catch (error) {
      const { code, facts } = usageFaultOf(error as { code: string; message: string }, language);
      return `${code} ${facts?.['wrong']}${facts?.['meant'] ? ` (${facts['meant']})` : ''}`;
    }
    return 'nothing was wrong';
  };
  expect(said('lst')).toBe('COMMAND_INVALID 「lst」というコマンドはありません。 (list)');
  expect(said('group')).toBe('COMMAND_INVALID 続くコマンドを指定してください。');
  expect(said('list', '--role', 'a')).toContain('引数「serial」がありません。');
  expect(said('list', 'x', '--role', 'a', '--nope')).toContain('「--nope」');
  expect(said('list', 'x')).toContain('「--role <role>」は必須です。');
  expect(said('list', 'x', '--role')).toContain('「--role <role>」の値がありません。');
  expect(said('list', 'x', 'y', '--role', 'a')).toContain('引数が多すぎます。');
  expect(said('list', 'x', '--role', 'a', '--state', 'z')).toContain(
    '「--state <state>」の値「z」は正しくありません。指定の形: queued, held',
  );
  language = 'en';
  expect(said('lst')).toBe("COMMAND_INVALID unknown command 'lst' (list)");
  expect(said('group')).toBe('COMMAND_INVALID name the command that follows');
  expect(said('list', '--role', 'a')).toBe("COMMAND_INVALID missing required argument 'serial'");
  expect(said('list', 'x')).toBe("OPTION_INVALID required option '--role <role>' not specified");
  expect(said('list', 'x', '--role')).toMatch(/^OPTION_INVALID option '--role <role>' argument missing/);
  expect(said('list', 'x', '--role', 'a', '--nope')).toMatch(/^OPTION_INVALID unknown option '--nope'/);
  expect(said('list', 'x', '--role', 'a', '--state', 'z')).toMatch(/^OPTION_INVALID option '--state <state>' argument/);
});

test('an error of the file system says whether reading or writing failed', async () => {
  const folder = join(dataDir, 'files');
  mkdirSync(folder);
  const faultOf = async (work: Promise<unknown>) => fileFaultOf(await work.catch((error: unknown) => error))?.code;
  expect(await faultOf(readFile(join(folder, 'none')))).toBe('FILE_UNREADABLE');
  expect(await faultOf(readFile(folder))).toBe('FILE_UNREADABLE');
  expect(await faultOf(readdir(join(folder, 'none')))).toBe('FILE_UNREADABLE');
  expect(await faultOf(writeFile(folder, 'x'))).toBe('FILE_NOT_WRITTEN');
  expect(await faultOf(writeFile(join(folder, 'none', 'x'), 'x'))).toBe('FILE_UNUSABLE');
  writeFileSync(join(folder, 'file'), 'x');
  expect(await faultOf(mkdir(join(folder, 'file')))).toBe('FILE_EXISTS');
  expect(fileFaultOf(new TypeError('ours'))).toBeUndefined();
});

test('the negative file: what is wrong is said with its place, a removal waits for another person, and an explanation says so', async () => {
  const [list, first, second, chance] = ['regular', '4761739001010010', '5413330089010483', '4111111111111111'];
  const file = join(dataDir, 'list.csv');
  writeFileSync(file, `${first},stolen\n${second},lost\nno card\n`);
  const imports = (mode: 'add' | 'replace') => (context: Context) =>
    importNegative(context, file, { list, source: 'issuer-a', mode });
  const refused = await run('mori', imports('replace'));
  expect(refused).toMatchObject({ code: exit.failed });
  expect(refused.err).toMatch(/NEGATIVE_LIST_REFUSED[\s\S]*line=3/);
  expect(await run('mori', imports('add'))).toMatchObject({ code: exit.ok });
  const off = (context: Context) => removeFromNegative(context, { list, pan: first, source: 'issuer-a' });
  expect((await run('mori', off)).err).toContain('NEGATIVE_SHRINKS');
  const explain = (pan: string) => (context: Context) => explainNegative(context, { list, pan });
  expect((await run('mori', explain(first))).out).toMatch(/is not listed[\s\S]*waits for a second signature/);
  expect((await run('mori', explain(first), { lang: 'ja' })).out).toContain('第二署名待ち');
  const sign = (context: Context) => publishNegative(context, { list, secondSignature: true });
  expect((await run('mori', sign)).err).toContain('APPROVAL_OWN');
  expect((await run('mori', sign, { lang: 'ja' })).err).toContain('自分の依頼');
  expect(await run('sato', sign)).toMatchObject({ code: exit.ok });
  expect((await run('mori', explain(first))).out).not.toContain('refuse');

  const range = (until: string) => (context: Context) =>
    blockRange(context, { list, low: '411111', high: '411119', until });
  expect((await run('mori', range('2020-01-01T00:00:00Z'))).err).toMatch(/INPUT_INVALID.*until/);
  expect(await run('mori', range(new Date(Date.now() + 86_400_000).toISOString()))).toMatchObject({ code: exit.ok });
  expect((await run('mori', explain(chance))).out).toMatch(/not listed[\s\S]*blocked range/);
  expect((await run('mori', explain(chance), { lang: 'ja' })).out).toContain('無効番号帯');
  await run('mori', (context) => allowInNegative(context, { list, pan: chance, withdraw: false }));
  await run('sato', sign);
  expect((await run('mori', explain(chance))).out).not.toContain('refuse');
  expect(
    await run('mori', (context) => addToNegative(context, { list, pan: chance, reason: 'lost', source: 'manual' })),
  ).toMatchObject({ code: exit.ok });
  expect((await run('mori', explain(chance))).out).toContain('is listed');

  const prove = (serial: string) => (context: Context) =>
    proveNegative(context, { list, pan: first, serial, at: new Date().toISOString() }, undefined);
  expect((await run('mori', prove('NOPE-0001'))).err).toContain('TERMINAL_UNKNOWN');
  expect((await run('mori', prove(one))).err).toContain('NEGATIVE_PROOF_UNAVAILABLE');
});

test('a webhook gets another secret, waits, goes on and is taken away', async () => {
  // Nobody listens there, and nobody has to.
  const added = await run('owner', (all) => addWebhook(all, { name: 'ours', url: 'http://127.0.0.1:9/x' }));
  expect(added.code, added.err).toBe(exit.ok);
  const [id = '', secret] = added.out.split('\n');
  const rotated = await run('owner', (all) => rotateSecret(all, id));
  expect(rotated.out).toMatch(/^whsec_/);
  expect(rotated.out.trim()).not.toBe(secret);
  expect((await run('owner', (all) => setState(all, id, 'paused'))).out).toContain('ours: paused');
  expect((await run('owner', (all) => setState(all, id, 'active'))).out).toContain('ours: active');
  expect((await run('owner', (all) => removeWebhook(all, id))).code).toBe(exit.ok);
  for (const work of [
    (all: Context) => rotateSecret(all, id),
    (all: Context) => setState(all, id, 'paused'),
    (all: Context) => removeWebhook(all, id),
  ])
    expect((await run('owner', work)).err).toContain('WEBHOOK_UNKNOWN');
});

test.each(['en', 'ja'])(
  'an open job of a quarantined terminal says that nothing reaches it, and what leads out with which evidence: %s',
  async (lang) => {
    // Of its own: others of this house are revoked meanwhile.
    const [serial, heard] = lang === 'en' ? ['CLI-0091', 'CLI-0093'] : ['CLI-0092', 'CLI-0094'];
    await Promise.all([house.register(serial), house.register(heard)]);
    const options = { reason: 'seal broken', dryRun: false };
    expect((await run('mori', (all) => moveLifecycle(all, serial, 'quarantined', options))).code).toBe(exit.ok);
    const ordered = await run('owner', (all) => orderJob(all, serial, 'terminal.diagnose', order), { lang });
    expect(ordered.err).toBe('');
    const listed = await run('mori', (all) => listJobs(all, { limit: 5, serial }), { lang });
    for (const { out } of [ordered, listed]) {
      expect(out).toContain(
        lang === 'en'
          ? 'The terminal is in state quarantined: it is not let in, and nothing reaches it. What leads out: quarantined -> inspected ('
          : '端末の状態が quarantined のため接続できず、指示は届きません。次の手順で解除します: quarantined -> inspected（',
      );
      expect(out).toContain(lang === 'en' ? 'second person' : '第二の承認者');
      expect(out).toContain(`tsunagu lifecycle move ${serial} inspected`);
      expect(out).not.toContain('-> lost');
    }
    // One that is heard is not told of.
    const other = await run('mori', (all) => orderJob(all, heard, 'terminal.diagnose', order), { lang });
    expect(other.out).not.toMatch(/let in|届きません/);
  },
);

test('children stand below their parent in the list of terminals, whatever their serials are', async () => {
  await house.register('CLI-P2', 'CT-3100');
  await house.register('CLI-P1', 'CT-5100');
  const child = { serial: 'CLI-0099', model: 'JT-C17', parent: 'CLI-P2', relayPort: 29_999 };
  const place = { merchant: '喫茶つなぐ', shop: '本店', lane: '1' };
  const made = await house.call('POST', '/terminals', { ...child, place });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { out } = await run('mori', (all) => listTerminals(all, undefined));
  const serials = out.split('\n').flatMap((line) => /^(?:└ )?(CLI-[P0-9]+)/u.exec(line)?.[1] ?? []);
  expect(serials.indexOf('CLI-0099')).toBe(serials.indexOf('CLI-P2') + 1);
  expect(out).toContain('└ CLI-0099');
});
