import { addressRules, openWebhooks } from '@tsunagu/fleet-server/webhooks/index';
import type { Attempt } from '@tsunagu/fleet-server/webhooks/post';
import { decideAttempt, decideReceiver } from '@tsunagu/fleet-server/webhooks/rules';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenedApi, openedApi, openParts, type Tuning } from '../api/opened-api.ts';
import { callOn } from '../audit/support.ts';
import { until } from '../core/support.ts';
import { type Receiver, startReceiver } from './receiver.ts';

let receiver: Receiver;
let house: OpenedApi | undefined;

const waitsMs = Array.from({ length: 200 }, () => 100);
const open = async (tuning: Tuning = { waitsMs }): Promise<OpenedApi> => (house = await openedApi({ tuning }));
async function hook(opened: OpenedApi, more: object = {}) {
  const made = await callOn(opened)('POST', '/webhooks', { name: 'erp', url: receiver.url, ...more });
  expect(made.status).toBe(201);
  return { id: String(made.body.id), secret: String(made.body['secret']) };
}
/** Entries of the timeline, as rooms write them in the transaction of what happened. */
const happen = (store: OpenedApi['store'], serial: string, count: number, kind = 'connected') =>
  store.write(async (tx) => {
    const place = {
      merchant: 'm',
      shop: 's',
      lane: '',
      parent: null,
      relay_port: null,
      registered_at: 0,
      enrolled_at: null,
    };
    await tx
      .insertInto('terminals')
      .values({ serial, model: 'CT-5100', ...place })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    for (let index = 0; index < count; index++)
      await tx
        .insertInto('timeline')
        .values({ serial, at: Date.now(), kind, facts: JSON.stringify({ index }) })
        .execute();
  });
const deliveries = async (opened: OpenedApi, id: string, query = '') =>
  (await callOn(opened)('GET', `/webhooks/${id}/deliveries?limit=500${query}`)).body.items ?? [];

