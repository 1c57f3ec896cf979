import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { signAttestation } from '@tsunagu/protocols/workshop';
import { describe, expect, it, onTestFinished } from 'vitest';
import { showCampaign } from '../../../cli/src/commands/campaign.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { cutPower } from '../../power-cut.ts';
import { keptConsole } from '../cli/kept-console.ts';
import { newFolder, TestLink, until } from '../core/support.ts';
import { act, approvers, detail, operators, propose, publish, spec, start, Terminal, why } from './support.ts';

describe('a campaign', { timeout: 120_000 }, () => {
  it('begins when a second person approves it, goes ring by ring, and is completed', async () => {
    const house = await start();
    const serials = ['CAMP-0001', 'CAMP-0002', 'CAMP-0003'];
    const terminals = await Promise.all(serials.map((serial) => Terminal.open(house, serial)));
    const images = [await publish(house, '2.0.0')];
    const dry = (await house.call('POST', '/campaigns/dry-runs', spec(images, []))).body;
    expect(dry).toMatchObject({ cohort: 3, rings: [1, 2], excluded: [], waiting: [{ code: 'NEXT', terminals: 3 }] });
    const made = await propose(house, spec(images, []));
    expect(made).toMatchObject({ phase: 'proposed', terminals: { cohort: 3, waiting: 3 }, createdBy: 'operator' });
    expect((await why(house, made.id, 'CAMP-0001')).causes[0]).toMatchObject({ code: 'CAMPAIGN_PROPOSED' });
    expect(await operators.get(house)?.(`/campaigns/${made.id}/acts`, { verb: 'approve' })).toMatchObject({
      code: 'APPROVAL_OWN',
    });
    expect((await act(house, made.id, 'approve')).body).toMatchObject({ phase: 'running' });
    expect((await act(house, made.id, 'approve')).body.code).toBe('CAMPAIGN_VERB_NOT_NOW');

    await until('the first ring is ordered', async () => (await detail(house, made.id)).terminals.ordered === 1);
    const answers = await Promise.all(serials.map((serial) => why(house, made.id, serial)));
    expect(answers.map(({ causes }) => String(causes[0]?.code)).toSorted()).toEqual([
      'JOB_OPEN',
      'RING_NOT_OPEN',
      'RING_NOT_OPEN',
    ]);
    await until('all are done', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, made.id)).phase === 'completed';
    });
    expect(await detail(house, made.id)).toMatchObject({
      terminals: { cohort: 3, done: 3, ordered: 0, waiting: 0 },
      rings: [
        { state: 'passed', size: 1, done: 1 },
        { state: 'passed', size: 2, done: 2 },
      ],
    });
    expect((await why(house, made.id, 'CAMP-0001')).causes).toMatchObject([{ code: 'DONE' }]);
  });

  it('orders no jobs that cannot be undone, or that have people or campaigns of their own, and does not end before it begins', async () => {
    const house = await start();
    await Terminal.open(house, 'KIND-0001');
    const action = (type: string, params: object = {}) => ({ kind: 'job', body: { type, params } });
    const all = { name: 'all', gate: null };
    for (const type of ['terminal.wipe', 'key.unbind', 'key.rebind'])
      for (const path of ['/campaigns', '/campaigns/dry-runs'])
        expect((await propose(house, { ...all, action: action(type) }, path)).code, type).toBe('CAMPAIGN_JOB_REFUSED');
    const back = { ...action('terminal.diagnose'), back: action('terminal.wipe').body };
    expect((await propose(house, { ...all, action: back })).code).toBe('CAMPAIGN_JOB_REFUSED');
    const good = { ...all, action: action('terminal.diagnose') };
    const [startAt, endAt] = ['2030-01-02T00:00:00.000Z', '2030-01-01T00:00:00.000Z'];
    expect(await propose(house, { ...good, startAt, endAt })).toMatchObject({ code: 'INPUT_INVALID', field: 'endAt' });
    expect(await propose(house, { ...good, endAt: '2001-01-01T00:00:00.000Z' })).toMatchObject({ field: 'endAt' });
    expect(await propose(house, { ...good, startAt: endAt, endAt: startAt })).toMatchObject({ phase: 'proposed' });
  });

  it('pauses at its threshold with the failed terminals as exceptions, and goes on when a person says so', async () => {
    const house = await start();
    const terminals = await Promise.all(['THRE-0001', 'THRE-0002'].map((serial) => Terminal.open(house, serial)));
    const rings = [{ percent: 100, failures: { count: 1 } }];
    const made = await propose(house, spec([await publish(house, '2.0.0')], [], { rings, attemptsMax: 1 }));
    expect((await act(house, made.id, 'approve')).status).toBe(200);
    await until('the pause', async () => {
      for (const terminal of terminals) await terminal.work('fail');
      return (await detail(house, made.id)).phase === 'paused';
    });
    const seen = await detail(house, made.id);
    expect(seen).toMatchObject({ reason: 'CAMPAIGN_THRESHOLD_REACHED' });
    const { body } = await house.call('GET', `/campaigns/${made.id}/exceptions`);
    const { items } = body as unknown as { items: { serial: string; state: string; fault: string }[] };
    expect(items[0]).toMatchObject({ state: 'failed', fault: 'SOFTWARE_REVERTED' });
    expect((await why(house, made.id, items[0]?.serial ?? '')).causes[0]).toMatchObject({ code: 'FAILED' });
    expect((await house.call('POST', `/campaigns/${made.id}/acts`, { verb: 'resume' })).body).toMatchObject({
      phase: 'running',
    });
    await until('the end', async () => {
      for (const terminal of terminals) await terminal.work('fail');
      return ['paused', 'completed'].includes((await detail(house, made.id)).phase);
    });
  });

  it('is stopped by its gate when updated terminals refuse sales, and every one of them is brought back', async () => {
    const house = await start();
    const serials = ['GATE-0001', 'GATE-0002', 'GATE-0003', 'GATE-0004'];
    const terminals = await Promise.all(serials.map((serial) => Terminal.open(house, serial)));
    const [images, back] = [[await publish(house, '2.0.0')], [await publish(house, '1.0.0')]];
    const gate = { metrics: ['refused'], salesMin: 5 };
    const rings = [{ percent: 50, soakMs: 600_000 }, { percent: 100 }];
    const made = await propose(house, spec(images, back, { gate, rings }));
    expect((await act(house, made.id, 'approve')).status).toBe(200);
    await until('the first ring', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, made.id)).terminals.done === 2;
    });
    expect(terminals.filter(({ version }) => version === '2.0.0')).toHaveLength(2);
    await until(
      'the gate',
      async () => {
        for (const terminal of terminals)
          for (let count = 0; count < 3; count++)
            await terminal.sale(terminal.version === '2.0.0' ? 'refused' : 'approved');
        return (await detail(house, made.id)).phase === 'rollingBack';
      },
      30_000,
    );
    await until('the old version everywhere', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, made.id)).phase === 'rolledBack';
    });
    expect(terminals.map(({ version }) => version)).toEqual(serials.map(() => '1.0.0'));
    const seen = await detail(house, made.id);
    expect(seen).toMatchObject({
      reason: 'CAMPAIGN_GATE_FAILED',
      terminals: { cohort: 4, done: 2, back: 2 },
      rings: [
        { done: 2, back: 2 },
        { done: 0, back: 0 },
      ],
      gates: [{ metric: 'refused', verdict: 'failed' }],
    });
    // Who reads "2/4 done" is told in the same line that nobody has it any more.
    const { console, printed } = keptConsole('en');
    const client = { campaign: async () => ok(seen), campaignExceptions: async () => ok([]) };
    await showCampaign({ console, client, json: false } as unknown as Context, made.id, false);
    expect(printed().out).toMatch(/rolled back {2}2\/4 {2}2 of them brought back\n/);
    expect(printed().out).toMatch(/FAILED +BACK\s[\s\S]*2\/2 +0 +0 +0 +2\n/);
    const failed = seen.events.find(({ what }) => what === 'gateFailed');
    expect(failed?.facts).toMatchObject({ metric: 'refused', controlEvents: 0 });
    expect(failed?.facts['updatedEvents']).toBe(failed?.facts['updatedSales']);
    expect((await why(house, made.id, 'GATE-0001')).causes[0]).toMatchObject({ code: 'GATE_FAILED' });
  });

  it('brings back on a person’s word who was changed, and who said that it failed and has the new version all the same', async () => {
    const house = await start();
    const terminals = await Promise.all(['BACK-0001', 'BACK-0002'].map((serial) => Terminal.open(house, serial)));
    const [good, liar] = terminals;
    if (!good || !liar) throw new Error('no terminals');
    const [images, back] = [[await publish(house, '2.0.0')], [await publish(house, '1.0.0')]];
    // One of two may fail here: it says so only.
    const more = { rings: [{ percent: 100, failures: { percent: 60 } }], attemptsMax: 1 };
    const made = await propose(house, spec(images, back, more));
    expect((await act(house, made.id, 'approve')).status).toBe(200);
    await until('the end', async () => {
      await good.work();
      if ((await liar.work('fail')).length > 0) liar.version = '2.0.0';
      return (await detail(house, made.id)).phase === 'completed';
    });
    await liar.hello();
    const acted = await house.call('POST', `/campaigns/${made.id}/acts`, { verb: 'rollback', reason: 'complaints' });
    expect(acted.body).toMatchObject({ phase: 'rollingBack', reason: 'complaints' });
    await until('the old version everywhere', async () => {
      for (const terminal of terminals) await terminal.work();
      return (await detail(house, made.id)).phase === 'rolledBack';
    });
    expect(terminals.map(({ version }) => version)).toEqual(['1.0.0', '1.0.0']);
  });

  it('refuses a way back that terminals would refuse, and a query that cannot be read', async () => {
    const house = await start();
    await house.register('REFU-0001');
    const [high, low] = [await publish(house, '2.0.0', 7), await publish(house, '1.0.0', 6)];
    expect(await propose(house, spec([high], [low], { gate: {} }))).toMatchObject({
      code: 'CAMPAIGN_CANNOT_GO_BACK',
    });
    expect(await propose(house, spec([high], [], { target: 'model = ' }))).toMatchObject({
      code: 'QUERY_INVALID',
      field: 'target:8',
    });
    expect(await propose(house, spec([high], [], { target: 'model = XX' }))).toMatchObject({
      code: 'CAMPAIGN_COHORT_EMPTY',
    });
  });
});

