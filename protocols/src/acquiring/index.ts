export { isTerminalId, merchantIdOf, terminalIdOf } from './identifiers.ts';
export {
  backOffMs,
  issuerCodec,
  wideIssuerCodec,
  issuerFrame,
  issuerLink,
  terminalCodec,
  terminalCodecs,
  terminalFrame,
  terminalLink,
  negativeFileName,
} from './link-profiles.ts';
export {
  type Conversion,
  conversionElements,
  convertMinor,
  formatOfferTerms,
  type OfferTerms,
  rateOf,
  rateText,
  readConversion,
  readOfferReference,
  readOfferTerms,
  type GivenBack,
  refundMinor,
} from './conversion.ts';
export { currencies, type Currency, currencyNumber, moneyText } from './currencies.ts';
export {
  type CardholderRule,
  cardholderRuleOf,
  cardholderRules,
  pinAndSignature,
  readVerifications,
  verificationElement,
} from './cardholder-rules.ts';
export {
  checkElements,
  functions,
  issuerMessages,
  type MessageElements,
  rateMessages,
  terminalMessages,
} from './message-elements.ts';
export {
  type EntryMode,
  entryModeOf,
  isTechnicalFallback,
  pointOfService,
  type TerminalAbilities,
  type Verification,
} from './point-of-service.ts';
export {
  adviceReasons,
  isAdvice,
  directionOf,
  isInquiry,
  isRateLookUp,
  isTransitDialogue,
  type Operation,
  operationNames,
  operationOf,
  operations,
  transitDialogue,
} from './operations.ts';
export { type RefusalCode, type RefusalNumber, refusalNumber, refusalOf, refusals } from './refusals.ts';
export { type ReversalReason, reversalOf, reversalReasons } from './reversal.ts';
export {
  answerTo,
  type CardElements,
  type OpenMessage,
  type PaymentRequest,
  paymentRequest,
  type SaleRequest,
  saleRequest,
  withCard,
} from './sale-request.ts';
export {
  type AcquirerKeyReference,
  acquirerLayout,
  type FrameKeys,
  type FrameKind,
  frameKeys,
  frameLayouts,
  openFrame,
  type RefusalFrame,
  readFrame,
  refusalFrame,
  type SealedFrame,
  sealFrame,
} from './secure-frame.ts';
export { localTransactionTime, retrievalReference, transmissionTime } from './times.ts';
export { pinKeyOf, withPin, withPinUnder } from './pin.ts';
export {
  formatPaymentMethod,
  isDivided,
  lumpSum,
  type PaymentMethod,
  parsePaymentMethod,
  paymentMethodText,
} from './payment-method.ts';
export {
  businessDay,
  compileLink,
  type Link,
  linkKinds,
  linkMacOf,
  type LinkSettings,
  type LinkText,
  carriesPins,
  linkFile,
  parseLink,
} from './link.ts';
export { cardCompanyLink, defaultLinks, houseIssuers, issuerPort } from './links.ts';
export {
  type Management,
  managementFunction,
  managementOf,
  onSession,
  publicState,
  type SessionAction,
  type SessionEvent,
  type SessionPlan,
  type SessionState,
  type SessionStep,
} from './session.ts';
export { zoneMac } from './zone-mac.ts';
export { isZoneFrame, openZoneFrame, sealZoneFrame, zoneFrame } from './zone-frame.ts';
export {
  freshZoneKeys,
  readZoneKeys,
  type ReadZoneKeys,
  wipeZoneKeys,
  writeZoneKeys,
  type ZoneKeys,
} from './zone-keys.ts';
export {
  differencesOf,
  firstUnequal,
  itemsPerPage,
  netOf,
  noTotals,
  readItems,
  readTotals,
  type ReconciliationDifference,
  type ReconciliationItem,
  type ReconciliationTotals,
  totalsElements,
  totalsOf,
  writeItems,
} from './reconciliation.ts';
export { fetchItems, itemsAnswer } from './item-pages.ts';
export { balanceAccounts, formatRemark, type Hours, parseRemark, type Remark } from './said-with-answer.ts';