describe('webhooks, to a receiver in a process of its own', () => {
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await house?.api.close();
    house = undefined;
    await receiver.stop();
  });

  it('sign as Standard Webhooks says, under the old secret too for a day after a rotation', async () => {
    const opened = await open();
    const { id, secret } = await hook(opened);
    await happen(opened.store, 'ALFA-0001', 1);
    await until('a message', () => receiver.taken().length === 1);
    const rotated = await callOn(opened)('POST', `/webhooks/${id}/secrets`);
    await happen(opened.store, 'ALFA-0001', 1);
    await until('another', () => receiver.taken().length === 2);
    const [first, second] = receiver.received();
    if (!first || !second) throw new Error('two came');
    // A verifier that nobody here wrote.
    const fresh = String(rotated.body['secret']);
    expect(new Webhook(secret).verify(first.body, first.headers)).toMatchObject({
      type: 'terminal.connected',
      data: { serial: 'ALFA-0001' },
    });
    expect(() => new Webhook(fresh).verify(first.body, first.headers)).toThrow('No matching signature');
    for (const each of [secret, fresh]) new Webhook(each).verify(second.body, second.headers);
    expect(() => new Webhook(fresh).verify(second.body.replace('ALFA-0001', 'ALFA-0002'), second.headers)).toThrow(
      'No matching signature',
    );
    const rows = await opened.store.db.selectFrom('webhooks').selectAll().execute();
    expect(
      JSON.stringify(rows.map(({ secrets_sealed }) => Buffer.from(secrets_sealed).toString('latin1'))),
    ).not.toContain(secret);
  });

  it('are verified by what the README shows, which refuses everything else', async () => {
    const opened = await open();
    const { secret } = await hook(opened);
    await happen(opened.store, 'ALFA-0001', 1);
    await until('a message', () => receiver.taken().length === 1);
    const [message] = receiver.received();
    if (!message) throw new Error('none came');
    const { headers, body } = message;
    const readme = readFileSync(join(import.meta.dirname, '../../../fleet-server/src/webhooks/README.md'), 'utf8');
    const code = /```js\n(.*?)```/s.exec(readme)?.[1] ?? '';
    const { isAuthentic }: { isAuthentic: (...given: unknown[]) => boolean } = await import(
      `data:text/javascript,${encodeURIComponent(code)}`
    );
    expect(isAuthentic(secret, headers, body)).toBe(true);
    expect(isAuthentic(secret, headers, Buffer.from(body))).toBe(true);
    expect(isAuthentic(secret, headers, body.replace('ALFA-0001', 'ALFA-0002'))).toBe(false);
    expect(isAuthentic(`whsec_${Buffer.alloc(32).toString('base64')}`, headers, body)).toBe(false);
    expect(isAuthentic(secret, headers, body, Date.now() + 301_000)).toBe(false);
    expect(isAuthentic(secret, {}, body)).toBe(false);
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
      expect(isAuthentic(secret, { ...headers, [name]: `1${headers[name]}` }, body)).toBe(false);
    expect(() => isAuthentic('', headers, body)).toThrow('missing');
  });

  it('come in the order of each terminal, and a terminal whose message fails holds up no other', async () => {
    const opened = await open({ waitsMs: Array.from({ length: 100 }, () => 100) });
    await hook(opened);
    await receiver.say('fail "serial":"ALFA-0001"');
    for (let index = 0; index < 3; index++) {
      await happen(opened.store, 'ALFA-0001', 5);
      await happen(opened.store, 'BETA-0001', 5);
    }
    await until('all of B', () => receiver.taken().filter(({ serial }) => serial === 'BETA-0001').length === 15);
    expect(receiver.taken().some(({ serial }) => serial === 'ALFA-0001')).toBe(false);
    await receiver.say('ok');
    await until('all of A', () => receiver.taken().filter(({ serial }) => serial === 'ALFA-0001').length === 15);
    for (const serial of ['ALFA-0001', 'BETA-0001']) {
      const events = receiver
        .taken()
        .filter((each) => each.serial === serial)
        .map(({ event }) => event);
      expect(events).toEqual([...events].sort((a, b) => a - b));
    }
  });

  it('wait together for a receiver that is down, are tried when somebody says so, and flow at once when it answers', async () => {
    // Ten minutes after the second failure: nothing comes by itself.
    const opened = await open({ waitsMs: [50, 3_600_000, 3_600_000] });
    const { id } = await hook(opened);
    const call = callOn(opened);
    const next = async () => Date.parse(String((await call('GET', `/webhooks/${id}`)).body['nextAttemptAt']));
    const serials = ['ALFA-0001', 'BETA-0001', 'GAMA-0001', 'DELT-0001', 'EPSI-0001', 'ZETA-0001'];
    await receiver.stop();
    for (const serial of serials) await happen(opened.store, serial, 2);
    await until('its back-off', async () => (await next()) > Date.now() + 60_000);
    expect(await next()).toBeLessThan(Date.now() + 3_000_000);
    await happen(opened.store, 'LATE-0001', 1);
    const waiting = await until('the late one is taken up', async () => {
      const items = await deliveries(opened, id, '&state=pending');
      return items.length === 13 && items;
    });
    // At most one attempt of each together, and one for all of them after the first wait.
    expect(waiting.reduce((sum, { attempt }) => sum + Number(attempt), 0)).toBeLessThanOrEqual(serials.length + 1);
    expect(new Set(waiting.map(({ nextAt }) => Date.parse(String(nextAt))))).toEqual(new Set([await next()]));

    await receiver.restart();
    expect((await call('POST', `/webhooks/${id}/attempts`)).status).toBe(202);
    await until('all of them', () => receiver.taken().length === 13);
    for (const serial of serials) {
      const events = receiver.taken().flatMap((each) => (each.serial === serial ? [each.event] : []));
      expect(events).toEqual(events.toSorted((a, b) => a - b));
    }
    await until('it is up', async () => (await call('GET', `/webhooks/${id}`)).body['nextAttemptAt'] === null);
    const etag = (await call('GET', `/webhooks/${id}`)).headers.get('etag') ?? '';
    await call('PATCH', `/webhooks/${id}`, { state: 'paused' }, { 'if-match': etag });
    expect((await call('POST', `/webhooks/${id}/attempts`)).body.code).toBe('WEBHOOK_PAUSED');
  });

  it.each(['fail', 'hang', 'redirect', 'die'])('are tried again by a receiver that does: %s', async (mode) => {
    const opened = await open({ waitsMs, ...(mode === 'hang' && { timeoutMs: 500 }) });
    const { id } = await hook(opened);
    await receiver.say(mode);
    await happen(opened.store, 'ALFA-0001', 2);
    await until('an attempt', async () => (await deliveries(opened, id)).some(({ attempt }) => Number(attempt) > 0));
    const [first] = (await deliveries(opened, id)).toReversed();
    expect([first?.['state'], first?.['fault']]).toEqual([
      'pending',
      {
        fail: 'WEBHOOK_STATUS',
        hang: 'WEBHOOK_TIMEOUT',
        redirect: 'WEBHOOK_REDIRECTED',
        die: expect.stringMatching(/UNREACHABLE/),
      }[mode],
    ]);
    expect(receiver.received().some(({ path }) => path === '/elsewhere')).toBe(false);
    await receiver.restart();
    await until('both', () => new Set(receiver.taken().map(({ id: message }) => message)).size === 2);
    // Whoever takes longer than there is time for may have taken it all the same.
    if (mode !== 'hang') expect(receiver.taken()).toHaveLength(2);
  });

  it('read no more of an endless answer than they need', async () => {
    const opened = await open();
    const { id } = await hook(opened);
    await receiver.say('flood');
    await happen(opened.store, 'ALFA-0001', 1);
    await until('it is done', async () => (await deliveries(opened, id, '&state=delivered')).length === 1);
  });

  it('are dead after the last attempt, listed, and sent again when asked: the dead, or all from an event on', async () => {
    const opened = await open({ waitsMs: [20, 20] });
    const { id } = await hook(opened);
    const call = callOn(opened);
    await receiver.say('fail');
    await happen(opened.store, 'ALFA-0001', 2);
    await until('two are dead', async () => (await deliveries(opened, id, '&state=dead')).length === 2);
    expect((await deliveries(opened, id, '&state=dead')).map(({ attempt }) => attempt)).toEqual([3, 3]);
    await receiver.say('ok');
    const [before] = await opened.store.db.selectFrom('webhook_deliveries').select('created_at').execute();
    expect(await call('POST', `/webhooks/${id}/replays`, { dead: true })).toMatchObject({
      status: 202,
      body: { again: 2 },
    });
    // Taken up anew: their days begin again, though the receiver may still be down.
    const [after] = await opened.store.db.selectFrom('webhook_deliveries').select('created_at').execute();
    expect(after?.created_at).toBeGreaterThan(before?.created_at ?? Infinity);
    await until('they came', () => receiver.taken().length === 2);
    const [first] = receiver.taken();
    const again = await call('POST', `/webhooks/${id}/replays`, { fromEvent: first?.event });
    expect(again).toMatchObject({ status: 202, body: { again: 2 } });
    await until('they came again', () => receiver.taken().length === 4);
    // A replay keeps the ids: a receiver knows what it has.
    expect(new Set(receiver.taken().map(({ id: message }) => message)).size).toBe(2);
    const later = { from: new Date(Date.now() + 60_000).toISOString() };
    expect(await call('POST', `/webhooks/${id}/replays`, later)).toMatchObject({ status: 202, body: { again: 0 } });
    await happen(opened.store, 'ALFA-0001', 1);
    await until('the new one, once', () => receiver.taken().length === 5);
  });

  it('pause for a receiver that fails for long or is gone, and go on where they stopped', async () => {
    const opened = await open({ waitsMs: Array.from({ length: 50 }, () => 20), pauseAfterMs: 150 });
    const { id } = await hook(opened);
    const call = callOn(opened);
    const state = async () => (await call('GET', `/webhooks/${id}`)).body['state'];
    await receiver.say('fail');
    await happen(opened.store, 'ALFA-0001', 3);
    await until('it is paused', async () => (await state()) === 'paused');
    const heard = receiver.received().length;
    await happen(opened.store, 'ALFA-0001', 1);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(receiver.received().length).toBe(heard);
    await receiver.say('ok');
    const etag = (await call('GET', `/webhooks/${id}`)).headers.get('etag') ?? '';
    expect((await call('PATCH', `/webhooks/${id}`, { state: 'active' }, { 'if-match': etag })).status).toBe(200);
    await until('all four', () => receiver.taken().length === 4);
    await receiver.say('gone');
    await happen(opened.store, 'ALFA-0001', 1);
    await until('it is paused at once', async () => (await state()) === 'paused');
  });

  it('take only what was asked for', async () => {
    const opened = await open();
    await hook(opened, { events: ['alarm'] });
    await happen(opened.store, 'ALFA-0001', 3);
    await happen(opened.store, 'ALFA-0001', 1, 'alarm');
    await until('the alarm', () => receiver.taken().length === 1);
    expect(JSON.parse(receiver.received()[0]?.body ?? '')).toMatchObject({ type: 'terminal.alarm' });
  });

  // An even one is lost with the power, an odd one is the last that is kept.
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('lose nothing when power fails at write %i', async (write) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-hooks-'));
    const world = systemWorld(() => {});
    const before = receiver.taken().length;
    const parts = await openParts(world, dataDir, { waitsMs });
    const addresses = addressRules(['127.0.0.1/32']);
    await parts.webhooks.close();
    let writes = 0;
    let isDead = false;
    const failing: typeof parts.store = {
      ...parts.store,
      async write(work) {
        if (isDead) throw new Error('no power');
        writes += 1;
        isDead = writes >= write;
        if (isDead && write % 2 === 0) throw new Error('no power');
        const result = await parts.store.write(work);
        if (isDead) throw new Error('no power');
        return result;
      },
    };
    const dying = openWebhooks({ ...parts, store: failing, world, addresses, waitsMs, timeoutMs: 500 });
    const by = { subject: 'test' } as const;
    const first = await dying.create({ name: 'x', url: receiver.url }, by).catch(() => undefined);
    if (!first) {
      if (write % 2 === 0)
        await openWebhooks({ ...parts, world, addresses })
          .create({ name: 'x', url: receiver.url }, by)
          .then(unwrap);
    }
    await happen(parts.store, 'ALFA-0001', 2);
    await happen(parts.store, 'BETA-0001', 2);
    await until('power is lost, or nothing is left to write', () => isDead || receiver.taken().length >= before + 4);
    await dying.close();
    const again = openWebhooks({ ...parts, world, addresses, waitsMs, timeoutMs: 500 });
    await until(
      `all came, power lost at write ${write}`,
      () =>
        new Set(
          receiver
            .taken()
            .slice(before)
            .map(({ id, serial }) => `${id} ${serial}`),
        ).size === 4,
    );
    await again.close();
    for (const serial of ['ALFA-0001', 'BETA-0001']) {
      const firsts = [
        ...new Set(
          receiver
            .taken()
            .slice(before)
            .filter((each) => each.serial === serial)
            .map(({ event }) => event),
        ),
      ];
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    }
    await parts.audit.close();
    await parts.store.close();
    await parts.vault.close();
  });
});

