import { openChanges } from '@tsunagu/fleet-server/audit/index';
import { noteOn } from '@tsunagu/fleet-server/audit/note';
import { openKeyGuard } from '@tsunagu/fleet-server/keys/index';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';

const world = systemWorld(() => undefined);
const owner = 'CT5100-0001';
const other = 'CATS220-0001';
const seconds: number[] = [];
const ended: string[] = [];
let house: SmallHouse;

beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    quarantine: (store, finding) =>
      openKeyGuard({
        world,
        store,
        note: () => Promise.resolve(),
        audit: noteOn(world, openChanges()),
        disconnect: (serial) => ended.push(serial),
        measured: (measured) => seconds.push(measured),
      })(finding),
  });
  for (const serial of [owner, other])
    await house.store.db
      .insertInto('terminals')
      .values({
        serial,
        model: 'CT-5100',
        merchant: 'm',
        shop: 's',
        lane: '1',
        parent: null,
        relay_port: null,
        registered_at: 0,
        enrolled_at: 0,
        lifecycle: 'deployed',
      })
      .execute();
}, 60_000);
const terminals: Terminal[] = [];
const openTerminal = async (serial: string): Promise<Terminal> => {
  const opened = await house.terminal(serial);
  terminals.push(opened);
  return opened;
};
afterAll(async () => {
  // What is under way ends with its connection; the store is closed after it.
  for (const { socket } of terminals) socket.destroy();
  await until(() => terminals.every(({ isClosed }) => isClosed));
  await house?.close();
});
beforeEach(async () => {
  seconds.length = ended.length = 0;
  await house.store.db.updateTable('terminals').set({ lifecycle: 'deployed' }).execute();
});

const lives = async () =>
  Object.fromEntries(
    (await house.store.db.selectFrom('terminals').select(['serial', 'lifecycle']).execute()).map((row) => [
      row.serial,
      row.lifecycle,
    ]),
  );
const audited = async () =>
  (await house.store.db.selectFrom('audit_entries').select(['action', 'subject']).orderBy('seq').execute()).filter(
    ({ action }) => action === 'keys.quarantine',
  );

test('a key that two identities hold blocks both, in one transaction with its entries of the audit log, and the time is measured', async () => {
  const cloned = await openTerminal(other);
  cloned.socket.write(cloned.frame(cloned.sale('visa-contact', 900), cloned.ksn(undefined, owner)));
  expect((await cloned.refusal()).code).toBe('ACQUIRING_KSN_UNKNOWN');
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'quarantined' });
  expect(ended.toSorted()).toEqual([other, owner].toSorted());
  expect(
    (await audited())
      .slice(-2)
      .map(({ subject }) => subject)
      .toSorted(),
  ).toEqual([`terminal/${other}`, `terminal/${owner}`]);
  expect(seconds).toEqual([expect.any(Number)]);
});

test('a frame that only names a key of another, and cannot prove to hold it, blocks nobody', async () => {
  const liar = await openTerminal(other);
  const frame = liar.frame(liar.sale('visa-contact', 900), liar.ksn(undefined, owner));
  frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
  liar.socket.write(frame);
  expect((await liar.refusal()).code).toBe('ACQUIRING_KSN_UNKNOWN');
  expect(await lives()).toEqual({ [owner]: 'deployed', [other]: 'deployed' });
});

test('a counter that went back further than frames overtake each other blocks its terminal', async () => {
  const terminal = await openTerminal(owner);
  const high = 0x00f0_0000;
  const sale = () => terminal.sale('visa-contact', 900);
  terminal.socket.write(terminal.frame(sale(), terminal.ksn(high)));
  await terminal.answer();
  terminal.socket.write(terminal.frame(sale(), terminal.ksn(high)));
  expect((await terminal.refusal()).code).toBe('ACQUIRING_KSN_REUSED');
  expect((await lives())[owner]).toBe('deployed');
  const restored = await openTerminal(owner);
  restored.socket.write(restored.frame(sale(), restored.ksn(0x0000_0100)));
  expect((await restored.refusal()).code).toBe('ACQUIRING_KSN_REUSED');
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'deployed' });
});
