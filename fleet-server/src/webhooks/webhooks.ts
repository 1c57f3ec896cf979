import { timelineKinds } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import { z } from 'zod';
import type { Actor, Audit } from '../audit/index.ts';
import { type Database, highestFirst, type Page, type PageRequest, type Store, pageOn } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { AddressRules } from './address.ts';
import { deliverWith, secretsOf } from './delivery.ts';
import { backoffMs } from './rules.ts';
import { freshSecret, type WebhookSecret } from './signature.ts';
import type { WebhookTables } from './tables.ts';

const webhooksMax = 50;
const lookEveryMs = 500;
const trimEveryMs = 3_600_000;
/** How long a delivered message stays in the list. */
const keptMs = 7 * 86_400_000;
/** How long the secret before goes on signing. */
const overlapMs = 24 * 3_600_000;

type Row = Selectable<WebhookTables['webhooks']>;
type EventKind = (typeof timelineKinds)[number];

/** A webhook as people see it. */
export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly EventKind[] | null;
  readonly state: 'active' | 'paused';
  readonly pausedFor: string | null;
  /** The newest event that it was looked at for. */
  readonly cursor: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly failingSince: number | null;
  /** When its receiver, which is down, is tried next; null while it is not. */
  readonly nextAttemptAt: number | null;
  readonly version: number;
}

/** One message to one webhook. */
export type Delivery = Selectable<WebhookTables['webhook_deliveries']>;

/** A webhook to be made or changed. */
export interface WebhookOrder {
  readonly name: string;
  readonly url: string;
  readonly events?: readonly EventKind[] | null | undefined;
}

export interface Webhooks {
  list(): Promise<readonly Webhook[]>;
  get(id: string): Promise<Result<Webhook, 'WEBHOOK_UNKNOWN'>>;
  /** The secret is in the answer and nowhere else in clear. It begins with what happens from now on. */
  create(
    order: WebhookOrder,
    by: Actor,
  ): Promise<
    Result<
      { readonly webhook: Webhook; readonly secret: string },
      'WEBHOOKS_FULL' | 'WEBHOOK_URL_REFUSED' | 'WEBHOOK_UNREACHABLE'
    >
  >;
  change(
    id: string,
    version: number,
    patch: { readonly [K in keyof WebhookOrder]?: WebhookOrder[K] | undefined } & {
      readonly state?: 'active' | 'paused' | undefined;
    },
    by: Actor,
  ): Promise<Result<Webhook, 'WEBHOOK_UNKNOWN' | 'VERSION_CONFLICT' | 'WEBHOOK_URL_REFUSED' | 'WEBHOOK_UNREACHABLE'>>;
  remove(id: string, by: Actor): Promise<Result<void, 'WEBHOOK_UNKNOWN'>>;
  /** A new secret; the one before signs beside it for a day. */
  rotate(id: string, by: Actor): Promise<Result<{ readonly secret: string }, 'WEBHOOK_UNKNOWN'>>;
  /** Has the receiver, and what waits for it, tried at once. */
  tryNow(id: string, by: Actor): Promise<Result<Webhook, 'WEBHOOK_UNKNOWN' | 'WEBHOOK_PAUSED'>>;
  /** Sends again: all from a time or an event on, or what is dead. `again` counts the messages. */
  replay(
    id: string,
    what: { readonly from: number } | { readonly fromEvent: number } | { readonly dead: true },
    by: Actor,
  ): Promise<Result<Webhook & { readonly again: number }, 'WEBHOOK_UNKNOWN'>>;
  /** Newest first. */
  deliveries(
    id: string,
    page: PageRequest & { readonly state?: Delivery['state'] | undefined; readonly serial?: string | undefined },
  ): Promise<Result<Page<Delivery>, 'WEBHOOK_UNKNOWN' | 'INPUT_INVALID'>>;
  close(): Promise<void>;
}

/** What webhooks need of the rooms around them. */
export interface WebhookRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly addresses: AddressRules;
  readonly waitsMs?: readonly number[];
  readonly timeoutMs?: number;
  readonly pauseAfterMs?: number;
}

const webhookOf = (row: Row): Webhook => ({
  id: row.id,
  name: row.name,
  url: row.url,
  events: row.events === null ? null : z.array(z.enum(timelineKinds)).parse(JSON.parse(row.events)),
  state: row.state,
  pausedFor: row.paused_for,
  cursor: row.cursor,
  createdAt: row.created_at,
  failingSince: row.failing_since,
  nextAttemptAt: row.state === 'active' ? row.retry_at : null,
  version: row.version,
});
const stateOf = ({ name, url, events, state, version }: Webhook) => ({ name, url, events, state, version });