describe('a receiver', () => {
  const said = (fault: Attempt['fault'], retryAfterMs: number | null = null): Attempt => ({
    status: fault === null ? 204 : 500,
    fault,
    retryAfterMs,
  });
  const up = { failures: 0, isDown: false };
  const down = { failures: 3, isDown: true };
  const waits = [1_000, 10_000, 100_000, 1_000_000];

  it.each([
    { why: 'takes one of two', from: down, outcomes: [said('WEBHOOK_STATUS'), said(null)], refused: 9, is: 'up' },
    { why: 'refuses a few terminals', from: up, outcomes: [said('WEBHOOK_STATUS')], refused: 4, is: 'up' },
    { why: 'takes from nobody', from: up, outcomes: [said('WEBHOOK_STATUS')], refused: 5, is: 1_000 },
    { why: 'is not reached', from: up, outcomes: [said('WEBHOOK_UNREACHABLE')], refused: 1, is: 1_000 },
    { why: 'says for how long', from: up, outcomes: [said('WEBHOOK_STATUS', 5_000)], refused: 1, is: 5_000 },
    { why: 'is down, and refuses one', from: down, outcomes: [said('WEBHOOK_STATUS')], refused: 1, is: 600_000 },
  ])('that $why is $is', ({ from, outcomes, refused, is }) => {
    const found = decideReceiver(from, outcomes, refused, 0, waits);
    expect(found.state === 'up' ? 'up' : found.waitMs).toBe(is);
    if (found.state === 'down') expect(found.failures).toBe(from.failures + 1);
  });

  it('that was down for long makes no message dead before its three days', () => {
    expect(decideAttempt(said('WEBHOOK_UNREACHABLE'), 50, 1_000, 0)).toMatchObject({ state: 'pending' });
    expect(decideAttempt(said('WEBHOOK_STATUS'), 12, 4 * 86_400_000, 0)).toEqual({ state: 'dead' });
    expect(decideAttempt(said('WEBHOOK_STATUS'), 2, 4 * 86_400_000, 0)).toMatchObject({ state: 'pending' });
  });
});

