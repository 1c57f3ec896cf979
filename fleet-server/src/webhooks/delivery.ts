import { parseJson } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { isoTime, type Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { AddressRules } from './address.ts';
import { type Attempt, post } from './post.ts';
import { decideAttempt, decideReceiver, refusedMax } from './rules.ts';
import { signedHeaders, type WebhookSecret } from './signature.ts';
import type { WebhookTables } from './tables.ts';

type WebhookRow = Selectable<WebhookTables['webhooks']>;
type DeliveryRow = Selectable<WebhookTables['webhook_deliveries']>;

/** At most so many wait in the table for one webhook; the rest waits in the timeline. */
const pendingMax = 500;
const intakeRows = 200;
const parallelMax = 8;

/** What deliveries are made with. */
export interface DeliveryRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly addresses: AddressRules;
  readonly waitsMs: readonly number[];
  readonly timeoutMs: number;
  /** After so long without one success a webhook is paused. */
  readonly pauseAfterMs: number;
}

export const secretsOf = (
  vault: Vault,
  { id, secrets_sealed }: Pick<WebhookRow, 'id' | 'secrets_sealed'>,
): WebhookSecret[] => {
  const clear = vault.open(`webhook\n${id}`, Uint8Array.from(secrets_sealed));
  const read = clear.ok ? parseJson(secretList, clear.value) : undefined;
  return read?.ok ? read.value : [];
};
const secretList = z.array(z.object({ secret: z.string(), until: z.number().nullable() }));

/**
 * Moves a webhook on. The cursor and the deliveries that it stands for are written in one transaction; an attempt is made, and
 * then written down. Power lost in between means the same message again: at least once, in order for each terminal.
 */