it('the pace of a campaign grows with those that it changed, not with those that had it before', {
  timeout: 120_000,
}, async () => {
  // A clock that stands: nobody's order comes by a second that the test took.
  const begun = Date.now();
  const ahead = { ms: 0 };
  const house = await start(undefined, {
    around: (world) => ({ ...world, clock: { ...world.clock, now: () => begun + ahead.ms } }),
  });
  const images = [await publish(house, '2.0.0')];
  const terminals: Terminal[] = [];
  for (let index = 1; index <= 6; index++) {
    const terminal = await Terminal.open(house, `PACE-000${index}`);
    if (index <= 3) Object.assign(terminal, { version: '2.0.0' });
    await terminal.hello();
    terminals.push(terminal);
  }
  const pace = { perMinute: 1, growth: 10, every: 1, perMinuteMax: 100 };
  const made = await propose(house, spec(images, [], { rings: [{ percent: 100 }], pace }));
  expect((await act(house, made.id, 'approve')).status).toBe(200);
  const told: string[] = [];
  const counts = async () => {
    const { done, ordered } = (await detail(house, made.id)).terminals;
    return `${done} done, ${ordered} ordered`;
  };
  await until('the first order, and those that had it', async () => (await counts()) === '3 done, 1 ordered');
  ahead.ms = 60_000;
  await until('one more a minute later', async () => (await counts()) === '3 done, 2 ordered');
  for (const terminal of terminals) told.push(...(await terminal.work()));
  await until('two that were changed', async () => (await counts()) === '5 done, 0 ordered');
  // Now it goes a hundred times as fast.
  ahead.ms = 61_000;
  await until('the last', async () => {
    for (const terminal of terminals) told.push(...(await terminal.work()));
    return (await detail(house, made.id)).phase === 'completed';
  });
  expect(told).toEqual(['2.0.0', '2.0.0', '2.0.0']);
});

