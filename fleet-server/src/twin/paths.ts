import { modelOf } from '@tsunagu/protocols/catalogue';
import { parseJson, settingValues } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { Transaction } from 'kysely';
import { z } from 'zod';
import { among, type Database, type Queryable } from '../store/index.ts';
import { checkEffective, type Effective, effectiveOf, type Layer } from './rules.ts';
import { below, type Reach, type Scope, terminalsBelow } from './scope.ts';

/** A path through the layers: what all terminals below the same layers have in common. Ids of layers, and of the stack of campaigns; 0 where there is none. */
export interface Path {
  readonly model: string;
  readonly merchant: number;
  readonly shop: number;
  readonly stack: number;
  readonly terminal: number;
}

/** So many paths are computed at a time. */
const chunk = 500;

const layerRow = ['id', 'kind', 'parent', 'scope', 'version', 'revision', 'hash', 'value'] as const;
type Row = {
  readonly id: number;
  readonly kind: Layer['kind'];
  readonly version: number;
  readonly revision: number;
  readonly hash: string;
  readonly value: string;
  readonly parent: string;
  readonly scope: string;
};

/** A stored layer with its name. */
export type NamedLayer = Layer & Scope & { readonly id: number };
export const layerOf = (row: Row): NamedLayer => ({
  id: row.id,
  kind: row.kind,
  parent: row.parent,
  scope: row.scope,
  version: row.version,
  revision: row.revision,
  hash: row.hash,
  values: unwrap(parseJson(settingValues, row.value)),
});

/** The layers of many paths, read at once. */
export async function layersOf(on: Queryable, paths: readonly Path[]): Promise<(path: Path) => readonly NamedLayer[]> {
  const shared = await on
    .selectFrom('configuration_layers')
    .select(layerRow)
    .where('kind', 'in', ['defaults', 'model'])
    .execute();
  const stacks = await stacksOf(on, new Set(paths.map(({ stack }) => stack)));
  const partsOf = ({ merchant, shop, stack, terminal }: Path) => [
    merchant,
    shop,
    ...(stacks.get(stack) ?? []),
    terminal,
  ];
  const ids = [...new Set(paths.flatMap(partsOf))].filter(Boolean);
  const found = new Map<number, NamedLayer>();
  for (let from = 0; from < ids.length; from += chunk) {
    const rows = await on
      .selectFrom('configuration_layers')
      .select(layerRow)
      .where('id', 'in', ids.slice(from, from + chunk))
      .execute();
    for (const row of rows) found.set(row.id, layerOf(row));
  }
  const defaults = shared.filter(({ kind }) => kind === 'defaults').map(layerOf);
  const models = new Map(shared.filter(({ kind }) => kind === 'model').map((row) => [row.scope, layerOf(row)]));
  return (path) => [
    ...defaults,
    ...[models.get(path.model), ...partsOf(path).map((id) => found.get(id))].filter((one) => one !== undefined),
  ];
}

/** The layers of stacks, the strongest last. */
async function stacksOf(on: Queryable, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, readonly number[]>> {
  const wanted = [...ids].filter(Boolean);
  if (wanted.length === 0) return new Map();
  const rows = await on.selectFrom('configuration_stacks').selectAll().where(among('id', wanted)).execute();
  return new Map(rows.map(({ id, layers }) => [id, layerIds(layers)]));
}

/** The layers of a stack as they are stored. */
export const layerIds = (json: string): readonly number[] => unwrap(parseJson(stackLayers, json));
const stackLayers = z.array(z.number().int());

/** What comes out for paths; those of models that the catalogue does not have are left out. */
async function computed(
  on: Queryable,
  paths: readonly Path[],
): Promise<readonly { readonly path: Path; readonly effective: Effective }[]> {
  const layers = await layersOf(on, paths);
  return paths.flatMap((path) => {
    const model = modelOf(path.model);
    return model ? [{ path, effective: effectiveOf(model, layers(path)) }] : [];
  });
}

const columnsOf = ({ version, hash, values, layers, unable }: Effective) => ({
  version,
  hash,
  value: JSON.stringify(values),
  layers: JSON.stringify(layers),
  unable: unable.length,
});

/**
 * Computes what is missing for terminals: one result for all that stand below the same layers. A contradiction is stored
 * too, and told: whoever writes a layer takes it back; where it came about by a terminal that moved, the terminal refuses it.
 */
export async function completePaths(tx: Transaction<Database>, reach: Reach, now: number): Promise<Checked> {
  const missing = await below(tx, reach)
    .select(['model', 'merchant_layer as merchant', 'shop_layer as shop', 'stack', 'terminal_layer as terminal'])
    .where('path', 'is', null)
    .distinct()
    .execute();
  let worst: Checked = ok(undefined);
  for (const { path, effective } of await computed(tx, missing)) {
    const checked = checkedOf(path, effective);
    if (worst.ok) worst = checked;
    await tx
      .insertInto('configuration_paths')
      .values({ ...path, ...columnsOf(effective), at: now })
      .execute();
  }
  return worst;
}

/** Terminals below a layer that is new stand at another path now. */
export async function movePaths(tx: Transaction<Database>, reach: Reach): Promise<void> {
  await tx
    .updateTable('reported_configurations')
    .set((all) => ({
      path: all
        .selectFrom('terminal_configurations')
        .select('terminal_configurations.path')
        .whereRef('terminal_configurations.serial', '=', 'reported_configurations.serial'),
    }))
    .where('serial', 'in', terminalsBelow(tx, reach).select('serial'))
    .execute();
}

type Checked = Result<void, 'CONFIGURATION_CONTRADICTS' | 'INPUT_INVALID'>;
const checkedOf = ({ model }: Path, effective: Effective): Checked => {
  const checked = checkEffective(effective);
  return checked.ok
    ? checked
    : fail(checked.fault.code, {
        ...(checked.fault.field !== undefined && { field: checked.fault.field }),
        facts: { ...checked.fault.facts, model },
      });
};

/** Computes anew what a layer goes into: each path once, however many terminals share it. */
export async function refreshPaths(
  tx: Transaction<Database>,
  { kind, scope }: Scope,
  layer: number,
  now: number,
): Promise<Checked> {
  let after = 0;
  for (;;) {
    let query = tx
      .selectFrom('configuration_paths')
      .select(['id', 'hash', 'model', 'merchant', 'shop', 'stack', 'terminal', 'at'])
      .where('id', '>', after);
    if (kind === 'model') query = query.where('model', '=', scope);
    // A campaign's layer is written once, before anybody stands below it.
    else if (kind === 'campaign') return ok(undefined);
    else if (kind !== 'defaults') query = query.where(kind, '=', layer);
    const rows = await query.orderBy('id').limit(chunk).execute();
    for (const { path, effective } of await computed(tx, rows)) {
      const checked = checkedOf(path, effective);
      if (!checked.ok) return checked;
      const row = rows.find((one) => one === path);
      if (!row) continue;
      await tx
        .updateTable('configuration_paths')
        .set({ ...columnsOf(effective), at: row.hash === effective.hash ? row.at : now })
        .where('id', '=', row.id)
        .execute();
    }
    const last = rows.at(-1);
    if (!last || rows.length < chunk) return ok(undefined);
    after = last.id;
  }
}
