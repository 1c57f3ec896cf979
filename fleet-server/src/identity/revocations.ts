import { canonicalJson, sha256 } from '@tsunagu/protocols/audit';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Actor, Approvals, Audit } from '../audit/index.ts';
import type { Database, Queryable, Store } from '../store/index.ts';
import type { Certificates } from './certificates.ts';

/** So many terminals lose their certificates by one person's word within a day; more of them are cut off when a second person agrees. */
export const revokedAloneMax = 10;
const withinMs = 86_400_000;

/** What revocations need of the rooms around them. */
export interface RevocationRooms {
  readonly world: Pick<World, 'clock' | 'timers' | 'log'>;
  readonly store: Store;
  readonly approvals: Pick<Approvals, 'request' | 'onDecided'>;
  readonly certificates: Pick<Certificates, 'revokeIn' | 'revoked'>;
  /** Writes an entry of the audit log. */
  readonly note: Audit['note'];
}

/**
 * Revocations of terminals. A terminal that is revoked gets no certificate by anything that it holds, its claim and its maker's certificate
 * included, until its claim is issued again. A slip of the hand must not silence a fleet by that: many need a second person.
 */
export interface Revocations {
  /**
   * Revokes all of them in one transaction, or asks for a second person where so many within a day need one; then all of them are
   * revoked in one transaction when it is approved. Those that are unknown are left out.
   * @returns the id of the request; undefined: they are revoked
   */
  order(serials: readonly Serial[], by: Actor): Promise<Result<string | undefined, 'ROLE_INSUFFICIENT'>>;
  /** Which terminals a second person was asked for; empty for another request. */
  proposed(approval: string): Promise<readonly Serial[]>;
  /** Whether `order` would ask. */
  needsSecond(serials: readonly Serial[]): Promise<boolean>;
}

export function openRevocations({ world, store, approvals, certificates, note }: RevocationRooms): Revocations {
  async function needsSecond(on: Queryable, serials: readonly Serial[]): Promise<boolean> {
    const rows = await on
      .selectFrom('claims')
      .select('serial')
      .where('revoked_at', '>', world.clock.now() - withinMs)
      .limit(revokedAloneMax + 1)
      .execute();
    return new Set([...serials, ...rows.map(({ serial }) => serial)]).size > revokedAloneMax;
  }

  /** @param asked who wanted it, where that is not who lets it happen */
  async function cutOff(
    tx: Transaction<Database>,
    serials: readonly Serial[],
    by: Actor,
    asked?: string,
  ): Promise<void> {
    const at = world.clock.now();
    const subject = asked ?? by.subject;
    const facts = asked === undefined ? {} : { requestedBy: asked };
    for (const serial of serials) {
      if (!(await certificates.revokeIn(tx, serial, { subject }))) continue;
      await tx.updateTable('claims').set({ ended_at: at, revoked_at: at }).where('serial', '=', serial).execute();
      await note(tx, { actor: by, action: 'terminal.revoke', subject: `terminal/${serial}`, facts });
    }
  }

  const tell = (serials: readonly Serial[], subject: string): void => {
    for (const serial of serials) certificates.revoked(serial, { subject });
  };

  async function proposed(on: Queryable, approval: string): Promise<readonly Serial[]> {
    const rows = await on
      .selectFrom('revocation_proposals')
      .select('serial')
      .where('approval', '=', approval)
      .orderBy('serial')
      .execute();
    return rows.map(({ serial }) => serialSchema.parse(serial));
  }

  approvals.onDecided('revocation', async (tx, approval, by) => {
    const serials = await proposed(tx, approval.id);
    if (digestOf(serials) !== approval.digest) throw new FaultError({ code: 'INTERNAL' });
    if (approval.state !== 'approved') return;
    await cutOff(tx, serials, by, approval.requestedBy);
    // Connections end when it is on disk.
    world.timers.after(0, () => tell(serials, approval.requestedBy));
  });

  return {
    proposed: (approval) => proposed(store.db, approval),
    needsSecond: (serials) => needsSecond(store.db, serials),
    async order(serials, by) {
      const ordered = await store.write(async (tx): Promise<Result<string | undefined, 'ROLE_INSUFFICIENT'>> => {
        if (serials.length === 0) return ok(undefined);
        if (!(await needsSecond(tx, serials))) {
          await cutOff(tx, serials, by);
          return ok(undefined);
        }
        const asked = await approvals.request(tx, {
          kind: 'revocation',
          subject: serials.length === 1 ? `terminal/${serials[0]}` : `terminals (${serials.length})`,
          digest: digestOf(serials),
          facts: { terminals: serials.length },
          by,
        });
        if (!asked.ok) return asked;
        const approval = asked.value.id;
        for (const serial of serials)
          await tx.insertInto('revocation_proposals').values({ approval, serial }).execute();
        return ok(approval);
      });
      if (ordered.ok && ordered.value === undefined) tell(serials, by.subject);
      return ordered;
    },
  };
}

/** What a second person approves: that exactly these are revoked. */
const digestOf = (serials: readonly Serial[]): string => sha256(canonicalJson(serials.toSorted()));
