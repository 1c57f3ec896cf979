import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { type CardSide, openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { folderFiles } from '@tsunagu/firmware-bridge/sealed-store/index';
import { campaignDetail, type CampaignDetail, registeredTerminal, terminalDetail } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type House, type Ran, runCli, startHouse, until } from './house.ts';

// A house of real processes, and four real terminal agents of one model that sell to it: switch, card company, reversals, images over
// HTTPS, restarts. Nothing stands in for anything.
let house: House;
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-campaign-'));
const terminals: { readonly serial: string; readonly agent: Terminal; readonly side: () => CardSide | undefined }[] =
  [];
const image = (name: string): string => join(folder, `${name}.tsw`);
let isSelling = true;
const sellers: Promise<void>[] = [];

async function start(serial: string): Promise<void> {
  const registered = await house.api('/api/v1/terminals', {
    method: 'POST',
    headers: { 'idempotency-key': `register-${serial}` },
    body: JSON.stringify({ serial, model: 'CT-5100', place: { merchant: '喫茶つなぐ', shop: '配信試験店' } }),
  });
  const own = join(folder, serial);
  mkdirSync(own);
  const claim = JSON.stringify(registeredTerminal.parse(registered.body).claim);
  writeFileSync(join(own, 'claim.json'), claim, { mode: 0o600 });
  let side: CardSide | undefined;
  const agent = unwrap(
    await startTerminal({
      world: systemWorld(() => {}),
      files: await folderFiles(own),
      openCardSide: async (options) => (side = await openCardSide(options)),
    }),
  );
  unwrap(await agent.connected);
  terminals.push({ serial, agent, side: () => side });
}

