import type { Migration } from '../store/migration.ts';

/** The inspections' steps of the schema. */
export const inspectionMigrations: readonly Migration[] = [
  {
    name: 'inspection-0001-inspections',
    async up(db, types) {
      await db.schema
        .createTable('inspection_plans')
        .addColumn('merchant', 'text', (column) => column.notNull())
        .addColumn('shop', 'text', (column) => column.notNull())
        .addColumn('every_days', 'integer', (column) => column.notNull())
        .addColumn('planned_at', types.time, (column) => column.notNull())
        .addColumn('planned_by', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('inspection_plans_key', ['merchant', 'shop'])
        .execute();
      await db.schema
        .createTable('inspections')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'text', (column) => column.notNull().references('terminals.serial'))
        .addColumn('at', types.time, (column) => column.notNull())
        .addColumn('by_kid', 'text', (column) => column.notNull())
        .addColumn('surface', 'text', (column) => column.notNull())
        .addColumn('findings', 'text', (column) => column.notNull())
        .addColumn('delivered_at', types.time, (column) => column.notNull())
        .addColumn('delivered_by', 'text', (column) => column.notNull())
        .addColumn('document', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('inspections_by_serial').on('inspections').columns(['serial', 'at']).execute();
    },
  },
];
