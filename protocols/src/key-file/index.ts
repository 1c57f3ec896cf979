export { type KeyFile, keyFile, makeKeyFile, type OpenedKey, openKeyFile, passphraseLengthMin } from './key-file.ts';
