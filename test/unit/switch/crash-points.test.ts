import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';

/** What both sides had on disk right before each commit of the switch: its own file, and the issuer's books, which may be further. */
const images: string[] = [];
let isTaking = false;
const switchClock = noonInJapan();
/** The commits, one at a time: the log and the tables are two files, and power fails in both of them at once. */
let turn: Promise<unknown> = Promise.resolve();
let house: SmallHouse;
let terminal: Terminal;

beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    switchClock,
    aroundCommit({ folder }, commit) {
      const done = turn.then(async () => {
        if (isTaking) {
          const image = await mkdtemp(join(tmpdir(), 'switch-point-'));
          await cp(folder, image, { recursive: true });
          images.push(image);
        }
        return await commit();
      });
      turn = done.catch(() => undefined);
      return done;
    },
  });
  terminal = await house.terminal('CT5100-0001');
  // Trace numbers are reserved before: a commit of its own that says nothing of money.
  expect((await terminal.ask(terminal.sale('visa-contact', 100))).text(39)).toBe('000');
});
afterAll(async () => {
  terminal?.close();
  await house?.close();
  for (const image of images) await rm(image, { recursive: true, force: true });
});

/** Opens the house as it was when the power failed, waits until nothing is open, and compares the books of both sides. */
async function recovers(image: string, amountMinor: number): Promise<string> {
  const again = await openSmallHouse(image, { switchClock });
  try {
    const rows = () =>
      again.store.db.selectFrom('switch_sales').selectAll().where('amount_minor', '=', amountMinor).execute();
    await until(async () => {
      const isOpen = (await rows()).some(({ state }) => ['send-intended', 'reversing'].includes(state));
      return !isOpen && again.sw.reversalsQueued === 0;
    });
    const stands = (await again.store.db.selectFrom('switch_sales').selectAll().execute())
      .filter(({ state, kind }) => state === 'approved' && kind === 'sale')
      .reduce((sum, row) => sum + row.amount_minor, 0);
    expect([image, again.ledger.takenMinor]).toEqual([image, stands]);
    const day = unwrap(await again.sw.operator.reconcile('card-company-1', undefined, false, 'test'));
    const net = ({ debitsMinor, debitReversalsMinor }: typeof day.ours): number => debitsMinor - debitReversalsMinor;
    expect([image, day.theirs && net(day.theirs)]).toEqual([image, net(day.ours)]);
    return (await rows())[0]?.state ?? 'nothing';
  } finally {
    await again.close();
  }
}

test('power that fails before any commit of a sale and of its reversal leaves both sides with the same money', async () => {
  const sale = terminal.sale('visa-contact', 5_151);
  isTaking = true;
  expect((await terminal.ask(sale)).text(39)).toBe('000');
  expect((await terminal.ask(terminal.reversal(sale))).text(39)).toBe('400');
  await until(() => house.sw.reversalsQueued === 0);
  isTaking = false;
  expect(images.length).toBeGreaterThanOrEqual(5);
  const ends: string[] = [];
  for (const image of images) ends.push(await recovers(image, 5_151));
  // Nothing is kept at first; from the intent on the outcome is unknown and reversed; then the answer stands; then it is taken back. What other commits
  // there are between (the first sale's log is folded into its tables) changes nothing.
  expect(ends.filter((end, at) => end !== ends[at - 1])).toEqual(['nothing', 'reversed', 'approved', 'reversed']);
});
