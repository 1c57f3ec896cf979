export { type LogSink, logTo, systemWorld } from './system.ts';
export type { Clock, Log, LogFacts, LogLevel, Timer, Timers, World } from './world.ts';