describe('what a campaign stands on', { timeout: 120_000 }, () => {
  it('orders no image that is not published, and says so when it is proposed', async () => {
    const house = await start();
    await house.register('UNPU-0001');
    expect(await propose(house, spec(['a'.repeat(64)], []))).toMatchObject({ code: 'SOFTWARE_REPOSITORY_MISSING' });
    await publish(house, '2.0.0');
    expect(await propose(house, spec(['a'.repeat(64)], []))).toMatchObject({ code: 'SOFTWARE_NOT_PUBLISHED' });
  });

  it('names what the signed target asks of a terminal first, and lets an older campaign bring it about', async () => {
    const house = await start();
    const terminal = await Terminal.open(house, 'PRER-0001');
    const second = [await publish(house, '2.0.0')];
    const third = [await publish(house, '3.0.0', 1, { requires: { versionMin: '2.0.0' } })];
    const rings = [{ percent: 100 }];
    const ids: string[] = [];
    for (const images of [second, third]) {
      const { id } = await propose(house, spec(images, [], { rings }));
      await act(house, id, 'approve');
      ids.push(id);
    }
    expect((await why(house, ids[1] ?? '', 'PRER-0001')).causes[0]).toMatchObject({
      code: 'PREREQUISITE',
      facts: { test: 'version >= 2.0.0' },
    });
    const told: string[] = [];
    await until('both', async () => {
      told.push(...(await terminal.work()));
      return (await detail(house, ids[1] ?? '')).phase === 'completed';
    });
    expect(told).toEqual(['2.0.0', '3.0.0']);
  });

  it('takes runs on real hardware for true only where an attestation of this very image is on record', async () => {
    const house = await start();
    await house.register('ATTE-0001');
    const bridge = generateKeyPairSync('ed25519');
    const spki = Uint8Array.from(bridge.publicKey.export({ type: 'spki', format: 'der' }));
    const plain = await publish(house, '2.0.0');
    const digest = await publish(house, '3.0.0', 1, {
      requires: { attestation: Buffer.from(spki).toString('base64') },
    });
    const asked = (image: string) => propose(house, spec([image], [], { attested: true }));
    // The target of this one names nobody whose word would count.
    expect(await asked(plain)).toMatchObject({ code: 'CAMPAIGN_NOT_ATTESTED', field: 'action.images' });
    expect(await asked(digest)).toMatchObject({ code: 'SOFTWARE_NOT_ATTESTED' });
    const attestation = unwrap(
      signAttestation(
        {
          v: 1,
          madeAt: new Date().toISOString(),
          nonce: digest,
          bridge: { version: '0.1.0', node: process.version, platform: 'linux x64' },
          runs: [
            {
              reader: { name: 'ACR122U', vendorId: 0x72f, productId: 0x2200, isEmulated: false },
              card: 'visa-contactless',
              script: 'certify',
              steps: {},
              passed: 12,
              failed: 0,
              skipped: 0,
              traceHash: 'a'.repeat(64),
              tookMs: 5,
            },
          ],
          digest: 'b'.repeat(64),
        },
        bridge.privateKey,
        spki,
      ),
    );
    expect((await house.call('POST', `/software/${digest}/attestations`, { attestation })).body).toMatchObject({
      passed: 12,
    });
    expect(await asked(digest)).toMatchObject({ phase: 'proposed' });
  });

  it('has a second person, by either door, and every act of it in the audit log', async () => {
    const house = await start();
    await house.register('AUDI-0001');
    const images = [await publish(house, '2.0.0')];
    // Whoever approves does not order: the token of the house and its own dashboard are one person.
    expect((await house.call('POST', '/campaigns', spec(images, []))).body).toMatchObject({
      code: 'ROLE_INSUFFICIENT',
    });
    const { id } = await propose(house, spec(images, []));
    for (const verb of ['approve', 'reject'])
      expect(await operators.get(house)?.(`/campaigns/${id}/acts`, { verb })).toMatchObject({ code: 'APPROVAL_OWN' });
    const waiting = (await house.call('GET', '/approvals?kind=campaign&state=requested')).body as unknown as {
      items: { id: string; subject: string }[];
    };
    expect(waiting.items).toMatchObject([{ subject: `campaign/${id}` }]);
    const decision = `/approvals/${waiting.items[0]?.id}/decisions`;
    expect((await house.call('POST', decision, { verdict: 'approved' })).body.code).toBe('APPROVAL_NOT_APART');
    await act(house, id, 'resume');
    expect(await approvers.get(house)?.(decision, { verdict: 'approved', reason: 'seen' })).toMatchObject({
      state: 'approved',
    });
    await until('its first ring', async () => (await detail(house, id)).rings[0]?.state === 'open');
    expect((await act(house, id, 'approve')).body.code).toBe('CAMPAIGN_VERB_NOT_NOW');
    expect(await operators.get(house)?.(`/campaigns/${id}/acts`, { verb: 'promote' })).toMatchObject({
      code: 'ROLE_INSUFFICIENT',
    });
    await act(house, id, 'pause', 'lunch');
    await act(house, id, 'abort');
    const { items } = (await house.call('GET', `/audit?subject=campaign/${id}&outcome=done`)).body as unknown as {
      items: { action: string; actor: { person: string | null; via: string } }[];
    };
    const operator = items.find(({ action }) => action === 'campaign.create')?.actor.person;
    const approver = items.find(({ action }) => action === 'campaign.approve')?.actor.person;
    for (const each of [operator, approver]) expect(each).toMatch(/^[0-9a-f-]{36}$/);
    expect(items.toReversed().map(({ action, actor }) => [action, actor.person])).toEqual([
      ['campaign.request-approval', operator],
      ['campaign.create', operator],
      ['campaign.approve', approver],
      ['campaign.ringOpened', null],
      ['campaign.pause', approver],
      ['campaign.abort', approver],
    ]);
    // What was refused, and what was taken back before anybody decided.
    const refused = await propose(house, spec(images, []));
    expect((await act(house, refused.id, 'reject', 'not now')).body).toMatchObject({
      phase: 'rejected',
      reason: 'not now',
    });
    const other = await propose(house, spec(images, []));
    await operators.get(house)?.(`/campaigns/${other.id}/acts`, { verb: 'abort' });
    const { items: left } = (await house.call('GET', '/approvals?state=requested')).body as unknown as typeof waiting;
    const late = await approvers.get(house)?.(`/approvals/${left[0]?.id}/decisions`, { verdict: 'approved' });
    expect(late?.code).toBe('CAMPAIGN_VERB_NOT_NOW');
    expect((await detail(house, other.id)).phase).toBe('aborted');
  });
});

