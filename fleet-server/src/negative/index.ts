export { forgetNextTags, isUnmarked } from './cards.ts';
export { type ImportFile, readImportFile } from './import-file.ts';
export { type Inbox, watchInbox } from './inbox.ts';
export { openNegative } from './negative.ts';
export type { Negative, NegativeList, NegativeRooms, NegativeState, TagKeys } from './ports.ts';
export {
  hasCheckDigit,
  isCardNumber,
  headLifeMs,
  headRenewBeforeMs,
  manifestLifeMs,
  manifestRenewBeforeMs,
  regularList,
  shrinks,
} from './rules.ts';
