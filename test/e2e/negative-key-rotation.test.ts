import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { job, negativeKeyRotation, negativeState, registeredTerminal, terminalDetail } from '@tsunagu/protocols/fleet';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentProgram, type Desk, dying, openDesk, type Program, serverProgram } from './desk.ts';
import { freePortBase, runCli, until } from './house.ts';

// The key of negative lists gives way to the next one, between a server process and two terminal processes, one of which is away meanwhile. Server and
// terminal are killed between the steps; a listed card is refused all the time.
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-tags-'));
const data = join(folder, 'house');
const [here, away] = ['CT5100-0001', 'CT5100-0002'];
const own = (serial: string): string => join(folder, 'terminals', serial);
let portBase = '';
let server: Program;
const agents = new Map<string, Program>();
let desk: Desk;
let [olga, anna] = ['', ''];

const powerOn = (serial: string, moment?: string): Program => {
  const agent = agentProgram(own(serial), ['--sale-every-seconds', '3600'], dying(moment));
  agents.set(serial, agent);
  return agent;
};
const serve = async (moment?: string): Promise<void> => {
  server = serverProgram(data, portBase, dying(moment));
  await server.ready;
};
const ask = async (to: string): Promise<unknown> => (await desk.call(olga, to)).body;
const terminal = async (serial: string) => terminalDetail.parse(await ask(`/api/v1/terminals/${serial}`));
const slotsOf = async (serial: string) => (await terminal(serial)).keys.map(({ slot }) => slot).toSorted();
const rotation = async () => negativeKeyRotation.parse(await ask('/api/v1/keys/rotations/negative'));
const state = async () => negativeState.parse(await ask('/api/v1/negative/state'));
const cli = (...args: string[]) => runCli(['--data', data, ...args]);
const asOlga = (...args: string[]) => runCli(['--data', data, ...args], { TSUNAGU_TOKEN: olga });
const soon = (what: string, isSo: () => Promise<boolean>) => until(isSo, 90_000, () => what);
const panOf = (card: Parameters<typeof testCard>[0]): string =>
  testCard(card).pan.use((digits) => Buffer.from(digits).toString('latin1'));
const [byHand, bySource] = [panOf('visa-contact'), panOf('jcb-contact')];
/** By the terminal itself, whatever the issuer would say. */
async function refuses(serial: string, card: string): Promise<void> {
  const made = await desk.call(desk.owner, `/api/v1/terminals/${serial}/test-sales`, { amountMinor: 500, card });
  const { id } = job.parse(made.body);
  await soon(`the sale at ${serial}`, async () => job.parse(await ask(`/api/v1/jobs/${id}`)).finishedAt !== null);
  expect(job.parse(await ask(`/api/v1/jobs/${id}`)).sale).toMatchObject({ outcome: 'refused', reason: 'CARD_LISTED' });
}
const both = async (serial: string): Promise<void> => {
  await refuses(serial, 'visa-contact');
  await refuses(serial, 'jcb-contact');
};
/** Lists the cards: by hand at once, by a source in a version of its own. */
async function list(): Promise<void> {
  const file = join(folder, 'visa.csv');
  writeFileSync(file, `pan,reason\n${bySource},lost\n`);
  expect(await cli('negative', 'import', file, '--source', 'visa')).toMatchObject({ code: 0 });
  expect(await cli('negative', 'add', byHand, '--reason', 'stolen')).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  portBase = String(await freePortBase());
  await serve();
  desk = openDesk(data);
  olga = await desk.person('olga', 'operator');
  anna = await desk.person('anna', 'custodian');
  for (const serial of [here, away]) {
    const place = { merchant: 'm', shop: 's' };
    const made = await desk.call(desk.owner, '/api/v1/terminals', { serial, model: 'CT-5100', place });
    mkdirSync(own(serial), { recursive: true });
    writeFileSync(join(own(serial), 'claim.json'), JSON.stringify(registeredTerminal.parse(made.body).claim), {
      mode: 0o600,
    });
    powerOn(serial);
  }
  await list();
  for (const serial of [here, away])
    await soon(`keys and list of ${serial}`, async () => {
      const { keys, negative } = await terminal(serial);
      return keys.length === 2 && negative.current;
    });
}, 240_000);
afterAll(async () => {
  for (const each of [...agents.values(), server]) await each?.kill();
  rmSync(folder, { recursive: true, force: true });
});

