import { fail, lastFour, ok, secretPan } from '@tsunagu/protocols/kit';
import { exactPanLengthMin, overlayMax, secondTag } from '@tsunagu/protocols/negative';
import { personOf } from '../audit/index.ts';
import { type Cards, entryView } from './cards.ts';
import type { Heads } from './heads.ts';
import { readImportFile } from './import-file.ts';
import type { ListParts, Negative } from './ports.ts';
import { isCardNumber } from './rules.ts';
import type { Versions } from './versions.ts';

const importBatch = 500;

/** What changes a list: cards one by one, an issuer's file, blocked ranges. */
export function openIntake(
  { rooms, list, codec, macOf }: ListParts,
  { keyInForce, keysNow, overlayEntries, insert, markAgain, drop, cardOf }: Cards,
  heads: Heads,
  versions: Versions,
): Pick<Negative, 'add' | 'remove' | 'importList' | 'allow' | 'addRange'> {
  const { world, store, vault } = rooms;
  return {
    async add(pan, reason, by, source = 'manual') {
      if (!pan.use(isCardNumber)) return fail('PAN_INVALID', { field: 'pan' });
      const card = cardOf(pan, reason, await codec(), await keysNow(store.db));
      if (!card) return fail('PAN_INVALID', { field: 'pan' });
      // Nothing stands beside a version that waits for its first signature.
      if (heads.latest.version === 0) return fail('NEGATIVE_LIST_UNKNOWN', { field: 'list' });
      // A full overlay becomes a version first: an emergency never waits for a person.
      if ((await overlayEntries(store.db)).length >= overlayMax) {
        await versions.publish();
        if ((await overlayEntries(store.db)).length >= overlayMax) return fail('NEGATIVE_OVERLAY_FULL');
      }
      const added = await store.write(async (tx) => {
        const inserted = await insert(tx, card, source, by, await keyInForce(tx));
        if (!inserted) {
          const entry = await tx
            .selectFrom('negative_cards')
            .selectAll()
            .where('list', '=', list)
            .where('token', '=', card.token)
            .where('source', '=', source)
            .executeTakeFirstOrThrow();
          return { entry, already: true };
        }
        if (!inserted.isNew) return { entry: inserted.row, already: false };
        await tx
          .updateTable('negative_lists')
          .set((all) => ({ overlay_seq: all('overlay_seq', '+', 1) }))
          .where('list', '=', list)
          .execute();
        return { entry: inserted.row, already: false, head: await heads.sign(tx) };
      });
      if (added.head) {
        heads.publish(added.head);
        world.log('info', 'negativeEntryAdded', {
          list,
          overlaySeq: heads.latest.overlaySeq,
          token: card.token,
          by: by.subject,
        });
        rooms.announce();
      }
      const { version, overlaySeq } = heads.latest;
      return ok({ entry: entryView(added.entry), version, overlaySeq, already: added.already });
    },
    async remove(pan, source, by) {
      const rows = await store.db
        .selectFrom('negative_cards')
        .select(['id', 'version'])
        .where('list', '=', list)
        .where('token', '=', vault.panToken(pan))
        .where('source', '=', source)
        .execute();
      if (rows.length === 0) return fail('NEGATIVE_ENTRY_UNKNOWN');
      await store.write((tx) =>
        drop(
          tx,
          rows.map(({ id }) => id),
          by,
        ),
      );
      // Only a list ends an emergency entry: where what else went is held back, a version is due all the same.
      return ok(await versions.publish(rows.some(({ version }) => version === null)));
    },
    async importList({ source, mode, text }, by) {
      const kind = await codec();
      // Which numbers an exact list holds is a matter of their length.
      const file = readImportFile(text, (pan) => kind === 'KH' || pan.length >= exactPanLengthMin);
      // A whole list with a line that is no card, or with none at all, would let cards go that nobody meant to let go.
      const [broken] = file.refused;
      if (mode === 'replace' && broken)
        return fail('NEGATIVE_LIST_REFUSED', {
          field: 'line',
          facts: { line: broken.line, lines: file.refused.length },
        });
      if (mode === 'replace' && file.cards.length === 0) return fail('NEGATIVE_LIST_REFUSED', { field: 'cards' });
      const before = await store.db
        .selectFrom('negative_cards')
        .select(['id', 'token', 'version'])
        .where('list', '=', list)
        .where('source', '=', source)
        .execute();
      const known = new Map(before.map(({ token, id }) => [token, id]));
      const named = new Set<string>();
      let added = 0;
      // In parts, so that an emergency entry never waits for a long transaction.
      for (let start = 0; start < file.cards.length; start += importBatch) {
        const keys = await keysNow(store.db);
        const cards = file.cards
          .slice(start, start + importBatch)
          .flatMap(({ pan, reason }) => cardOf(secretPan(pan), reason, kind, keys) ?? []);
        for (const { token } of cards) named.add(token);
        const fresh = cards.filter(({ token }) => !known.has(token));
        added += fresh.length;
        const again = keys.length > 1 ? cards.filter(({ token }) => known.has(token)) : [];
        if (fresh.length + again.length > 0)
          await store.write(async (tx) => {
            const inForce = await keyInForce(tx);
            for (const card of fresh) await insert(tx, card, source, by, inForce);
            for (const card of again) await markAgain(tx, card, inForce);
          });
      }
      const gone = mode === 'replace' ? [...known].filter(([token]) => !named.has(token)).map(([, id]) => id) : [];
      for (let start = 0; start < gone.length; start += importBatch)
        await store.write((tx) => drop(tx, gone.slice(start, start + importBatch), by));
      world.log('info', 'negativeListImported', {
        source,
        added,
        removed: gone.length,
        refused: file.refused.length,
        by: by.subject,
      });
      const isUrgent = before.some(({ id, version }) => version === null && gone.includes(id));
      const published = await versions.publish(isUrgent);
      const kept = known.size - gone.length;
      return ok({ ...published, added, removed: gone.length, kept, refused: [...file.refused] });
    },
    async allow(pan, isWithdrawn, by) {
      const [token, last_four] = [rooms.vault.panToken(pan), lastFour(pan)];
      const changed = await store.write(async (tx) => {
        const [inForce = '', following] = await keysNow(tx);
        const second = secondTag(macOf(pan, inForce));
        const next_second = following === undefined ? null : secondTag(macOf(pan, following));
        const listed = await tx
          .selectFrom('negative_cards')
          .select('id')
          .where('list', '=', list)
          .where('token', '=', token)
          .executeTakeFirst();
        if (listed && !isWithdrawn) return fail('NEGATIVE_CARD_LISTED');
        const done = isWithdrawn
          ? await tx
              .deleteFrom('negative_exceptions')
              .where('list', '=', list)
              .where('token', '=', token)
              .returning('id')
              .executeTakeFirst()
          : await tx
              .insertInto('negative_exceptions')
              .values({ list, token, second, next_second })
              .onConflict((conflict) => conflict.columns(['list', 'token']).doNothing())
              .returning('id')
              .executeTakeFirst();
        if (!done) {
          await tx
            .updateTable('negative_exceptions')
            .set({ next_second })
            .where('list', '=', list)
            .where('token', '=', token)
            .execute();
          return ok(false);
        }
        const kind = isWithdrawn ? 'disallowed' : 'allowed';
        const at = world.clock.now();
        await tx
          .insertInto('negative_changes')
          .values({
            list,
            token,
            last_four,
            kind,
            source: 'manual',
            reason: 'other',
            at,
            by: by.subject,
            person: personOf(by),
          })
          .execute();
        return ok(true);
      });
      if (!changed.ok) return changed;
      if (changed.value)
        world.log('info', 'negativeExceptionChanged', { list, token, withdrawn: isWithdrawn, by: by.subject });
      return ok(await versions.publish());
    },
    async addRange({ low, high, until }, by) {
      if (low.length !== high.length || low > high) return fail('INPUT_INVALID', { field: 'high' });
      if (Date.parse(until) <= world.clock.now()) return fail('INPUT_INVALID', { field: 'until' });
      const range = {
        digits: low.length,
        low: Number(low),
        high: Number(high),
        not_after: Math.floor(Date.parse(until) / 1_000),
      };
      await store.db
        .insertInto('negative_ranges')
        .values({ list, ...range })
        .execute();
      world.log('info', 'negativeRangeAdded', { low, high, until, by: by.subject });
      return ok(await versions.publish());
    },
  };
}
