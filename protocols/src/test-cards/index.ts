export {
  caSigner,
  chipSigner,
  isTestScheme,
  issuerSigner,
  type ListedCaKey,
  listTestCaKeys,
  type RevokedCertificate,
  revokedTestCertificates,
  type TestChain,
  type TestScheme,
  testCaIndex,
  testCaIndexOf,
  testCaKeys,
} from './authority.ts';
export type { CardFlow, CardRisk, FastCvm, Fate, IssuerOrder, RelayTimes, StripeMode } from './card-data.ts';
export type { CardFault, CardFaultKind } from './card-faults.ts';
export { type CardDirectory, type CardImage, type CardRecord, directoryOf, personalise } from './personalise.ts';
export {
  applicationsOf,
  cardKeysOf,
  cardSigner,
  everydayCardNames,
  faultyCardNames,
  faultyCards,
  findTestCard,
  isTestCardName,
  schemeOfCardName,
  scriptKeysOf,
  type TestCard,
  type TestCardName,
  testCard,
  testCardNames,
  testCards,
} from './test-card.ts';
export {
  findStripeAccount,
  isStripeAccountName,
  type StripeAccount,
  type StripeAccountName,
  stripeAccount,
  stripeAccountNames,
} from './stripe-accounts.ts';
export {
  isTransitCardName,
  type TransitCardData,
  type TransitCardName,
  transitCard,
  transitCardData,
  transitMasterKey,
} from './transit-cards.ts';
