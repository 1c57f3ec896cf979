export { type Files, replaceFile } from './files.ts';
export { folderFiles } from './folder-files.ts';
export { openSealedStore, type SealedRecord, type SealedStore, sealedRecord, type Unsealed } from './sealed-store.ts';
