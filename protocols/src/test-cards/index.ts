export {
  cardSigner,
  caSigner,
  isTestScheme,
  issuerSigner,
  type TestScheme,
  testCaIndex,
  testCaKeys,
} from './authority.ts';
export type { CardFlow, Fate, TestCardName } from './cards.ts';
export { type CardImage, type CardRecord, personalise } from './personalise.ts';
export {
  cardKeysOf,
  findTestCard,
  isTestCardName,
  type TestCard,
  testCard,
  testCardNames,
  testCards,
} from './test-card.ts';
