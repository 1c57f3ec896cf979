export { type Outbox, openOutbox } from './outbox.ts';
export { type Turns, turns } from './turns.ts';
