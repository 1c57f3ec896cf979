export { type KeyFile, keyFile, makeKeyFile, type OpenedKey, openKeyFile, passphraseLengthMin } from './key-file.ts';
export { openSealedKey, type SealedKey, sealedKeyFields, sealKey } from './sealed-key.ts';
