import { cpSync } from 'node:fs';
import type { CampaignDetail, Why } from '@tsunagu/protocols/fleet';
import { jobOrder, openDocument, parseJson } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { encodeSoftwareImage } from '@tsunagu/protocols/software';
import { afterEach, describe, expect, it } from 'vitest';
import { enrol, newFolder, removeFolder, type TestHouse, testHouse, TestLink, until } from '../core/support.ts';

const folders: string[] = [];
const open: (() => Promise<void>)[] = [];
async function start(folder = newFolder()) {
  folders.push(folder);
  const house = await testHouse(folder, { saleSettleMs: 0 });
  open.push(() => house.house.close());
  return { ...house, folder };
}
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  for (const folder of folders.splice(0)) removeFolder(folder);
});

/** Signs in as another person and calls as such. */
async function secondPerson(house: TestHouse) {
  const [address = '', token = ''] = house.house.signInUrl().split('#');
  const { origin } = new URL(address);
  const signed = await fetch(`${origin}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ token }),
  });
  const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return async (path: string, body: unknown) => {
    const answer = await fetch(`${origin}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, cookie },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as CampaignDetail & { code?: string };
  };
}

async function upload(house: TestHouse, version: string, counter = 1, model = 'CT-5100'): Promise<string> {
  const { token } = JSON.parse((await import('node:fs')).readFileSync(`${folders.at(-1)}/access.json`, 'utf8')) as {
    token: string;
  };
  const answer = await fetch(`${house.house.managementUrl}/api/v1/software`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: encodeSoftwareImage({ version, model, counter }, new Uint8Array(64)) as BodyInit,
  });
  return ((await answer.json()) as { digest: string }).digest;
}

/** A terminal of this test: it installs what it is told, and sells. */
class Terminal {
  version = '1.0.0';
  readonly link: TestLink;
  private constructor(link: TestLink) {
    this.link = link;
  }
  static async open(house: TestHouse, serial: string): Promise<Terminal> {
    const link = await TestLink.open(house, await enrol(house, await house.register(serial)));
    open.push(() => link.close());
    const terminal = new Terminal(link);
    await terminal.hello();
    return terminal;
  }
  hello(): Promise<void> {
    return this.link.hello({ software: { version: this.version, slot: 'A' } });
  }
  /** Pulls until nothing is left; key loads are failed, software is installed (or not). Says what versions it was told. */
  async work(how: 'install' | 'fail' = 'install'): Promise<readonly string[]> {
    const told: string[] = [];
    for (;;) {
      const answer = await this.link.ask('pull', 'request', { pull: 'job' });
      if (answer.kind !== 'job' || !answer.order) return told;
      const order = unwrap(
        parseJson(jobOrder, unwrap(openDocument('tsunagu-job-v1', answer.order, this.link.terminal.answer.jobKey))),
      );
      const isDone = order.type === 'software.install' && how === 'install';
      if (order.type === 'software.install') told.push(order.params.version);
      if (isDone && order.type === 'software.install') this.version = order.params.version;
      await this.link.ask({ kind: 'job', job: order.job }, 'job', {
        attempt: order.attempt,
        state: isDone ? 'succeeded' : 'failed',
        ...(isDone ? { software: { version: this.version, slot: 'B' } } : { fault: 'SOFTWARE_REVERTED' }),
      });
      if (isDone) await this.hello();
    }
  }
  /** A sale that ended at the terminal, well or not. */
  sale(outcome: 'approved' | 'refused'): Promise<void> {
    const sale = { outcome, amountMinor: 1, currency: 'JPY', card: '', scheme: 'visa', entry: 'contact', lastFour: '' };
    return this.link.say({ kind: 'event', event: 'sale' }, 'sale', {
      at: Date.now(),
      sale: { ...sale, stan: '', durationMs: 1, ...(outcome === 'refused' && { reason: 'CARD_UNREADABLE' }) },
    });
  }
}

const spec = (images: string[], back: string[], more: object = {}) => ({
  name: 'release',
  target: 'model = CT-5100',
  action: { kind: 'software', images, back },
  rings: [{ percent: 34 }, { percent: 100 }],
  gate: null,
  ...more,
});

const detail = async (house: TestHouse, id: string): Promise<CampaignDetail> =>
  (await house.call('GET', `/campaigns/${id}`)).body as unknown as CampaignDetail;
const why = async (house: TestHouse, id: string, serial: string): Promise<Why> => {
  const { body } = await house.call('POST', '/why', { target: { kind: 'campaign', id }, serials: [serial] });
  return (body as unknown as { items: Why[] }).items[0] as Why;
};