export function openWebhooks(rooms: WebhookRooms): Webhooks {
  const { world, store, vault, audit, addresses } = rooms;
  const step = deliverWith({
    ...rooms,
    waitsMs: rooms.waitsMs ?? backoffMs,
    timeoutMs: rooms.timeoutMs ?? 10_000,
    pauseAfterMs: rooms.pauseAfterMs ?? 5 * 86_400_000,
  });
  const busy = new Map<string, Promise<void>>();
  let isClosed = false;

  async function run(row: Row): Promise<void> {
    try {
      let current: Row | undefined = row;
      while (!isClosed && current?.state === 'active' && (await step(current)))
        current = await store.db.selectFrom('webhooks').selectAll().where('id', '=', row.id).executeTakeFirst();
    } catch (cause) {
      if (!isClosed) world.log('error', 'webhookFailed', { webhook: row.id, fault: { code: 'INTERNAL', cause } });
    }
  }
  let looking = false;
  async function look(): Promise<void> {
    if (looking || isClosed) return;
    looking = true;
    try {
      const active = await store.db.selectFrom('webhooks').selectAll().where('state', '=', 'active').execute();
      // A slow receiver holds up its own messages and nobody else's.
      for (const row of active)
        if (!busy.has(row.id) && !isClosed)
          busy.set(
            row.id,
            run(row).finally(() => busy.delete(row.id)),
          );
    } finally {
      looking = false;
    }
  }
  const failed = (cause: unknown): void => {
    if (!isClosed) world.log('error', 'webhooksFailed', { fault: { code: 'INTERNAL', cause } });
  };
  const looker = world.timers.every(lookEveryMs, () => void look().catch(failed));
  const trimmer = world.timers.every(trimEveryMs, () => {
    store.db
      .deleteFrom('webhook_deliveries')
      .where('state', '=', 'delivered')
      .where('ended_at', '<', world.clock.now() - keptMs)
      .execute()
      .catch(failed);
  });

  const seal = (id: string, secrets: readonly WebhookSecret[]): Uint8Array =>
    vault.seal(`webhook\n${id}`, Buffer.from(JSON.stringify(secrets)));
  /** Has everything that waits for a webhook tried at once. */
  const setDue = (tx: Transaction<Database>, id: string) =>
    tx
      .updateTable('webhook_deliveries')
      .set({ next_at: world.clock.now() })
      .where('webhook', '=', id)
      .where('state', '=', 'pending')
      .execute();
  const rowOf = (id: string) => store.db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    async list() {
      const rows = await store.db.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id').execute();
      return rows.map(webhookOf);
    },
    async get(id) {
      const row = await rowOf(id);
      return row ? ok(webhookOf(row)) : fail('WEBHOOK_UNKNOWN');
    },
    async create({ name, url, events = null }, by) {
      const target = await addresses.target(url);
      if (!target.ok) return target;
      const secret = freshSecret(world);
      const id = world.id();
      const made = await store.write(async (tx): Promise<Result<Row, 'WEBHOOKS_FULL'>> => {
        const { count } = await tx
          .selectFrom('webhooks')
          .select((all) => all.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        if (Number(count) >= webhooksMax) return fail('WEBHOOKS_FULL');
        const newest = await tx.selectFrom('timeline').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
        const row: Row = {
          id,
          name,
          url,
          events: events && JSON.stringify(events),
          state: 'active',
          paused_for: null,
          secrets_sealed: seal(id, [{ secret, until: null }]),
          cursor: newest?.id ?? 0,
          created_at: world.clock.now(),
          failing_since: null,
          failures: 0,
          retry_at: null,
          version: 1,
        };
        await tx.insertInto('webhooks').values(row).execute();
        await audit.note(tx, {
          actor: by,
          action: 'webhooks.create',
          subject: `webhook/${id}`,
          after: stateOf(webhookOf(row)),
          facts: { name, host: target.value.url.host },
        });
        return ok(row);
      });
      return made.ok ? ok({ webhook: webhookOf(made.value), secret }) : made;
    },
    async change(id, version, { name, url, events, state }, by) {
      if (url !== undefined) {
        const target = await addresses.target(url);
        if (!target.ok) return target;
      }
      // Whoever is taken up again, or lives elsewhere now, is tried at once.
      const isAnew = state === 'active' || url !== undefined;
      const changed = await store.write(async (tx): Promise<Result<Row, 'WEBHOOK_UNKNOWN' | 'VERSION_CONFLICT'>> => {
        const old = await tx.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
        if (!old) return fail('WEBHOOK_UNKNOWN');
        if (old.version !== version) return fail('VERSION_CONFLICT', { facts: { newest: old.version } });
        const row: Row = {
          ...old,
          ...(name !== undefined && { name }),
          ...(url !== undefined && { url }),
          ...(events !== undefined && { events: events && JSON.stringify(events) }),
          ...(state !== undefined && { state, paused_for: null, failing_since: null }),
          ...(isAnew && { failures: 0, retry_at: null }),
          version: version + 1,
        };
        await tx.updateTable('webhooks').set(row).where('id', '=', id).execute();
        if (isAnew) await setDue(tx, id);
        await audit.note(tx, {
          actor: by,
          action: 'webhooks.change',
          subject: `webhook/${id}`,
          before: stateOf(webhookOf(old)),
          after: stateOf(webhookOf(row)),
        });
        return ok(row);
      });
      return changed.ok ? ok(webhookOf(changed.value)) : changed;
    },
    async remove(id, by) {
      const isGone = await store.write(async (tx) => {
        const { numDeletedRows } = await tx.deleteFrom('webhooks').where('id', '=', id).executeTakeFirstOrThrow();
        if (numDeletedRows > 0n)
          await audit.note(tx, { actor: by, action: 'webhooks.remove', subject: `webhook/${id}` });
        return numDeletedRows > 0n;
      });
      return isGone ? ok(undefined) : fail('WEBHOOK_UNKNOWN');
    },
    async rotate(id, by) {
      const secret = freshSecret(world);
      const isThere = await store.write(async (tx) => {
        const row = await tx.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return false;
        const [before] = secretsOf(vault, row);
        const secrets = [
          { secret, until: null },
          ...(before ? [{ secret: before.secret, until: world.clock.now() + overlapMs }] : []),
        ];
        await tx
          .updateTable('webhooks')
          .set({ secrets_sealed: seal(id, secrets) })
          .where('id', '=', id)
          .execute();
        await audit.note(tx, { actor: by, action: 'webhooks.rotate-secret', subject: `webhook/${id}` });
        return true;
      });
      return isThere ? ok({ secret }) : fail('WEBHOOK_UNKNOWN');
    },
    async tryNow(id, by) {
      const tried = await store.write(async (tx): Promise<Result<Row, 'WEBHOOK_UNKNOWN' | 'WEBHOOK_PAUSED'>> => {
        const row = await tx.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return fail('WEBHOOK_UNKNOWN');
        if (row.state === 'paused') return fail('WEBHOOK_PAUSED');
        const retry_at = row.retry_at === null ? null : world.clock.now();
        await tx.updateTable('webhooks').set({ retry_at }).where('id', '=', id).execute();
        await setDue(tx, id);
        await audit.note(tx, { actor: by, action: 'webhooks.try', subject: `webhook/${id}` });
        return ok({ ...row, retry_at });
      });
      return tried.ok ? ok(webhookOf(tried.value)) : tried;
    },
    async replay(id, what, by) {
      return await store.write(async (tx): Promise<Result<Webhook & { readonly again: number }, 'WEBHOOK_UNKNOWN'>> => {
        const row = await tx.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return fail('WEBHOOK_UNKNOWN');
        const now = world.clock.now();
        let again: number;
        if ('dead' in what) {
          const { numUpdatedRows } = await tx
            .updateTable('webhook_deliveries')
            // Taken up anew: it has all of its days again.
            .set({ state: 'pending', attempt: 0, next_at: row.retry_at ?? now, created_at: now, ended_at: null })
            .where('webhook', '=', id)
            .where('state', '=', 'dead')
            .executeTakeFirstOrThrow();
          again = Number(numUpdatedRows);
        } else {
          const first =
            'fromEvent' in what
              ? what.fromEvent
              : (
                  await tx
                    .selectFrom('timeline')
                    .select('id')
                    .where('at', '>=', what.from)
                    .orderBy('id')
                    .limit(1)
                    .executeTakeFirst()
                )?.id;
          const cursor = Math.min(row.cursor, Math.max(0, (first ?? row.cursor + 1) - 1));
          const { events } = webhookOf(row);
          const { count } = await tx
            .selectFrom('timeline')
            .select((all) => all.fn.countAll<number>().as('count'))
            .where('id', '>', cursor)
            .where('id', '<=', row.cursor)
            .$if(events !== null, (query) => query.where('kind', 'in', events ?? []))
            .executeTakeFirstOrThrow();
          again = Number(count);
          await tx.updateTable('webhooks').set({ cursor }).where('id', '=', id).execute();
          row.cursor = cursor;
        }
        await audit.note(tx, {
          actor: by,
          action: 'webhooks.replay',
          subject: `webhook/${id}`,
          facts: { cursor: row.cursor, again },
        });
        return ok({ ...webhookOf(row), again });
      });
    },
    async deliveries(id, { state, serial, ...page }) {
      if (!(await rowOf(id))) return fail('WEBHOOK_UNKNOWN');
      let query = store.db.selectFrom('webhook_deliveries').selectAll().where('webhook', '=', id);
      if (state !== undefined) query = query.where('state', '=', state);
      if (serial !== undefined) query = query.where('serial', '=', serial);
      return await pageOn(query, highestFirst('id'), page);
    },
    async close() {
      isClosed = true;
      looker.cancel();
      trimmer.cancel();
      await Promise.all(busy.values());
    },
  };
}
