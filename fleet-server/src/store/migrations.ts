import { accessMigrations } from '../api/access/migrations.ts';
import { auditMigrations } from '../audit/migrations.ts';
import { campaignMigrations } from '../campaigns/migrations.ts';
import { custodyMigrations } from '../custody/migrations.ts';
import { estateMigrations, stepReportMigrations } from '../estate/migrations.ts';
import { expiryMigrations } from '../expiry/migrations.ts';
import { identityMigrations } from '../identity/migrations.ts';
import { inspectionMigrations } from '../inspection/migrations.ts';
import { jobMigrations } from '../jobs/migrations.ts';
import { keyMigrations } from '../keys/migrations.ts';
import { liveMigrations } from '../live/migrations.ts';
import { negativeMigrations } from '../negative/migrations.ts';
import { refurbishMigrations } from '../refurbish/migrations.ts';
import { salesMigrations } from '../sales/migrations.ts';
import { swapMigrations } from '../swap/migrations.ts';
import { switchDccMigrations } from '../switch/dcc/migrations.ts';
import { switchMigrations } from '../switch/journal/migrations.ts';
import { switchAlarmMigrations } from '../switch/operator/alarm-tables.ts';
import { switchRuleMigrations } from '../switch/rules/migrations.ts';
import { switchValidityMigrations } from '../switch/validity/migrations.ts';
import { twinMigrations } from '../twin/migrations.ts';
import { webhookMigrations } from '../webhooks/migrations.ts';
import type { Migration } from './migration.ts';

/** All steps of the schema in their order. A room adds its list here; a new step of a room goes to the end of its own list. */
export const migrations: readonly Migration[] = [
  ...estateMigrations,
  ...auditMigrations,
  ...identityMigrations,
  ...expiryMigrations,
  ...twinMigrations,
  ...jobMigrations,
  ...keyMigrations,
  ...negativeMigrations,
  ...salesMigrations,
  ...switchMigrations,
  ...accessMigrations,
  ...webhookMigrations,
  ...liveMigrations,
  ...campaignMigrations,
  ...custodyMigrations,
  ...swapMigrations,
  ...inspectionMigrations,
  ...refurbishMigrations,
  ...switchRuleMigrations,
  ...stepReportMigrations,
  ...switchValidityMigrations,
  ...switchDccMigrations,
  ...switchAlarmMigrations,
];
