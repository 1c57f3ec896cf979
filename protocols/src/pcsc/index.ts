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
export {
  type PcscdAnswer,
  type PcscdCommand,
  type PcscdReader,
  pcscdAnswerBytes,
  pcscdCommands,
  pcscdConnect,
  pcscdDisconnect,
  pcscdEstablishContext,
  pcscdGetReadersState,
  pcscdProtocol,
  pcscdReconnect,
  pcscdSocket,
  pcscdTransmit,
  pcscdVersion,
  pcscResultName,
  readPcscdAnswer,
  readPcscdReaders,
} from './daemon.ts';
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
