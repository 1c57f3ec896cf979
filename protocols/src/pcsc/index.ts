export {
  type Atr,
  type AtrGroup,
  contactlessAtr,
  parseAtr,
  readStorageCardAtr,
  type StorageCard,
  storageCardAtr,
  storageNames,
  storageStandards,
} from './atr.ts';
export { type AtrLine, explainAtr } from './explain-atr.ts';
export { encodePseudoCommand, type PseudoCommand, readPseudoCommand } from './pseudo-apdu.ts';
export {
  type ExchangeResult,
  encodeExchange,
  endSession,
  readExchange,
  sessionStandards,
  sessionTags,
  startSession,
  switchTo,
  transceive,
} from './transparent-session.ts';
