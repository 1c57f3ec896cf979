export {
  type BlockCipher,
  type BlockEncrypter,
  blockBytes,
  blockEncrypter,
  cbcDecrypt,
  cbcEncrypt,
  ecbDecrypt,
  ecbEncrypt,
  freshKeyEncrypter,
  isKeyLength,
  keyBytes,
} from './block-cipher.ts';
export { encryptSlices, freshBlockEncrypter, fromSlices, type Slices, setSliceBit, toSlices } from './sliced-aes.ts';
export { cmac, cmacOfShortMessages, cmacUnder } from './cmac.ts';
