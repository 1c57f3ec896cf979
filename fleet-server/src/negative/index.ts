export { type ImportFile, readImportFile } from './import-file.ts';
export { type Negative, type NegativeRooms, type NegativeState, openNegative, regularList } from './negative.ts';
export {
  hasCheckDigit,
  headLifeMs,
  headRenewBeforeMs,
  manifestLifeMs,
  manifestRenewBeforeMs,
  shrinks,
} from './rules.ts';
