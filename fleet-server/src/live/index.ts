export { type LiveHub, type NumberedEvent, openLiveHub } from './hub.ts';