describe('a campaign', { timeout: 120_000 }, () => {
  it('begins when a second person approves it, goes ring by ring, and is completed', async () => {
    const house = await start();
    const serials = ['CAMP-0001', 'CAMP-0002', 'CAMP-0003'];
    const terminals = await Promise.all(serials.map((serial) => Terminal.open(house, serial)));
    const images = [await upload(house, '2.0.0')];
    const dry = (await house.call('POST', '/campaigns/dry-runs', spec(images, []))).body;
    expect(dry).toMatchObject({ cohort: 3, rings: [1, 2], excluded: [], waiting: [{ code: 'NEXT', terminals: 3 }] });
    const made = (await house.call('POST', '/campaigns', spec(images, []))).body as unknown as CampaignDetail;
    expect(made).toMatchObject({ phase: 'proposed', terminals: { cohort: 3, waiting: 3 }, createdBy: 'admin' });
    expect((await why(house, made.id, 'CAMP-0001')).causes[0]).toMatchObject({ code: 'CAMPAIGN_PROPOSED' });
    const own = await house.call('POST', `/campaigns/${made.id}/acts`, { verb: 'approve' });
    expect(own).toMatchObject({ status: 403, body: { code: 'CAMPAIGN_NEEDS_SECOND_PERSON' } });
    const other = await secondPerson(house);
    expect(await other(`/campaigns/${made.id}/acts`, { verb: 'approve' })).toMatchObject({ phase: 'running' });

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

  it('pauses at its threshold with the failed terminals as exceptions, and goes on when a person says so', async () => {
    const house = await start();
    const terminals = await Promise.all(['THRE-0001', 'THRE-0002'].map((serial) => Terminal.open(house, serial)));
    const rings = [{ percent: 100, failures: { count: 1 } }];
    const made = (
      await house.call('POST', '/campaigns', spec([await upload(house, '2.0.0')], [], { rings, attemptsMax: 1 }))
    ).body as unknown as CampaignDetail;
    await (await secondPerson(house))(`/campaigns/${made.id}/acts`, { verb: 'approve' });
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
    const [images, back] = [[await upload(house, '2.0.0')], [await upload(house, '1.0.0')]];
    const gate = { metrics: ['refused'], salesMin: 5 };
    const rings = [{ percent: 50, soakMs: 600_000 }, { percent: 100 }];
    const made = (await house.call('POST', '/campaigns', spec(images, back, { gate, rings })))
      .body as unknown as CampaignDetail;
    await (await secondPerson(house))(`/campaigns/${made.id}/acts`, { verb: 'approve' });
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
      gates: [{ metric: 'refused', verdict: 'failed' }],
    });
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
    const [images, back] = [[await upload(house, '2.0.0')], [await upload(house, '1.0.0')]];
    const more = { rings: [{ percent: 100 }], attemptsMax: 1 };
    const made = (await house.call('POST', '/campaigns', spec(images, back, more))).body as unknown as CampaignDetail;
    await (await secondPerson(house))(`/campaigns/${made.id}/acts`, { verb: 'approve' });
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
    const [high, low] = [await upload(house, '2.0.0', 7), await upload(house, '1.0.0', 6)];
    expect((await house.call('POST', '/campaigns', spec([high], [low], { gate: {} }))).body).toMatchObject({
      code: 'CAMPAIGN_CANNOT_GO_BACK',
    });
    expect((await house.call('POST', '/campaigns', spec([high], [], { target: 'model = ' }))).body).toMatchObject({
      code: 'QUERY_INVALID',
      field: 'target:8',
    });
    expect((await house.call('POST', '/campaigns', spec([high], [], { target: 'model = XX' }))).body).toMatchObject({
      code: 'CAMPAIGN_COHORT_EMPTY',
    });
  });
});

describe('a server that loses its power in the middle of a campaign', { timeout: 120_000 }, () => {
  it('orders nothing twice and forgets nobody', async () => {
    const house = await start();
    const serials = Array.from({ length: 4 }, (_, index) => `POWR-000${index + 1}`);
    const told = new Map<string, string[]>();
    const terminals = await Promise.all(serials.map((serial) => Terminal.open(house, serial)));
    const made = (
      await house.call('POST', '/campaigns', spec([await upload(house, '2.0.0')], [], { rings: [{ percent: 100 }] }))
    ).body as unknown as CampaignDetail;
    await (await secondPerson(house))(`/campaigns/${made.id}/acts`, { verb: 'approve' });
    await until('the orders', async () => (await detail(house, made.id)).terminals.ordered > 0);
    // Half of them do their work; what the disk says then is what the next server finds.
    for (const terminal of terminals.slice(0, 2))
      told.set(terminal.link.terminal.claim.serial, [...(await terminal.work())]);
    const disk = newFolder();
    cpSync(house.folder, disk, { recursive: true });
    const again = await start(disk);
    for (const terminal of terminals) {
      const link = await TestLink.open(again, terminal.link.terminal, 2);
      open.push(() => link.close());
      const next = Object.assign(Object.create(Terminal.prototype), { link, version: terminal.version }) as Terminal;
      await next.hello();
      const { serial } = terminal.link.terminal.claim;
      open.push(async () => {});
      await until(`${serial} is through`, async () => {
        told.set(serial, [...(told.get(serial) ?? []), ...(await next.work())]);
        return next.version === '2.0.0';
      });
    }
    await until('the end', async () => (await detail(again, made.id)).phase === 'completed');
    for (const serial of serials) expect(told.get(serial), serial).toEqual(['2.0.0']);
  });
});
