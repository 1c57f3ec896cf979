import type { NegativeListView } from '@tsunagu/protocols/fleet';
import { fail, ok, type Secret, unwrap } from '@tsunagu/protocols/kit';
import type { NegativeCodec } from '@tsunagu/protocols/negative';
import { listsOf } from '@tsunagu/protocols/negative/authority';
import { type OpenList, openList } from './list.ts';
import type { ListParts, Negative, NegativeRooms } from './ports.ts';
import { openPublishing } from './publishing.ts';
import { regularList } from './rules.ts';
import { openSigning } from './signing.ts';

/** Opens the lists: the regular one, and one for each issuer or brand that was given its own. */
export async function openNegative(rooms: NegativeRooms): Promise<Negative> {
  const { world, store, vault } = rooms;
  const signing = await openSigning(world, store, vault);
  const publishing = openPublishing(world, store, rooms.artefacts, signing, vault);
  const open = new Map<string, OpenList>();

  const codecOf = async (list: string): Promise<NegativeCodec> => {
    const row = await store.db
      .selectFrom('negative_list_settings')
      .select('codec')
      .where('list', '=', list)
      .executeTakeFirst();
    return row?.codec ?? 'KH';
  };
  const partsOf = (list: string): ListParts => ({
    rooms,
    list,
    signing,
    publishing,
    macOf: (pan: Secret<'pan'>, tagKey) => unwrap(vault.negativeTag(tagKey, pan)),
    placeOf: (pan: Secret<'pan'>, tagKey) => unwrap(vault.negativePlace(tagKey, pan)),
    codec: () => codecOf(list),
    async renewOthers() {
      for (const [name, other] of open) if (name !== list) await other.renewHead();
    },
    async publishUnderNext() {
      const named = open.get(signing.nextList);
      // A list that is new is published as it is opened.
      if (named) await named.publishVersion();
      else await openNamed(signing.nextList);
    },
  });

  async function openNamed(list: string): Promise<OpenList> {
    const opened = await openList(partsOf(list));
    open.set(list, opened);
    return opened;
  }

  for (const list of new Set([regularList, ...listsOf(signing.signingRoot)])) await openNamed(list);
  const regular = open.get(regularList) ?? (await openNamed(regularList));

  async function viewOf(list: string, of: OpenList): Promise<NegativeListView> {
    const { version, overlaySeq } = of.state;
    if (version === 0) {
      const nothing = { cards: 0, sizeBytes: 0, reached: 0, total: 0, exposureMinor: 0 };
      return { list, codec: await codecOf(list), version, overlaySeq, ...nothing };
    }
    const { codec, cards, sizeBytes, spread, exposureMinor } = await of.details();
    return {
      list,
      codec,
      version,
      overlaySeq,
      cards,
      sizeBytes,
      reached: spread.reached,
      total: spread.total,
      exposureMinor,
    };
  }

  /** Whether every card of a list has a place in an exact one: its numbers are not here to make them of. */
  async function canBeExact(list: string): Promise<boolean> {
    const without = await store.db
      .selectFrom('negative_cards')
      .select('id')
      .where('list', '=', list)
      .where('place', 'is', null)
      .executeTakeFirst();
    return without === undefined;
  }

  return {
    ...regular,
    get state() {
      return regular.state;
    },
    of: (list) => open.get(list),
    async lists() {
      const views: NegativeListView[] = [];
      for (const [list, opened] of [...open].sort(([a], [b]) => (a < b ? -1 : 1)))
        views.push(await viewOf(list, opened));
      return views;
    },
    async setList(list, codec, by) {
      if (codec === 'KP' && !(await canBeExact(list))) return fail('NEGATIVE_CODEC_IMPOSSIBLE', { field: 'codec' });
      const known = open.get(list);
      if (!known) {
        const named = await signing.nameList(list);
        if (!named.ok) return named;
      }
      await store.write((tx) =>
        tx
          .insertInto('negative_list_settings')
          .values({ list, codec })
          .onConflict((conflict) => conflict.column('list').doUpdateSet({ codec }))
          .execute(),
      );
      world.log('info', 'negativeListSet', { list, codec, by: by.subject });
      const opened = known ?? (await openNamed(list));
      if (known) await known.publishVersion();
      // Terminals learn of a list by the root, and of a new root by the head of a list that they hold.
      else for (const [name, other] of open) if (name !== list) await other.renewHead();
      return ok(await viewOf(list, opened));
    },
    async retag() {
      for (const opened of open.values()) await opened.retag();
    },
    async isListed(pan) {
      for (const opened of open.values()) if (await opened.isListed(pan)) return true;
      return false;
    },
    async observe(tx, serial, applied) {
      let isNew = false;
      for (const opened of open.values()) isNew = (await opened.observe(tx, serial, applied)) || isNew;
      return isNew;
    },
    async republish() {
      for (const opened of open.values()) await opened.republish();
    },
    close() {
      for (const opened of open.values()) opened.close();
    },
  };
}
