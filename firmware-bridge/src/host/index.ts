export { type FleetHost, type FleetHostOptions, type NotWell, startFleetHost } from './fleet-host.ts';
export { scavengeAlone, terminalThreadLimits } from './heap.ts';
export { type LogFile, openLogFile } from './log-file.ts';
export { logLine } from './log-line.ts';
export type { Unwell, WorkerSays, WorkerTask } from './messages.ts';
export { dealOut, planFleet, planTerminal, type TerminalPlan } from './plan.ts';
export { type RunningTerminals, runTerminals } from './terminals.ts';
