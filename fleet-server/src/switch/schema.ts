import type { Migration } from '../store/migration.ts';
import { switchDccMigrations } from './dcc/migrations.ts';
import { switchMigrations } from './journal/migrations.ts';
import { switchAlarmMigrations } from './operator/alarm-tables.ts';
import { switchRuleMigrations } from './rules/migrations.ts';
import { switchValidityMigrations } from './validity/migrations.ts';

/** The switch's tables alone, as they stand on a server of their own. */
export const switchSchema: readonly Migration[] = [
  ...switchMigrations,
  ...switchRuleMigrations,
  ...switchValidityMigrations,
  ...switchDccMigrations,
  ...switchAlarmMigrations,
];
