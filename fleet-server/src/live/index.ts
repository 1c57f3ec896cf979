export { type EventLog, openEventLog } from './event-log.ts';
export { type LiveHub, type NumberedEvent, openLiveHub } from './hub.ts';
