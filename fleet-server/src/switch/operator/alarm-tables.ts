import { type AlarmColumns, alarmTable } from '../../alarms/alarm-table.ts';
import type { Migration } from '../../store/migration.ts';

/** Alarms of the switch. */
export interface SwitchAlarmTables {
  /** By code and place: serial of a terminal, link and acquirer of a centre, or an issuer link. */
  readonly switch_alarms: AlarmColumns<'place'>;
}

/** Steps of the schema of alarms. */
export const switchAlarmMigrations: readonly Migration[] = [alarmTable('switch-alarms-0001', 'switch_alarms', 'place')];
