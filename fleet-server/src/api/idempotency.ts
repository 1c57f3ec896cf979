import { createHash, createHmac } from 'node:crypto';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

/** An answer as it went out. */
export interface KeptAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** A key that a request holds. */
export interface HeldKey {
  readonly name: string;
  readonly fingerprint: string;
}

const lifeMs = 24 * 3_600_000;
const keysMax = 50_000;
const trimEvery = 500;

/**
 * What was answered to which `Idempotency-Key`, for a day, over restarts.
 *
 * | power is lost | a repeat |
 * |---|---|
 * | before the first commit | is done anew: there is no trace of the first |
 * | after a commit, before the answer was kept | gets IDEMPOTENCY_ANSWER_LOST with the id of the first request; nothing is done twice |
 * | after the answer was kept | gets that answer |
 */
export interface Idempotency {
  /** Claims a key for a request: it is to hold it and go on, or there is an answer already. */
  claim(
    scope: string,
    key: string,
    body: unknown,
  ): Promise<
    Result<
      { readonly hold: HeldKey } | { readonly answer: KeptAnswer },
      'IDEMPOTENCY_KEY_INVALID' | 'IDEMPOTENCY_KEY_REUSED' | 'IDEMPOTENCY_IN_FLIGHT' | 'IDEMPOTENCY_ANSWER_LOST'
    >
  >;
  /** Marks, in the transaction of the first effect, that there was one. */
  mark(tx: Transaction<Database>, held: HeldKey, request: string): Promise<void>;
  keep(held: HeldKey, request: string, answer: KeptAnswer): Promise<void>;
  /** There is no answer worth keeping: a repeat tries anew, unless something was committed. */
  drop(held: HeldKey): void;
}

/** Bodies are kept as a keyed hash, since one may be a PAN; answers are sealed, since one may hold a claim secret. */
export async function keepAnswers(world: World, store: Store, vault: Vault): Promise<Idempotency> {
  const secret = await ownSecret(world, store, vault);
  const inFlight = new Map<string, string>();
  let kept = 0;

  async function trim(): Promise<void> {
    const cut = world.clock.now() - lifeMs;
    await store.db.deleteFrom('idempotency_keys').where('at', '<', cut).execute();
    const oldest = await store.db
      .selectFrom('idempotency_keys')
      .select('at')
      .orderBy('at', 'desc')
      .offset(keysMax)
      .limit(1)
      .executeTakeFirst();
    if (oldest) await store.db.deleteFrom('idempotency_keys').where('at', '<=', oldest.at).execute();
  }

  return {
    async claim(scope, key, body) {
      if (!/^[\x21-\x7e]{8,128}$/.test(key)) return fail('IDEMPOTENCY_KEY_INVALID', { field: 'Idempotency-Key' });
      const field = 'Idempotency-Key';
      const name = createHash('sha256').update(`${scope}\n${key}`).digest('hex');
      const fingerprint = createHmac('sha256', secret)
        .update(Buffer.isBuffer(body) ? body : JSON.stringify(body ?? null))
        .digest('base64');
      const other = inFlight.get(name);
      if (other !== undefined)
        return fail(other === fingerprint ? 'IDEMPOTENCY_IN_FLIGHT' : 'IDEMPOTENCY_KEY_REUSED', { field });
      // Held from here on, so that of two at once one waits.
      inFlight.set(name, fingerprint);
      let isHeld = false;
      try {
        const row = await store.db
          .selectFrom('idempotency_keys')
          .selectAll()
          .where('name', '=', name)
          .executeTakeFirst();
        if (row && world.clock.now() - row.at < lifeMs) {
          if (row.fingerprint !== fingerprint) return fail('IDEMPOTENCY_KEY_REUSED', { field });
          const sealed = row.body_sealed;
          const clear = sealed && vault.open(`answer\n${name}`, Uint8Array.from(sealed));
          if (row.state === 'effected' || !clear?.ok)
            return fail('IDEMPOTENCY_ANSWER_LOST', { field, facts: { request: row.request } });
          const answer = Buffer.from(clear.value).toString('utf8');
          return ok({
            answer: { status: row.status ?? 200, contentType: row.content_type ?? 'application/json', body: answer },
          });
        }
        isHeld = true;
        return ok({ hold: { name, fingerprint } });
      } finally {
        if (!isHeld) inFlight.delete(name);
      }
    },
    async mark(tx, { name, fingerprint }, request) {
      const row = {
        fingerprint,
        at: world.clock.now(),
        state: 'effected' as const,
        request,
        status: null,
        content_type: null,
        body_sealed: null,
      };
      await tx
        .insertInto('idempotency_keys')
        .values({ name, ...row })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute();
    },
    async keep({ name, fingerprint }, request, { status, contentType, body }) {
      const row = {
        fingerprint,
        at: world.clock.now(),
        state: 'answered' as const,
        request,
        status,
        content_type: contentType,
        body_sealed: vault.seal(`answer\n${name}`, Buffer.from(body)),
      };
      try {
        await store.db
          .insertInto('idempotency_keys')
          .values({ name, ...row })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
          .execute();
        kept += 1;
        if (kept % trimEvery === 0) await trim();
      } finally {
        inFlight.delete(name);
      }
    },
    drop: ({ name }) => void inFlight.delete(name),
  };
}

/** The key of the hashes of bodies: made once, sealed in the store, so that it outlives a restart. */
async function ownSecret(world: World, store: Store, vault: Vault): Promise<Uint8Array> {
  const name = 'idempotency';
  const row = await store.db.selectFrom('api_secrets').selectAll().where('name', '=', name).executeTakeFirst();
  if (row) return unwrap(vault.open(name, Uint8Array.from(row.sealed)));
  const secret = world.entropy(32);
  await store.db
    .insertInto('api_secrets')
    .values({ name, sealed: vault.seal(name, secret) })
    .execute();
  return secret;
}
