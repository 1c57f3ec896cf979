export { type Ats, decodeAts, encodeAts, frameSizes, frameWaitingMs, rats } from './ats.ts';
export { crcA } from './crc.ts';
export { IsoDepCard, type IsoDepCardSettings } from './iso-dep-card.ts';
export { IsoDepReader, type IsoDepSend } from './iso-dep-reader.ts';
export {
  type AirReception,
  activateTypeA,
  type TypeACard,
  type TypeACardSettings,
  type TypeAFrame,
  TypeAPicc,
  withoutCrc,
} from './type-a.ts';