describe('where webhooks may go', () => {
  const names: Record<string, string[]> = {
    'good.example': ['93.184.215.14'],
    'inside.example': ['10.1.2.3'],
    'both.example': ['93.184.215.14', '127.0.0.1'],
    'six.example': ['2606:2800:220:1::1'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'ula.example': ['fd00::1'],
    'meta.example': ['169.254.169.254'],
  };
  const resolve = (host: string) => Promise.resolve((names[host] ?? []).map((address) => ({ address })));
  const rules = addressRules([], resolve);

  it.each([
    'http://good.example/',
    'https://inside.example/',
    'https://both.example/',
    'https://mapped.example/',
    'https://ula.example/',
    'https://meta.example/latest/meta-data',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://user:pass@good.example/',
    'ftp://good.example/',
    'not an address',
  ])('refuses %s', async (url) => {
    expect(await rules.target(url)).toMatchObject({ ok: false, fault: { code: 'WEBHOOK_URL_REFUSED' } });
  });

  it('connects to what was checked, and lets in what the server was told to', async () => {
    expect(unwrap(await rules.target('https://good.example/x'))).toMatchObject({ address: '93.184.215.14', family: 4 });
    expect(unwrap(await rules.target('https://six.example/x'))).toMatchObject({ family: 6 });
    expect(unwrap(await addressRules(['10.0.0.0/8'], resolve).target('http://inside.example/'))).toMatchObject({
      address: '10.1.2.3',
    });
    expect(await addressRules(['127.0.0.1'], resolve).target('https://both.example/')).toMatchObject({ ok: false });
  });

  it('is asked again for every message: a name that moves inside after it was entered gets nothing', async () => {
    const moving = await startReceiver();
    const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-hooks-'));
    const world = systemWorld(() => {});
    const parts = await openParts(world, dataDir);
    await parts.webhooks.close();
    let address = '93.184.215.14';
    const addresses = addressRules([], () => Promise.resolve([{ address }]));
    const hooks = openWebhooks({ ...parts, world, addresses, waitsMs: [20] });
    const { webhook } = unwrap(
      await hooks.create({ name: 'm', url: `https://moving.example:${moving.port}/` }, { subject: 'test' }),
    );
    address = '127.0.0.1';
    await happen(parts.store, 'ALFA-0001', 1);
    const dead = await until('it is dead', async () => {
      const { items } = unwrap(await hooks.deliveries(webhook.id, { limit: 10, state: 'dead' }));
      return items[0];
    });
    expect(dead.fault).toBe('WEBHOOK_URL_REFUSED');
    expect(moving.received()).toEqual([]);
    await hooks.close();
    await parts.audit.close();
    await parts.store.close();
    await moving.stop();
  });
});
