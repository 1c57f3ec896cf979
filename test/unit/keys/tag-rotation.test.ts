import { join } from 'node:path';
import { openFileVault } from '@tsunagu/fleet-server/vault/index';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  by,
  custodian,
  goes,
  listed,
  openTagRoom,
  operator,
  serial,
  slots,
  type TagRoom,
  urgent,
  world,
} from './tag-room.ts';

let room: TagRoom;
beforeEach(async () => {
  room = await openTagRoom(async (folder) => unwrap(await openFileVault(join(folder, 'vault'), 'a passphrase', world)));
});
afterEach(() => room.close());

test('only the next key takes over, one at a time, in the slot that the key in use does not lie in', async () => {
  const { tags } = room.keys;
  for (const name of ['negative/tags/1', 'negative/tags/3', 'negative/tags/4'])
    expect(await tags.begin(name)).toMatchObject({
      fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: 'negative/tags/2' } },
    });
  expect(await tags.begin('bdk/2')).toMatchObject({ fault: { code: 'KEY_NOT_BASE' } });
  // Brought by custodians: another number is as good where its slot is free.
  for (const name of ['negative/tags/3', 'negative/tags/4']) await room.vault.ensure(name, 'negative-tag');
  expect(await tags.begin('negative/tags/3')).toMatchObject({ fault: { code: 'KEY_NUMBER_NOT_NEXT' } });
  unwrap(await tags.begin('negative/tags/4'));
  unwrap(await tags.begin('negative/tags/4'));
  await room.restart();
  expect(room.keys.tags).toMatchObject({ wanted: 'negative/tags/1', next: 'negative/tags/4' });
  expect(await room.keys.tags.begin('negative/tags/2')).toMatchObject({ fault: { code: 'KEY_ROTATION_UNDER_WAY' } });
});

test('a terminal holds both keys while one takes over, counts as keyed with both, and is asked for the old one when its lists have moved', async () => {
  await room.list();
  expect(await room.rotations.progress()).toMatchObject({ fault: { code: 'KEY_ROTATION_NONE' } });
  const before = await room.contact([]);
  expect(slots(before.held)).toEqual(['dukpt', 'negative']);
  unwrap(await room.keys.tags.begin(goes.key));
  expect(await room.store.write((tx) => room.keys.held(tx, serial))).toBeUndefined();
  const both = await room.contact(before.held, room.told());
  expect(slots(both.loads)).toEqual(['negative/2']);
  expect(Object.keys((await room.store.write((tx) => room.keys.held(tx, serial))) ?? {}).toSorted()).toEqual([
    'dukpt',
    'negative',
    'negative/2',
  ]);
  await room.list();
  const old = room.told();
  unwrap(await room.rotations.switchTo(goes.key, false));
  // It has not told of the new list yet: nothing is asked of it.
  expect((await room.contact(both.held, old)).erases).toEqual([]);
  const { erases } = await room.contact(both.held, room.told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative'));
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'erasing', ready: 1, lacking: 1 });
  // Its report was lost; the next hello shows that the slot is empty.
  const left = both.held.filter(({ slot }) => slot !== 'negative');
  expect(await room.contact(left, room.told())).toMatchObject({ loads: [], erases: [] });
  // Emptied, whether or not its report came: how the key ended is kept for the terminal's certificate of death.
  expect(
    await room.store.db
      .selectFrom('key_ledger')
      .select(['state', 'ended_by'])
      .where('ended_by', 'is not', null)
      .execute(),
  ).toEqual([{ state: 'destroyed', ended_by: 'erasure' }]);
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'over', lacking: 0 });
  // The next one lies where the first did, and the entry of that is not taken for it.
  unwrap(await room.keys.tags.begin('negative/tags/3'));
  const third = await room.contact(left, room.told());
  expect(slots(third.loads)).toEqual(['negative']);
  expect(third.loads[0]?.kcv).not.toBe(erases[0]?.kcv);
});

test('a terminal that slept over two rotations is given the newest key although its slot is taken', async () => {
  const { held } = await room.contact([]);
  for (const key of ['negative/tags/2', 'negative/tags/3']) {
    unwrap(await room.keys.tags.begin(key));
    unwrap(await room.rotations.switchTo(key, true));
  }
  const woken = await room.contact(held);
  expect(slots(woken.loads)).toEqual(['negative']);
  expect(woken.loads[0]?.kcv).not.toBe(held.find(({ slot }) => slot === 'negative')?.kcv);
});

test('no list goes under the next key before every card and exception has its tag; then all do at once, and say the same of each card', async () => {
  await room.list();
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
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
  await room.list();
  const { epoch, version } = await room.negative.details();
  unwrap(await order());
  expect(await room.negative.details()).toMatchObject({ epoch: epoch + 1, version: version + 1 });
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
  // What comes and goes afterwards does so under the one key.
  const another = secretPan('374245001741007');
  unwrap(await room.negative.add(another, 'lost', by));
  expect((await room.negative.explain(another)).atTerminals).toBe('listed');
  const rows = await room.store.db.selectFrom('negative_cards').select(['next_tag', 'next_place']).execute();
  expect(rows.every(({ next_tag, next_place }) => next_tag === null && next_place === null)).toBe(true);
  await room.restart();
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
});

