import { canonicalJson, sha256 } from '@tsunagu/protocols/audit';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Actor, Approvals } from '../audit/index.ts';
import type { Queryable, Store } from '../store/index.ts';
import type { Certificates } from './certificates.ts';

/** So many terminals lose their certificates by one person's word within a day; more of them are cut off when a second person agrees. */
export const revokedAloneMax = 10;
const withinMs = 86_400_000;

/** What revocations of many need of the rooms around them. */
export interface RevocationRooms {
  readonly world: Pick<World, 'clock' | 'timers' | 'log'>;
  readonly store: Store;
  readonly approvals: Pick<Approvals, 'request' | 'onDecided'>;
  readonly certificates: Pick<Certificates, 'revokeIn' | 'revoked'>;
}

/** Revocations of many terminals: a slip of the hand must not silence a fleet, since each has to be enrolled anew by hand. */
export interface Revocations {
  /**
   * Asks for a second person where so many at once need one. Those that were revoked in bulk or singly within a day count too, so that
   * small steps lead no further. All of them are revoked in one transaction when it is approved.
   * @returns the id of the request; undefined where one person's word is enough
   */
  ask(serials: readonly Serial[], by: Actor): Promise<Result<string | undefined, 'ROLE_INSUFFICIENT'>>;
  /** Whether `ask` would ask. */
  needsSecond(serials: readonly Serial[]): Promise<boolean>;
}

export function openRevocations({ world, store, approvals, certificates }: RevocationRooms): Revocations {
  async function needsSecond(on: Queryable, serials: readonly Serial[]): Promise<boolean> {
    const rows = await on
      .selectFrom('certificates')
      .select('subject')
      .distinct()
      .where('kind', '=', 'terminal')
      .where('revoked_at', '>', world.clock.now() - withinMs)
      .limit(revokedAloneMax + 1)
      .execute();
    return new Set([...serials, ...rows.map(({ subject }) => subject)]).size > revokedAloneMax;
  }

  approvals.onDecided('revocation', async (tx, approval) => {
    const rows = await tx
      .selectFrom('revocation_proposals')
      .select('serial')
      .where('approval', '=', approval.id)
      .execute();
    const serials = rows.map(({ serial }) => serialSchema.parse(serial));
    if (digestOf(serials) !== approval.digest) throw new FaultError({ code: 'INTERNAL' });
    if (approval.state !== 'approved') return;
    for (const serial of serials) await certificates.revokeIn(tx, serial, { subject: approval.requestedBy });
    // Connections end when it is on disk.
    world.timers.after(0, () => {
      for (const serial of serials) certificates.revoked(serial, { subject: approval.requestedBy });
    });
  });

  return {
    needsSecond: (serials) => needsSecond(store.db, serials),
    ask: (serials, by) =>
      store.write(async (tx) => {
        if (serials.length === 0 || !(await needsSecond(tx, serials))) return ok(undefined);
        const asked = await approvals.request(tx, {
          kind: 'revocation',
          subject: 'terminals',
          digest: digestOf(serials),
          by,
        });
        if (!asked.ok) return asked;
        const approval = asked.value.id;
        for (const serial of serials)
          await tx.insertInto('revocation_proposals').values({ approval, serial }).execute();
        return ok(approval);
      }),
  };
}

/** What a second person approves: that exactly these are revoked. */
const digestOf = (serials: readonly Serial[]): string => sha256(canonicalJson(serials.toSorted()));
