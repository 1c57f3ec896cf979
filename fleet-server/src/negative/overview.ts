import { readFile } from 'node:fs/promises';
import { modelOf } from '@tsunagu/protocols/catalogue';
import type { NegativeStateView } from '@tsunagu/protocols/fleet';
import { fail, lastFour, ok, type Secret, unwrap } from '@tsunagu/protocols/kit';
import { decodeOverlay, lookUp, type NegativeFinding, openContainer } from '@tsunagu/protocols/negative';
import { decodeOverlayDocument, decodeSigned } from '@tsunagu/protocols/negative/authority';
import { highestFirst, isoTime, pageOn, viewPage } from '../store/index.ts';
import { entryView } from './cards.ts';
import type { Heads } from './heads.ts';
import type { ListParts, Negative } from './ports.ts';
import { headLifeMs } from './rules.ts';
import { openRows } from './versions.ts';

const behindShown = 100;

/** What people ask of a list: what is on it, who listed a card, how far the fleet has it, and what that may cost. */
export function openOverview(
  parts: ListParts,
  heads: Heads,
): Pick<Negative, 'entries' | 'overview' | 'details' | 'explain' | 'isListed'> {
  const { rooms, list, signing } = parts;
  const { store, vault, world } = rooms;
  const { row, versionRow } = openRows(parts);

  /** What a terminal says that has what was published last: what was taken off may wait for its second signature, or lie in a range. */
  async function atTerminals(pan: Secret<'pan'>): Promise<NegativeFinding['answer']> {
    const known = await row(store.db);
    const version = known && (await versionRow(known.version));
    const file = version && (await rooms.artefacts.find(version.container));
    if (!known || !file) return 'stale';
    const container = openContainer(Uint8Array.from(await readFile(file.path)));
    const head = Uint8Array.from(Buffer.from(known.head, 'base64'));
    const { document } = unwrap(decodeSigned(head, unwrap(decodeSigned(head)).end));
    const overlay = unwrap(decodeOverlay(unwrap(decodeOverlayDocument(document.payload)).overlay));
    const now = Math.floor(world.clock.now() / 1_000);
    const layers = { overlay, container: container.ok ? container.value : undefined, isFresh: true, now };
    const [mac, permuted] = [parts.macOf(pan, known.tag_key), parts.placeOf(pan, known.tag_key)];
    return pan.use((digits) => lookUp(layers, { mac, permuted, digits })).answer;
  }

  return {
    async entries() {
      const { count } = await store.db
        .selectFrom('negative_cards')
        .select((all) => all.fn.count<number>('token').distinct().as('count'))
        .where('list', '=', list)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async overview(page) {
      const query = store.db.selectFrom('negative_cards').selectAll().where('list', '=', list);
      const found = viewPage(await pageOn(query, highestFirst('id'), page), entryView);
      if (!found.ok) return found;
      const { items, next } = found.value;
      const { version, overlaySeq } = heads.latest;
      return ok({ list, version, overlaySeq, entries: [...items], next, terminals: await countTerminals() });
    },
    async explain(pan) {
      const token = vault.panToken(pan);
      const entries = await store.db
        .selectFrom('negative_cards')
        .selectAll()
        .where('list', '=', list)
        .where('token', '=', token)
        .execute();
      const changes = await store.db
        .selectFrom('negative_changes')
        .selectAll()
        .where('list', '=', list)
        .where('token', '=', token)
        .orderBy('id', 'desc')
        .limit(100)
        .execute();
      return {
        listed: entries.length > 0,
        atTerminals: await atTerminals(pan),
        lastFour: lastFour(pan),
        token,
        entries: entries.map((entry) => ({ ...entryView(entry), version: entry.version })),
        changes: changes.map(({ at, kind, source, reason, by }) => ({ at: isoTime(at), kind, source, reason, by })),
      };
    },
    async isListed(pan) {
      const hit = await store.db
        .selectFrom('negative_cards')
        .select('id')
        .where('list', '=', list)
        .where('token', '=', vault.panToken(pan))
        .executeTakeFirst();
      return hit !== undefined;
    },
    details,
  };

  async function countTerminals(): Promise<{ current: number; behind: number }> {
    const { total, current } = await store.db
      .selectFrom('terminals')
      .leftJoin('negative_applied', (join) =>
        join
          .onRef('negative_applied.serial', '=', 'terminals.serial')
          .on('negative_applied.list', '=', list)
          .on('negative_applied.version', '=', heads.latest.version)
          .on('negative_applied.overlay_seq', '=', heads.latest.overlaySeq),
      )
      .select((all) => [
        all.fn.count<number>('terminals.serial').as('total'),
        all.fn.count<number>('negative_applied.serial').as('current'),
      ])
      .executeTakeFirstOrThrow();
    return { current: Number(current), behind: Number(total) - Number(current) };
  }

  /** What one terminal that is behind may approve until it hears of the newest head: by signed policy and its own floor limit. */
  function exposureOf(model: string, floorLimitMinor: number): number {
    if (modelOf(model)?.offline !== true) return 0;
    const { offlineCountMax, offlineAmountMaxMinor } = signing.root.policy;
    return Math.min(offlineAmountMaxMinor, offlineCountMax * floorLimitMinor);
  }

  async function details(): Promise<NegativeStateView> {
    const state = await store.db.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirst();
    if (!state) return unwrap(fail('NEGATIVE_LIST_UNKNOWN', { field: 'list' }));
    const versions = await store.db
      .selectFrom('negative_versions')
      .selectAll()
      .where('list', '=', list)
      .orderBy('version', 'desc')
      .limit(20)
      .execute();
    const sources = await store.db
      .selectFrom('negative_cards')
      .select((all) => ['source', all.fn.countAll<number>().as('cards')])
      .where('list', '=', list)
      .groupBy('source')
      .orderBy('source')
      .execute();
    const published = await store.db
      .selectFrom('negative_cards')
      .select((all) => all.fn.count<number>('tag').distinct().as('cards'))
      .where('list', '=', list)
      .where('version', 'is not', null)
      .executeTakeFirstOrThrow();
    const terminals = await store.db
      .selectFrom('terminals')
      .leftJoin('negative_applied', (join) =>
        join.onRef('negative_applied.serial', '=', 'terminals.serial').on('negative_applied.list', '=', list),
      )
      .select(['terminals.serial', 'terminals.model', 'version', 'overlay_seq', 'fresh_at'])
      .execute();
    const limits = await rooms.floorLimits();
    const behind = terminals
      .filter(({ version, overlay_seq }) => version !== state.version || overlay_seq !== state.overlay_seq)
      .map(({ serial, model, version, overlay_seq, fresh_at }) => ({
        serial,
        version: version ?? 0,
        overlaySeq: overlay_seq ?? 0,
        freshAt: fresh_at ? isoTime(fresh_at) : null,
        exposureMinor: exposureOf(model, limits(serial)),
      }))
      .sort((a, b) => b.exposureMinor - a.exposureMinor);
    const head = await store.db
      .selectFrom('negative_heads')
      .select('issued_at')
      .where('list', '=', list)
      .where('version', '=', state.version)
      .where('overlay_seq', '=', state.overlay_seq)
      .executeTakeFirst();
    const last = await store.db
      .selectFrom('negative_applied_log')
      .select((all) => all.fn.max<number | null>('at').as('at'))
      .where('list', '=', list)
      .where('version', '=', state.version)
      .where('overlay_seq', '=', state.overlay_seq)
      .executeTakeFirst();
    return {
      list,
      codec: state.codec,
      epoch: state.epoch,
      version: state.version,
      overlaySeq: state.overlay_seq,
      cards: versions[0]?.count ?? 0,
      withheld: Math.max(0, (versions[0]?.count ?? 0) - Number(published.cards)),
      sizeBytes: state.size,
      headIssuedAt: isoTime(state.not_after - headLifeMs),
      headNotAfter: isoTime(state.not_after),
      versions: versions.map(({ version, count, size, issued_at }) => ({
        version,
        count,
        sizeBytes: size,
        issuedAt: isoTime(issued_at),
      })),
      sources: sources.map(({ source, cards }) => ({ source, cards: Number(cards) })),
      spread: {
        reached: terminals.length - behind.length,
        total: terminals.length,
        lastMs: head && last?.at ? Math.max(0, Number(last.at) - head.issued_at) : null,
      },
      exposureMinor: behind.reduce((sum, { exposureMinor }) => sum + exposureMinor, 0),
      behind: behind.slice(0, behindShown),
    };
  }
}
