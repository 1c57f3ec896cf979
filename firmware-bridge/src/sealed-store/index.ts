export { type Files, replaceFile } from './files.ts';
export { folderFiles } from './folder-files.ts';
export { holdFile, isHeld } from './holder.ts';
export { openSealedStore, type SealedRecord, type SealedStore, sealedRecord, type Unsealed } from './sealed-store.ts';
