import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Actor, openApprovals } from '@tsunagu/fleet-server/audit/index';
import { openArtefacts } from '@tsunagu/fleet-server/artefacts/index';
import { openKeys, openTagRotations } from '@tsunagu/fleet-server/keys/index';
import { openNegative } from '@tsunagu/fleet-server/negative/index';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import { type Hello, type KeySlot, serialSchema } from '@tsunagu/protocols/fleet';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, expect, test } from 'vitest';

const serial = serialSchema.parse('CT5100-0001');
const world = systemWorld(() => undefined);
const by = { subject: 'olga' };
const [listed, urgent, excepted] = ['4761739001010127', '4761739001010010', '5413330089010012'];
const goes = { key: 'negative/tags/2', from: 'negative/tags/1' };
let folder = '';
let store: Store;
let vault: Vault;
const noted: string[] = [];
let room: Awaited<ReturnType<typeof openRoom>>;

async function openRoom() {
  const keys = await openKeys(world, store, vault);
  const negative = await openNegative({
    world,
    store,
    vault,
    artefacts: await openArtefacts(join(folder, 'artefacts')),
    tagKeys: keys.tags,
    publish: () => undefined,
    announce: () => undefined,
    floorLimits: () => Promise.resolve(() => 0),
  });
  const approvals = openApprovals(world, store, (_, { action }) => Promise.resolve(void noted.push(action)));
  const rotations = openTagRotations({
    world,
    store,
    tags: keys.tags,
    approvals,
    retag: () => negative.retag(),
    takeBack: () => Promise.reject(new Error('no job is open here')),
  });
  return { keys, negative, approvals, rotations };
}
/** The same folder, by a server that was just started. */
async function restart(): Promise<void> {
  room.negative.close();
  room = await openRoom();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsunagu-tags-'));
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  vault = unwrap(await openFileVault(join(folder, 'vault'), 'a passphrase', world));
  const place = { merchant: 'm', shop: 's', lane: '', parent: null, relay_port: null };
  await store.db
    .insertInto('terminals')
    .values({ serial, model: 'CT-5100', ...place, registered_at: 0, enrolled_at: 0, lifecycle: 'deployed' })
    .execute();
  room = await openRoom();
  const { id, checkValue } = await vault.ensure('kbpk/1', 'key-block-protection');
  await store.write((tx) => room.keys.protect(tx, serial, id, checkValue));
});
afterEach(async () => {
  room.negative.close();
  await vault.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

type Held = { slot: KeySlot; kcv: string };
/** A hello that shows these keys; what it brings is loaded and proven. */
async function contact(shown: readonly Held[], negative: Hello['negative'] = []) {
  const { loads, erases } = await store.write(async (tx) => {
    await room.negative.observe(tx, serial, negative);
    return await room.keys.reconcile(tx, serial, [...shown], () => false);
  });
  for (const load of loads) await store.write((tx) => room.keys.proven(tx, serial, load));
  return { held: [...shown, ...loads.map(({ slot, kcv }) => ({ slot, kcv }))], loads, erases };
}
const told = () => {
  const { list, version, overlaySeq } = room.negative.state;
  return [{ list, version, overlaySeq, freshAt: 0 }];
};
const slots = (held: readonly Held[]) => held.map(({ slot }) => slot).toSorted();
const list = async () => {
  const text = `pan,reason\n${listed},lost\n`;
  unwrap(await room.negative.importList({ list: 'regular', source: 'visa', mode: 'replace', text }, by));
  unwrap(await room.negative.add(secretPan(urgent), 'stolen', by));
  unwrap(await room.negative.allow(secretPan(excepted), false, by));
};
const answers = async () => {
  const found = [];
  for (const pan of [listed, urgent, excepted]) found.push((await room.negative.explain(secretPan(pan))).atTerminals);
  return found;
};

test('only the next key takes over, one at a time, in the slot that the key in use does not lie in', async () => {
  const { tags } = room.keys;
  for (const name of ['negative/tags/1', 'negative/tags/3', 'negative/tags/4'])
    expect(await tags.begin(name)).toMatchObject({
      fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: 'negative/tags/2' } },
    });
  expect(await tags.begin('bdk/2')).toMatchObject({ fault: { code: 'KEY_NOT_BASE' } });
  // Brought by custodians: another number is as good where its slot is free.
  for (const name of ['negative/tags/3', 'negative/tags/4']) await vault.ensure(name, 'negative-tag');
  expect(await tags.begin('negative/tags/3')).toMatchObject({ fault: { code: 'KEY_NUMBER_NOT_NEXT' } });
  unwrap(await tags.begin('negative/tags/4'));
  unwrap(await tags.begin('negative/tags/4'));
  await restart();
  expect(room.keys.tags).toMatchObject({ wanted: 'negative/tags/1', next: 'negative/tags/4' });
  expect(await room.keys.tags.begin('negative/tags/2')).toMatchObject({ fault: { code: 'KEY_ROTATION_UNDER_WAY' } });
});

