export * from './access.ts';
export * from './bulk.ts';
export {
  type PaymentKind,
  type PaymentOrder,
  type CardHistoryLine,
  cardHistoryLine,
  isInquiry,
  isTopUp,
  signOf,
  balanceUnit,
  serviceHours,
  paymentKind,
  paymentKinds,
  paymentOrder,
  pinHabits,
  realCard,
  realStripe,
  type SlipDocument,
  type SlipOrder,
  slipCopies,
  slipDocument,
  slipFormats,
  slipOrder,
  type TerminalTotals,
  type TotalsOrder,
  terminalTotals,
  totalsOrder,
  dccChoices,
  type SaleMethod,
  saleMethod,
  type OwnCurrency,
  ownCurrency,
} from './payment.ts';
export {
  type Configuration,
  configuration,
  configurationHash,
  contradictionIn,
  factoryConfiguration,
  lackedFor,
  readConfiguration,
  type SettingValue,
  type SettingValues,
  settingValue,
  settingValues,
} from './configuration.ts';
export * from './layers.ts';
export {
  exampleOf,
  isSettingName,
  type SettingKind,
  type SettingName,
  settingNames,
  settingOf,
  settings,
  type SettingUnit,
} from './settings.ts';
export {
  artefactDigest,
  authorityName,
  type ClaimBundle,
  claimBundle,
  deviceOperations,
  devicePaths,
  negativeName,
  negativeNames,
  deviceStatus,
  type EnrolmentAnswer,
  type EnrolmentRequest,
  enrolmentAnswer,
  enrolmentRequest,
  type PinnedKey,
  type Problem,
  pinnedKey,
  problem,
  type RenewalAnswer,
  type RenewalRequest,
  renewalAnswer,
  renewalRequest,
  type SoftwareDelta,
  softwareDelta,
  softwareDeltaPair,
  softwareMetadataFile,
  softwareTargetFile,
  trustVersion,
} from './device-api.ts';
export { type Contact, contact, defaultContact, pauseBeforeConnect, untilContact } from './contact.ts';
export { agreeKeyBlockProtectionKey, claimProof, isClaimProven, manufacturerStatement } from './enrolment.ts';
export {
  type Envelope,
  encodeEnvelope,
  envelope,
  envelopeLengthMax,
  isBootPlausible,
  parseEnvelope,
} from './envelope.ts';
export {
  type JobId,
  jobIdSchema,
  parseTerminalUri,
  type Serial,
  serialSchema,
  type TenantId,
  tenantSchema,
  terminalUri,
} from './identity.ts';
export * from './acquirer-cards.ts';
export * from './held-key.ts';
export * from './key-custody.ts';
export * from './key-record.ts';
export * from './key-injection.ts';
export * from './job.ts';
export * from './evidence.ts';
export * from './lifecycle.ts';
export { reasonText } from './reason.ts';
export * from './carried.ts';
export * from './job-kinds.ts';
export * from './maintenance.ts';
export * from './management.ts';
export { page } from './page.ts';
export * from './management-life.ts';
export * from './end-of-life.ts';
export { deathInWords, type DeathInWords } from './death-text.ts';
export * from './management-negative.ts';
export * from './management-software.ts';
export * from './management-switch.ts';
export * from './management-validity.ts';
export * from './messages.ts';
export * from './authorities.ts';
export * from './expiry.ts';
export { parseJson, parseWith, wantedBy } from './parse.ts';
export * from './roles.ts';
export * from './trouble.ts';
export * from './webhooks.ts';
export { defaultPortBase, type PortName, portOf, portOffsets } from './ports.ts';
export { serverProcess } from './server-process.ts';
export {
  keyIdOf,
  openDocument,
  type SignaturePurpose,
  type SignedDocument,
  signDocument,
  signDocumentBy,
  signedDocument,
} from './signed.ts';
export {
  anchorsMax,
  authorityIdOf,
  certificatesOf,
  openTrustDocument,
  type Trust,
  type TrustAnchors,
  type TrustDocument,
  trustAnchors,
  trustBytes,
  trustDocument,
} from './trust.ts';
export {
  type DownTopic,
  downTopic,
  type EventKind,
  eventMessages,
  messageOn,
  negativeHeadTopic,
  parseDownTopic,
  parseUpTopic,
  subtree,
  terminalFilters,
  type TopicName,
  topicParameters,
  topics,
  type UpTopic,
  upTopic,
} from './topics.ts';
export * from './campaign.ts';
export {
  fieldsOf,
  parseQuery,
  type Query,
  type QueryDocument,
  queryDocuments,
  type QueryField,
  type QueryFieldKind,
  type QueryFieldName,
  queryFields,
  type QueryOperator,
  queryOperators,
  queryText,
  type QueryValue,
} from './query.ts';
export * from './why.ts';
export { causeTexts } from './why-text.ts';
export { unheardText } from './unheard.ts';
export * from './switch-rules.ts';
