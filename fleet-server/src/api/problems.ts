import { type ErrorCode, errorTable } from '@tsunagu/protocols/errors';
import { type Problem, problem } from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';

/** A refusal, as every route of the API describes it. */
export const refused = {
  description: 'Refused: a problem with a code of the error table.',
  content: { 'application/problem+json': { schema: problem } },
};

/** Languages that problems are told in. */
export type Language = 'ja' | 'en';

/** HTTP status by code (RFC 9110, 15.5; RFC 6585). What is not listed is a refusal of a well-formed request: 422. */
const statuses: Readonly<Record<string, number>> = {
  INPUT_INVALID: 400,
  PAN_INVALID: 400,
  VALIDITY_FILE_UNKNOWN: 404,
  VALIDITY_FILE_DIFFERS: 409,
  VALIDITY_FILE_OPEN: 409,
  VALIDITY_BUSY: 503,
  VALIDITY_FILE_ARRIVING: 409,
  NEGATIVE_ENTRY_UNKNOWN: 404,
  NEGATIVE_VERSION_UNKNOWN: 404,
  NEGATIVE_LIST_UNKNOWN: 404,
  NEGATIVE_LIST_UNNAMED: 409,
  NEGATIVE_CODEC_IMPOSSIBLE: 409,
  NEGATIVE_PROOF_UNAVAILABLE: 404,
  HTTP_MALFORMED: 400,
  BODY_NOT_JSON: 400,
  IDEMPOTENCY_KEY_INVALID: 400,
  UNAUTHENTICATED: 401,
  SIGN_IN_TOKEN_INVALID: 401,
  ROLE_INSUFFICIENT: 403,
  ROLES_OWN: 403,
  SCOPE_TOO_WIDE: 403,
  PLACE_OUTSIDE: 403,
  PASSPHRASE_WRONG: 401,
  PERSON_UNKNOWN: 404,
  TOKEN_UNKNOWN: 404,
  SWITCH_DAY_INVALID: 400,
  SWITCH_DAY_NOT_COMPARED: 404,
  SWITCH_ALARM_UNKNOWN: 404,
  TERMINAL_ALARM_UNKNOWN: 404,
  SWITCH_TRANSACTION_UNKNOWN: 404,
  SWITCH_ADVICE_UNKNOWN: 404,
  SWITCH_ADVICE_UNDER_WAY: 409,
  SWITCH_TERMINAL_UNKNOWN: 404,
  LINK_UNKNOWN: 404,
  AUDIT_ALTERED: 409,
  WEBHOOK_UNKNOWN: 404,
  WEBHOOKS_FULL: 409,
  WEBHOOK_PAUSED: 409,
  SESSION_UNKNOWN: 404,
  PERSON_EXISTS: 409,
  TOKENS_FULL: 409,
  PEOPLE_FULL: 409,
  QUERY_UNKNOWN: 400,
  IDEMPOTENCY_ANSWER_LOST: 409,
  APPROVAL_OWN: 403,
  APPROVAL_NOT_APART: 403,
  APPROVAL_UNKNOWN: 404,
  APPROVAL_CLOSED: 409,
  APPROVAL_EXPIRED: 409,
  CROSS_SITE_REFUSED: 403,
  QUERY_INVALID: 400,
  CAMPAIGN_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_UNKNOWN: 405,
  TERMINAL_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  SWAP_UNKNOWN: 404,
  WORK_UNKNOWN: 404,
  DEATH_UNKNOWN: 404,
  DEATH_IN_DOUBT: 409,
  STOCK_UNKNOWN: 404,
  STOCK_BELOW_ZERO: 409,
  WORK_OPEN: 409,
  WORK_CLOSED: 409,
  WORK_AT_VENDOR: 409,
  SHOP_UNKNOWN: 404,
  SWAP_OPEN: 409,
  SWAP_TOO_LATE: 409,
  CONFIGURATION_VERSION_UNKNOWN: 404,
  SWITCH_RULES_VERSION_UNKNOWN: 404,
  REQUEST_INCOMPLETE: 408,
  IDEMPOTENCY_IN_FLIGHT: 409,
  CAMPAIGN_VERB_NOT_NOW: 409,
  CAMPAIGNS_TOO_MANY: 409,
  TERMINAL_EXISTS: 409,
  AUTHORITY_UNKNOWN: 404,
  AUTHORITY_IN_USE: 409,
  LIFECYCLE_FORBIDS: 409,
  TERMINAL_REVOKED: 409,
  TERMINAL_NOT_ENROLLED: 409,
  LIFECYCLE_STATE_CONFLICT: 412,
  JOB_QUEUE_FULL: 409,
  SOFTWARE_REPOSITORY_MISSING: 409,
  SOFTWARE_REPOSITORY_EXISTS: 409,
  SOFTWARE_REPOSITORY_TORN: 503,
  SOFTWARE_METADATA_EXPIRED: 409,
  VERSION_CONFLICT: 412,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  HOST_REFUSED: 421,
  PRECONDITION_REQUIRED: 428,
  RATE_LIMITED: 429,
  KEY_UNKNOWN: 404,
  KEY_IN_USE: 409,
  KEY_NEEDED: 409,
  KEY_ROTATION_NONE: 404,
  KEY_ROTATION_UNDER_WAY: 409,
  KEY_ROTATION_SWITCHED: 409,
  KEY_NUMBER_NOT_NEXT: 409,
  KEY_ROTATION_LACKING: 409,
  NEGATIVE_CARDS_UNTAGGED: 409,
  KEY_CEREMONY_UNKNOWN: 404,
  KEY_CEREMONY_NOT_NOW: 409,
  KEY_CEREMONY_SAME_PERSON: 403,
  KEY_CEREMONY_NOT_NAMED: 403,
  KEY_CEREMONY_CONFIRM_BY_ANOTHER: 403,
  KEY_CEREMONY_CONFIRM_NOT_NAMED: 403,
  KEY_COMPONENT_MALFORMED: 400,
  EVIDENCE_DECLARATION_LENGTH: 400,
  KEY_RUN_UNKNOWN: 404,
  KEY_PROTECTION_AGREED: 409,
  KEY_PROTECTION_MISSING: 409,
  KEY_PROTECTION_UNDER_WAY: 409,
  KEY_RUN_NOT_NOW: 409,
  KEY_RUN_STATE_UNFIT: 409,
  KEY_RUN_NOT_LISTED: 409,
  KEY_RUN_UNBALANCED: 409,
  INTERNAL: 500,
  STREAMS_EXHAUSTED: 503,
};

