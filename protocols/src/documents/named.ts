import type { z } from 'zod';
import {
  claimBundle,
  configuration,
  enrolmentAnswer,
  enrolmentRequest,
  envelope,
  jobOrder,
  messages,
  pinnedKey,
  problem,
  saleResult,
  softwareDelta,
  type SignaturePurpose,
  ceremonyRecord,
  runRecord,
  signedDocument,
  trustAnchors,
  trustDocument,
} from '../fleet/index.ts';
import { auditHead } from '../audit/index.ts';
import { handover } from '../custody/index.ts';
import { inspection } from '../inspection/index.ts';
import { attestation } from '../workshop/index.ts';

/** What is inside a signed document, by the purpose of its signature. */
export const signedPayloads = {
  'tsunagu-job-v1': { name: 'job-order', schema: jobOrder },
  'tsunagu-bridge-attestation-v1': { name: 'bridge-attestation', schema: attestation },
  'tsunagu-audit-head-v1': { name: 'audit-head', schema: auditHead },
  'tsunagu-key-record-v1': { name: 'key-record', schema: ceremonyRecord.or(runRecord) },
  'tsunagu-custody-v1': { name: 'handover', schema: handover },
  'tsunagu-inspection-v1': { name: 'inspection', schema: inspection },
} as const satisfies Record<SignaturePurpose, { readonly name: string; readonly schema: z.ZodType }>;

/** Every message of W1 and W2 that has a schema of its own, by the name that it has in the documents. */
export const schemas = {
  envelope,
  ...messages,
  'signed-document': signedDocument,
  ...Object.fromEntries(Object.values(signedPayloads).map(({ name, schema }) => [name, schema])),
  configuration,
  'sale-result': saleResult,
  'claim-bundle': claimBundle,
  'enrolment-request': enrolmentRequest,
  'enrolment-answer': enrolmentAnswer,
  'pinned-key': pinnedKey,
  'software-delta': softwareDelta,
  'trust-document': trustDocument,
  'trust-anchors': trustAnchors,
  problem,
} as const satisfies Record<string, z.ZodType>;
