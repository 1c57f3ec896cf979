import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { endWiped } from '@tsunagu/fleet-server/identity/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { models } from '@tsunagu/protocols/catalogue';
import { devicePaths, jobIdSchema, registeredTerminal } from '@tsunagu/protocols/fleet';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedIn } from '../audit/support.ts';
import {
  device,
  enrol,
  lateClock,
  newFolder,
  pemOf,
  removeFolder,
  type TestHouse,
  testHouse,
  TestLink,
  type TestTerminal,
  until,
} from './support.ts';

const dataDir = newFolder();
const clock = lateClock(0);
const [one, two] = ['JOB-0001', 'JOB-0002'] as const;
type Person = Awaited<ReturnType<typeof signedIn>>;
let house: TestHouse;
let terminal: TestTerminal;
let [mori, kato, sato, tanaka] = [] as unknown as [Person, Person, Person, Person];
beforeAll(async () => {
  house = await testHouse(dataDir, { around: clock.around });
  await house.register(one);
  terminal = await enrol(house, await house.register(two));
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  mori = await signedIn(api, 'mori', ['operator']);
  kato = await signedIn(api, 'kato', ['operator']);
  sato = await signedIn(api, 'sato', ['admin']);
  tanaka = await signedIn(api, 'tanaka', ['technician']);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

const order = (by: Person, serial: string, type: string, more: object = {}, params: object = {}) =>
  by.call('POST', `/terminals/${serial}/jobs`, { job: { type, params }, ...more });
const change = (by: Person, id: unknown, how: string) => by.call('POST', `/jobs/${String(id)}/${how}`, {});

test('jobs are found by terminal, kind, state and reference, page by page, each once', async () => {
  for (let count = 0; count < 5; count++)
    expect((await order(mori, one, 'terminal.diagnose', { reference: 'look' })).status).toBe(202);
  const reboot = (await order(mori, one, 'terminal.reboot')).body;
  const idsOf = async (query: string) => (await mori.call('GET', `/jobs?${query}`)).body.items?.map(({ id }) => id);
  expect(await idsOf(`serial=${one}&type=terminal.reboot`)).toEqual([reboot.id]);
  expect(await idsOf('reference=look&state=queued')).toHaveLength(5);
  expect(await idsOf('reference=look&state=succeeded')).toEqual([]);
  const seen: unknown[] = [];
  for (let cursor = '', pages = 0; pages < 4; pages++) {
    const page = (await mori.call('GET', `/jobs?reference=look&limit=2${cursor}`)).body;
    seen.push(...(page.items ?? []).map(({ id }) => id));
    const next: unknown = page['next'];
    if (typeof next !== 'string') break;
    cursor = `&cursor=${next}`;
  }
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
  // Nor does a made-up one begin anywhere: at the start, at the end or in another list.
  for (const made of ['AAAA', Buffer.from('x JOB-1').toString('base64url')])
    for (const sort of ['serial', '-serial', 'registered'])
      expect([made, sort, (await mori.call('GET', `/terminals?sort=${sort}&cursor=${made}`)).body.code]).toEqual([
        made,
        sort,
        'INPUT_INVALID',
      ]);
  expect((await mori.call('GET', '/jobs?cursor=nonsense')).status).toBe(400);
  expect((await mori.call('GET', `/jobs/${reboot.id}`)).body).toMatchObject({ serial: one, type: 'terminal.reboot' });
  expect((await mori.call('GET', '/jobs/00000000-0000-4000-8000-000000000000')).body.code).toBe('JOB_UNKNOWN');
});

test('a job is taken back once, and ordered again when it is over', async () => {
  const { id } = (await order(mori, one, 'terminal.test')).body;
  expect((await change(mori, id, 'retry')).body.code).toBe('JOB_STILL_OPEN');
  expect((await change(kato, id, 'cancellation')).body).toMatchObject({ state: 'cancelled' });
  expect((await change(mori, id, 'cancellation')).body.code).toBe('JOB_OVER');
  const again = await change(mori, id, 'retry');
  expect([again.status, again.body['state']]).toEqual([202, 'queued']);
  expect(again.body.id).not.toBe(id);
  expect((await order(mori, one, 'key.load')).status).toBeGreaterThanOrEqual(400);
});

test('a model is not asked for what its reduced functions leave out', async () => {
  await house.register('JOB-0003', 'JT-C07');
  const preauth = { kind: 'preauth', amountMinor: 100, card: 'visa-contact' };
  const refused = await order(mori, 'JOB-0003', 'payment.run', {}, preauth);
  expect([refused.status, refused.body.code]).toEqual([422, 'MODEL_CANNOT']);
  expect(refused.body).toMatchObject({ field: 'preauth', facts: { model: 'JT-C07' } });
  // One that can is only not there yet.
  expect((await order(mori, one, 'payment.run', {}, preauth)).body.code).toBe('TERMINAL_NOT_ENROLLED');
});

test('whoever works in the field orders of one terminal what they order of many, and nothing else', async () => {
  expect((await order(tanaka, one, 'terminal.diagnose')).status).toBe(202);
  for (const type of ['terminal.wipe', 'key.unbind']) {
    const refused = await order(tanaka, one, type);
    expect(refused.body).toMatchObject({ code: 'ROLE_INSUFFICIENT', facts: { needs: 'fleet.operate' } });
  }
});

test('whoever works in the field takes back what they ordered, and nothing of others', async () => {
  const own = (await order(tanaka, one, 'terminal.test')).body;
  const other = (await order(mori, one, 'log.pull')).body;
  expect((await change(tanaka, other.id, 'cancellation')).body).toMatchObject({
    code: 'ROLE_INSUFFICIENT',
    facts: { needs: 'fleet.operate' },
  });
  expect((await change(tanaka, 'no-such-job', 'cancellation')).body.code).toBe('JOB_UNKNOWN');
  expect((await change(tanaka, own.id, 'cancellation')).body).toMatchObject({ state: 'cancelled' });
  expect((await change(mori, other.id, 'cancellation')).body).toMatchObject({ state: 'cancelled' });
});

test('a wipe is ordered by one person and approved by another, and both stand in the audit log', async () => {
  // Who approves does not order, and who orders does not approve.
  expect((await order(sato, one, 'terminal.wipe')).body.code).toBe('ROLE_INSUFFICIENT');
  const { id, ...held } = (await order(mori, one, 'terminal.wipe')).body;
  expect(held).toMatchObject({ state: 'held' });
  expect((await change(mori, id, 'approval')).body.code).toBe('APPROVAL_OWN');
  expect((await change(kato, id, 'approval')).body.code).toBe('ROLE_INSUFFICIENT');
  expect((await mori.call('GET', `/jobs/${id}`)).body).toMatchObject({ state: 'held' });
  expect((await change(sato, id, 'approval')).body).toMatchObject({ state: 'queued' });
  expect((await change(sato, id, 'approval')).body.code).toBe('JOB_OVER');
  const entries = (await sato.call('GET', `/audit?subject=terminal/${one}`)).body.items;
  const by = (action: string, subject: string) =>
    expect.objectContaining({ action, actor: expect.objectContaining({ subject }) });
  expect(entries).toEqual(expect.arrayContaining([by('wipe.request-approval', 'mori'), by('wipe.approve', 'sato')]));
});

test('a wipe that is refused, or taken back before, is never done', async () => {
  const waiting = async () =>
    (await sato.call('GET', '/approvals?kind=wipe&state=requested')).body.items?.[0]?.['id'] as string | undefined;
  const refused = (await order(mori, one, 'terminal.wipe')).body;
  const decide = (approval: unknown, verdict: string) =>
    sato.call('POST', `/approvals/${String(approval)}/decisions`, { verdict, reason: 'not this one' });
  expect((await decide(await waiting(), 'refused')).status).toBe(200);
  expect((await mori.call('GET', `/jobs/${refused.id}`)).body).toMatchObject({ state: 'cancelled' });
  const takenBack = (await order(mori, one, 'terminal.wipe')).body;
  const approval = await waiting();
  await change(mori, takenBack.id, 'cancellation');
  // What no decision can end any more waits for nobody.
  expect(await waiting()).toBeUndefined();
  expect((await decide(approval, 'approved')).body.code).toBe('APPROVAL_EXPIRED');
  expect((await mori.call('GET', `/jobs/${takenBack.id}`)).body).toMatchObject({ state: 'cancelled' });
});

test('whoever decides reads what is asked for: unbinding a terminal and rebinding it are two requests about one terminal', async () => {
  const model = models.find(({ protectionKeyBy }) => protectionKeyBy !== 'agreement')?.id;
  const place = { merchant: '喫茶つなぐ', shop: '本店', lane: '1' };
  const host = 'JOB-0034';
  expect((await house.call('POST', '/terminals', { serial: host, model, place })).status).toBe(201);
  for (const kind of ['key.unbind', 'key.rebind', 'terminal.wipe']) {
    const { id, code } = (await order(mori, host, kind)).body;
    expect(code, kind).toBeUndefined();
    const { items } = (await sato.call('GET', '/approvals?state=requested&limit=1')).body;
    expect(items?.[0]).toMatchObject({ subject: `terminal/${host}`, facts: { type: kind, job: id } });
    await change(mori, id, 'cancellation');
  }
});

test('a log that a terminal sent is read as text, and only when it is there', async () => {
  const { id } = (await order(mori, two, 'log.pull', { priority: 'emergency' }, { linesMax: 10 })).body;
  expect((await mori.call('GET', `/jobs/${id}/log`)).body.code).toBe('JOB_LOG_UNKNOWN');
  const link = await TestLink.open(house, terminal);
  await link.hello();
  await link.ask('pull', 'request', { pull: 'job' });
  const whole = gzipSync('{"event":"terminalStarted"}\n');
  const digest = createHash('sha256').update(whole).digest('hex');
  const piece = { offset: 0, of: whole.length, digest, bytes: whole.toString('base64') };
  const { claim, answer, key } = terminal;
  const sent = await device(house.house.ports.device ?? 0, claim.rootCertificate, 'POST', `${devicePaths.logs}/${id}`, {
    body: JSON.stringify(piece),
    cert: answer.certificateChain,
    key: pemOf(key),
  });
  expect(sent.status).toBe(200);
  await link.close();
  const log = await fetch(`${house.house.managementUrl}/api/v1/jobs/${id}/log`, { headers: { cookie: mori.cookie } });
  expect(await log.text()).toBe('{"event":"terminalStarted"}\n');
});

test('maintenance is ordered of many at once, each with an outcome of its own; software and wipes are not', async () => {
  const bulk = (job: object) =>
    mori.call('POST', '/bulk', { targets: { serials: [one, two, 'JOB-9999'] }, action: { type: 'job', job } });
  const done = (await bulk({ type: 'terminal.reboot', params: {} })).body as unknown as {
    items: { serial: string; code: string | null; job?: string }[];
  };
  expect(done.items.map(({ serial, code }) => [serial, code])).toEqual([
    [one, null],
    [two, null],
    ['JOB-9999', 'TERMINAL_UNKNOWN'],
  ]);
  expect((await mori.call('GET', `/jobs/${done.items[0]?.job}`)).body).toMatchObject({ type: 'terminal.reboot' });
  for (const type of ['terminal.wipe', 'software.install']) expect((await bulk({ type, params: {} })).status).toBe(400);
});

test('card companies of a terminal are set over the version that was read: who read an older one changes nothing', async () => {
  const set = (serial: string, acquirers: readonly string[], version?: number) =>
    mori.call(
      'PUT',
      `/terminals/${serial}/acquirers`,
      { acquirers },
      version === undefined ? {} : { 'if-match': `"${version}"` },
    );
  expect((await set('JOB-9999', ['aa'], 0)).body.code).toBe('TERMINAL_UNKNOWN');
  expect((await set(one, ['aa'])).body).toMatchObject({ code: 'PRECONDITION_REQUIRED' });
  expect((await set(one, ['bb', 'aa', 'bb'], 0)).body).toEqual({ acquirers: ['aa', 'bb'], version: 1 });
  expect(await set(one, ['cc'], 0)).toMatchObject({ status: 412, body: { code: 'VERSION_CONFLICT' } });
  const found = await mori.call('GET', `/terminals/${one}/acquirers`);
  expect(found.body).toEqual({ acquirers: ['aa', 'bb'], version: 1 });
  expect(found.headers.get('etag')).toBe('"1"');
  expect((await set(one, [], 1)).body).toEqual({ acquirers: [], version: 2 });
});

test('another software by one person’s word alone reaches ten terminals a day; then a campaign is asked for', async () => {
  const params = { version: '9.9.9', counter: 1, digest: 'a'.repeat(64), size: 1, proofTimeoutMs: 60_000 };
  const serials = Array.from({ length: 11 }, (_, index) => `PILOT-${String(index).padStart(4, '0')}`);
  const codes: unknown[] = [];
  for (const serial of serials) {
    await house.register(serial);
    codes.push((await order(mori, serial, 'software.install', {}, params)).body.code);
  }
  expect(codes).toEqual([...serials.slice(1).map(() => undefined), 'CAMPAIGN_NEEDED']);
  // A pilot may be given the next one.
  expect((await order(kato, serials[0] ?? '', 'software.install', {}, params)).status).toBe(202);
});

test('a wipe counts when the terminal’s own key swears to it; then it is not enrolled, and its certificate ends', async () => {
  const wiped = await enrol(house, await house.register('WIPE-0001'));
  const { serial } = wiped.claim;
  const link = await TestLink.open(house, wiped);
  await link.hello();
  const proofOf = (job: string, key = wiped.key) => {
    const at = new Date().toISOString();
    const statement = JSON.stringify({ serial, job, attempt: 1, boot: 1, at, removed: 3, keys: 0, left: [] });
    return { statement, signature: sign('sha256', Buffer.from(statement), key).toString('base64') };
  };
  const wipe = async (proof: (job: string) => object) => {
    const { id } = (await order(mori, serial, 'terminal.wipe')).body;
    await change(sato, id, 'approval');
    await until('the order', async () => {
      const answer = await link.ask('pull', 'request', { pull: 'job' });
      if (answer.kind !== 'job' || !answer.order) return false;
      const { job, attempt } = JSON.parse(answer.order.payload) as { job: string; attempt: number };
      if (job === id) return true;
      // The keys of a fresh terminal.
      await link.ask({ kind: 'job', job: jobIdSchema.parse(job) }, 'job', {
        attempt,
        state: 'failed',
        fault: 'KEY_BLOCK_INVALID',
      });
      return false;
    });
    await link.ask({ kind: 'job', job: jobIdSchema.parse(id) }, 'job', {
      attempt: 1,
      state: 'succeeded',
      wipe: proof(String(id)),
    });
    return (await mori.call('GET', `/jobs/${id}`)).body;
  };
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  for (const proof of [(job: string) => proofOf(job, stranger), () => proofOf('another job')])
    expect(await wipe(proof)).toMatchObject({ state: 'failed', fault: 'WIPE_NOT_PROVEN' });
  expect((await mori.call('GET', `/terminals/${serial}`)).body['enrolledAt']).not.toBeNull();
  expect(await wipe(proofOf)).toMatchObject({ state: 'succeeded' });
  expect((await mori.call('GET', `/terminals/${serial}`)).body['enrolledAt']).toBeNull();

  const { clock } = house.world;
  const store = unwrap(await openStore(join(dataDir, 'server', 'store.sqlite'), migrations, clock));
  const ended: string[] = [];
  const revoke = (one: string) => {
    ended.push(one);
    return Promise.resolve(ok(undefined));
  };
  // Its acknowledgement may have been lost: it has some minutes to ask again.
  await endWiped({ clock }, store, { revoke });
  expect(ended).toEqual([]);
  const later = { ...clock, now: () => clock.now() + 11 * 60_000 };
  await endWiped({ clock: later }, store, { revoke });
  expect(ended).toEqual([serial]);
  await store.close();
  await link.close();
});

const codesOf = async (serial: string) => {
  const { items = [] } = (await mori.call('GET', `/terminals/${serial}/timeline?limit=100`)).body;
  const entries = items as unknown as { kind: string; facts: { code?: string } }[];
  return entries.flatMap(({ kind, facts }) => (kind === 'alarm' ? [facts.code] : []));
};

test('"why not?" says of a key in a quarantined terminal that it is not let in, not that all is well', async () => {
  const enrolled = await enrol(house, await house.register('HOLDS-01'));
  const { serial } = enrolled.claim;
  const link = await TestLink.open(house, enrolled);
  await link.hello({ keys: [{ slot: 'dukpt', kcv: 'C927F4106F' }] });
  const first = async () => {
    const asked = { target: { kind: 'key', slot: 'dukpt' }, serials: [serial] };
    const { items } = (await mori.call('POST', '/why', asked)).body;
    return (items as unknown as { causes: { code: string }[] }[])[0]?.causes[0]?.code;
  };
  const move = { to: 'quarantined', reason: 'its key was seen elsewhere' };
  expect((await mori.call('POST', `/terminals/${serial}/lifecycle`, move)).status).toBe(200);
  expect(await first()).toBe('LIFECYCLE');
  // Whoever pays does not stand there until it times out.
  const sale = await mori.call('POST', `/terminals/${serial}/test-sales`, { amountMinor: 100, card: 'visa-contact' });
  expect([sale.status, sale.body]).toEqual([
    409,
    expect.objectContaining({ code: 'LIFECYCLE_FORBIDS', facts: { serial, state: 'quarantined' } }),
  ]);
  await link.close();
});

test('a terminal that shows a key of another, or whose clock is off by days, is told of once', async () => {
  const [owner, claimer] = [
    await enrol(house, await house.register('OWNS-01')),
    await enrol(house, await house.register('CLAIMS-01')),
  ];
  const alarmsOf = async ({ claim: { serial } }: typeof owner) => {
    const { items = [] } = (await mori.call('GET', `/terminals/${serial}/timeline?limit=100`)).body;
    const entries = items as unknown as { kind: string; facts: Record<string, string> }[];
    return entries.flatMap(({ kind, facts }) => (kind === 'alarm' ? [facts] : []));
  };
  // Keys that were ordered in the same millisecond come in any order; the others are not taken.
  const orderedOf = async (link: TestLink) => {
    for (;;) {
      const { order: handed } = (await link.ask('pull', 'request', { pull: 'job' })) as { order?: { payload: string } };
      const ordered = JSON.parse(handed?.payload ?? '{}') as { job: never; params: { slot: string; kcv: string } };
      if (ordered.params.slot === 'dukpt') return ordered;
      const refused = { attempt: 1, state: 'failed', fault: 'KEY_BLOCK_INVALID' } as const;
      await link.ask({ kind: 'job', job: ordered.job }, 'job', refused);
    }
  };
  const own = await TestLink.open(house, owner);
  await own.hello();
  const first = await orderedOf(own);
  const { kcv } = first.params;
  await own.hello({ keys: [{ slot: 'dukpt', kcv }] });
  await own.close();
  const link = await TestLink.open(house, claimer);
  link.aheadMs = 329.9 * 86_400_000;
  for (let count = 0; count < 2; count++) await link.hello({ keys: [{ slot: 'dukpt', kcv }] });
  await until('two alarms', async () => (await alarmsOf(claimer)).length >= 2);
  await link.ask('pull', 'request', { pull: 'time' });
  expect((await alarmsOf(claimer)).toReversed()).toEqual([
    { code: 'KEY_FOREIGN', slot: 'dukpt', kcv, of: owner.claim.serial },
    { code: 'CLOCK_WRONG', detail: '+330 d' },
  ]);
  // Nobody is blocked by a word that anybody can say, and the key that is shown is never used here: another is on its way.
  const { body } = await mori.call('GET', `/terminals/${claimer.claim.serial}`);
  expect(body['lifecycle']).toBe('deployed');
  expect((await orderedOf(link)).params.kcv).not.toBe(kcv);
  expect(await alarmsOf(owner)).toEqual([]);
  await link.close();
});

test('a terminal that refuses its keys is asked again later and later, "why not?" tells when, and people are told', async () => {
  const enrolled = await enrol(house, await house.register('REFUSE-01'));
  const { serial } = enrolled.claim;
  const link = await TestLink.open(house, enrolled);
  const why = async () => {
    const asked = { target: { kind: 'key', slot: 'dukpt' }, serials: [serial] };
    const { items } = (await mori.call('POST', '/why', asked)).body;
    return (items as unknown as { nextTryAt: string | null; causes: { code: string; facts: object }[] }[])[0];
  };
  for (const slot of ['nonsense', 'acquirer/nobody/pin']) {
    const { items } = (await mori.call('POST', '/why', { target: { kind: 'key', slot }, serials: [serial] })).body;
    expect(items).toMatchObject([
      {
        nextTryAt: null,
        causes: [{ code: 'TARGET_UNKNOWN', facts: { slot, slots: 'dukpt, negative, negative/2' } }],
      },
    ]);
  }
  // Past the pauses of all slots: they were refused at different moments and are spread.
  const pauseMaxMs = 300_000;
  for (let count = 0; count < 3; count++) {
    await link.hello();
    for (;;) {
      const { order: handed } = (await link.ask('pull', 'request', { pull: 'job' })) as { order?: { payload: string } };
      if (!handed) break;
      const { job } = JSON.parse(handed.payload) as { job: never };
      await link.ask({ kind: 'job', job }, 'job', { attempt: 1, state: 'failed', fault: 'KEY_NOT_AS_ANNOUNCED' });
    }
    expect(await codesOf(serial)).toEqual([]);
    await link.hello();
    // Nothing is handed out: it waits.
    expect(await link.ask('pull', 'request', { pull: 'job' })).toMatchObject({ order: null });
    const told = await until('the pause', async () => ((await why())?.nextTryAt ? await why() : undefined));
    expect(told?.causes).toContainEqual(
      expect.objectContaining({
        code: 'RETRY',
        facts: expect.objectContaining({ attempts: count + 1, fault: 'KEY_NOT_AS_ANNOUNCED' }),
      }),
    );
    if (count === 2) break;
    clock.late.behindMs -= pauseMaxMs;
  }
  await until('the alarm', async () => (await codesOf(serial)).includes('KEY_ORDER_REFUSED'));
  clock.late.behindMs = 0;
  await link.close();
});

test('boots are counted under a certificate: what the device before says after another has its serial counts for nothing', async () => {
  const before = await enrol(house, await house.register('SAME-0001'));
  const { serial } = before.claim;
  const old = await TestLink.open(house, before, 500);
  await old.hello();
  const handed = (await order(mori, serial, 'terminal.test', { priority: 'emergency' })).body;
  await old.ask('pull', 'request', { pull: 'job' });
  const { claim } = registeredTerminal.parse((await house.call('POST', `/terminals/${serial}/claim`, {})).body);
  // The old one speaks as fast as it can while the other is enrolled.
  let isTalking = true;
  const talk = (async () => {
    while (isTalking && old.client.connected) await Promise.race([old.hello().catch(() => undefined), pause(20)]);
  })();
  const after = await enrol(house, claim);
  isTalking = false;
  await talk;
  await old.client.endAsync(true);
  const link = await TestLink.open(house, after, 1);
  await link.hello();
  await until('its boot', async () => {
    const { body } = await mori.call('GET', `/terminals/${serial}`);
    return (body['link'] as unknown as { bootSeq: number }).bootSeq === 1;
  });
  expect(await codesOf(serial)).toEqual([]);
  expect((await mori.call('GET', `/jobs/${handed.id}`)).body).toMatchObject({
    state: 'timed-out',
    fault: 'JOB_UNIT_CHANGED',
  });
  await link.close();
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a terminal that says an earlier boot, or one far ahead, is told of in its timeline, and believed again by a person’s word', async () => {
  const enrolled = await enrol(house, await house.register('BOOT-0001'));
  const { serial } = enrolled.claim;
  const said = async (boot: number, count: number) => {
    const link = await TestLink.open(house, enrolled, boot);
    await link.hello();
    await until(`${count} alarms`, async () => (await alarms()).length >= count);
    await link.close();
  };
  const alarms = async () => {
    const { items = [] } = (await mori.call('GET', `/terminals/${serial}/timeline?limit=100`)).body;
    const entries = items as unknown as { kind: string; facts: { code?: string } }[];
    return entries.flatMap(({ kind, facts }) =>
      kind === 'alarm' && String(facts.code).startsWith('BOOT_') ? [facts.code] : [],
    );
  };
  const bootOf = async () =>
    ((await mori.call('GET', `/terminals/${serial}`)).body['link'] as unknown as { state: string }).state;
  await said(5, 0);
  await until('its hello', async () => (await bootOf()) !== 'never');
  await said(3, 1);
  expect(await alarms()).toEqual(['BOOT_BEHIND']);
  expect((await mori.call('POST', `/terminals/${serial}/recount`, {})).status).toBe(200);
  const link = await TestLink.open(house, enrolled, 3);
  await link.hello();
  await until('it is ready', async () => (await bootOf()) === 'ready');
  await link.close();
});
