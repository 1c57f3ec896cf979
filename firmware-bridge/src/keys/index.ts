export { dukptSlot, tagRecords } from './key-slots.ts';
export {
  type AcquirerKeys,
  type KeyEvidence,
  type KeyLoadFault,
  type LoadOrder,
  openTerminalKeys,
  type TerminalKeys,
} from './terminal-keys.ts';
