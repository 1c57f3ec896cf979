export {
  totalsOfVerdicts,
  type ValidityAnswer,
  type ValidityAnswerLine,
  type ValidityTotals,
  readValidityAnswers,
  writeValidityAnswers,
} from './answer-file.ts';
export { type BoxPlace, boxDigits, type CheckedCard, isCheckable, openCard, sealCard } from './card-box.ts';
export { isReference, validityFileLimits, type ValidityHeader } from './header.ts';
export {
  type ValidityRecord,
  type ValidityRequest,
  ValidityRequestFile,
  writeValidityRequests,
} from './request-file.ts';
export {
  bringsCard,
  type ValidityLineCode,
  type ValidityLineFault,
  validityLineFaults,
  type ValidityVerdict,
  validityVerdictNames,
  validityVerdicts,
} from './verdicts.ts';
