export { type AlarmCount, type AlarmFilter, type AlarmList, type AlarmRaised, alarmList } from './alarm-list.ts';
export { type AlarmColumns, alarmTable } from './alarm-table.ts';
