import { modelOf, type TerminalModel } from '@tsunagu/protocols/catalogue';
import {
  type ChangedLayer,
  type ChangeLayer,
  configurationHash,
  factoryConfiguration,
  type Inability,
  isSettingName,
  lackedFor,
  type LayerDocument,
  type LayerRef,
  type LayerSummary,
  type LayerVersion,
  parseJson,
  type SettingDifference,
  type SettingValues,
  settingValues,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import {
  type Database,
  isoTime,
  highestFirst,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  lowestFirst,
  pageOn,
  viewPage,
} from '../store/index.ts';
import { completePaths, movePaths, refreshPaths } from './paths.ts';
import { changeValues, differencesOf } from './rules.ts';
import { refOf, type Scope, scopeOf, soleModel, terminalsBelow } from './scope.ts';

/** Who writes a layer, and why. */
export interface Writing {
  readonly subject: string;
  readonly reason: string;
}

export type LayerFault =
  | 'MODEL_UNKNOWN'
  | 'TERMINAL_UNKNOWN'
  | 'VERSION_CONFLICT'
  | 'SETTING_UNKNOWN'
  | 'INPUT_INVALID'
  | 'CONFIGURATION_BEYOND_MODEL'
  | 'CONFIGURATION_CONTRADICTS'
  | 'CONFIGURATION_VERSION_UNKNOWN'
  | 'CAMPAIGN_OWNS_LAYER';

/** The layers, each a document with one stream of versions. */
export interface Documents {
  /** A layer as it is now: version 0 while nobody wrote it. */
  layer(ref: LayerRef): Promise<Result<LayerDocument, LayerFault>>;
  version(ref: LayerRef, version: number): Promise<Result<LayerDocument, LayerFault>>;
  /** Writes the version after `base`; VERSION_CONFLICT when `base` is not the newest. Without a change there is no new version. */
  change(ref: LayerRef, base: number, change: ChangeLayer, by: Writing): Promise<Result<ChangedLayer, LayerFault>>;
  /** Writes a version after `base` that equals an old one. */
  rollBack(ref: LayerRef, base: number, to: number, by: Writing): Promise<Result<ChangedLayer, LayerFault>>;
  /** Newest first. */
  history(ref: LayerRef, page: PageRequest): Promise<Result<Page<LayerVersion>, LayerFault>>;
  diff(ref: LayerRef, from: number, to: number): Promise<Result<readonly SettingDifference[], LayerFault>>;
  /** Every layer that somebody wrote, in the order in which it was written first. */
  layers(page: PageRequest): Promise<Result<Page<LayerSummary>, 'INPUT_INVALID'>>;
}

const nothing = configurationHash({});

/** Opens the documents of a store. `wrote` is called after a new version is on disk. */
export function openDocuments(
  world: Pick<World, 'clock' | 'log'>,
  store: Store,
  wrote: (scope: Scope) => void,
  note: (tx: Transaction<Database>, ref: LayerRef, version: number, by: Writing) => Promise<void>,
): Documents {
  const current = (on: Queryable, { kind, parent, scope }: Scope) =>
    on
      .selectFrom('configuration_layers')
      .innerJoin('configuration_versions as newest', 'newest.revision', 'configuration_layers.revision')
      .select(['configuration_layers.id', ...versionColumns])
      .where('kind', '=', kind)
      .where('parent', '=', parent)
      .where('scope', '=', scope)
      .executeTakeFirst();

  async function stored(on: Queryable, ref: LayerRef, version: number): Promise<Result<VersionRow, LayerFault>> {
    const { kind, parent, scope } = scopeOf(ref);
    const row = await on
      .selectFrom('configuration_layers')
      .innerJoin('configuration_versions as newest', 'newest.layer', 'configuration_layers.id')
      .select(['configuration_layers.id', ...versionColumns])
      .where('kind', '=', kind)
      .where('parent', '=', parent)
      .where('scope', '=', scope)
      .where('newest.version', '=', version)
      .executeTakeFirst();
    return row ? ok(row) : fail('CONFIGURATION_VERSION_UNKNOWN', { facts: { version } });
  }

  /** Writes values as the next version, and has everything that follows from them computed in the same transaction. */
  async function write(
    ref: LayerRef,
    base: number,
    make: (
      tx: Transaction<Database>,
      values: SettingValues,
      model: TerminalModel | undefined,
    ) => Promise<Result<SettingValues, LayerFault>>,
    by: Writing,
  ): Promise<Result<ChangedLayer, LayerFault>> {
    if (ref.layer === 'campaign') return fail('CAMPAIGN_OWNS_LAYER', { field: 'layer' });
    const scope = scopeOf(ref);
    let isNew = false;
    const written = await store
      .write(async (tx): Promise<Result<ChangedLayer, LayerFault>> => {
        const model = await soleModel(tx, ref);
        if (!model.ok) return model;
        const row = await current(tx, scope);
        const version = row?.version ?? 0;
        if (base !== version) return fail('VERSION_CONFLICT', { facts: { base, newest: version } });
        const made = await make(tx, row ? valuesOf(row) : {}, model.value);
        if (!made.ok) return made;
        const hash = configurationHash(made.value);
        if (hash === (row?.hash ?? nothing)) return ok(await reach(tx, ref, row ? documentOf(ref, row) : empty(ref)));
        const next = {
          version: version + 1,
          hash,
          value: JSON.stringify(made.value),
          at: world.clock.now(),
          writer: by.subject,
          reason: by.reason,
        };
        await put(tx, scope, row?.id, next);
        await note(tx, ref, next.version, by);
        isNew = true;
        return ok(await reach(tx, ref, documentOf(ref, next)));
      })
      .catch((error: unknown): Result<ChangedLayer, LayerFault> => {
        // Nothing was written: what comes out of the layers would not hold together for somebody below.
        if (error instanceof FaultError && error.fault.code === 'CONFIGURATION_CONTRADICTS')
          return { ok: false, fault: { ...error.fault, code: error.fault.code } };
        throw error;
      });
    if (!written.ok || !isNew) return written;
    const { version } = written.value;
    world.log('info', 'configurationChanged', { layer: ref.layer, scope: scope.scope, version, by: by.subject });
    wrote(scope);
    return written;
  }

  async function put(
    tx: Transaction<Database>,
    scope: Scope,
    id: number | undefined,
    next: Omit<VersionRow, 'id'>,
  ): Promise<void> {
    const { version, hash, value } = next;
    const layer =
      id ??
      (
        await tx
          .insertInto('configuration_layers')
          .values({ ...scope, version, revision: 0, hash, value })
          .returning('id')
          .executeTakeFirstOrThrow()
      ).id;
    const { revision } = await tx
      .insertInto('configuration_versions')
      .values({ ...next, layer })
      .returning('revision')
      .executeTakeFirstOrThrow();
    await tx
      .updateTable('configuration_layers')
      .set({ version, revision, hash, value })
      .where('id', '=', layer)
      .execute();
    unwrap(await refreshPaths(tx, scope, layer, next.at));
    // A layer that is new is a new path for everybody below it.
    if (id === undefined) {
      unwrap(await completePaths(tx, scope, next.at));
      await movePaths(tx, scope);
    }
  }

  return {
    async layer(ref) {
      const model = await soleModel(store.db, ref);
      if (!model.ok) return model;
      const row = await current(store.db, scopeOf(ref));
      return ok(row ? documentOf(ref, row) : empty(ref));
    },
    async version(ref, version) {
      const row = await stored(store.db, ref, version);
      return row.ok ? ok(documentOf(ref, row.value)) : row;
    },
    change: (ref, base, change, by) =>
      write(
        ref,
        base,
        async (_tx, values, model) => {
          const changed = changeValues(values, change, model);
          if (changed.ok) return changed;
          return { ok: false, fault: { ...changed.fault, facts: { ...changed.fault.facts, layer: ref.layer } } };
        },
        by,
      ),
    rollBack: (ref, base, to, by) =>
      write(
        ref,
        base,
        async (tx, _values, model) => {
          const old = await stored(tx, ref, to);
          // What was allowed then is judged by what is allowed now.
          return old.ok ? changeValues({}, valuesOf(old.value), model) : old;
        },
        by,
      ),
    async history(ref, page) {
      const { kind, parent, scope } = scopeOf(ref);
      const query = store.db
        .selectFrom('configuration_layers')
        .innerJoin('configuration_versions as newest', 'newest.layer', 'configuration_layers.id')
        .leftJoin('configuration_versions as before', (join) =>
          join
            .onRef('before.layer', '=', 'newest.layer')
            .on((on) => on('before.version', '=', on('newest.version', '-', 1))),
        )
        .select([...versionColumns, 'before.value as former'])
        .where('kind', '=', kind)
        .where('parent', '=', parent)
        .where('scope', '=', scope);
      return viewPage(await pageOn(query, highestFirst('newest.version'), page), ({ former, ...row }) => {
        const { ref: _ref, values, ...written } = documentOf(ref, row);
        return { ...written, changes: differencesOf(former === null ? {} : valuesOf({ value: former }), values) };
      });
    },
    async diff(ref, from, to) {
      const sides: SettingValues[] = [];
      for (const version of [from, to]) {
        // Before the first version nothing was set.
        const row = version === 0 ? ok({ value: '{}' }) : await stored(store.db, ref, version);
        if (!row.ok) return row;
        sides.push(valuesOf(row.value));
      }
      return ok(differencesOf(sides[0] ?? {}, sides[1] ?? {}));
    },
    async layers(page) {
      const query = store.db
        .selectFrom('configuration_layers')
        .innerJoin('configuration_versions as newest', 'newest.revision', 'configuration_layers.revision')
        .select(['configuration_layers.id', 'kind', 'parent', 'scope', ...versionColumns]);
      const found = await pageOn(query, lowestFirst('configuration_layers.id'), page);
      return viewPage(found, (row) => summaryOf(documentOf(refOf(row), row)));
    },
  };
}

const versionColumns = [
  'newest.version',
  'newest.hash',
  'newest.value',
  'newest.at',
  'newest.writer',
  'newest.reason',
] as const;
interface VersionRow {
  readonly version: number;
  readonly hash: string;
  readonly value: string;
  readonly at: number;
  readonly writer: string;
  readonly reason: string;
}

const valuesOf = ({ value }: { readonly value: string }): SettingValues => unwrap(parseJson(settingValues, value));

const documentOf = (ref: LayerRef, row: VersionRow): LayerDocument => ({
  ref,
  version: row.version,
  hash: row.hash,
  at: isoTime(row.at),
  by: row.writer,
  reason: row.reason,
  values: valuesOf(row),
});
const empty = (ref: LayerRef): LayerDocument => ({
  ref,
  version: 0,
  hash: nothing,
  at: null,
  by: null,
  reason: '',
  values: {},
});

/** A layer as it stands in a list. */
export const summaryOf = ({ values, ...document }: LayerDocument): LayerSummary => ({
  ...document,
  settings: Object.keys(values).length,
});

/** Whom a layer reaches: how many terminals, and which of them do not get what it sets. */
async function reach(on: Queryable, ref: LayerRef, document: LayerDocument): Promise<ChangedLayer> {
  const models = await terminalsBelow(on, scopeOf(ref))
    .select((all) => ['model', all.fn.countAll<number>().as('terminals')])
    .groupBy('model')
    .orderBy('model')
    .execute();
  const factory: Readonly<Record<string, unknown>> = factoryConfiguration;
  const unable: Inability[] = Object.entries(document.values).flatMap(([setting, value]) =>
    models.flatMap((row) => {
      const model = modelOf(row.model);
      const needs = model && isSettingName(setting) ? lackedFor(setting, model) : undefined;
      return needs === undefined || value === factory[setting]
        ? []
        : [{ setting, layer: ref.layer, model: row.model, needs, terminals: Number(row.terminals) }];
    }),
  );
  return { ...document, terminals: models.reduce((sum, { terminals }) => sum + Number(terminals), 0), unable };
}