test('a proof about a list of before holds while the old key is kept, and is refused when it is destroyed', async () => {
  await room.list();
  await room.contact([], room.told());
  await room.store.write((tx) => room.negative.observe(tx, serial, room.told()));
  const then = world.clock.now();
  unwrap(await room.keys.tags.begin(goes.key));
  await room.list();
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect((await room.negative.prove(secretPan(listed), serial, then)).ok).toBe(true);
  await room.vault.destroy(goes.from);
  expect(await room.negative.prove(secretPan(listed), serial, then)).toMatchObject({
    fault: { code: 'NEGATIVE_PROOF_UNAVAILABLE', field: 'key' },
  });
});

test('a rotation that is broken off leaves the old key in force, is undone at the terminals, and may begin anew', async () => {
  await room.list();
  const { held } = await room.contact([], room.told());
  expect(await room.rotations.askBreakOff(goes.key, 'x', operator)).toMatchObject({
    fault: { code: 'KEY_ROTATION_NONE' },
  });
  unwrap(await room.keys.tags.begin(goes.key));
  await room.list();
  const both = await room.contact(held, room.told());
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
  // Who is connected is asked for the slot when it is on disk, and not before.
  expect(room.noted).toEqual(['rotation.request-approval', 'rotation.approve', 'asked']);
  expect(room.keys.tags).toMatchObject({ wanted: goes.from, next: undefined });
  // No tag under the key that does not take over is left, and nothing of it is taken for one of another key.
  const tags = () => room.store.db.selectFrom('negative_cards').select(['next_tag', 'next_place']).execute();
  expect((await tags()).every(({ next_tag, next_place }) => next_tag === null && next_place === null)).toBe(true);
  const exceptions = await room.store.db.selectFrom('negative_exceptions').select('next_second').execute();
  expect(exceptions).toEqual([{ next_second: null }]);
  expect(await room.rotations.switchTo(goes.key, true)).toMatchObject({ fault: { code: 'KEY_UNKNOWN' } });
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
  await room.restart();
  expect(room.keys.tags).toMatchObject({ wanted: goes.from, next: undefined });
  expect(unwrap(await room.rotations.progress())).toMatchObject({
    state: 'withdrawing',
    lacking: 1,
    terminals: [{ serial, why: 'away' }],
    breakOff: null,
    lists: [{ untagged: [], exceptions: 0 }],
  });
  // The terminal counts as keyed without it, and empties the slot.
  expect(Object.keys((await room.store.write((tx) => room.keys.held(tx, serial))) ?? {}).toSorted()).toEqual([
    'dukpt',
    'negative',
  ]);
  const { erases } = await room.contact(both.held, room.told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative/2'));
  await room.contact(held, room.told());
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'withdrawn', lacking: 0 });
  // Anew, by the same key; every number has to come again.
  unwrap(await room.keys.tags.begin(goes.key));
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'spreading', brokenOffAt: null });
  expect(await room.rotations.switchTo(goes.key, true)).toMatchObject({ fault: { code: 'NEGATIVE_CARDS_UNTAGGED' } });
  await room.list();
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
});

test('what was sent and never proven is void when the rotation is broken off, and the key can be destroyed: then the number after it is made', async () => {
  await room.contact([]);
  unwrap(await room.keys.tags.begin(goes.key));
  // Allocated, and the terminal went away.
  await room.store.write((tx) => room.keys.reconcile(tx, serial, [], () => false));
  await room.breakOff(goes.key);
  const rows = await room.store.db
    .selectFrom('key_ledger')
    .select('state')
    .where('parent_key', '=', goes.key)
    .execute();
  expect(rows).toEqual([{ state: 'replaced' }]);
  const at = world.clock.now();
  const mark = { key: goes.key, use: 'negative-tag', check_value: '', state: 'retired' as const, reason: 'replaced' };
  await room.store.db
    .insertInto('key_marks')
    .values({ ...mark, campaign: null, at })
    .execute();
  await room.vault.destroy(goes.key);
  expect(await room.keys.tags.begin(goes.key)).toMatchObject({
    fault: { code: 'KEY_NUMBER_NOT_NEXT', facts: { next: 'negative/tags/4' } },
  });
  unwrap(await room.keys.tags.begin('negative/tags/4'));
});

test('once lists are ordered under the next key nobody breaks it off, also not by a request that was made before', async () => {
  await room.list();
  unwrap(await room.keys.tags.begin(goes.key));
  await room.list();
  const asked = unwrap(await room.rotations.askBreakOff(goes.key, 'too late', operator));
  unwrap(await room.rotations.switchTo(goes.key, true));
  expect(await room.rotations.askBreakOff(goes.key, 'too late', operator)).toMatchObject({
    fault: { code: 'KEY_ROTATION_SWITCHED' },
  });
  await expect(room.approvals.decide(asked.breakOff?.approval ?? '', custodian, 'approved')).rejects.toMatchObject({
    fault: { code: 'KEY_ROTATION_SWITCHED' },
  });
  expect(room.keys.tags).toMatchObject({ wanted: goes.key, next: undefined });
  expect(await room.answers()).toEqual(['listed', 'listed', 'clear']);
});
