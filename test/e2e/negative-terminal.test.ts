import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { job, type Job, terminalDetail } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryFiles } from '../unit/agent/memory-files.ts';
import { newFolder, removeFolder, type TestHouse, testHouse, until } from '../unit/core/support.ts';

const serial = 'CT5100-0001';
const folder = newFolder();
let house: TestHouse;
let terminal: Terminal;
let files: MemoryFiles;

const detail = async () => terminalDetail.parse((await house.call('GET', `/terminals/${serial}`)).body);
const start = async (on: MemoryFiles) => {
  files = on;
  terminal = unwrap(await startTerminal({ world: house.world, files, openCardSide }));
  unwrap(await terminal.connected);
};

/** A real server and a real terminal. */
beforeAll(async () => {
  house = await testHouse(folder);
  const given = await house.register(serial);
  const claim = { ...given, endpoints: { ...given.endpoints, ...house.house.ports } };
  await start(new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]])));
  await until(
    'keys and list',
    async () => (await detail()).keys.length === 2 && (await detail()).negative.current,
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await terminal?.stop();
  await house?.house.close();
  removeFolder(folder);
});

/** A test sale once the terminal has what was published. */
async function sale(card: string): Promise<Job['sale']> {
  await until('the newest list', async () => (await detail()).negative.current, 60_000);
  const { id } = job.parse(
    (await house.call('POST', `/terminals/${serial}/test-sales`, { amountMinor: 500, card })).body,
  );
  const done = await until(
    'the end of the sale',
    async () => {
      const now = job.parse((await house.call('GET', `/jobs/${id}`)).body);
      return now.finishedAt !== null && now;
    },
    60_000,
  );
  return done.sale;
}

it('a blocked range, an exception in it and the end of both are seen by a card at a terminal', async () => {
  const pan = testCard('visa-contact').pan.use((digits) => Buffer.from(digits).toString('latin1'));
  const low = pan.slice(0, 8);
  const listed = { outcome: 'refused', reason: 'CARD_LISTED' };
  expect((await sale('visa-contact'))?.reason).not.toBe('CARD_LISTED');
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  expect((await house.call('POST', '/negative/ranges', { low, high: low, until: soon })).body.published).toBe(true);
  expect(await sale('visa-contact')).toMatchObject(listed);
  expect((await house.call('POST', '/negative/exceptions', { pan })).body.published).toBe(true);
  expect((await sale('visa-contact'))?.reason).not.toBe('CARD_LISTED');
  expect((await house.call('POST', '/negative/exceptions', { pan, withdraw: true })).body.published).toBe(true);
  expect(await sale('visa-contact')).toMatchObject(listed);
  // After a power loss too: what lies beside the list is part of it.
  await terminal.stop();
  await start(files.afterPowerLoss(false));
  expect(await sale('visa-contact')).toMatchObject(listed);
}, 180_000);
