export { type KeyFile, keyFile, makeKeyFile, type OpenedKey, openKeyFile, passphraseLengthMin } from './key-file.ts';
export {
  openBox,
  openSealedKey,
  sealBox,
  type SealedKey,
  sealedKeyFields,
  type Sealing,
  sealKey,
} from './sealed-key.ts';
