export { type ImportFile, readImportFile } from './import-file.ts';
export { type Inbox, watchInbox } from './inbox.ts';
export { openNegative } from './negative.ts';
export { type Negative, type NegativeRooms, type NegativeState, regularList } from './ports.ts';
export {
  hasCheckDigit,
  isCardNumber,
  headLifeMs,
  headRenewBeforeMs,
  manifestLifeMs,
  manifestRenewBeforeMs,
  shrinks,
} from './rules.ts';
