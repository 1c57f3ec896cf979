export { describeOutsideHours, nextAfterActionCode, nextAtHours } from './action-code-next.ts';
export { type ActionCode, actionCodes, describeActionCode, isApproval } from './action-codes.ts';
export type { CharacterSetName } from './charset.ts';
export {
  type DataElement,
  type DateFormat,
  dataElement,
  dataElements,
  type ElementKind,
  type ElementShape,
  type ElementType,
} from './data-elements.ts';
export type { DecodeCode, Decoded, Decoding, Refused } from './decode.ts';
export { type Dialect, type DialectName, dialectNames, dialects, isDialectName } from './dialect.ts';
export type { EncodeCode } from './encode.ts';
export { encodeFrame, type Frame, type FrameBatch, type FrameFormat, FrameReader } from './frame.ts';
export { type CodeMeaning, describeFunctionCode, functionCodes } from './function-codes.ts';
export { type LinkElement, wireForm } from './layout.ts';
export { type Leniency, leniencies, leniencyNames } from './leniency.ts';
export {
  dialectSchema,
  elementShapeSchema,
  fieldOverridesSchema,
  frameSchema,
  type LinkProfile,
  type LinkProfileText,
  linkCodec,
  linkProfileSchema,
  parseLinkProfile,
} from './link-profile.ts';
export { type LinkProfileName, linkProfileNames, linkProfiles } from './link-profiles.ts';
export { type MacFunction, type MacOptions, macElement, sealMac, sealWritten, verifyMac } from './mac.ts';
export {
  DecodedMessage,
  describeFields,
  type Fields,
  type FieldValue,
  type Message,
  revealFields,
  revealText,
  type Span,
  textOf,
} from './message.ts';
export {
  checkMti,
  describeMti,
  expectsResponse,
  isRepeat,
  messageClasses,
  messageFunctions,
  messageOrigins,
  originalMti,
  repeatMti,
  responseMti,
} from './mti.ts';
export { formatOriginalData, type OriginalData, originalDataOf, parseOriginalData } from './original-data.ts';
export { formatPosDataCode, type PosDataCode, parsePosDataCode, posDataPositions } from './pos-data-code.ts';
export { compileProfile, type MessageCodec, type MessageProfile, readProfile } from './profile.ts';
export { describeReasonCode, reasonCodes } from './reason-codes.ts';
export { answerHeader, formatTpdu, parseTpdu, type Tpdu } from './tpdu.ts';
export { type Finding, type FindingCode, type NetRule, validate, type ValidateOptions } from './validate.ts';
export { answerIso8583, type Iso8583Operation, iso8583Workbench, readFields } from './workbench.ts';
