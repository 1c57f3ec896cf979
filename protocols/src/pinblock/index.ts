export { type DecodeError, decipherPin, readClearPinBlock, readPinField } from './decode.ts';
export { isPinBlockFormat, type PinBlockFormat, panField03, panField4 } from './digits.ts';
export {
  clearPinBlock,
  type EncodeError,
  encipherPin,
  encipherPinBy,
  encipherPinBlock03,
  encipherPinBlock4,
  type Filling,
  type PinToEncipher,
  pinField02,
  pinField13,
  pinField4,
} from './encode.ts';
export { isTranslationPermitted, type TranslationSide, translatePinBlock } from './translate.ts';