test('a terminal holds both keys while one takes over, counts as keyed with both, and is asked for the old one when its lists have moved', async () => {
  await list();
  expect(await room.rotations.progress()).toMatchObject({ fault: { code: 'KEY_ROTATION_NONE' } });
  const before = await contact([]);
  expect(slots(before.held)).toEqual(['dukpt', 'negative']);
  unwrap(await room.keys.tags.begin(goes.key));
  expect(await store.write((tx) => room.keys.held(tx, serial))).toBeUndefined();
  const both = await contact(before.held, told());
  expect(slots(both.loads)).toEqual(['negative/2']);
  expect(Object.keys((await store.write((tx) => room.keys.held(tx, serial))) ?? {}).toSorted()).toEqual([
    'dukpt',
    'negative',
    'negative/2',
  ]);
  await list();
  const old = told();
  unwrap(await room.rotations.switchTo(goes.key, false));
  // It has not told of the new list yet: nothing is asked of it.
  expect((await contact(both.held, old)).erases).toEqual([]);
  const { erases } = await contact(both.held, told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative'));
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'erasing', ready: 1, lacking: 1 });
  // Its report was lost; the next hello shows that the slot is empty.
  const left = both.held.filter(({ slot }) => slot !== 'negative');
  expect(await contact(left, told())).toMatchObject({ loads: [], erases: [] });
  // Emptied, whether or not its report came: how the key ended is kept for the terminal's certificate of death.
  expect(
    await store.db.selectFrom('key_ledger').select(['state', 'ended_by']).where('ended_by', 'is not', null).execute(),
  ).toEqual([{ state: 'destroyed', ended_by: 'erasure' }]);
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'over', lacking: 0 });
  // The next one lies where the first did, and the entry of that is not taken for it.
  unwrap(await room.keys.tags.begin('negative/tags/3'));
  const third = await contact(left, told());
  expect(slots(third.loads)).toEqual(['negative']);
  expect(third.loads[0]?.kcv).not.toBe(erases[0]?.kcv);
});

test('a terminal that slept over two rotations is given the newest key although its slot is taken', async () => {
  const { held } = await contact([]);
  for (const key of ['negative/tags/2', 'negative/tags/3']) {
    unwrap(await room.keys.tags.begin(key));
    unwrap(await room.rotations.switchTo(key, true));
  }
  const woken = await contact(held);
  expect(slots(woken.loads)).toEqual(['negative']);
  expect(woken.loads[0]?.kcv).not.toBe(held.find(({ slot }) => slot === 'negative')?.kcv);
});

test('no list goes under the next key before every card and exception has its tag; then all do at once, and say the same of each card', async () => {
  await list();
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
  unwrap(await room.keys.tags.begin(goes.key));
  const order = () => room.rotations.switchTo(goes.key, false);
  expect(await order()).toMatchObject({
    fault: { code: 'NEGATIVE_CARDS_UNTAGGED', facts: { cards: 2, exceptions: 1 } },
  });
  const [regular] = unwrap(await room.rotations.progress()).lists;
  expect(regular).toMatchObject({
    key: goes.from,
    exceptions: 1,
    untagged: [
      { source: 'manual', cards: 1 },
      { source: 'visa', cards: 1 },
    ],
  });
  // One comes again by another source: it is one card.
  const text = `pan\n${urgent}\n`;
  unwrap(await room.negative.importList({ list: 'regular', source: 'jcb', mode: 'add', text }, by));
  expect(await order()).toMatchObject({ fault: { facts: { cards: 1, exceptions: 1 } } });
  await list();
  const { epoch, version } = await room.negative.details();
  unwrap(await order());
  expect(await room.negative.details()).toMatchObject({ epoch: epoch + 1, version: version + 1 });
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
  // What comes and goes afterwards does so under the one key.
  const another = secretPan('374245001741007');
  unwrap(await room.negative.add(another, 'lost', by));
  expect((await room.negative.explain(another)).atTerminals).toBe('listed');
  const rows = await store.db.selectFrom('negative_cards').select(['next_tag', 'next_place']).execute();
  expect(rows.every(({ next_tag, next_place }) => next_tag === null && next_place === null)).toBe(true);
  await restart();
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
});

test('a proof about a list of before holds while the old key is kept, and is refused when it is destroyed', async () => {
  await list();
  await contact([], told());
  await store.write((tx) => room.negative.observe(tx, serial, told()));
  const then = world.clock.now();
  unwrap(await room.keys.tags.begin(goes.key));
  await list();
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect((await room.negative.prove(secretPan(listed), serial, then)).ok).toBe(true);
  await vault.destroy(goes.from);
  expect(await room.negative.prove(secretPan(listed), serial, then)).toMatchObject({
    fault: { code: 'NEGATIVE_PROOF_UNAVAILABLE', field: 'key' },
  });
});

/** Breaks the rotation off as one person asks and another approves. */
async function breakOff(key: string): Promise<void> {
  const asked = unwrap(await room.rotations.askBreakOff(key, 'a source cannot send its list again', operator));
  unwrap(await room.approvals.decide(asked.breakOff?.approval ?? '', custodian, 'approved'));
}
const operator: Actor = { subject: 'olga', via: 'token', roles: ['operator'] };
const custodian: Actor = { subject: 'anna', via: 'token', roles: ['custodian'] };