/** Sells until the test is over; a terminal that restarts meanwhile sells on when it is back. */
async function sell(index: number): Promise<void> {
  while (isSelling) {
    await terminals[index]?.side()?.sell({ amountMinor: 100 + index, card: 'visa-contactless' });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

beforeAll(async () => {
  house = await startHouse({ args: ['--terminals', '1', '--sale-every-seconds', '3600'] });
  for (let index = 1; index <= 4; index++) await start(`CT5100-900${index}`);
  for (const { side } of terminals)
    await until(
      async () => (await side()?.sell({ amountMinor: 100, card: 'visa-contactless' }))?.outcome === 'approved',
      60_000,
    );
  for (const [name, version, boot] of [
    ['old', '0.1.0', 'proves'],
    ['bad', '2.0.0', 'misreads'],
    ['good', '2.0.1', 'proves'],
  ] as const) {
    const made = [
      '--model',
      'CT-5100',
      '--version-name',
      version,
      '--counter',
      '1',
      '--boot',
      boot,
      '--bytes',
      '20000',
    ];
    expect((await house.cli('software', 'make', image(name), ...made)).code).toBe(0);
  }
  operatorToken = await tokenOf('配信担当', 'operator');
  approverToken = await tokenOf('承認担当', 'admin');
  for (const index of terminals.keys()) sellers.push(sell(index));
}, 300_000);
afterAll(async () => {
  isSelling = false;
  await Promise.all(sellers);
  for (const { agent } of terminals) await agent.stop();
  await house?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

/** The CLI with the tokens of two people, who were added by the house's own. */
let [operatorToken, approverToken] = ['', ''];
const operator = (...args: string[]): Promise<Ran> =>
  runCli(['--data', house.data, ...args], { TSUNAGU_TOKEN: operatorToken });
const approver = (...args: string[]): Promise<Ran> =>
  runCli(['--data', house.data, ...args], { TSUNAGU_TOKEN: approverToken });
async function tokenOf(name: string, role: string): Promise<string> {
  const added = await house.cli('people', 'add', name, '--role', role, '--json');
  expect(added.code, added.stderr).toBe(0);
  const { signInUrl } = JSON.parse(added.stdout) as { signInUrl: string };
  const { origin } = new URL(house.url);
  const post = (path: string, body: object, cookie = '') =>
    fetch(new URL(path, house.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, cookie },
      body: JSON.stringify(body),
    });
  const signed = await post('/api/v1/sessions', { token: signInUrl.split('#')[1] });
  const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const made = await post('/api/v1/tokens', { name: 'cli', roles: [role] }, cookie);
  return ((await made.json()) as { token: string }).token;
}

const spec = join(folder, 'spec.json');
const options = ['--target', 'model = CT-5100 and shop = 配信試験店', '--rings', '50,100'];
const shown = async (id: string): Promise<CampaignDetail> =>
  campaignDetail.parse(JSON.parse((await house.cli('campaign', 'show', id, '--json')).stdout));
/** Waits by the API, which costs no process each time; what the command shows at the end is what counts. */
async function reaches(id: string, phase: CampaignDetail['phase']): Promise<CampaignDetail> {
  let last: unknown;
  await until(
    async () => {
      last = (await house.api(`/api/v1/campaigns/${id}`)).body;
      return campaignDetail.parse(last).phase === phase;
    },
    300_000,
    () => JSON.stringify(last),
  );
  return await shown(id);
}
const versions = async (): Promise<readonly (string | undefined)[]> =>
  await Promise.all(
    terminals.map(
      async ({ serial }) =>
        terminalDetail.parse((await house.api(`/api/v1/terminals/${serial}`)).body).software?.version,
    ),
  );

/** An operator proposes a campaign, and an administrator approves it. Nobody does both, nor does who let them in. */
async function begin(name: string, ...more: readonly string[]): Promise<string> {
  writeFileSync(spec, JSON.stringify({ gate: { salesMin: 8 } }));
  const created = await operator('campaign', 'create', spec, '--name', name, ...options, ...more, '--json');
  expect(created.code, created.stdout + created.stderr).toBe(0);
  const { id } = campaignDetail.parse(JSON.parse(created.stdout));
  const own = await operator('campaign', 'approve', id);
  expect(own.stderr).toContain('APPROVAL_OWN');
  const owner = await house.cli('campaign', 'approve', id);
  expect(owner.stderr).toContain('APPROVAL_NOT_APART');
  const approved = await approver('campaign', 'approve', id);
  expect(approved.code, approved.stderr).toBe(0);
  return id;
}

describe('a campaign on real wires', () => {
  test('of a version that spoils sales is stopped by its gate, and the terminals that had it are back on the old one', async () => {
    const id = await begin('bad', '--image', image('bad'), '--back', image('old'), '--soak-seconds', '3600');
    const seen = await reaches(id, 'rolledBack');
    expect(seen.phase).toBe('rolledBack');
    expect(seen).toMatchObject({ reason: 'CAMPAIGN_GATE_FAILED', terminals: { cohort: 4, done: 2, back: 2 } });
    const failed = seen.events.find(({ what }) => what === 'gateFailed');
    expect(failed?.facts).toMatchObject({ metric: 'reversed' });
    expect(Number(failed?.facts['evidence'])).toBeGreaterThanOrEqual(Number(failed?.facts['limit']));
    // What the gate saw, for whoever reads the log of this test.
    console.log(`gate: ${JSON.stringify(failed?.facts)}`);
    expect(await versions()).toEqual(['0.1.0', '0.1.0', '0.1.0', '0.1.0']);
    const asked = await house.cli('why', 'CT5100-9001', '--target', 'software:2.0.0');
    expect(asked.code).toBe(5);
    expect(asked.stdout).toContain('GATE_FAILED');
    // And they sell again.
    for (const { side } of terminals)
      await until(
        async () => (await side()?.sell({ amountMinor: 1, card: 'visa-contactless' }))?.outcome === 'approved',
        60_000,
      );
  }, 420_000);

  test('of a good version goes through its rings and is completed', async () => {
    const id = await begin('good', '--image', image('good'), '--back', image('old'));
    const seen = await reaches(id, 'completed');
    expect(seen.phase).toBe('completed');
    expect(seen.rings).toMatchObject([
      { state: 'passed', done: 2 },
      { state: 'passed', done: 2 },
    ]);
    for (const { verdict, evidence, limit } of seen.gates) {
      expect(verdict).toBe('watching');
      expect(evidence).toBeLessThan(limit);
    }
    expect(await versions()).toEqual(['2.0.1', '2.0.1', '2.0.1', '2.0.1']);
    expect((await house.cli('why', 'CT5100-9001', '--target', 'software:2.0.1')).code).toBe(0);
  }, 420_000);
});