/** The HTTP status that goes with a code of the error table. */
export const statusOf = (code: ErrorCode): number => statuses[code] ?? 422;

/** Codes whose facts a person needs to go on: names out of our own tables, ids and figures, never what was sent. */
const told: ReadonlySet<ErrorCode> = new Set([
  'ROLE_INSUFFICIENT',
  'ROLES_CONFLICT',
  'SCOPE_TOO_WIDE',
  'QUERY_UNKNOWN',
  'METHOD_UNKNOWN',
  'LINK_OTHER_SIDE',
  'LINK_UNKNOWN',
  'IDEMPOTENCY_ANSWER_LOST',
  'VERSION_CONFLICT',
  'CONFIGURATION_BEYOND_MODEL',
  'CONFIGURATION_CONTRADICTS',
  'APPROVAL_CLOSED',
  'BULK_TOO_MANY',
  'CAMPAIGN_VERB_NOT_NOW',
  'KEY_CEREMONY_NOT_NOW',
  'KEY_NEEDED',
  'KEY_ROTATION_UNDER_WAY',
  'KEY_NUMBER_NOT_NEXT',
  'KEY_ROTATION_LACKING',
  'NEGATIVE_CARDS_UNTAGGED',
  'KEY_PROTECTION_AGREED',
  'KEY_PROTECTION_MISSING',
  'KEY_PROTECTION_UNDER_WAY',
  'KEY_RUN_NOT_NOW',
  'KEY_RUN_MANIFEST_REFUSED',
  'KEY_RUN_STATE_UNFIT',
  'KEY_RUN_UNBALANCED',
  'MODEL_CANNOT',
  'LIFECYCLE_EVIDENCE_MISSING',
  'LIFECYCLE_EVIDENCE_DIFFERS',
  'LIFECYCLE_EVIDENCE_UNPROVEN',
  'LIFECYCLE_KEYS_SUSPECT',
  'SHOP_UNKNOWN',
  'LIFECYCLE_STILL_SPEAKS',
  'LIFECYCLE_SALES_WAIT',
  'LIFECYCLE_KEYS_LIVE',
  'LIFECYCLE_MASS_DIFFERS',
  'LIFECYCLE_FORBIDS',
  'NEGATIVE_LIST_REFUSED',
  'SWAP_OPEN',
  'WORK_OPEN',
  'WORK_NOT_READY',
  'WORK_AT_VENDOR',
  'WORK_CLOSED',
  'STOCK_BELOW_ZERO',
  'DEATH_IN_DOUBT',
  'SWAP_UNFIT',
  'SWAP_TOO_LATE',
  'CUSTODY_CHAIN_BROKEN',
]);

/** Japanese when it is what the reader would rather have (RFC 9110, 12.5.4); English otherwise. */
export function languageOf(acceptLanguage: string | undefined): Language {
  const weights = { ja: 0, en: 0.001 };
  for (const part of (acceptLanguage ?? '').slice(0, 256).split(',')) {
    const [range = '', ...parameters] = part.trim().toLowerCase().split(';');
    const quality = Number(
      parameters
        .find((text) => text.trim().startsWith('q='))
        ?.trim()
        .slice(2) ?? 1,
    );
    for (const language of ['ja', 'en'] as const)
      if (range === language || range.startsWith(`${language}-`))
        weights[language] = Math.max(weights[language], Number.isFinite(quality) ? quality : 0);
  }
  return weights.ja > weights.en ? 'ja' : 'en';
}

/** Of a field that is refused: what is wanted there. */
function factsOf({ code, facts }: Fault): Pick<Problem, 'facts'> {
  const wants = code === 'INPUT_INVALID' ? facts?.['wants'] : undefined;
  if (wants !== undefined) return { facts: { wants } };
  return told.has(code) && facts ? { facts } : {};
}

/** A fault as the body of an answer (RFC 9457). It names the field and never repeats the input. */
export function problemOf(fault: Fault, language: Language): Problem {
  const text = errorTable[fault.code][language];
  return {
    type: `urn:tsunagu:problem:${fault.code.toLowerCase().replaceAll('_', '-')}`,
    title: text.says,
    status: statusOf(fault.code),
    code: fault.code,
    detail: text.next,
    ...(fault.field === undefined || fault.field === '' ? {} : { field: String(fault.field) }),
    ...factsOf(fault),
  };
}