export function deliverWith({ world, store, vault, addresses, waitsMs, timeoutMs, pauseAfterMs }: DeliveryRooms) {
  /** Turns new entries of the timeline into deliveries. */
  async function takeIn(webhook: WebhookRow): Promise<boolean> {
    return await store.write(async (tx) => {
      const waiting = await tx
        .selectFrom('webhook_deliveries')
        .select((all) => all.fn.countAll<number>().as('count'))
        .where('webhook', '=', webhook.id)
        .where('state', '=', 'pending')
        .executeTakeFirstOrThrow();
      if (Number(waiting.count) >= pendingMax) return false;
      // Read anew: a replay may have set it back.
      const { cursor, retry_at } = await tx
        .selectFrom('webhooks')
        .select(['cursor', 'retry_at'])
        .where('id', '=', webhook.id)
        .executeTakeFirstOrThrow();
      const rows = await tx
        .selectFrom('timeline')
        .select(['id', 'serial', 'kind'])
        .where('id', '>', cursor)
        .orderBy('id')
        .limit(intakeRows)
        .execute();
      const newest = rows.at(-1);
      if (!newest) return false;
      const events = webhook.events === null ? undefined : z.array(z.string()).parse(JSON.parse(webhook.events));
      const now = world.clock.now();
      const wanted = rows.filter(({ kind }) => !events || events.includes(kind));
      if (wanted.length > 0)
        await tx
          .insertInto('webhook_deliveries')
          .values(
            wanted.map(({ id, serial, kind }) => ({
              webhook: webhook.id,
              event: id,
              serial,
              kind,
              state: 'pending' as const,
              attempt: 0,
              next_at: retry_at ?? now,
              created_at: now,
              ended_at: null,
              status: null,
              fault: null,
            })),
          )
          .execute();
      await tx.updateTable('webhooks').set({ cursor: newest.id }).where('id', '=', webhook.id).execute();
      return true;
    });
  }

  /** The oldest message of each terminal whose time has come: a later one waits for it. Of a receiver that is down, the one that was tried least. */
  const due = (webhook: WebhookRow): Promise<DeliveryRow[]> =>
    store.db
      .selectFrom('webhook_deliveries as delivery')
      .selectAll()
      .where('webhook', '=', webhook.id)
      .where('state', '=', 'pending')
      .where('next_at', '<=', world.clock.now())
      .where((all) =>
        all.not(
          all.exists(
            all
              .selectFrom('webhook_deliveries as earlier')
              .select('earlier.id')
              .whereRef('earlier.webhook', '=', 'delivery.webhook')
              .whereRef('earlier.serial', '=', 'delivery.serial')
              .where('earlier.state', '=', 'pending')
              .whereRef('earlier.id', '<', 'delivery.id'),
          ),
        ),
      )
      .$if(webhook.retry_at !== null, (query) => query.orderBy('attempt'))
      .orderBy('id')
      .limit(webhook.retry_at === null ? parallelMax : 1)
      .execute();

  async function attempt(webhook: WebhookRow, delivery: DeliveryRow): Promise<Attempt> {
    const event = await store.db.selectFrom('timeline').selectAll().where('id', '=', delivery.event).executeTakeFirst();
    const target = await addresses.target(webhook.url);
    if (!target.ok)
      return {
        status: null,
        fault: target.fault.code,
        retryAfterMs: null,
      };
    if (!event) return { status: null, fault: null, retryAfterMs: null };
    const facts: unknown = JSON.parse(event.facts);
    const body = JSON.stringify({
      type: `terminal.${event.kind}`,
      timestamp: isoTime(event.at),
      data: { id: event.id, serial: event.serial, facts },
    });
    // The same event has the same id in every attempt and replay: a receiver tells what it has already.
    const headers = signedHeaders(`evt_${event.id}`, world.clock.now(), body, secretsOf(vault, webhook));
    return await post(world, target.value, headers, body, timeoutMs);
  }

  /** Terminals whose messages a webhook's receiver refused since it last took one. */
  const refusedBy = new Map<string, Set<string>>();

  /** Sends messages, and writes down together what became of them and of their receiver. */
  async function deliver(webhook: WebhookRow, deliveries: readonly DeliveryRow[]): Promise<void> {
    const made = await Promise.all(
      deliveries.map(async (delivery) => ({ delivery, outcome: await attempt(webhook, delivery) })),
    );
    const outcomes = made.map(({ outcome }) => outcome);
    const refused = refusedBy.get(webhook.id) ?? new Set();
    for (const { serial } of deliveries) if (refused.size < refusedMax) refused.add(serial);
    const now = world.clock.now();
    const jitter = (world.entropy(1)[0] ?? 0) / 255;
    const isKnown = await store.write(async (tx) => {
      const known = await tx
        .selectFrom('webhooks')
        .select(['failing_since', 'state', 'failures', 'retry_at'])
        .where('id', '=', webhook.id)
        .executeTakeFirst();
      if (!known) return false;
      const before = { failures: known.failures, isDown: known.retry_at !== null };
      const receiver = decideReceiver(before, outcomes, refused.size, jitter, waitsMs);
      const retry_at = receiver.state === 'down' ? now + receiver.waitMs : null;
      // Whoever waits for a receiver waits for nothing else: all are tried when it is, and go on when it takes one.
      if (retry_at !== null || before.isDown)
        await tx
          .updateTable('webhook_deliveries')
          .set({ next_at: retry_at ?? now })
          .where('webhook', '=', webhook.id)
          .where('state', '=', 'pending')
          .execute();
      for (const { delivery, outcome } of made) {
        const count = delivery.attempt + 1;
        const verdict = decideAttempt(outcome, count, now - delivery.created_at, jitter, waitsMs);
        await tx
          .updateTable('webhook_deliveries')
          .set({
            state: verdict.state,
            attempt: count,
            status: outcome.status,
            fault: outcome.fault,
            ...(verdict.state === 'pending' ? { next_at: retry_at ?? now + verdict.waitMs } : { ended_at: now }),
          })
          .where('id', '=', delivery.id)
          .execute();
      }
      const isTaken = outcomes.some(({ fault }) => fault === null);
      const failing_since = isTaken ? null : (known.failing_since ?? now);
      // RFC 9110, 15.5.11: a receiver that is gone says so for good.
      const isGone = outcomes.some(({ status }) => status === 410);
      const isOver = isGone || (failing_since !== null && now - failing_since >= pauseAfterMs);
      const fault = outcomes.find((outcome) => outcome.fault !== null)?.fault ?? null;
      await tx
        .updateTable('webhooks')
        .set({
          failing_since,
          failures: receiver.state === 'down' ? receiver.failures : 0,
          retry_at,
          ...(isOver && known.state === 'active' && { state: 'paused' as const, paused_for: fault }),
        })
        .where('id', '=', webhook.id)
        .execute();
      if (isOver && known.state === 'active')
        world.log('warn', 'webhookPaused', { webhook: webhook.id, code: fault ?? '' });
      return true;
    });
    if (outcomes.some(({ fault }) => fault === null) || !isKnown) refusedBy.delete(webhook.id);
    else refusedBy.set(webhook.id, refused);
  }

  /** One step; true while there is more to do at once. */
  return async (webhook: WebhookRow): Promise<boolean> => {
    const took = await takeIn(webhook);
    const deliveries = await due(webhook);
    if (deliveries.length > 0) await deliver(webhook, deliveries);
    return took || deliveries.length > 0;
  };
}