test('the next key is spread beside the old one, and what it waits for is told: terminals, and cards whose numbers nobody keeps', async () => {
  await both(here);
  await agents.get(away)?.kill();
  expect((await desk.call(olga, '/api/v1/keys/rotations/negative')).body).toMatchObject({ code: 'KEY_ROTATION_NONE' });
  // The power fails before the order is on the medium, and after.
  for (const moment of ['table tag_rotations before', 'table tag_rotations after']) {
    await server.kill();
    await serve(moment);
    await desk.call(olga, '/api/v1/keys/rotations', { key: 'negative/tags/2' }).catch(() => undefined);
    await server.died();
  }
  // The terminal's power fails before the key is in its slot, and after.
  await agents.get(here)?.kill();
  await serve();
  for (const moment of ['file key-negative-2.sealed before', 'file key-negative-2.sealed after'])
    await powerOn(here, moment).died();
  powerOn(here);
  await soon('the second key', async () => (await rotation()).ready === 1);
  expect(await slotsOf(here)).toEqual(['dukpt', 'negative', 'negative/2']);
  expect(await rotation()).toMatchObject({
    key: 'negative/tags/2',
    from: 'negative/tags/1',
    state: 'spreading',
    lacking: 1,
    terminals: [{ serial: away, why: 'away' }],
    lists: [
      {
        list: 'regular',
        key: 'negative/tags/1',
        untagged: [
          { source: 'manual', cards: 1 },
          { source: 'visa', cards: 1 },
        ],
      },
    ],
  });
  await both(here);
  const told = await cli('keys', 'rotation');
  expect(told.stdout).toContain(`${away}`);
  expect(told.stdout).toContain('numbers of 1 card of visa');
  expect((await runCli(['--data', data, '--lang', 'ja', 'keys', 'rotation'])).stdout).toContain('未接続');
  // One at a time; and nothing goes under the key before every card can.
  expect((await asOlga('keys', 'rotate', 'negative/tags/3')).stderr).toContain('KEY_ROTATION_UNDER_WAY');
  expect((await asOlga('keys', 'rotate', 'negative/tags/2')).stdout).toContain('the next key is being spread');
  expect((await cli('keys', 'rotate', 'negative/tags/2', '--leave-behind')).code).toBe(2);
  const early = await desk.call(anna, '/api/v1/keys/rotations/negative/switch', { key: 'negative/tags/2' });
  expect(early.body).toMatchObject({ code: 'NEGATIVE_CARDS_UNTAGGED', facts: { cards: 2, exceptions: 0 } });
}, 300_000);

test('when the numbers came again every list goes under it in one version, wherever the power fails', async () => {
  await list();
  const before = await state();
  expect((await rotation()).lists[0]?.untagged).toEqual([]);
  const to = '/api/v1/keys/rotations/negative/switch';
  // Who orders it is not who has lists go under it, and whoever lacks the key is not left behind by mistake.
  expect((await desk.call(olga, to, { key: 'negative/tags/2' })).status).toBe(403);
  expect((await desk.call(anna, to, { key: 'negative/tags/2' })).body).toMatchObject({
    code: 'KEY_ROTATION_LACKING',
    facts: { terminals: 1 },
  });
  const order = { key: 'negative/tags/2', leaveBehind: true };
  for (const moment of ['table tag_rotations before', 'table tag_rotations after']) {
    await server.kill();
    await serve(moment);
    await desk.call(anna, to, order).catch(() => undefined);
    await server.died();
  }
  // The word is on the medium and the version is not: the start makes it, and may be cut as well.
  for (const moment of ['table negative_versions before', 'table negative_versions after']) {
    server = serverProgram(data, portBase, dying(moment));
    await server.died();
  }
  await agents.get(here)?.kill();
  await serve();
  const after = await state();
  expect(after).toMatchObject({
    epoch: before.epoch + 1,
    version: before.version + 1,
    cards: 2,
    overlaySeq: before.overlaySeq,
  });
  // The terminal is cut when the list turns, and when the old slot is emptied.
  for (const moment of [
    'file negative-trust.sealed before',
    'file negative-trust.sealed 2 after',
    'file key-negative.sealed before',
    'file key-negative.sealed after',
  ])
    await powerOn(here, moment).died();
  powerOn(here);
  await soon('the old slot is empty', async () => (await slotsOf(here)).join() === 'dukpt,negative/2');
  await both(here);
  expect(await rotation()).toMatchObject({
    state: 'erasing',
    ready: 1,
    lacking: 1,
    terminals: [{ serial: away, why: 'away' }],
  });
  expect((await desk.call(anna, '/api/v1/keys/retirements', { key: 'negative/tags/1' })).body).toMatchObject({
    code: 'KEY_NEEDED',
  });
}, 300_000);

test('a terminal that was away all the time refuses the card when it comes, gets the key, the list, and gives the old key up', async () => {
  powerOn(away);
  await soon('its contact', async () => (await terminal(away)).link.state === 'ready');
  await both(away);
  await soon('the old slot is empty', async () => (await slotsOf(away)).join() === 'dukpt,negative/2');
  await both(away);
  await soon('the end', async () => (await rotation()).state === 'over');
  // A card that comes now is under the new key alone, at once.
  expect(await cli('negative', 'add', panOf('mastercard-contact'))).toMatchObject({ code: 0 });
  await soon('the entry', async () => (await terminal(away)).negative.current);
  await refuses(away, 'mastercard-contact');
  const entry = (await cli('keys', 'list')).stdout;
  expect(entry).toContain('negative/tags/1');
  expect((await desk.call(anna, '/api/v1/keys/retirements', { key: 'negative/tags/1' })).status).toBe(200);
  expect((await desk.call(anna, '/api/v1/keys/retirements', { key: 'negative/tags/2' })).body).toMatchObject({
    code: 'KEY_NEEDED',
  });
  await server.kill();
  await serve();
  await both(here);
  expect((await state()).cards).toBe(2);
  // The next one goes into the slot that is free.
  expect((await desk.call(olga, '/api/v1/keys/rotations', { key: 'negative/tags/3' })).status).toBe(200);
  await soon('the third key', async () => (await rotation()).ready === 2);
  expect(await slotsOf(here)).toEqual(['dukpt', 'negative', 'negative/2']);
}, 300_000);
