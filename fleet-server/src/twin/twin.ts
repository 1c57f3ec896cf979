import { configurationHash, type LayerRef, type Serial } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { sql, type Transaction } from 'kysely';
import type { Database, Queryable, Store } from '../store/index.ts';
import { type CampaignLayers, openCampaignLayers } from './campaign-layers.ts';
import { type Documents, openDocuments, type Writing } from './documents.ts';
import { type Drift, openDrift } from './drift.ts';
import { completePaths } from './paths.ts';
import { openReports, type Reports } from './reports.ts';
import { type Reach, scopeOf } from './scope.ts';

/** Desired configuration in layers, reported configuration, and what lies between them. */
export interface Twin {
  readonly documents: Documents;
  readonly reports: Reports;
  readonly drift: Drift;
  readonly campaignLayers: CampaignLayers;
  /**
   * Up to how much each terminal may approve by itself, minor units: by what is desired of it or by what it reported, whichever is more; one
   * that reported nothing yet by the highest limit of all.
   */
  floorLimits(): Promise<(serial: string) => number>;
  /**
   * Which of these terminals approve sales by themselves now: by what they said that they are set to, whatever is desired of them. So may one
   * whose values are not known yet; one that never said anything is in no shop.
   */
  mayApproveAlone(on: Queryable, serials: readonly string[]): Promise<ReadonlySet<string>>;
  /** How many terminals said that they are set to what is desired. Quick: it is asked every second. */
  inSync(): Promise<number>;
  /** Terminals are at another place, or below other layers: they are told if something else is desired of them there. */
  moved(...serials: readonly Serial[]): void;
  /** Resolves when everybody was told of what was written so far. */
  told(): Promise<void>;
}

/** What the twin needs of the rooms around it. */
export interface TwinRooms {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly store: Store;
  /** Notes in the transaction that writes it that a terminal's own layer was changed. */
  readonly note: (tx: Transaction<Database>, serial: Serial, version: number, by: Writing) => Promise<void>;
  /** Tells connected terminals that there is something to fetch. */
  readonly tell: (terminals: readonly { readonly serial: Serial; readonly version: number }[]) => void;
}

/** Opens the twin. */
export async function openTwin({ world, store, note, tell }: TwinRooms): Promise<Twin> {
  await store.write((tx) => writeDefaults(tx, world.clock.now()));
  await store.write((tx) => completePaths(tx, scopeOf({ layer: 'defaults' }), world.clock.now()));
  let telling: Promise<void> = Promise.resolve();
  const tellBelow = async (scope: Reach): Promise<void> => {
    for await (const terminals of drift.waiting(scope)) tell(terminals);
  };
  // Who writes does not wait until everybody is told.
  const tellLater = (scope: Reach): void => {
    telling = telling
      .then(() => tellBelow(scope))
      .catch((cause: unknown) => {
        world.log('error', 'configurationNotTold', { fault: { code: 'INTERNAL', cause } });
      });
  };
  const documents = openDocuments(world, store, tellLater, async (tx, ref, version, by) => {
    if (ref.layer === 'terminal') await note(tx, ref.serial, version, by);
  });
  const drift: Drift = openDrift(store, (ref: LayerRef) => documents.layer(ref));
  return {
    documents,
    reports: openReports(world, store),
    drift,
    campaignLayers: openCampaignLayers(world),
    async floorLimits() {
      const { highest } = await store.db
        .selectFrom('configuration_paths')
        .select(sql<number | null>`max(json_extract(value, '$.floorLimitMinor'))`.as('highest'))
        .executeTakeFirstOrThrow();
      const rows = await store.db
        .selectFrom('reported_configurations as said')
        .innerJoin('configuration_paths as path', 'path.id', 'said.path')
        .select([
          'said.serial',
          sql<number | null>`json_extract(path.value, '$.floorLimitMinor')`.as('desired'),
          sql<number | null>`json_extract(said.value, '$.floorLimitMinor')`.as('reported'),
        ])
        .execute();
      const limits = new Map(
        rows.map(({ serial, desired, reported }) => [serial, Math.max(desired ?? 0, reported ?? 0)]),
      );
      return (serial) => limits.get(serial) ?? highest ?? 0;
    },
    async mayApproveAlone(on, serials) {
      const rows = await on
        .selectFrom('reported_configurations')
        .select(['serial', sql<number | null>`json_extract(value, '$.floorLimitMinor')`.as('limit')])
        .where('serial', 'in', serials)
        .execute();
      return new Set(rows.filter(({ limit }) => limit !== 0).map(({ serial }) => serial));
    },
    async inSync() {
      const { count } = await store.db
        .selectFrom('reported_configurations as said')
        .innerJoin('configuration_paths as path', 'path.id', 'said.path')
        .select((all) => all.fn.countAll<number>().as('count'))
        .whereRef('said.hash', '=', 'path.hash')
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    moved: (...serials) => tellLater({ serials }),
    told: () => telling,
  };
}

/** The defaults are there from the beginning, and set nothing: a terminal has a version to be at. */
async function writeDefaults(tx: Transaction<Database>, now: number): Promise<void> {
  const scope = scopeOf({ layer: 'defaults' });
  const known = await tx
    .selectFrom('configuration_layers')
    .select('id')
    .where('kind', '=', scope.kind)
    .executeTakeFirst();
  if (known) return;
  const first = { version: 1, hash: configurationHash({}), value: '{}' };
  const { id } = await tx
    .insertInto('configuration_layers')
    .values({ ...scope, ...first, revision: 0 })
    .returning('id')
    .executeTakeFirstOrThrow();
  const { revision } = await tx
    .insertInto('configuration_versions')
    .values({ ...first, layer: id, at: now, writer: 'tsunagu', reason: '' })
    .returning('revision')
    .executeTakeFirstOrThrow();
  await tx.updateTable('configuration_layers').set({ revision }).where('id', '=', id).execute();
}
