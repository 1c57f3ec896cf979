import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openKeyCeremonies,
  openKeyInventory,
  keyedInRuns,
  refusalAlarm,
  openKeyRuns,
  openKeys,
  openRecordSigner,
  runPdf,
} from '@tsunagu/fleet-server/keys/index';
import { letIn } from '@tsunagu/fleet-server/audit/index';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import {
  type KeyRecord,
  type KeySlot,
  type LifecycleState,
  type Serial,
  serialSchema,
  unfinishedOf,
  verifyKeyRecord,
} from '@tsunagu/protocols/fleet';
import { initialKeyIdAt, initialKeyIdsOf } from '@tsunagu/protocols/dukpt';
import { checkValue } from '@tsunagu/protocols/kcv';
import { fail, hex, ok, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-custody-'));
const world = systemWorld(() => undefined);
let store: Store;
let vault: Vault;
let sign: (payload: object) => KeyRecord;
beforeAll(async () => {
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  vault = unwrap(await openFileVault(join(folder, 'vault'), 'a passphrase', world));
  sign = await openRecordSigner(vault);
});
afterAll(async () => {
  await vault.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const nobody = (): void => undefined;
const operator = { subject: 'operator', person: 'olga', roles: ['operator'] as const };
const custodian = (person: string, session = person) => ({
  subject: person,
  person,
  roles: ['custodian'] as const,
  id: `session-${session}`,
});
const parts = [
  '0123456789ABCDEFFEDCBA9876543210',
  'A5A5A5A55A5A5A5A0F0F0F0FF0F0F0F0',
  '11111111222222223333333344444444',
];
const component = (index: number) => Secret.take('key', hex(parts[index] ?? ''));
const kcvOf = (...indexes: number[]) => {
  const sum = new Uint8Array(16);
  for (const index of indexes) hex(parts[index] ?? '').forEach((byte, at) => (sum[at] = (sum[at] ?? 0) ^ byte));
  return toHex(unwrap(checkValue('AES', 'cmac', Secret.take('key', sum))));
};

/** Puts a terminal on the inventory, in the warehouse unless it is said otherwise. */
const stock = (serial: string, lifecycle: LifecycleState = 'warehouse') =>
  store.db
    .insertInto('terminals')
    .values({
      serial,
      model: 'CT-5100',
      merchant: 'm',
      shop: 's',
      lane: '',
      parent: null,
      relay_port: null,
      registered_at: 0,
      enrolled_at: 0,
      lifecycle,
    })
    .execute();

describe('a key ceremony', () => {
  const open = () => openKeyCeremonies(world, store, vault, sign);
  const begin = async (key: string, custodians = ['anna', 'ben'], kcv?: string) =>
    unwrap(await open().begin({ key, use: 'dukpt-base', custodians, ...(kcv && { kcv }) }, operator)).id;

  test('brings a key that nobody saw, survives a restart between any two steps, and leaves a record that replays', async () => {
    const whole = kcvOf(0, 1, 2);
    const id = await begin('bdk/21', ['anna', 'ben', 'chie'], whole);
    for (const [index, person] of ['anna', 'ben', 'chie'].entries()) {
      // Each step by a server that was just started.
      const entered = unwrap(await open().enter(id, component(index), custodian(person)));
      expect(entered.entered.at(-1)).toEqual({ index, by: person, kcv: kcvOf(index) });
    }
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    for (const part of parts)
      for (const file of files) {
        expect(file.includes(Buffer.from(part, 'hex'))).toBe(false);
        expect(file.toString('latin1').toUpperCase().includes(part)).toBe(false);
      }
    expect(unwrap(await open().confirm(id, whole, custodian('anna', 'anna-2'))).state).toBe('done');
    expect(vault.find('bdk/21')).toMatchObject({ use: 'dukpt-base', checkValue: whole });
    expect(await store.db.selectFrom('key_components').selectAll().execute()).toEqual([]);
    const record = unwrap(await open().record(id));
    expect(unwrap(verifyKeyRecord(record))).toMatchObject({ record: 'ceremony', state: { state: 'done', kcv: whole } });
    expect(verifyKeyRecord(record, '0000000000000000').ok).toBe(false);
    const changed = {
      ...record,
      document: { ...record.document, payload: record.document.payload.replace('ben', 'eve') },
    };
    expect(verifyKeyRecord(changed)).toMatchObject({ fault: { code: 'KEY_RECORD_INVALID' } });
    // Signed by the right key, and still no ceremony: one person did two parts.
    const { steps } = unwrap(await open().get(id));
    const forged = sign({ record: 'ceremony', id, steps: steps.map((step) => ({ ...step, by: 'anna' })) });
    expect(verifyKeyRecord(forged)).toMatchObject({ fault: { code: 'KEY_RECORD_INVALID' } });
  });

  test('no one does two parts, and nobody does a part that is not theirs', async () => {
    expect(
      await open().begin({ key: 'bdk/22', use: 'dukpt-base', custodians: ['anna', 'anna'] }, operator),
    ).toMatchObject({
      fault: { code: 'KEY_CEREMONY_CUSTODIANS_ALIKE' },
    });
    expect(
      await open().begin({ key: 'bdk/22', use: 'dukpt-base', custodians: ['anna', 'olga'] }, operator),
    ).toMatchObject({
      fault: { code: 'KEY_CEREMONY_CUSTODIANS_ALIKE' },
    });
    const id = await begin('bdk/22');
    expect(await open().enter(id, component(0), custodian('eve'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_NOT_NAMED' },
    });
    unwrap(await open().enter(id, component(0), custodian('anna')));
    expect(await open().enter(id, component(1), custodian('anna', 'another'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_SAME_PERSON' },
    });
    expect(await open().enter(id, component(1), custodian('ben', 'anna'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_SAME_PERSON', field: 'session' },
    });
    expect(await open().confirm(id, kcvOf(0), custodian('anna'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_NOT_NOW' },
    });
    unwrap(await open().enter(id, component(1), custodian('ben')));
    const listed = async (isOpen: boolean) =>
      unwrap(await open().list({ limit: 500, isOpen })).items.map((one) => one.id);
    expect(await listed(true)).toContain(id);
    // Each is told what they can do now, which is not what one who enters is told.
    expect(await open().confirm(id, kcvOf(0, 1), custodian('ben'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_CONFIRM_BY_ANOTHER', field: 'confirmation' },
    });
    expect(await open().confirm(id, kcvOf(0, 1), custodian('anna', 'ben'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_CONFIRM_BY_ANOTHER', field: 'session' },
    });
    expect(await open().confirm(id, kcvOf(0, 1), custodian('eve'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_CONFIRM_NOT_NAMED' },
    });
    expect(await open().confirm(id, kcvOf(0), custodian('anna'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_KCV_DIFFERS' },
    });
    expect(vault.find('bdk/22')).toBeUndefined();
    expect(unwrap(await open().abort(id, 'wrong envelope', operator)).state).toBe('aborted');
    expect(await listed(true)).not.toContain(id);
    expect(await listed(false)).toContain(id);
    expect(await store.db.selectFrom('key_components').selectAll().execute()).toEqual([]);
    expect(await open().confirm(id, kcvOf(0, 1), custodian('anna'))).toMatchObject({
      fault: { code: 'KEY_CEREMONY_NOT_NOW' },
    });
  });

  test('takes its custodians in whatever order they come, and says of a record of it what is still missing', async () => {
    const id = await begin('bdk/29');
    const missing = async () => unfinishedOf(unwrap(verifyKeyRecord(unwrap(await open().record(id)))));
    expect(await missing()).toEqual({ awaits: 'component', from: ['anna', 'ben'] });
    unwrap(await open().enter(id, component(1), custodian('ben')));
    expect(await missing()).toEqual({ awaits: 'component', from: ['anna'] });
    unwrap(await open().enter(id, component(0), custodian('anna')));
    expect(await missing()).toEqual({ awaits: 'confirmation', from: ['ben'] });
    unwrap(await open().confirm(id, kcvOf(0, 1), custodian('ben', 'ben-2')));
    expect(await missing()).toBeUndefined();
  });

  test('brings a base key for old models too, whose check values have six digits', async () => {
    const wanted = { key: 'bdk-tdes/21', use: 'dukpt-base-tdes' as const, custodians: ['anna', 'ben'] };
    expect(await open().begin({ ...wanted, kcv: kcvOf(0) }, operator)).toMatchObject({
      fault: { code: 'INPUT_INVALID', field: 'kcv' },
    });
    const { id } = unwrap(await open().begin(wanted, operator));
    unwrap(await open().enter(id, component(0), custodian('anna')));
    const entered = unwrap(await open().enter(id, component(1), custodian('ben')));
    expect(entered.entered.map(({ kcv }) => kcv)).toEqual(['08D7B4', expect.stringMatching(/^[0-9A-F]{6}$/)]);
    const sum = hex(parts[0] ?? '').map((byte, at) => byte ^ (hex(parts[1] ?? '')[at] ?? 0));
    const whole = toHex(unwrap(checkValue('TDES', 'legacy', Secret.take('key', sum))));
    expect(unwrap(await open().confirm(id, whole, custodian('anna'))).state).toBe('done');
    expect(vault.find('bdk-tdes/21')).toMatchObject({ use: 'dukpt-base-tdes', checkValue: whole });
    expect(unwrap(verifyKeyRecord(unwrap(await open().record(id))))).toMatchObject({ state: { state: 'done' } });
  });

  test('a component that leaves the key with fewer people than it has parts is refused', async () => {
    const id = await begin('bdk/24', ['anna', 'ben', 'chie']);
    unwrap(await open().enter(id, component(0), custodian('anna')));
    const worthless = { fault: { code: 'KEY_COMPONENT_WORTHLESS' } };
    expect(await open().enter(id, component(0), custodian('ben'))).toMatchObject(worthless);
    expect(await open().enter(id, Secret.take('key', new Uint8Array(16)), custodian('ben'))).toMatchObject(worthless);
    expect(await open().enter(id, Secret.take('key', new Uint8Array(32).fill(1)), custodian('ben'))).toMatchObject({
      fault: { code: 'KEY_LENGTH_INVALID', field: 'component' },
    });
    expect(unwrap(await open().get(id)).entered).toHaveLength(1);
    unwrap(await open().enter(id, component(1), custodian('ben')));
    // One that was taken before there was this rule does not replay either.
    const { steps } = unwrap(await open().get(id));
    const kcv = steps.flatMap((step) => (step.what === 'component' ? [step.kcv] : []))[0] ?? '';
    const doubled = steps.map((step) => (step.what === 'component' ? { ...step, kcv } : step));
    expect(verifyKeyRecord(sign({ record: 'ceremony', id, steps: doubled }))).toMatchObject({
      fault: { code: 'KEY_RECORD_INVALID' },
    });
  });

  test('two whom one person let in are no two custodians, nor is one of them the second person of a run', async () => {
    await store.write(async (tx) => {
      for (const who of ['dora', 'emil', 'fred']) await letIn(tx, who, { subject: 'boss', person: 'boss' });
      await letIn(tx, 'gina', { subject: 'admin', person: 'admin' });
    });
    const custodians = ['dora', 'emil'];
    const notApart = { fault: { code: 'APPROVAL_NOT_APART' } };
    const wanted = { key: 'bdk/25', use: 'dukpt-base' as const };
    expect(await open().begin({ ...wanted, custodians }, operator)).toMatchObject(notApart);
    expect(
      await open().begin({ ...wanted, custodians: ['anna', 'gina'] }, { ...operator, person: 'boss' }),
    ).toMatchObject({ ok: true });
    expect(
      await open().begin({ ...wanted, custodians: ['dora', 'anna'] }, { ...operator, person: 'boss' }),
    ).toMatchObject(notApart);
    const runs = openKeyRuns(world, store, sign, () => Promise.resolve(undefined), nobody);
    await stock('CT5100-0009');
    const listed = ['CT5100-0009'];
    const { id } = unwrap(await runs.propose('one hand', listed, { ...operator, person: 'fred' }));
    expect(await runs.authorise(id, custodian('emil'))).toMatchObject(notApart);
    expect(unwrap(await runs.authorise(id, custodian('gina'))).state).toBe('open');
  });

  test('power that fails between the key and its step leaves a ceremony that is confirmed once more', async () => {
    const id = await begin('bdk/23');
    unwrap(await open().enter(id, component(0), custodian('anna')));
    unwrap(await open().enter(id, component(1), custodian('ben')));
    const dying = openKeyCeremonies(world, { ...store, write: () => Promise.reject(new Error('power')) }, vault, sign);
    await expect(dying.confirm(id, kcvOf(0, 1), custodian('anna'))).rejects.toThrow('power');
    expect(vault.find('bdk/23')).toBeDefined();
    expect(unwrap(await open().get(id)).state).toBe('confirming');
    expect(unwrap(await open().confirm(id, kcvOf(0, 1), custodian('anna'))).state).toBe('done');
  });
});

test('outside of an open run a terminal gets no first key; what it was given in one is renewed from afar, until it is wiped', async () => {
  const serial = serialSchema.parse('CT5100-7001');
  await stock(serial);
  const ledger = await openKeys(world, store, vault);
  const refused: Serial[] = [];
  const keys = keyedInRuns(ledger, async (_tx, who) => void refused.push(who));
  const runs = openKeyRuns(world, store, sign, (tx, who) => ledger.held(tx, who), nobody);
  const contact = () => store.write((tx) => keys.reconcile(tx, serial, [], () => false));
  const enrol = async (id: string) => {
    const { checkValue } = await vault.ensure(id, 'key-block-protection');
    await store.write((tx) => keys.protect(tx, serial, id, checkValue));
  };
  const ledgerRows = async () =>
    (await store.db.selectFrom('key_ledger').select('id').where('serial', '=', serial).execute()).length;
  await enrol('kbpk/7001a');
  expect((await contact()).loads).toEqual([]);
  expect([refused, await ledgerRows()]).toEqual([[serial], 0]);
  const { id } = unwrap(await runs.propose('first keys', [serial], operator));
  expect((await contact()).loads).toEqual([]); // not authorised yet
  unwrap(await runs.authorise(id, custodian('anna')));
  // Listed, and not at the bench: a key that it got now the run would not count. It waits, which is no alarm.
  expect((await contact()).loads).toEqual([]);
  expect([refused.length, await ledgerRows()]).toEqual([1, 0]);
  unwrap(await runs.submit(id, serial, operator));
  const { loads } = await contact();
  expect(loads.map(({ slot }) => slot)).toEqual(['dukpt', 'negative']);
  for (const { slot, kcv } of loads)
    await store.write(async (tx) => {
      expect(await keys.proven(tx, serial, { slot, kcv })).toBe(true);
      await runs.proven(tx, serial);
    });
  expect(unwrap(await runs.close(id, operator)).balance.keyed).toBe(1);
  // The run is over: a key that was lost is made anew under the protection key of that run.
  expect((await contact()).loads.map(({ slot }) => slot)).toEqual(['dukpt', 'negative']);
  // Another protection key, agreed at another enrolment, is nothing that a run has seen; nor is a wiped terminal.
  await enrol('kbpk/7001b');
  const before = refused.length;
  expect((await contact()).loads).toEqual([]);
  await store.write((tx) => keys.wiped(tx, serial, 'destruction'));
  await enrol('kbpk/7001c');
  expect((await contact()).loads).toEqual([]);
  expect(refused.length).toBeGreaterThan(before);
});

test('a terminal that says hello every minute is one alarm a day', async () => {
  const serial = serialSchema.parse('CT5100-7001');
  let nowMs = 1_000_000_000;
  const noted: number[] = [];
  const alarm = refusalAlarm({ clock: { ...world.clock, now: () => nowMs } }, async (tx, who, kind, facts) => {
    noted.push(nowMs);
    await tx
      .insertInto('timeline')
      .values({ serial: who, at: nowMs, kind, facts: JSON.stringify(facts) })
      .execute();
  });
  for (let minute = 0; minute < 25 * 60; minute += 60) {
    nowMs = 1_000_000_000 + minute * 60_000;
    await store.write((tx) => alarm(tx, serial));
  }
  expect(noted).toEqual([1_000_000_000, 1_000_000_000 + 24 * 3_600_000]);
});

describe('an injection run', () => {
  const serials = ['CT5100-0001', 'CT5100-0002', 'CT5100-0003'].map((text) => serialSchema.parse(text));
  beforeAll(async () => {
    for (const serial of serials) await stock(serial);
  });
  const held = new Map<Serial, Record<string, string>>();
  const asked: Serial[] = [];
  const runs = () =>
    openKeyRuns(
      world,
      store,
      sign,
      (_tx, serial) => Promise.resolve(held.get(serial)),
      (serial) => void asked.push(serial),
    );
  const [first, second, third] = serials as [Serial, Serial, Serial];

  test('closes only when every device that was submitted is keyed, rejected or investigated', async () => {
    const { id } = unwrap(await runs().propose('2026-11', serials, operator));
    expect(await runs().submit(id, first, operator)).toMatchObject({ fault: { code: 'KEY_RUN_NOT_NOW' } });
    expect(await runs().authorise(id, operator)).toMatchObject({ fault: { code: 'APPROVAL_OWN' } });
    unwrap(await runs().authorise(id, custodian('anna')));
    unwrap(await runs().submit(id, first, operator));
    unwrap(await runs().submit(id, second, operator));
    expect(await runs().submit(id, 'CT5100-6666', operator)).toMatchObject({ fault: { code: 'KEY_RUN_NOT_LISTED' } });
    expect(asked).toEqual([first, second]);
    expect(await runs().close(id, operator)).toMatchObject({
      fault: { code: 'KEY_RUN_UNBALANCED', facts: { open: `${first} ${second} CT5100-6666` } },
    });
    held.set(first, { dukpt: '1122334455' });
    await store.write((tx) => runs().proven(tx, first));
    unwrap(await runs().reject(id, second, 'no tamper seal', operator));
    expect(await runs().close(id, operator)).toMatchObject({ fault: { code: 'KEY_RUN_UNBALANCED' } });
    unwrap(await runs().investigate(id, 'CT5100-6666', 'of another order; sent back', custodian('anna')));
    const isListed = async (isOpen: boolean) =>
      unwrap(await runs().list({ limit: 500, isOpen })).items.some((run) => run.id === id);
    expect(await isListed(true)).toBe(true);
    const closed = unwrap(await runs().close(id, operator));
    expect([await isListed(true), await isListed(false)]).toEqual([false, true]);
    expect(closed.balance).toMatchObject({
      listed: 3,
      submitted: 3,
      keyed: 1,
      rejected: 1,
      investigated: 1,
      isBalanced: true,
    });
    expect(await runs().submit(id, third, operator)).toMatchObject({ fault: { code: 'KEY_RUN_NOT_NOW' } });
    const record = unwrap(await runs().record(id));
    expect(unwrap(verifyKeyRecord(record))).toMatchObject({ record: 'run', run: { state: 'closed' } });
    // Signed, and still not so: a device less, or a figure that lies.
    for (const run of [
      { ...closed, devices: closed.devices.slice(1) },
      { ...closed, balance: { ...closed.balance, keyed: 2 } },
      { ...closed, authorisedBy: closed.orderedBy },
    ])
      expect(verifyKeyRecord(sign({ record: 'run', run }))).toMatchObject({ fault: { code: 'KEY_RECORD_INVALID' } });
    for (const language of ['ja', 'en'] as const)
      expect(
        Buffer.from(await runPdf({ ...closed, people: {} }, language))
          .subarray(0, 5)
          .toString(),
      ).toBe('%PDF-');
  });

  test('takes a manifest only when every line is on the inventory and can be keyed at the bench; a dry run names each that is not', async () => {
    await stock('CT5100-0011', 'deployed');
    await stock('CT5100-0012', 'scrap');
    const lines = [first, 'CT5100-0099', 'CT5100-0011', second, first, 'CT5100-0012', 'no serial'];
    const before = (await store.db.selectFrom('key_runs').select('id').execute()).length;
    expect(await runs().propose('wrong', lines, operator)).toMatchObject({
      fault: {
        code: 'KEY_RUN_MANIFEST_REFUSED',
        facts: {
          failed: 5,
          lines: '2:TERMINAL_UNKNOWN 3:KEY_RUN_STATE_UNFIT 5:KEY_RUN_LINE_TWICE 6:KEY_RUN_STATE_UNFIT 7:INPUT_INVALID',
        },
      },
    });
    const checked = unwrap(await runs().check(lines));
    for (const empty of [await runs().check([]), await runs().propose('empty', [], operator)])
      expect(empty).toMatchObject({ fault: { code: 'KEY_RUN_MANIFEST_EMPTY', field: 'serials' } });
    expect(checked).toMatchObject({ total: 7, succeeded: 2, failed: 5 });
    expect(checked.items[2]).toEqual({
      line: 3,
      serial: 'CT5100-0011',
      ok: false,
      code: 'KEY_RUN_STATE_UNFIT',
      lifecycle: 'deployed',
    });
    expect((await store.db.selectFrom('key_runs').select('id').execute()).length).toBe(before);
    // What was fit when the manifest was proposed, and is not when it comes to the bench, is not taken; it stays listed.
    await stock('CT5100-0013');
    const { id } = unwrap(await runs().propose('sold meanwhile', ['CT5100-0013'], operator));
    unwrap(await runs().authorise(id, custodian('anna')));
    await store.db.updateTable('terminals').set({ lifecycle: 'lost' }).where('serial', '=', 'CT5100-0013').execute();
    expect(await runs().submit(id, 'CT5100-0013', operator)).toMatchObject({
      fault: { code: 'KEY_RUN_STATE_UNFIT', facts: { state: 'lost' } },
    });
    expect(unwrap(await runs().get(id)).devices[0]?.state).toBe('listed');
  });

  test('notices a manifest that was changed after it was authorised', async () => {
    const { id } = unwrap(await runs().propose('changed', [first], operator));
    unwrap(await runs().authorise(id, custodian('anna')));
    await store.db
      .insertInto('key_run_devices')
      .values({ run: id, serial: 'CT5100-7777', state: 'listed', is_listed: 1, at: 0, by: 'x', kcvs: '{}', note: null })
      .execute();
    expect(await runs().submit(id, 'CT5100-7777', operator)).toMatchObject({
      fault: { code: 'KEY_RUN_MANIFEST_CHANGED' },
    });
  });
});

test('a suspect base key shows all below it, gives way at once, and is destroyed when nothing hangs on it any more', async () => {
  const serial = serialSchema.parse('CT5100-0100');
  await store.db
    .insertInto('terminals')
    .values({
      serial,
      model: 'CT-5100',
      merchant: 'm',
      shop: 's',
      lane: '',
      parent: null,
      relay_port: null,
      registered_at: 0,
      enrolled_at: 0,
    })
    .execute();
  const keys = await openKeys(world, store, vault);
  const protection = await vault.ensure('kbpk/test', 'key-block-protection');
  await store.write((tx) => keys.protect(tx, serial, protection.id, protection.checkValue));
  const proveAll = async () => {
    const { loads } = await store.write((tx) => keys.reconcile(tx, serial, [], () => false));
    for (const { slot, kcv } of loads) await store.write((tx) => keys.proven(tx, serial, { slot, kcv }));
    return loads.find(({ slot }) => slot === 'dukpt')?.kcv ?? '';
  };
  const before = await proveAll();
  const proposed: unknown[] = [];
  const inventory = openKeyInventory(
    world,
    store,
    vault,
    keys,
    ({ target, action }) => {
      proposed.push({ target, action });
      // Nothing hangs on the second one that is suspected.
      return Promise.resolve(proposed.length > 1 ? fail('CAMPAIGN_COHORT_EMPTY') : ok({ id: 'campaign-1' }));
    },
    'in-runs',
    nobody,
  );
  const exposed = unwrap(await inventory.suspect('bdk/1', 'a copy was found', operator));
  expect(exposed).toMatchObject({ state: 'suspect', campaign: 'campaign-1' });
  expect(exposed.count).toBeGreaterThan(1);
  expect(exposed.terminals).toContainEqual(expect.objectContaining({ serial, slot: 'dukpt', kcv: before, to: null }));
  expect(proposed).toEqual([{ target: 'baseKey = "bdk/1"', action: { kind: 'keys', slot: 'dukpt', below: 'bdk/1' } }]);
  expect(keys.base('aes')).not.toBe('bdk/1');
  expect(await inventory.retire('bdk/1')).toMatchObject({ fault: { code: 'KEY_NEEDED' } });
  // A restart later the new base key is still the current one.
  const later = await openKeys(world, store, vault);
  expect(later.base('aes')).toBe(keys.base('aes'));
  const after = await proveAll();
  expect(after).not.toBe(before);
  const ended = unwrap(await inventory.exposure('bdk/1')).terminals.find(({ kcv }) => kcv === before);
  expect(ended).toMatchObject({ state: 'replaced', to: expect.any(String) });
  const left = unwrap(await inventory.retire('bdk/1'));
  expect(left.find(({ id }) => id === 'bdk/1')).toMatchObject({ state: 'retired' });
  expect(vault.find('bdk/1')).toBeUndefined();
  expect(await inventory.rotate('bdk/1')).toMatchObject({
    fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: expect.stringMatching(/^bdk\/\d+$/) } },
  });
  // What was destroyed stays so over a restart, also where the power failed between its mark and its end; no ceremony brings its name back.
  await openKeys(world, store, vault);
  expect(vault.find('bdk/1')).toBeUndefined();
  await vault.ensure('bdk/1', 'dukpt-base');
  await openKeys(world, store, vault);
  expect(vault.find('bdk/1')).toBeUndefined();
  const again = openKeyCeremonies(world, store, vault, sign);
  expect(await again.begin({ key: 'bdk/1', use: 'dukpt-base', custodians: ['anna', 'ben'] }, operator)).toMatchObject({
    fault: { code: 'KEY_IN_USE' },
  });
  // What is no base key is not made one by its name, and is not said to be unknown while it stands in the list.
  for (const name of ['bdk', 'bdk/x', 'foo/1', 'negative/tags/x'])
    expect(await inventory.rotate(name)).toMatchObject({ fault: { code: 'KEY_NOT_BASE' } });
  expect(vault.find('foo/1')).toBeUndefined();
  expect(await inventory.suspect('negative/tags/1', 'seen', operator)).toMatchObject({
    fault: { code: 'KEY_NOT_BASE' },
  });
  await vault.ensure('bdk/30', 'dukpt-base');
  expect(unwrap(await inventory.suspect('bdk/30', 'seen', operator))).toMatchObject({
    state: 'suspect',
    campaign: null,
  });
  // What hangs on a key is told to the last row, page by page; and what travelled under a terminal's own key hangs on that.
  const kcvs: string[] = [];
  for (let cursor: string | undefined, pages = 0; pages < 9; pages++) {
    const part = unwrap(await inventory.exposure('bdk/1', { limit: 1, ...(cursor !== undefined && { cursor }) }));
    expect(part.terminals).toHaveLength(1);
    expect(part.count).toBe(exposed.count);
    kcvs.push(...part.terminals.map(({ kcv }) => kcv));
    if (part.next === null) break;
    cursor = part.next;
  }
  expect(kcvs).toHaveLength(exposed.count);
  expect(new Set(kcvs).size).toBe(exposed.count);
  const under = unwrap(await inventory.exposure('kbpk/test')).terminals;
  expect(under.map(({ slot }) => slot)).toEqual(expect.arrayContaining(['dukpt', 'negative']));
  expect(await inventory.exposure('bdk/1', { limit: 1, cursor: 'x' })).toMatchObject({
    fault: { code: 'INPUT_INVALID' },
  });
});

test('a unit that holds keys below a suspect base is keyed in a run only when it has keys of the successor', async () => {
  const serial = serialSchema.parse('CT5100-7101');
  await stock(serial);
  const ledger = await openKeys(world, store, vault);
  const keys = keyedInRuns(ledger, () => Promise.resolve());
  const runs = openKeyRuns(world, store, sign, (tx, who) => ledger.held(tx, who), nobody);
  const inventory = openKeyInventory(
    world,
    store,
    vault,
    ledger,
    () => Promise.resolve(ok({ id: 'campaign-2' })),
    'in-runs',
    nobody,
  );
  const { checkValue: kcv } = await vault.ensure('kbpk/7101', 'key-block-protection');
  await store.write((tx) => keys.protect(tx, serial, 'kbpk/7101', kcv));
  type Held = { slot: KeySlot; kcv: string };
  /** A hello that shows these keys; what it brings is proven. */
  const contact = async (shown: readonly Held[]): Promise<readonly Held[]> => {
    const { loads } = await store.write((tx) => keys.reconcile(tx, serial, [...shown], () => false));
    for (const load of loads)
      await store.write(async (tx) => {
        expect(await keys.proven(tx, serial, load)).toBe(true);
        await runs.proven(tx, serial);
      });
    return [...shown.filter(({ slot }) => loads.every((load) => load.slot !== slot)), ...loads];
  };
  const begin = async (name: string) => {
    const { id } = unwrap(await runs.propose(name, [serial], operator));
    unwrap(await runs.authorise(id, custodian('anna')));
    return id;
  };
  const stateOf = async (id: string) => unwrap(await runs.get(id)).devices[0]?.state;

  const first = await begin('first');
  unwrap(await runs.submit(first, serial, operator));
  const held = await contact([]);
  expect(await stateOf(first)).toBe('keyed');
  // One that holds good keys is keyed at once, and nothing is made for it.
  const again = await begin('again');
  unwrap(await runs.submit(again, serial, operator));
  expect(await stateOf(again)).toBe('keyed');
  expect(await contact(held)).toEqual(held);

  unwrap(await inventory.suspect(ledger.base('aes'), 'a copy was found', operator));
  const rekeyed = await begin('rekeyed');
  // Not at the bench: the campaign is what replaces its keys.
  expect(await contact(held)).toEqual(held);
  unwrap(await runs.submit(rekeyed, serial, operator));
  expect(await stateOf(rekeyed)).toBe('submitted');
  expect(await runs.close(rekeyed, operator)).toMatchObject({ fault: { code: 'KEY_RUN_UNBALANCED' } });
  const after = await contact(held);
  expect(after.map(({ slot }) => slot).toSorted()).toEqual(['dukpt', 'negative']);
  expect(after.find(({ slot }) => slot === 'dukpt')).not.toEqual(held.find(({ slot }) => slot === 'dukpt'));
  expect(await stateOf(rekeyed)).toBe('keyed');
  expect(unwrap(await runs.close(rekeyed, operator)).balance.keyed).toBe(1);
  const [parent] = await store.db
    .selectFrom('key_ledger')
    .select('parent_key')
    .where('serial', '=', serial)
    .where('slot', '=', 'dukpt')
    .where('state', '=', 'loaded')
    .execute();
  expect(parent?.parent_key).toBe(ledger.base('aes'));
});

test('a TDES base key that made four fifths of its initial keys is due at once, and is told of when it makes that one', async () => {
  const heard: unknown[] = [];
  const log = systemWorld((_level, event, facts) => heard.push({ event, ...facts })).log;
  const keys = await openKeys({ ...world, log }, store, vault);
  const inventory = openKeyInventory(
    world,
    store,
    vault,
    keys,
    () => Promise.reject(new Error('none')),
    'in-runs',
    nobody,
  );
  const base = async () => (await inventory.list()).find(({ id }) => id === keys.base('tdes'));
  const ids = initialKeyIdsOf('tdes', vault.find(keys.base('tdes'))?.checkValue ?? '');
  const serial = serialSchema.parse('CATS200-0100');
  const row = { merchant: 'm', shop: 's', lane: '', parent: null, relay_port: null, registered_at: 0, enrolled_at: 0 };
  await store.db
    .insertInto('terminals')
    .values({ serial, model: 'CATS200', ...row })
    .execute();
  const { id, checkValue } = await vault.ensure('kbpk/tdes', 'key-block-protection');
  await store.write((tx) => keys.protect(tx, serial, id, checkValue));
  await store.db
    .insertInto('key_ledger')
    .values({
      id: 'a key of long ago',
      serial,
      slot: 'dukpt',
      kcv: '000000',
      initial_key_id: initialKeyIdAt(ids, 419_429),
      parent_key: keys.base('tdes'),
      protected_by: 'kbpk',
      key_block: '',
      state: 'replaced',
      allocated_at: world.clock.now(),
      loaded_at: null,
    })
    .execute();
  expect((await base())?.initialKeys).toEqual({ made: 419_429, most: 524_287, isRunningOut: false });
  const before = await base();
  expect(Date.parse(before?.rotationDue ?? '')).toBeGreaterThan(world.clock.now());
  await store.write((tx) => keys.rotate(tx, serial, 'dukpt'));
  const after = await base();
  expect(after?.initialKeys).toEqual({ made: 419_430, most: 524_287, isRunningOut: true });
  expect(Date.parse(after?.rotationDue ?? '')).toBeLessThanOrEqual(world.clock.now());
  expect(heard).toContainEqual(expect.objectContaining({ event: 'baseKeyRunsOut', made: 419_430 }));
  // The next one says it no more; another base key begins anew.
  heard.length = 0;
  await store.write((tx) => keys.rotate(tx, serial, 'dukpt'));
  expect(heard).toEqual([]);
  // A slip of the hand makes no key, nor does the name of one that custodians are bringing.
  expect(await inventory.rotate('bdk-tdes/77')).toMatchObject({ fault: { code: 'KEY_NUMBER_NOT_NEXT' } });
  const ceremonies = openKeyCeremonies(world, store, vault, sign);
  const brought = { key: 'bdk-tdes/22', use: 'dukpt-base-tdes' as const, custodians: ['anna', 'ben'] };
  const { id: underWay } = unwrap(await ceremonies.begin(brought, operator));
  expect(await inventory.rotate('bdk-tdes/22')).toMatchObject({
    fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: 'bdk-tdes/23' } },
  });
  unwrap(await ceremonies.abort(underWay, 'no envelope', operator));
  unwrap(await inventory.rotate('bdk-tdes/22'));
  expect((await base())?.initialKeys).toMatchObject({ made: 0, isRunningOut: false });
});
