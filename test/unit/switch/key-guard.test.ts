import { openChanges } from '@tsunagu/fleet-server/audit/index';
import { noteOn } from '@tsunagu/fleet-server/audit/note';
import { openAdmission } from '@tsunagu/fleet-server/identity/index';
import { type KeyFinding, openKeyGuard, watchCustody } from '@tsunagu/fleet-server/keys/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { connect } from 'node:tls';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, type Terminal, tenant, until } from './small-house.ts';
import { putTerminals } from './terminal-row.ts';

const world = systemWorld(() => undefined);
const owner = 'CT5100-0001';
const other = 'CATS220-0001';
const seconds: number[] = [];
const ended: string[] = [];
const takenIn: string[] = [];
let house: SmallHouse;

const audit = noteOn(world, openChanges());
/** Whether the audit log takes the next entry. */
let isAudited = true;
const guard = (store: Store, finding: KeyFinding) =>
  openKeyGuard({
    world,
    store,
    note: () => Promise.resolve(),
    audit: (tx, entry) => (isAudited ? audit(tx, entry) : Promise.reject(new Error('no room on the disk'))),
    disconnect: (serial) => ended.push(serial),
    takeIn: (_tx, serial) => {
      takenIn.push(serial);
      return Promise.resolve('order-1');
    },
    measured: (measured) => seconds.push(measured),
  })(finding);

beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    quarantine: guard,
    admit: (store) => watchCustody(world, openAdmission(world, store, tenant), (finding) => guard(store, finding)),
  });
  await putTerminals(house.store, [owner, other]);
});
beforeEach(async () => {
  await house.store.db.deleteFrom('key_ledger').execute();
  for (const [index, serial] of [owner, other].entries())
    await house.store.db
      .insertInto('key_ledger')
      .values({
        id: `${serial}/dukpt`,
        serial,
        slot: 'dukpt',
        kcv: '0000000000',
        initial_key_id: `112233440000000${index + 1}`,
        parent_key: 'bdk/1',
        protected_by: 'kbpk',
        key_block: '',
        state: 'loaded',
        allocated_at: 0,
        loaded_at: 0,
      })
      .execute();
});
const keyStates = async () =>
  Object.fromEntries(
    (await house.store.db.selectFrom('key_ledger').select(['serial', 'state']).execute()).map((row) => [
      row.serial,
      row.state,
    ]),
  );
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
  seconds.length = ended.length = takenIn.length = 0;
  await house.store.db.updateTable('terminals').set({ lifecycle: 'deployed' }).execute();
});

const lives = async () =>
  Object.fromEntries(
    (await house.store.db.selectFrom('terminals').select(['serial', 'lifecycle']).execute()).map((row) => [
      row.serial,
      row.lifecycle,
    ]),
  );
/** Why the terminals were blocked, each rule by its code. */
const reasons = async (since: number) =>
  (await house.store.db.selectFrom('lifecycle_moves').select(['serial', 'reason']).orderBy('id').execute()).slice(
    since,
  );
const audited = async () =>
  (await house.store.db.selectFrom('audit_entries').select(['action', 'subject']).orderBy('seq').execute()).filter(
    ({ action }) => action === 'keys.quarantine',
  );

test('a key that two identities hold blocks both, in one transaction with its entries of the audit log, and the time is measured', async () => {
  const before = (await reasons(0)).length;
  const cloned = await openTerminal(other);
  cloned.socket.write(cloned.frame(cloned.sale('visa-contact', 900), cloned.ksn(undefined, owner)));
  expect((await cloned.refusal()).code).toBe('ACQUIRING_KSN_UNKNOWN');
  // People are told what it is: a fresh key alone would not help.
  expect(house.alarms.at(-1)).toMatchObject({ serial: other, fault: { code: 'KSN_TWO_IDENTITIES' } });
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'quarantined' });
  expect(await keyStates()).toEqual({ [owner]: 'suspect', [other]: 'suspect' });
  expect(ended.toSorted()).toEqual([other, owner].toSorted());
  expect(
    (await audited())
      .slice(-2)
      .map(({ subject }) => subject)
      .toSorted(),
  ).toEqual([`terminal/${other}`, `terminal/${owner}`]);
  expect(seconds).toEqual([expect.any(Number)]);
  expect((await reasons(before)).map(({ reason }) => reason)).toEqual(['KSN_TWO_IDENTITIES', 'KSN_TWO_IDENTITIES']);
});

test('a case that was opened blocks its terminal on the switch too and opens a work order, all or nothing; at the bench it does not', async () => {
  const opened = {
    code: 'TERMINAL_TAMPERED',
    serials: [serialSchema.parse(owner)],
    seenMs: 0,
    facts: { detail: 'mesh' },
  } as const;
  for (const state of ['inspected', 'refurbish', 'wipe'] as const) {
    await house.store.db.updateTable('terminals').set({ lifecycle: state }).execute();
    expect(await guard(house.store, opened)).toEqual([]);
  }
  expect(takenIn).toEqual([]);
  await house.store.db.updateTable('terminals').set({ lifecycle: 'deployed' }).execute();
  isAudited = false;
  await expect(guard(house.store, opened)).rejects.toThrow('no room');
  isAudited = true;
  expect(await lives()).toEqual({ [owner]: 'deployed', [other]: 'deployed' });
  expect(await keyStates()).toEqual({ [owner]: 'loaded', [other]: 'loaded' });
  expect(ended).toEqual([]);
  takenIn.length = 0;

  expect(await guard(house.store, opened)).toEqual([owner]);
  expect(await guard(house.store, opened)).toEqual([]);
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'deployed' });
  expect(await keyStates()).toEqual({ [owner]: 'suspect', [other]: 'loaded' });
  expect(takenIn).toEqual([owner]);
  expect(ended).toEqual([owner]);
  expect(seconds).toEqual([expect.any(Number)]);
  // The other plane: the switch lets it in no more, and says so.
  const terminal = await openTerminal(owner);
  terminal.socket.write(terminal.frame(terminal.sale('visa-contact', 900), terminal.ksn()));
  expect((await terminal.refusal()).code).toBe('LIFECYCLE_FORBIDS');
  await until(() => terminal.isClosed);
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
  const before = (await reasons(0)).length;
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
  expect(await reasons(before)).toEqual([{ serial: owner, reason: 'KSN_WENT_BACK' }]);
});

