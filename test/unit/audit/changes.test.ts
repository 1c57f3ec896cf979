import { createHash } from 'node:crypto';
import { openVerifier } from '@tsunagu/protocols/audit';
import { unwrap } from '@tsunagu/protocols/kit';
import type { Kysely } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../fleet-server/src/store/index.ts';
import { type OpenedApi, openedApi } from '../api/opened-api.ts';
import { callOn, signedIn } from './support.ts';

let house: OpenedApi | undefined;
const open = async (options: Parameters<typeof openedApi>[0] = {}): Promise<OpenedApi> =>
  (house = await openedApi(options));
afterEach(() => house?.api.close());

const entries = async (opened: OpenedApi, query = '') =>
  (await callOn(opened)('GET', `/audit?limit=500${query}`)).body.items ?? [];

describe('the audit log', () => {
  it('has an entry of each change, refusal and sign-in, with who, what, on what and the request', async () => {
    const opened = await open();
    const viewer = await signedIn(opened, 'look', ['viewer']);
    const serial = opened.rooms.terminals[0]?.serial ?? '';
    const refused = await viewer.call('POST', `/terminals/${serial}/test-sales`, {
      amountMinor: 100,
      card: 'visa-contact',
    });
    expect(refused.status).toBe(403);
    await callOn(opened)('POST', '/negative/entries', { pan: '4000000000000002' });
    await fetch(`${opened.api.url}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'look', passphrase: 'guess' }),
    });
    const log = await entries(opened);
    const lines = log.map(({ action, subject, outcome, code, actor }) => [
      actor?.['person'],
      action,
      subject,
      outcome,
      code,
    ]);
    const session = log.find(({ action }) => action === 'sessions.sign-in')?.['subject'];
    expect(lines.toReversed()).toEqual([
      [null, 'tokens.create', expect.stringMatching(/^token\//), 'done', null],
      ['admin', 'people.create', `person/${viewer.id}`, 'done', null],
      ['admin', 'people.sign-in-link', `person/${viewer.id}`, 'done', null],
      [viewer.id, 'sessions.sign-in', session, 'done', null],
      [viewer.id, 'POST /api/v1/terminals/:serial/test-sales', `terminal/${serial}`, 'refused', 'ROLE_INSUFFICIENT'],
      ['admin', 'POST /api/v1/negative/entries', 'negative/entries', 'done', null],
      [null, 'POST /api/v1/sessions', 'sessions', 'refused', 'PASSPHRASE_WRONG'],
    ]);
    expect(log.find(({ outcome }) => outcome === 'refused')?.['request']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(log)).not.toContain('400000');
    expect((await entries(opened, `&actor=${viewer.id}&outcome=refused`)).length).toBe(1);
  });

  it('is written in the transaction of the change: what is rolled back leaves no entry, what stays leaves one', async () => {
    const opened = await open();
    const { store, audit } = opened;
    const actor = { subject: 'test', via: 'house' } as const;
    const before = (await entries(opened)).length;
    await expect(
      store.write(async (tx) => {
        await audit.note(tx, { actor, action: 'test.fails', subject: 'x/1' });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect((await entries(opened)).length).toBe(before);
    await store.write((tx) =>
      audit.note(tx, {
        actor,
        action: 'test.stays',
        subject: 'x/1',
        facts: {
          text: 'card 4000 0000 0000 0002!',
          // An id of ours whose digits would pass for a number.
          session: '19215258-8aaf-4239-8196-751984e95b79',
        },
      }),
    );
    const [newest] = await entries(opened);
    expect(newest?.['action']).toBe('test.stays');
    expect(newest?.['facts']).toEqual({
      text: 'card [pan]!',
      session: '19215258-8aaf-4239-8196-751984e95b79',
    });
  });

  it('exports what the verifier finds whole, and signs a head at the end and at shutdown', async () => {
    const opened = await open();
    for (let index = 0; index < 30; index++)
      await callOn(opened)('POST', '/people', { name: `p${index}`, roles: ['viewer'] });
    const text = await (await opened.ask('/api/v1/audit/export')).text();
    const verifier = openVerifier({ key: opened.audit.key });
    for (const line of text.trim().split('\n')) verifier.line(line);
    const report = verifier.end();
    expect(report).toMatchObject({ findings: [], unsigned: 0, first: 1, last: 31, head: { seq: 31 } });
    // A row altered in the database itself.
    await opened.store.db
      .updateTable('audit_entries')
      .set((all) => ({ entry: all.fn<string>('replace', ['entry', all.val('p7'), all.val('q7')]) }))
      .where('seq', '=', 9)
      .execute();
    const altered = openVerifier({ key: opened.audit.key });
    for (const line of (await (await opened.ask('/api/v1/audit/export')).text()).trim().split('\n')) altered.line(line);
    expect(altered.end().findings).toMatchObject([{ kind: 'changed', from: 9 }]);
  });

  it.each<[string, (db: Kysely<Database>) => Promise<unknown>, object]>([
    [
      'its end, which an earlier head covers',
      (db) => db.deleteFrom('audit_entries').where('seq', '>', 8).execute(),
      { kind: 'truncated', from: 9, to: 11 },
    ],
    ['all of it', (db) => db.deleteFrom('audit_entries').execute(), { kind: 'truncated', from: 1, to: 11 }],
    [
      'an entry in its middle',
      (db) => db.deleteFrom('audit_entries').where('seq', '=', 6).execute(),
      { kind: 'removed', from: 6, to: 6 },
    ],
    [
      'the order of two entries',
      async (db) => {
        for (const [from, to] of [
          [6, 99],
          [5, 6],
          [99, 5],
        ] as const)
          await db.updateTable('audit_entries').set({ seq: to }).where('seq', '=', from).execute();
      },
      { kind: 'reordered', from: 5, to: 5 },
    ],
    [
      'an entry, so that it cannot be read',
      (db) => db.updateTable('audit_entries').set({ entry: 'gone\n{' }).where('seq', '=', 6).execute(),
      { kind: 'unreadable', from: 6, to: 6 },
    ],
    [
      'who an entry is found under',
      (db) => db.updateTable('audit_entries').set({ actor: 'sato' }).where('seq', '=', 6).execute(),
      { kind: 'changed', from: 6, to: 6 },
    ],
  ])('does not hide that somebody altered in the store: %s', async (_what, alter, finding) => {
    const opened = await open();
    const add = async (name: string) => await callOn(opened)('POST', '/people', { name, roles: ['viewer'] });
    const findings = async () => {
      const verifier = openVerifier({ key: opened.audit.key });
      for (const line of (await (await opened.ask('/api/v1/audit/export')).text()).trim().split('\n'))
        verifier.line(line);
      return verifier.end().findings;
    };
    for (let index = 0; index < 10; index++) await add(`p${index}`);
    await opened.audit.signHead();
    await alter(opened.store.db);
    expect(await findings()).toContainEqual(expect.objectContaining(finding));
    // Nor does what is written afterwards, however much it is.
    for (let index = 0; index < 15; index++) await add(`q${index}`);
    expect(await findings()).not.toEqual([]);
  });

  it('says of a list that an entry in it was made unreadable', async () => {
    const opened = await open();
    await callOn(opened)('POST', '/people', { name: 'p1', roles: ['viewer'] });
    await opened.store.db.updateTable('audit_entries').set({ entry: '{}' }).where('seq', '=', 1).execute();
    expect(await callOn(opened)('GET', '/audit')).toMatchObject({ status: 409, body: { code: 'AUDIT_ALTERED' } });
  });
});

describe('approvals', () => {
  const digest = createHash('sha256').update('what is wanted').digest('hex');

  it('take a second person in the right role, once, in time, for exactly what was asked', async () => {
    let ahead = 0;
    const opened = await open({ aheadMs: () => ahead });
    const { approvals, store } = opened;
    const operator = await signedIn(opened, 'orders', ['operator']);
    const by = { subject: 'orders', person: operator.id, roles: ['operator'], via: 'session' } as const;
    const ask = async (lifeMs = 3_600_000) =>
      await store.write((tx) =>
        approvals.request(tx, { kind: 'campaign', subject: 'campaign/1', digest, facts: {}, by, lifeMs }),
      );
    const admin = { subject: 'admin', person: 'admin', roles: ['admin'] } as const;
    expect(
      await store.write((tx) =>
        approvals.request(tx, { kind: 'campaign', subject: 'campaign/1', digest, facts: {}, by: admin }),
      ),
    ).toMatchObject({ ok: false, fault: { code: 'ROLE_INSUFFICIENT' } });
    const asked = unwrap(await ask());
    let followed = '';
    approvals.onDecided('campaign', (_tx, { id, state }) => Promise.resolve(void (followed = `${id} ${state}`)));
    const path = `/approvals/${asked.id}/decisions`;
    expect((await operator.call('POST', path, { verdict: 'approved' })).body.code).toBe('APPROVAL_OWN');
    const custodian = await signedIn(opened, 'keeper', ['custodian']);
    expect((await custodian.call('POST', path, { verdict: 'approved' })).body.code).toBe('ROLE_INSUFFICIENT');
    expect(await approvals.stands(store.db, asked.id, digest)).toBe(false);
    expect((await callOn(opened)('POST', path, { verdict: 'approved' })).body.code).toBe('APPROVAL_NOT_APART');
    const second = await signedIn(opened, 'approves', ['admin']);
    expect((await second.call('POST', path, { verdict: 'approved', reason: 'seen' })).body['state']).toBe('approved');
    expect(followed).toBe(`${asked.id} approved`);
    expect(await approvals.stands(store.db, asked.id, digest)).toBe(true);
    expect(await approvals.stands(store.db, asked.id, digest.replace(/^./, '0'))).toBe(false);
    expect((await second.call('POST', path, { verdict: 'refused' })).body.code).toBe('APPROVAL_CLOSED');
    const late = unwrap(await ask(1_000));
    ahead = 2_000;
    expect((await second.call('POST', `/approvals/${late.id}/decisions`, { verdict: 'approved' })).body.code).toBe(
      'APPROVAL_EXPIRED',
    );
    expect((await callOn(opened)('GET', '/approvals?state=expired')).body.items?.length).toBe(1);
    expect((await callOn(opened)('GET', '/approvals?kind=key')).body.items).toEqual([]);
  });

  it('count two tokens of a person as that person', async () => {
    const opened = await open();
    const operator = await signedIn(opened, 'orders', ['operator']);
    const token = String((await operator.call('POST', '/tokens', { name: 'robot', roles: ['operator'] })).body.token);
    const by = { subject: 'orders', person: operator.id, roles: ['operator'] } as const;
    const { id } = unwrap(
      await opened.store.write((tx) =>
        opened.approvals.request(tx, { kind: 'key', subject: 'key/1', digest, facts: {}, by }),
      ),
    );
    const robot = callOn(opened, { token });
    expect((await robot('POST', `/approvals/${id}/decisions`, { verdict: 'approved' })).body.code).toBe('APPROVAL_OWN');
  });
});

describe('who is apart from whom', () => {
  const digest = createHash('sha256').update('what is wanted').digest('hex');
  type Person = Awaited<ReturnType<typeof signedIn>>;
  const decide = async (opened: OpenedApi, asks: string, decides: ReturnType<typeof callOn>, verdict = 'approved') => {
    const by = { subject: asks, person: asks, roles: ['operator'] } as const;
    const { id } = unwrap(
      await opened.store.write((tx) =>
        opened.approvals.request(tx, { kind: 'wipe', subject: 'job/1', digest, facts: {}, by }),
      ),
    );
    const { body } = await decides('POST', `/approvals/${id}/decisions`, { verdict });
    return body.code ?? body['state'];
  };

  it('counts whoever lets somebody in as them, and two whom one let in as one; not so for the owner of the machine', async () => {
    const opened = await open();
    const chief = await signedIn(opened, 'chief', ['admin']);
    const mori = await signedIn(opened, 'mori', ['operator']);
    const invited = (by: Person, name: string, role: 'admin' | 'operator') => signedIn(opened, name, [role], by.call);
    const ghost = await invited(chief, 'ghost', 'operator');
    const shade = await invited(chief, 'shade', 'admin');
    const shadeOfShade = await invited(shade, 'shade-of-shade', 'admin');
    expect(await decide(opened, ghost.id, chief.call)).toBe('APPROVAL_NOT_APART');
    expect(await decide(opened, ghost.id, shade.call)).toBe('APPROVAL_NOT_APART');
    expect(await decide(opened, ghost.id, shadeOfShade.call)).toBe('APPROVAL_NOT_APART');
    expect(await decide(opened, ghost.id, callOn(opened))).toBe('APPROVAL_NOT_APART');
    // To say no is for everybody with the role.
    expect(await decide(opened, ghost.id, chief.call, 'refused')).toBe('refused');
    // Two whom the owner let in are two, until one of them makes a sign-in link for the other.
    expect(await decide(opened, mori.id, chief.call)).toBe('approved');
    expect(await decide(opened, mori.id, shadeOfShade.call)).toBe('approved');
    expect((await chief.call('POST', `/people/${mori.id}/sign-ins`)).status).toBe(201);
    expect(await decide(opened, mori.id, chief.call)).toBe('APPROVAL_NOT_APART');
    expect(await decide(opened, mori.id, shade.call)).toBe('APPROVAL_NOT_APART');
    const token = String((await chief.call('POST', '/tokens', { name: 'robot', roles: ['admin'] })).body.token);
    expect(await decide(opened, mori.id, callOn(opened, { token }))).toBe('APPROVAL_NOT_APART');
  });
});

describe('repeats and lists', () => {
  it('gives the first answer after a restart, refuses another body, and does nothing twice when the answer was lost', async () => {
    const opened = await open();
    const headers = { 'idempotency-key': 'the-same-key-1' };
    const body = { name: 'once', roles: ['viewer'] };
    const first = await callOn(opened)('POST', '/people', body, headers);
    await opened.api.close();
    const again = await open({ dataDir: opened.dataDir });
    const call = callOn(again);
    const repeat = await call('POST', '/people', body, headers);
    expect([repeat.status, repeat.headers.get('idempotency-replayed'), repeat.body.id]).toEqual([
      201,
      'true',
      first.body.id,
    ]);
    expect((await call('POST', '/people', { ...body, name: 'other' }, headers)).body.code).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    // As after a power cut between the commit and the answer.
    await again.store.db.updateTable('idempotency_keys').set({ state: 'effected', body_sealed: null }).execute();
    const lost = await call('POST', '/people', body, headers);
    expect([lost.status, lost.body.code]).toEqual([409, 'IDEMPOTENCY_ANSWER_LOST']);
    const [entry] = (await call('GET', '/audit?action=people.create')).body.items ?? [];
    expect(lost.body['facts']).toEqual({ request: entry?.['request'] });
    expect((await call('GET', '/people')).body.items?.length).toBe(1);
  });

  it('keeps no secret of an answer in clear', async () => {
    const opened = await open();
    const made = await callOn(opened)(
      'POST',
      '/tokens',
      { name: 't', roles: ['viewer'] },
      { 'idempotency-key': 'a-token-please' },
    );
    const rows = await opened.store.db.selectFrom('idempotency_keys').selectAll().execute();
    expect(rows.length).toBe(1);
    expect(Buffer.from(rows[0]?.body_sealed ?? []).toString('latin1')).not.toContain(String(made.body.token));
  });

  it('names the filters that a list knows when it is asked for another', async () => {
    const answer = await callOn(await open())('GET', '/audit?actr=me');
    expect([answer.status, answer.body.code, answer.body['field']]).toEqual([400, 'QUERY_UNKNOWN', 'actr']);
    expect(answer.body['facts']).toEqual({ known: 'limit cursor subject actor action outcome from to' });
  });

  it('answers 304 to who has the answer', async () => {
    const opened = await open();
    const first = await opened.ask('/api/v1/models');
    const etag = first.headers.get('etag') ?? '';
    const again = await opened.ask('/api/v1/models', { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await opened.ask('/api/v1/models', { headers: { 'if-none-match': 'W/"other"' } })).status).toBe(200);
  });
});
