import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type DriftEntry,
  type DriftReason,
  driftReasons,
  type DriftSummary,
  type EffectiveConfiguration,
  lackedFor,
  layerHashes,
  layerKinds,
  parseJson,
  type Serial,
  serialSchema,
  type SettingDifference,
  settingNames,
  settingValues,
  type SettingValues,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import {
  isoTime,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  inAlphabet,
  pageOn,
  viewPage,
} from '../store/index.ts';
import type { LayerDocument, LayerRef } from '@tsunagu/protocols/fleet';
import { summaryOf } from './documents.ts';
import { layersOf } from './paths.ts';
import { differencesOf, effectiveOf } from './rules.ts';
import { below, type Reach, refOf } from './scope.ts';

/** What lies between what is desired and what is in force. */
export interface Drift {
  /** Terminals that are not set to what is desired, by serial. */
  list(
    page: PageRequest & { readonly reason?: DriftReason | undefined },
  ): Promise<Result<Page<DriftEntry>, 'INPUT_INVALID'>>;
  summary(): Promise<DriftSummary>;
  effective(serial: Serial): Promise<Result<EffectiveConfiguration, 'TERMINAL_UNKNOWN' | 'MODEL_UNKNOWN'>>;
  /** What differs between what is desired of a terminal and of another one, or what it reported. */
  compare(
    serial: Serial,
    other: Serial | undefined,
  ): Promise<Result<readonly SettingDifference[], 'TERMINAL_UNKNOWN' | 'MODEL_UNKNOWN'>>;
  /** Connected terminals that have something to fetch, in pages by serial. */
  waiting(reach: Reach): AsyncIterable<readonly { readonly serial: Serial; readonly version: number }[]>;
}

/** So many terminals are told of a change at a time. */
const tellAtOnce = 500;

export function openDrift(store: Store, document: (ref: LayerRef) => Promise<Result<LayerDocument>>): Drift {
  const rowOf = (serial: Serial) => rows(store.db).where('serial', '=', serial).executeTakeFirst();

  return {
    async list({ reason, ...page }) {
      let query = rows(store.db).where('reason', 'is not', null);
      if (reason !== undefined) query = query.where('reason', '=', reason);
      const found = viewPage(await pageOn(query, inAlphabet('serial'), page), (row) => entryOf(row) ?? []);
      return found.ok ? ok({ ...found.value, items: found.value.items.flat() }) : found;
    },
    async summary() {
      const found = await store.db
        .selectFrom('terminal_configurations')
        .select((all) => ['reason', all.fn.countAll<number>().as('count')])
        .groupBy('reason')
        .execute();
      const of = (reason: DriftReason | null) => Number(found.find((row) => row.reason === reason)?.count ?? 0);
      return {
        terminals: found.reduce((sum, { count }) => sum + Number(count), 0),
        // What a model cannot do is missing on purpose: the terminal is set as it can be.
        inSync: of(null) + of('model'),
        reasons: Object.fromEntries(driftReasons.map((reason) => [reason, of(reason)])),
      };
    },
    async effective(serial) {
      const row = await rowOf(serial);
      if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
      const model = modelOf(row.model);
      if (!model) return fail('MODEL_UNKNOWN', { facts: { model: row.model } });
      const path = {
        model: row.model,
        merchant: row.merchant_layer,
        shop: row.shop_layer,
        stack: row.stack,
        terminal: row.terminal_layer,
      };
      const layers = (await layersOf(store.db, [path]))(path);
      const effective = effectiveOf(model, layers);
      const reported = row.reported === null ? undefined : valuesOf(row.reported);
      const documents: LayerDocument[] = [];
      for (const layer of layers) documents.push(unwrap(await document(refOf(layer))));
      return ok({
        serial,
        model: row.model,
        version: effective.version,
        hash: effective.hash,
        layers: documents.map(summaryOf),
        settings: settingNames.map((setting) => {
          const chain = effective.chains.get(setting) ?? [];
          const last = chain.at(-1);
          const needs = lackedFor(setting, model);
          return {
            setting,
            value: effective.values[setting] ?? null,
            reported: reported?.[setting] ?? null,
            from: last?.layer ?? 'factory',
            version: last?.version ?? 0,
            needs: needs === undefined ? null : needs,
            chain: [...chain],
          };
        }),
        reported:
          row.reported_version === null || row.reported_at === null
            ? null
            : { version: row.reported_version, hash: row.reported_hash ?? '', at: isoTime(row.reported_at) },
        drift: entryOf(row) ?? null,
      });
    },
    async compare(serial, other) {
      const sides: SettingValues[] = [];
      for (const one of other === undefined ? [serial] : [serial, other]) {
        const row = await rowOf(one);
        if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial: one } });
        const model = modelOf(row.model);
        if (!model) return fail('MODEL_UNKNOWN', { facts: { model: row.model } });
        sides.push(row.desired === null ? {} : valuesOf(row.desired));
        if (other === undefined) sides.push(row.reported === null ? {} : valuesOf(row.reported));
      }
      return ok(differencesOf(sides[0] ?? {}, sides[1] ?? {}));
    },
    async *waiting(reach) {
      let after = '';
      for (;;) {
        const found = await below(store.db, reach)
          .select(['serial', 'desired_version'])
          .where('reason', '=', 'unfetched')
          .where('serial', '>', after)
          .orderBy('serial')
          .limit(tellAtOnce)
          .execute();
        const last = found.at(-1);
        if (!last) return;
        yield found.map((row) => ({ serial: serialSchema.parse(row.serial), version: row.desired_version ?? 0 }));
        after = last.serial;
      }
    },
  };
}

const rows = (on: Queryable) => on.selectFrom('terminal_configurations').selectAll();
type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number];

const valuesOf = (json: string): SettingValues => unwrap(parseJson(settingValues, json));

/** Why a terminal is not set to what is desired; undefined when it is. */
function entryOf(row: Row): DriftEntry | undefined {
  if (row.reason === null) return undefined;
  const wanted = unwrap(parseJson(layerHashes, row.desired_layers ?? '{}'));
  const held = unwrap(parseJson(layerHashes, row.reported_layers ?? '{}'));
  const since =
    row.reason === 'offline' ? (row.link_since ?? row.registered_at) : (row.desired_at ?? row.registered_at);
  return {
    serial: serialSchema.parse(row.serial),
    model: row.model,
    merchant: row.merchant,
    shop: row.shop,
    reason: row.reason,
    code: row.drift,
    field: row.field,
    since: isoTime(since),
    desired: { version: row.desired_version ?? 0, hash: row.desired_hash ?? '' },
    reported: { version: row.reported_version ?? 0, hash: row.reported_hash ?? '' },
    behind: row.reason === 'model' ? [] : layerKinds.filter((kind) => wanted[kind] !== held[kind]),
  };
}
