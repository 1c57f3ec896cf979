import { z } from 'zod';
import { role } from '../fleet/roles.ts';
import { signedDocument } from '../fleet/signed.ts';
import { canonicalJson, sha256 } from './canonical.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What came of something. `refused`: not allowed, or not acceptable; `failed`: our own fault. */
export const auditOutcomes = ['done', 'refused', 'failed'] as const;

export const auditActor = z
  .strictObject({
    subject: z.string().max(80).describe('What acted: a person, a token, or the house itself.'),
    person: z.string().max(80).nullable().describe('The person behind it, when there is one.'),
    roles: z.array(role).max(8).describe('The roles in which it acted.'),
    via: z.enum(['session', 'token', 'house', 'nobody']).describe('How it came in.'),
  })
  .describe('Who did something.');
export type AuditActor = z.infer<typeof auditActor>;

export const auditEntry = z
  .strictObject({
    v: z.literal(1),
    seq: z.number().int().min(1).describe('Counts from 1 without a gap.'),
    at: z.iso.datetime().describe('When it was written, RFC 3339 UTC.'),
    prev: hash.describe('Hash of the entry before; 64 zeros before the first.'),
    actor: auditActor,
    action: z
      .string()
      .max(80)
      .describe('What was done, such as `people.create`, or the method and template of the route.'),
    subject: z.string().max(200).describe('On what, such as `terminal/CT5100-0001`.'),
    request: z.string().max(64).nullable().describe('Id of the request, as its answer named it.'),
    outcome: z.enum(auditOutcomes).describe('How it ended.'),
    code: z.string().max(64).nullable().describe('Code of the error table when it was refused or failed.'),
    before: hash.nullable().describe('SHA-256 of what stood there before, in canonical form.'),
    after: hash.nullable().describe('SHA-256 of what stood there afterwards.'),
    facts: z
      .record(z.string().max(40), z.union([z.string().max(500), z.number().int(), z.boolean(), z.null()]))
      .describe('What else belongs to it. Never a secret, never a PAN.'),
  })
  .describe('One entry of the audit log. It is hashed in canonical form (RFC 8785) with SHA-256.');
export type AuditEntry = z.infer<typeof auditEntry>;

/** What the first entry stands on. */
export const genesis = '0'.repeat(64);

/** An entry in the form in which it is hashed, and its hash. */
export function sealEntry(entry: AuditEntry): { readonly text: string; readonly hash: string } {
  const text = canonicalJson(entry);
  return { text, hash: sha256(text) };
}

export const auditHead = z
  .strictObject({
    v: z.literal(1),
    tenant: z.string().max(32).describe('Whose log it is.'),
    seq: z.number().int().min(0).describe('The last entry that it covers.'),
    hash: hash.describe('The hash of that entry, which stands for all before it.'),
    at: z.iso.datetime().describe('When it was signed.'),
  })
  .describe('What the log was at a moment. Signed with Ed25519 under `tsunagu-audit-head-v1`.');
export type AuditHead = z.infer<typeof auditHead>;
/** What a head of the audit log is signed for. */
export const auditHeadPurpose = 'tsunagu-audit-head-v1';

const publicKey = z.strictObject({
  kid: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('First 16 hex digits of the SHA-256 of the key.'),
  publicKey: z.base64().max(200).describe('Ed25519 public key: SPKI, DER, base64.'),
});
/** The public key that heads are checked with. */
export type AuditKey = z.infer<typeof publicKey>;

/** A line of an exported log: its first says whose it is, then entries, with signed heads between and after them. */
export const auditLine = z.union([
  z.strictObject({ log: z.literal('tsunagu-audit-v1'), tenant: z.string().max(32), key: publicKey }),
  z.strictObject({ entry: auditEntry, hash }),
  z.strictObject({ head: signedDocument }),
]);
export type AuditLine = z.infer<typeof auditLine>;
