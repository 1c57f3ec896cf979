import { type AuditEntry, auditEntry } from '@tsunagu/protocols/audit';
import {
  accessPaths,
  type ApiTokenView,
  apiToken,
  createdToken,
  createdWebhook,
  type createPerson,
  type createToken,
  type createWebhook,
  page,
  person,
  type PersonView,
  replayedWebhook,
  type replayWebhook,
  signedDocument,
  type SignedDocument,
  signInLink,
  webhook,
  webhookDelivery,
  webhookSecret,
  type WebhookView,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';

/** How the client asks: one document, or all pages of a list. */
export interface Calls {
  readonly call: <S extends z.ZodType>(
    schema: S,
    path: string,
    body?: unknown,
    method?: string,
    deadlineMs?: number,
    more?: Readonly<Record<string, string>>,
  ) => Promise<Result<z.output<S>>>;
  /** @param countMax no more items than these, and no more pages than they are on */
  readonly all: <S extends z.ZodType>(
    schema: S,
    path: string,
    countMax?: number,
  ) => Promise<Result<readonly z.output<S>[]>>;
}

/** People, tokens, webhooks and the audit log, as the CLI uses them. */
export interface AccessClient {
  people(): Promise<Result<readonly PersonView[]>>;
  addPerson(wanted: z.infer<typeof createPerson>): Promise<Result<PersonView>>;
  signInLinkFor(id: string): Promise<Result<z.infer<typeof signInLink>>>;
  tokens(): Promise<Result<readonly ApiTokenView[]>>;
  addToken(wanted: z.infer<typeof createToken>): Promise<Result<z.infer<typeof createdToken>>>;
  revokeToken(id: string): Promise<Result<ApiTokenView>>;
  webhooks(): Promise<Result<readonly WebhookView[]>>;
  addWebhook(wanted: z.infer<typeof createWebhook>): Promise<Result<z.infer<typeof createdWebhook>>>;
  deliveries(id: string, state: string | undefined): Promise<Result<readonly z.infer<typeof webhookDelivery>[]>>;
  replayWebhook(id: string, what: z.infer<typeof replayWebhook>): Promise<Result<z.infer<typeof replayedWebhook>>>;
  /** A new secret; the one before signs beside it for a day. */
  tryWebhook(id: string): Promise<Result<WebhookView>>;
  rotateWebhook(id: string): Promise<Result<z.infer<typeof webhookSecret>>>;
  /** Pauses it or takes it up: the version that stands there now. */
  changeWebhook(id: string, state: WebhookView['state']): Promise<Result<WebhookView>>;
  removeWebhook(id: string): Promise<Result<unknown>>;
  /** The newest entries that a filter finds. */
  auditEntries(filter: Readonly<Record<string, string>>): Promise<Result<readonly AuditEntry[]>>;
  auditHead(): Promise<Result<SignedDocument | undefined>>;
}

export function accessCalls({ call, all }: Calls): AccessClient {
  return {
    people: () => all(person, accessPaths.people),
    addPerson: (wanted) => call(person, accessPaths.people, wanted),
    signInLinkFor: (id) => call(signInLink, accessPaths.personSignIn(id), undefined, 'POST'),
    tokens: () => all(apiToken, accessPaths.tokens),
    addToken: (wanted) => call(createdToken, accessPaths.tokens, wanted),
    revokeToken: (id) => call(apiToken, accessPaths.token(id), undefined, 'DELETE'),
    webhooks: () => all(webhook, accessPaths.webhooks),
    addWebhook: (wanted) => call(createdWebhook, accessPaths.webhooks, wanted),
    async deliveries(id, state) {
      const query = `?limit=100${state === undefined ? '' : `&state=${encodeURIComponent(state)}`}`;
      const answer = await call(page(webhookDelivery), `${accessPaths.webhookDeliveries(id)}${query}`);
      return answer.ok ? { ok: true, value: answer.value.items } : answer;
    },
    replayWebhook: (id, what) => call(replayedWebhook, accessPaths.webhookReplays(id), what),
    tryWebhook: (id) => call(webhook, accessPaths.webhookAttempts(id), undefined, 'POST'),
    rotateWebhook: (id) => call(webhookSecret, accessPaths.webhookSecrets(id), undefined, 'POST'),
    async changeWebhook(id, state) {
      const known = await call(webhook, accessPaths.webhook(id));
      if (!known.ok) return known;
      const version = { 'if-match': `"${known.value.version}"` };
      return await call(webhook, accessPaths.webhook(id), { state }, 'PATCH', undefined, version);
    },
    removeWebhook: (id) => call(z.undefined(), accessPaths.webhook(id), undefined, 'DELETE'),
    async auditEntries(filter) {
      const answer = await call(page(auditEntry), `${accessPaths.audit}?${new URLSearchParams(filter).toString()}`);
      return answer.ok ? { ok: true, value: answer.value.items } : answer;
    },
    async auditHead() {
      const answer = await call(page(signedDocument), `${accessPaths.auditHeads}?limit=1`);
      return answer.ok ? { ok: true, value: answer.value.items[0] } : answer;
    },
  };
}
