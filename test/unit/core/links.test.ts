import { openLinks } from '@tsunagu/fleet-server/estate/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { twinOnDisk } from '../twin/store.ts';

const serials = Array.from({ length: 700 }, (_, index) => serialSchema.parse(`LINK-${String(index).padStart(4, '0')}`));

test('a fleet that goes at once is noted in a few transactions, each terminal by its own rules', async () => {
  const made = await twinOnDisk(serials.map((serial) => ({ serial })));
  for (const serial of serials)
    await made.store.db
      .insertInto('presence')
      .values({ serial, state: 'ready', since: 1, boot_seq: 5, hello_seq: 1, hello_at: 1, hello: '{}' })
      .execute();
  let commits = 0;
  const store: Store = { ...made.store, write: (work) => ((commits += 1), made.store.write(work)) };
  const announced: Serial[] = [];
  const [left, stale, back, here] = serials.slice(0, 4) as [Serial, Serial, Serial, Serial];
  const linkChanged = openLinks({
    world: made.world,
    store,
    // It came back before its loss was noted.
    isConnected: (serial) => serial === here,
    announce: (serial) => announced.push(serial),
  });
  await Promise.all([
    linkChanged({ serial: left, state: 'disconnected', boot: 5 }),
    // The will of an earlier boot has no say.
    linkChanged({ serial: stale, state: 'lost', boot: 4 }),
    linkChanged({ serial: back, state: 'lost', boot: 5 }).then(() =>
      linkChanged({ serial: back, state: 'ready', boot: 5 }),
    ),
    linkChanged({ serial: serialSchema.parse('NOBODY-0001'), state: 'lost', boot: undefined }),
    ...serials
      .filter((serial) => ![stale, back].includes(serial))
      .map((serial) => linkChanged({ serial, state: 'lost', boot: undefined })),
  ]);
  expect(commits).toBeLessThanOrEqual(6);
  const rows = await made.store.db.selectFrom('presence').select(['serial', 'state']).execute();
  const stateOf = new Map(rows.map(({ serial, state }) => [serial, state]));
  expect([left, stale, back, here].map((serial) => stateOf.get(serial))).toEqual([
    'disconnected',
    'ready',
    'ready',
    'ready',
  ]);
  expect(serials.slice(4).every((serial) => stateOf.get(serial) === 'lost')).toBe(true);
  const kinds = async (serial: string) =>
    (
      await made.store.db
        .selectFrom('timeline')
        .select(['kind', 'facts'])
        .where('serial', '=', serial)
        .where('kind', 'in', ['lost', 'connected'])
        .orderBy('id')
        .execute()
    ).map(({ kind, facts }) => `${kind} ${JSON.parse(facts).state}`);
  expect(await kinds(left)).toEqual(['lost disconnected']);
  expect(await kinds(stale)).toEqual([]);
  expect(await kinds(back)).toEqual(['lost lost', 'connected ready']);
  expect(await kinds('LINK-0699')).toEqual(['lost lost']);
  expect(new Set(announced)).toEqual(new Set(serials.filter((serial) => ![stale, here].includes(serial))));
  await made.close();
});
