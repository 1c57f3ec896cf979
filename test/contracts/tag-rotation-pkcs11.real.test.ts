import { openPkcs11Vault } from '@tsunagu/fleet-server/vault/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goes, openTagRoom, slots, type TagRoom, world } from '../unit/keys/tag-room.ts';
import { newToken, objectsOn, pin } from './softhsm.ts';

// The key of negative lists gives way to the next one, both on a token that nobody gets them out of.
let place: string;
let room: TagRoom;
beforeEach(async () => {
  place = newToken();
  room = await openTagRoom(async () => unwrap(await openPkcs11Vault(place, pin, world)));
});
afterEach(() => room.close());

const onToken = (key: string): boolean => objectsOn(place).includes(`tsunagu/negative-tag/${key}`);
const judged = ['listed', 'listed', 'clear'];

test('begun, spread, switched and erased: each card is judged alike all the way, also by a server that opens the token anew', async () => {
  await room.list();
  const before = await room.contact([]);
  expect([onToken(goes.from), onToken(goes.key)]).toEqual([true, false]);
  unwrap(await room.keys.tags.begin(goes.key));
  await room.restart();
  expect([onToken(goes.from), onToken(goes.key)]).toEqual([true, true]);
  expect(await room.answers()).toEqual(judged);
  const both = await room.contact(before.held, room.told());
  expect(slots(both.loads)).toEqual(['negative/2']);
  // What goes into the slot is that key, and not the one in use.
  expect(both.loads[0]?.kcv).toBe(room.vault.find(goes.key)?.checkValue);
  expect(room.vault.find(goes.key)?.checkValue).not.toBe(room.vault.find(goes.from)?.checkValue);
  await room.list();
  unwrap(await room.rotations.switchTo(goes.key, false));
  await room.restart();
  expect(await room.answers()).toEqual(judged);
  const { erases } = await room.contact(both.held, room.told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative'));
  await room.contact(
    both.held.filter(({ slot }) => slot !== 'negative'),
    room.told(),
  );
  expect(unwrap(await room.rotations.progress()).state).toBe('over');
  await room.vault.destroy(goes.from);
  await room.restart();
  expect([onToken(goes.from), onToken(goes.key)]).toEqual([false, true]);
  expect(await room.answers()).toEqual(judged);
});

test('broken off: lists stay under the old key, the slot is emptied, and the key that did not take over is destroyed on the token', async () => {
  await room.list();
  const { held } = await room.contact([], room.told());
  unwrap(await room.keys.tags.begin(goes.key));
  await room.list();
  const both = await room.contact(held, room.told());
  await room.breakOff(goes.key);
  await room.restart();
  expect(room.keys.tags).toMatchObject({ wanted: goes.from, next: undefined });
  expect(await room.answers()).toEqual(judged);
  const { erases } = await room.contact(both.held, room.told());
  expect(erases).toEqual(both.held.filter(({ slot }) => slot === 'negative/2'));
  await room.contact(held, room.told());
  expect(unwrap(await room.rotations.progress())).toMatchObject({ state: 'withdrawn', lacking: 0 });
  await room.vault.destroy(goes.key);
  await room.restart();
  expect([onToken(goes.from), onToken(goes.key)]).toEqual([true, false]);
  expect(await room.answers()).toEqual(judged);
});
