import { sql, type SqlBool } from 'kysely';
import { type AlarmFilter, alarmList } from '../alarms/index.ts';

/** Alarms of the timelines that nobody has seen yet: one for each code and terminal. */
export const terminalAlarms = alarmList({
  table: 'terminal_alarms',
  origin: 'serial',
  unknown: 'TERMINAL_ALARM_UNKNOWN',
});

/** Which alarms of terminals a person asks for. */
export interface TerminalAlarmFilter {
  readonly code?: string | undefined;
  readonly serial?: string | undefined;
  readonly shop?: string | undefined;
}

/** The same, as the list takes it. */
export const alarmFilterOf = ({ code, serial, shop }: TerminalAlarmFilter): AlarmFilter => ({
  code,
  from: serial,
  where:
    shop === undefined
      ? undefined
      : sql<SqlBool>`serial in (select placed.serial from terminals as placed where placed.shop = ${shop})`,
});
