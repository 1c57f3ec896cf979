import { type Kysely, sql } from 'kysely';
import { configurationHash, factoryConfiguration, parseJson, settingValues } from '@tsunagu/protocols/fleet';
import type { Migration } from '../store/migration.ts';

/** The twin's steps of the schema. */
export const twinMigrations: readonly Migration[] = [
  {
    name: 'twin-0001-configurations',
    async up(db, types) {
      await db.schema
        .createTable('desired_configurations')
        .addColumn('version', 'integer', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('reported_configurations')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text')
        .addColumn('drift', 'text')
        .addColumn('at', types.time, (column) => column.notNull())
        .execute();
    },
  },
  {
    name: 'twin-0002-layers',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('configuration_layers'), 'id')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('parent', 'text', (column) => column.notNull())
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .addUniqueConstraint('configuration_layer', ['kind', 'parent', 'scope'])
        .execute();
      await types
        .counter(db.schema.createTable('configuration_versions'), 'revision')
        .addColumn('layer', 'integer', (column) => column.notNull().references('configuration_layers.id'))
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('writer', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addUniqueConstraint('configuration_version', ['layer', 'version'])
        .execute();
      await types
        .counter(db.schema.createTable('configuration_paths'), 'id')
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('merchant', 'integer', (column) => column.notNull())
        .addColumn('shop', 'integer', (column) => column.notNull())
        .addColumn('terminal', 'integer', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('layers', 'text', (column) => column.notNull())
        .addColumn('unable', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addUniqueConstraint('configuration_path', ['model', 'merchant', 'shop', 'terminal'])
        .execute();
      for (const part of ['merchant', 'shop', 'terminal'])
        await db.schema.createIndex(`paths_by_${part}`).on('configuration_paths').column(part).execute();
      await db.schema.createIndex('terminals_by_place').on('terminals').columns(['merchant', 'shop']).execute();
      await db.schema.createIndex('terminals_by_model').on('terminals').column('model').execute();
      for (const [name, type] of [
        ['boot_seq', types.time],
        ['seq', types.time],
      ] as const)
        await db.schema
          .alterTable('reported_configurations')
          .addColumn(name, type, (column) => column.notNull().defaultTo(0))
          .execute();
      for (const [name, initial] of [
        ['answers', ''],
        ['layers', '{}'],
      ] as const)
        await db.schema
          .alterTable('reported_configurations')
          .addColumn(name, 'text', (column) => column.notNull().defaultTo(initial))
          .execute();
      await db.schema.alterTable('reported_configurations').addColumn('field', 'text').execute();
      await db.schema.alterTable('reported_configurations').addColumn('path', 'integer').execute();
      await moveDesired(db);
      await createView(db);
    },
  },
  {
    name: 'twin-0003-campaigns',
    async up(db, types) {
      await types
        .counter(db.schema.createTable('configuration_stacks'), 'id')
        .addColumn('layers', 'text', (column) => column.notNull().unique())
        .execute();
      await db.schema
        .createTable('configuration_members')
        .addColumn('serial', 'text', (column) => column.primaryKey().references('terminals.serial'))
        .addColumn('stack', 'integer', (column) => column.notNull().references('configuration_stacks.id'))
        .execute();
      await db.schema.dropView('terminal_configurations').execute();
      await types
        .counter(db.schema.createTable('stacked_paths'), 'id')
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('merchant', 'integer', (column) => column.notNull())
        .addColumn('shop', 'integer', (column) => column.notNull())
        .addColumn('stack', 'integer', (column) => column.notNull())
        .addColumn('terminal', 'integer', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('layers', 'text', (column) => column.notNull())
        .addColumn('unable', 'integer', (column) => column.notNull())
        .addColumn('at', types.time, (column) => column.notNull())
        .addUniqueConstraint('configuration_path_stacked', ['model', 'merchant', 'shop', 'stack', 'terminal'])
        .execute();
      await sql`insert into stacked_paths (id, model, merchant, shop, stack, terminal, version, hash, value, layers, unable, at)
        select id, model, merchant, shop, 0, terminal, version, hash, value, layers, unable, at from configuration_paths`.execute(
        db,
      );
      await db.schema.dropTable('configuration_paths').execute();
      await db.schema.alterTable('stacked_paths').renameTo('configuration_paths').execute();
      for (const part of ['merchant', 'shop', 'terminal'])
        await db.schema.createIndex(`paths_by_${part}`).on('configuration_paths').column(part).execute();
      await createStackedView(db);
    },
  },
];

/** The versions of the one configuration that there was become versions of the defaults; what is as it left the factory is set by nobody. */
async function moveDesired(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{
    version: number;
    value: string;
    at: number;
  }>`select version, value, at from desired_configurations order by version`.execute(db);
  const factory: Readonly<Record<string, unknown>> = factoryConfiguration;
  for (const { version, value, at } of rows) {
    const read = parseJson(settingValues, value);
    const values = Object.fromEntries(
      Object.entries(read.ok ? read.value : {}).filter(([name, set]) => factory[name] !== set),
    );
    const json = JSON.stringify(values);
    const hash = configurationHash(values);
    await sql`insert into configuration_layers (kind, parent, scope, version, revision, hash, value)
      values ('defaults', '', '', ${version}, 0, ${hash}, ${json})
      on conflict (kind, parent, scope) do update set version = excluded.version, hash = excluded.hash, value = excluded.value`.execute(
      db,
    );
    await sql`insert into configuration_versions (layer, version, hash, value, at, writer, reason)
      select id, ${version}, ${hash}, ${json}, ${at}, '', '' from configuration_layers where kind = 'defaults'`.execute(
      db,
    );
  }
  await sql`update configuration_layers set revision = (select max(revision) from configuration_versions where layer = configuration_layers.id)`.execute(
    db,
  );
  await db.schema.dropTable('desired_configurations').execute();
}

/** The order in the `case` is the order of the causes: what the terminal itself said goes before what is guessed from its link. */
const createView = (db: Kysely<unknown>) =>
  sql`create view terminal_configurations as
    select t.serial, t.model, t.merchant, t.shop, t.registered_at,
      coalesce(lm.id, 0) as merchant_layer, coalesce(ls.id, 0) as shop_layer, coalesce(lt.id, 0) as terminal_layer,
      p.id as path, p.version as desired_version, p.hash as desired_hash, p.value as desired,
      p.layers as desired_layers, p.at as desired_at, p.unable,
      r.version as reported_version, r.hash as reported_hash, r.value as reported, r.layers as reported_layers,
      r.at as reported_at, r.answers, r.drift, r.field,
      l.state as link, l.since as link_since,
      case
        when r.hash = p.hash and p.unable > 0 then 'model'
        when r.hash = p.hash then null
        when r.drift = 'CONFIGURATION_CHANGED_LOCALLY' and r.answers = p.hash then 'local'
        when r.drift = 'CONFIGURATION_REVERTED' and r.answers = p.hash then 'reverted'
        when r.drift = 'CONFIGURATION_WAITS' and r.answers = p.hash then 'waiting'
        when r.drift is not null and r.answers = p.hash then 'refused'
        when l.state = 'ready' then 'unfetched'
        else 'offline'
      end as reason
    from terminals t
    left join configuration_layers lm on lm.kind = 'merchant' and lm.parent = '' and lm.scope = t.merchant
    left join configuration_layers ls on ls.kind = 'shop' and ls.parent = t.merchant and ls.scope = t.shop
    left join configuration_layers lt on lt.kind = 'terminal' and lt.parent = '' and lt.scope = t.serial
    left join configuration_paths p on p.model = t.model and p.merchant = coalesce(lm.id, 0)
      and p.shop = coalesce(ls.id, 0) and p.terminal = coalesce(lt.id, 0)
    left join reported_configurations r on r.serial = t.serial
    left join presence l on l.serial = t.serial`.execute(db);

/** The view, with the stack of campaigns that a terminal stands below. */
const createStackedView = (db: Kysely<unknown>) =>
  sql`create view terminal_configurations as
    select t.serial, t.model, t.merchant, t.shop, t.registered_at,
      coalesce(lm.id, 0) as merchant_layer, coalesce(ls.id, 0) as shop_layer, coalesce(m.stack, 0) as stack, coalesce(lt.id, 0) as terminal_layer,
      p.id as path, p.version as desired_version, p.hash as desired_hash, p.value as desired,
      p.layers as desired_layers, p.at as desired_at, p.unable,
      r.version as reported_version, r.hash as reported_hash, r.value as reported, r.layers as reported_layers,
      r.at as reported_at, r.answers, r.drift, r.field,
      l.state as link, l.since as link_since,
      case
        when r.hash = p.hash and p.unable > 0 then 'model'
        when r.hash = p.hash then null
        when r.drift = 'CONFIGURATION_CHANGED_LOCALLY' and r.answers = p.hash then 'local'
        when r.drift = 'CONFIGURATION_REVERTED' and r.answers = p.hash then 'reverted'
        when r.drift = 'CONFIGURATION_WAITS' and r.answers = p.hash then 'waiting'
        when r.drift is not null and r.answers = p.hash then 'refused'
        when l.state = 'ready' then 'unfetched'
        else 'offline'
      end as reason
    from terminals t
    left join configuration_layers lm on lm.kind = 'merchant' and lm.parent = '' and lm.scope = t.merchant
    left join configuration_layers ls on ls.kind = 'shop' and ls.parent = t.merchant and ls.scope = t.shop
    left join configuration_layers lt on lt.kind = 'terminal' and lt.parent = '' and lt.scope = t.serial
    left join configuration_members m on m.serial = t.serial
    left join configuration_paths p on p.model = t.model and p.merchant = coalesce(lm.id, 0)
      and p.shop = coalesce(ls.id, 0) and p.stack = coalesce(m.stack, 0) and p.terminal = coalesce(lt.id, 0)
    left join reported_configurations r on r.serial = t.serial
    left join presence l on l.serial = t.serial`.execute(db);