describe('a server that loses its power in the middle of a campaign', { timeout: 120_000 }, () => {
  it('orders nothing twice and forgets nobody', async () => {
    const house = await start();
    const serials = Array.from({ length: 4 }, (_, index) => `POWR-000${index + 1}`);
    const told = new Map<string, string[]>();
    const terminals = await Promise.all(serials.map((serial) => Terminal.open(house, serial)));
    const images = [await publish(house, '2.0.0')];
    const made = await propose(house, spec(images, [], { rings: [{ percent: 100 }] }));
    expect((await act(house, made.id, 'approve')).status).toBe(200);
    await until('the orders', async () => (await detail(house, made.id)).terminals.ordered > 0);
    // Half of them do their work; what the disk says then is what the next server finds.
    for (const terminal of terminals.slice(0, 2))
      told.set(terminal.link.terminal.claim.serial, [...(await terminal.work())]);
    const disk = newFolder();
    await cutPower(house.folder, disk);
    const again = await start(disk);
    for (const terminal of terminals) {
      const link = await TestLink.open(again, terminal.link.terminal, 2);
      onTestFinished(() => link.close());
      const next = Object.assign(Object.create(Terminal.prototype), {
        link,
        version: terminal.version,
        configuration: terminal.configuration,
      }) as Terminal;
      await next.hello();
      const { serial } = terminal.link.terminal.claim;
      await until(`${serial} is through`, async () => {
        told.set(serial, [...(told.get(serial) ?? []), ...(await next.work())]);
        return next.version === '2.0.0';
      });
    }
    await until('the end', async () => (await detail(again, made.id)).phase === 'completed');
    for (const serial of serials) expect(told.get(serial), serial).toEqual(['2.0.0']);
  });

  it('has the gate of a campaign that had just begun count from there, not from where an older one ended', async () => {
    const house = await start();
    const terminal = await Terminal.open(house, 'POWR-0001');
    const [images, back] = [[await publish(house, '2.0.0')], [await publish(house, '1.0.0')]];
    const gate = { metrics: ['refused'], salesMin: 5 };
    const soak = { gate, rings: [{ percent: 100 }], startAt: new Date(Date.now() + 3_600_000).toISOString() };
    // Nobody is updated, so that nobody is told of a control; what is counted for it is in the store.
    const heard = async ({ db }: Store, id: string): Promise<number> => {
      const { gate: text } = await db
        .selectFrom('campaigns')
        .select('gate')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const { refused } = JSON.parse(text) as { refused?: { strata: Record<string, { counted: { salesB: number } }> } };
      return Object.values(refused?.strata ?? {}).reduce((sum, { counted }) => sum + counted.salesB, 0);
    };
    const storeOf = async ({ folder, world }: typeof house): Promise<Store> => {
      const store = unwrap(await openStore(join(folder, 'server', 'store.sqlite'), migrations, world.clock));
      onTestFinished(() => store.close());
      return store;
    };

    const before = await storeOf(house);
    const older = await propose(house, spec(images, back, soak));
    expect((await act(house, older.id, 'approve')).status).toBe(200);
    await until('a sale that the older gate saw', async () => {
      await terminal.sale('approved');
      return (await heard(before, older.id)) > 0;
    });
    expect((await act(house, older.id, 'abort')).status).toBe(200);
    for (let count = 0; count < 5; count++) await terminal.sale('approved');

    const made = await propose(house, spec(images, back, soak));
    expect((await act(house, made.id, 'approve')).status).toBe(200);
    const disk = newFolder();
    await cutPower(house.folder, disk);
    const again = await start(disk);
    const link = await TestLink.open(again, terminal.link.terminal, 2);
    onTestFinished(() => link.close());
    const next = Object.assign(Object.create(Terminal.prototype), { ...terminal, link }) as Terminal;
    await next.hello();
    await next.sale('approved');
    const after = await storeOf(again);
    await until('the sale after the beginning', async () => (await heard(after, made.id)) > 0);
    expect(await heard(after, made.id)).toBe(1);
  });
});