test('a rotation that is broken off leaves the old key in force, is undone at the terminals, and may begin anew', async () => {
  await list();
  const { held } = await contact([], told());
  expect(await room.rotations.askBreakOff(goes.key, 'x', operator)).toMatchObject({
    fault: { code: 'KEY_ROTATION_NONE' },
  });
  unwrap(await room.keys.tags.begin(goes.key));
  await list();
  const both = await contact(held, told());
  // One asks, and nothing is done by that; asked again it is the same request.
  const asked = unwrap(await room.rotations.askBreakOff(goes.key, 'a source is gone', operator));
  expect(asked).toMatchObject({ state: 'spreading', breakOff: { by: 'olga', reason: 'a source is gone' } });
  const again = unwrap(await room.rotations.askBreakOff(goes.key, 'once more', operator));
  expect(again.breakOff).toEqual(asked.breakOff);
  const approval = asked.breakOff?.approval ?? '';
  expect(await room.approvals.decide(approval, operator, 'approved')).toMatchObject({
    fault: { code: 'APPROVAL_OWN' },
  });
  expect(unwrap(await room.rotations.progress()).state).toBe('spreading');
  unwrap(await room.approvals.decide(approval, custodian, 'approved'));
  expect(noted).toEqual(expect.arrayContaining(['rotation.request-approval', 'rotation.approve']));
  expect(room.keys.tags).toMatchObject({ wanted: goes.from, next: undefined });
  // No tag under the key that does not take over is left, and nothing of it is taken for one of another key.
  const tags = () => store.db.selectFrom('negative_cards').select(['next_tag', 'next_place']).execute();
  expect((await tags()).every(({ next_tag, next_place }) => next_tag === null && next_place === null)).toBe(true);
  const exceptions = await store.db.selectFrom('negative_exceptions').select('next_second').execute();
  expect(exceptions).toEqual([{ next_second: null }]);
  expect(await room.rotations.switchTo(goes.key, true)).toMatchObject({ fault: { code: 'KEY_UNKNOWN' } });
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
  await restart();
  expect(room.keys.tags).toMatchObject({ wanted: goes.from, next: undefined });
  expect(unwrap(await room.rotations.progress())).toMatchObject({
    state: 'withdrawing',
    lacking: 1,
    terminals: [{ serial, why: 'away' }],
    breakOff: null,
    lists: [{ untagged: [], exceptions: 0 }],
  });
  // The terminal counts as keyed without it, and empties the slot.
  expect(Object.keys((await store.write((tx) => room.keys.held(tx, serial))) ?? {}).toSorted()).toEqual([
    'dukpt',
    'negative',
  ]);
  const { erases } = await contact(both.held, told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative/2'));
  await contact(held, told());
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'withdrawn', lacking: 0 });
  // Anew, by the same key; every number has to come again.
  unwrap(await room.keys.tags.begin(goes.key));
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'spreading', brokenOffAt: null });
  expect(await room.rotations.switchTo(goes.key, true)).toMatchObject({ fault: { code: 'NEGATIVE_CARDS_UNTAGGED' } });
  await list();
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
});

test('what was sent and never proven is void when the rotation is broken off, and the key can be destroyed: then the number after it is made', async () => {
  await contact([]);
  unwrap(await room.keys.tags.begin(goes.key));
  // Allocated, and the terminal went away.
  await store.write((tx) => room.keys.reconcile(tx, serial, [], () => false));
  await breakOff(goes.key);
  const rows = await store.db.selectFrom('key_ledger').select('state').where('parent_key', '=', goes.key).execute();
  expect(rows).toEqual([{ state: 'replaced' }]);
  const at = world.clock.now();
  const mark = { key: goes.key, use: 'negative-tag', check_value: '', state: 'retired' as const, reason: 'replaced' };
  await store.db
    .insertInto('key_marks')
    .values({ ...mark, campaign: null, at })
    .execute();
  await vault.destroy(goes.key);
  expect(await room.keys.tags.begin(goes.key)).toMatchObject({
    fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: 'negative/tags/4' } },
  });
  unwrap(await room.keys.tags.begin('negative/tags/4'));
});

test('once lists are ordered under the next key nobody breaks it off, also not by a request that was made before', async () => {
  await list();
  unwrap(await room.keys.tags.begin(goes.key));
  await list();
  const asked = unwrap(await room.rotations.askBreakOff(goes.key, 'too late', operator));
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect(await room.rotations.askBreakOff(goes.key, 'too late', operator)).toMatchObject({
    fault: { code: 'KEY_ROTATION_SWITCHED' },
  });
  await expect(room.approvals.decide(asked.breakOff?.approval ?? '', custodian, 'approved')).rejects.toMatchObject({
    fault: { code: 'KEY_ROTATION_SWITCHED' },
  });
  expect(room.keys.tags).toMatchObject({ wanted: goes.key, next: undefined });
  expect(await answers()).toEqual(['listed', 'listed', 'clear']);
});