test('a copy that counts beside its original, never far behind, is found by the counters that both have used', async () => {
  const before = (await reasons(0)).length;
  const [original, copy] = [await openTerminal(owner), await openTerminal(owner)];
  const base = 0x00f8_0000;
  const sale = (of: Terminal, counter: number) =>
    of.socket.write(of.frame(of.sale('visa-contact', 900), of.ksn(counter)));
  // A frame that is overtaken, and was not used before, is no finding however often it happens.
  sale(original, base + 0x14);
  await original.answer();
  for (const late of [0x10, 0x11, 0x12, 0x13]) {
    sale(copy, base + late);
    expect((await copy.refusal()).code).toBe('ACQUIRING_KSN_REUSED');
  }
  expect((await lives())[owner]).toBe('deployed');
  for (const counter of [0x21, 0x22, 0x23, 0x24, 0x25]) {
    expect((await lives())[owner]).toBe('deployed');
    sale(original, base + counter);
    await original.answer();
    sale(copy, base + counter);
    expect((await copy.refusal()).code).toBe('ACQUIRING_KSN_REUSED');
  }
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'deployed' });
  expect(await reasons(before)).toEqual([{ serial: owner, reason: 'KSN_WENT_BACK' }]);
});

/** Dials the switch with a terminal's own certificate, and waits until it is turned away. */
async function isTurnedAway(serial: string): Promise<void> {
  const socket = connect({
    host: '127.0.0.1',
    port: house.sw.port,
    servername: 'localhost',
    ...(await house.credentials(serial)),
  });
  socket.on('error', () => undefined).resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

test('a terminal that comes in while it is in transit is blocked before it is heard, with its keys and the audit log in one transaction', async () => {
  const before = (await reasons(0)).length;
  await house.store.db.updateTable('terminals').set({ lifecycle: 'in-transit' }).where('serial', '=', owner).execute();
  await isTurnedAway(owner);
  await until(async () => (await lives())[owner] === 'quarantined');
  expect(await lives()).toEqual({ [owner]: 'quarantined', [other]: 'deployed' });
  expect(await keyStates()).toEqual({ [owner]: 'suspect', [other]: 'loaded' });
  expect((await audited()).at(-1)).toEqual({ action: 'keys.quarantine', subject: `terminal/${owner}` });
  await until(() => ended.length > 0);
  expect([ended, seconds]).toEqual([[owner], [expect.any(Number)]]);
  expect(await reasons(before)).toEqual([{ serial: owner, reason: 'KSN_OUT_OF_CUSTODY' }]);
});

test.each([
  ['with its certificate', null],
  ['with one that ended when it was wiped', 1],
] as const)('one that was scrapped and is heard of %s is quarantined: its papers are not true', async (_, ended_at) => {
  const before = (await reasons(0)).length;
  await house.store.db.updateTable('terminals').set({ lifecycle: 'scrap' }).where('serial', '=', owner).execute();
  await house.store.db.updateTable('certificates').set({ ended_at }).where('subject', '=', owner).execute();
  await isTurnedAway(owner);
  await until(async () => (await lives())[owner] === 'quarantined');
  expect(await reasons(before)).toEqual([{ serial: owner, reason: 'SCRAPPED_SPEAKS' }]);
  expect((await audited()).at(-1)).toEqual({ action: 'keys.quarantine', subject: `terminal/${owner}` });
  await house.store.db.updateTable('certificates').set({ ended_at: null }).where('subject', '=', owner).execute();
});

test('one that comes in where it belongs, or that waits in the warehouse, is no finding', async () => {
  const comesIn = async (counter: number): Promise<void> => {
    const terminal = await openTerminal(owner);
    terminal.socket.write(terminal.frame(terminal.sale('visa-contact', 900), terminal.ksn(counter)));
    expect((await terminal.answer()).text(39)).toBe('000');
  };
  await comesIn(0x00f9_0001);
  await house.store.db.updateTable('terminals').set({ lifecycle: 'warehouse' }).where('serial', '=', owner).execute();
  await comesIn(0x00f9_0002);
  expect((await lives())[owner]).toBe('warehouse');
  expect(seconds).toEqual([]);
});

test('what cannot be written to the audit log is not half done: neither state nor keys have changed, and the next sight blocks', async () => {
  const cloned = await openTerminal(other);
  const frame = () => cloned.frame(cloned.sale('visa-contact', 900), cloned.ksn(undefined, owner));
  isAudited = false;
  cloned.socket.write(frame());
  await cloned.refusal().catch(() => undefined);
  isAudited = true;
  expect(await lives()).toEqual({ [owner]: 'deployed', [other]: 'deployed' });
  expect(await keyStates()).toEqual({ [owner]: 'loaded', [other]: 'loaded' });
  expect([ended, seconds]).toEqual([[], []]);
  const again = await openTerminal(other);
  again.socket.write(again.frame(again.sale('visa-contact', 900), again.ksn(undefined, owner)));
  await again.refusal();
  expect(await keyStates()).toEqual({ [owner]: 'suspect', [other]: 'suspect' });
});
