import { z } from 'zod';
import { serialSchema } from './identity.ts';
import { approvalKinds, permission, role, type ApprovalKind } from './roles.ts';
import { reasonText } from './reason.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const personName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,39}$/u)
  .describe('What they sign in as: up to 40 letters, digits, ".", "_", "@" and "-".');
const heldRoles = z
  .array(role)
  .min(1)
  .max(4)
  .refine((held) => new Set(held).size === held.length)
  .describe('Roles; no two of them may conflict.');

export const person = z
  .object({
    id: z.string().describe('Id of the person.'),
    name: personName,
    roles: heldRoles,
    hasPassphrase: z.boolean().describe('Whether they set a passphrase.'),
    createdAt: time,
    endedAt: time.nullable().describe('Since when they may not sign in; null while they may.'),
    version: z.number().int().describe('Counts changes: the ETag.'),
  })
  .describe('Somebody who may sign in.');
export type PersonView = z.infer<typeof person>;
export const createPerson = z.strictObject({ name: personName, roles: heldRoles }).describe('A new person.');
export const changePerson = z
  .strictObject({
    roles: heldRoles.optional(),
    ended: z.boolean().optional().describe('They may not sign in any more.'),
  })
  .describe('What changes of a person.');
export const signInLink = z
  .object({ url: z.string().describe('Good once, for 15 minutes, and not over a restart.') })
  .describe('A link that signs a person in.');
export const setPassphrase = z
  .strictObject({ passphrase: z.string().min(12).max(256).describe('At least 12 characters.') })
  .describe("One's own passphrase.");

export const openSession = z
  .object({
    id: z.string().describe('Id of the session.'),
    subject: z.string().describe('Who is signed in.'),
    person: z.string().nullable().describe('Id of the person; null for the link of the start.'),
    createdAt: time,
    expiresAt: time,
  })
  .describe('A session.');

const placeScope = z
  .array(z.string().min(1).max(121))
  .min(1)
  .max(50)
  .describe('`merchant` or `merchant/shop`: only terminals there.');

export const apiToken = z
  .object({
    id: z.string().describe('Id of the token.'),
    name: z.string().describe('What it is called.'),
    person: z.string().describe('Who it acts for.'),
    roles: heldRoles,
    permissions: z.array(permission).nullable().describe('What it may do; null for all that its roles may.'),
    places: placeScope.nullable().describe('Only terminals there; null for all.'),
    createdAt: time,
    expiresAt: time.nullable().describe('When it ends by itself.'),
    revokedAt: time.nullable().describe('When it was revoked.'),
    lastUsedAt: time.nullable().describe('When it was last used; up to half a minute behind.'),
  })
  .describe('A bearer token, without the token.');
export type ApiTokenView = z.infer<typeof apiToken>;
export const createToken = z
  .strictObject({
    name: z.string().min(1).max(40).describe('What it is called.'),
    roles: heldRoles,
    permissions: z.array(permission).min(1).max(20).optional().describe('Only these of what its roles may do.'),
    places: placeScope.optional().describe('Only terminals there.'),
    expiresAt: time.optional().describe('When it ends by itself.'),
  })
  .describe('A new token. It may do no more than whoever makes it.');
export const createdToken = apiToken
  .extend({ token: z.string().describe('The token, shown this once.') })
  .describe('A token that was just made.');

function isApprovalKind(text: string): text is ApprovalKind {
  return Object.hasOwn(approvalKinds, text);
}
export const approvalKind = z
  .string()
  .refine(isApprovalKind)
  .describe('What is asked for: `campaign`, `wipe`, `lifecycle`, `revocation`, `key` or `rotation`.');
export const approvalState = z.enum(['requested', 'approved', 'refused', 'expired']).describe('Where it stands.');
export const approvalFacts = z
  .record(z.string().max(40), z.union([z.string().max(2_000), z.number()]))
  .describe('What is asked for, by name: the kind of job, the step of a life, the name of a campaign.');
export type ApprovalFacts = z.infer<typeof approvalFacts>;
export const approval = z
  .object({
    id: z.string().describe('Id of the request.'),
    kind: approvalKind,
    subject: z.string().describe('What it is about.'),
    digest: z.string().describe('SHA-256 of exactly what is to be approved.'),
    facts: approvalFacts.default({}),
    state: approvalState,
    requestedBy: z.string().describe('Id of the person who asked.'),
    requestedByName: z.string().describe('What the person who asked signs in as.'),
    requestedAt: time,
    expiresAt: time,
    decidedBy: z.string().nullable().describe('Id of the person who decided.'),
    decidedByName: z.string().nullable().describe('What the person who decided signs in as.'),
    decidedAt: time.nullable().describe('When somebody decided.'),
    reason: z.string().nullable().describe('Why.'),
  })
  .describe('Something that one person asked for and another decides on.');
export type ApprovalView = z.infer<typeof approval>;
export const approvalDetail = approval
  .extend({
    terminals: z
      .array(serialSchema)
      .describe('Exactly which terminals a revocation is about; empty for the other kinds.'),
  })
  .describe('An approval with all that it is about.');
export const decideApproval = z
  .strictObject({
    verdict: z.enum(['approved', 'refused']).describe('The decision.'),
    reason: reasonText(0).optional().describe('Why.'),
  })
  .describe('A decision.');

/** The rest of W5: people, tokens, sessions, approvals, the audit log, webhooks, work in bulk. */
export const accessPaths = {
  people: '/api/v1/people',
  person: (id: string) => `/api/v1/people/${encodeURIComponent(id)}`,
  personSignIn: (id: string) => `/api/v1/people/${encodeURIComponent(id)}/sign-ins`,
  passphrase: '/api/v1/people/me/passphrase',
  sessions: '/api/v1/sessions',
  session: (id: string) => `/api/v1/sessions/${encodeURIComponent(id)}`,
  tokens: '/api/v1/tokens',
  token: (id: string) => `/api/v1/tokens/${encodeURIComponent(id)}`,
  approvals: '/api/v1/approvals',
  approval: (id: string) => `/api/v1/approvals/${encodeURIComponent(id)}`,
  decisions: (id: string) => `/api/v1/approvals/${encodeURIComponent(id)}/decisions`,
  audit: '/api/v1/audit',
  auditHeads: '/api/v1/audit/heads',
  auditExport: '/api/v1/audit/export',
  webhooks: '/api/v1/webhooks',
  webhook: (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}`,
  webhookSecrets: (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}/secrets`,
  webhookDeliveries: (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}/deliveries`,
  webhookAttempts: (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}/attempts`,
  webhookReplays: (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}/replays`,
  bulk: '/api/v1/bulk',
  terminalImports: '/api/v1/terminals/imports',
} as const;
