import {
  approvalFacts,
  type ApprovalFacts,
  type ApprovalKind,
  approvalKinds,
  parseJson,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import {
  type Database,
  newestFirst,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  pageOn,
  viewPage,
} from '../store/index.ts';
import { type Actor, may, personOf } from './actor.ts';
import { areApart } from './apart.ts';
import type { WriteNote } from './note.ts';
import type { AuditTables } from './tables.ts';

/** How long a request for approval stands. */
const lifeMs = 7 * 86_400_000;
const factsLengthMax = 65_536;

/** Something that one person asked for and another has to approve. */
export interface Approval {
  readonly id: string;
  readonly kind: ApprovalKind;
  /** What it is about, such as `campaign/…`. */
  readonly subject: string;
  /** SHA-256 of exactly what is to be approved. */
  readonly digest: string;
  /** What is asked for, as whoever decides reads it: the kind of job, the step of a life, the name of a campaign. */
  readonly facts: ApprovalFacts;
  readonly state: 'requested' | 'approved' | 'refused' | 'expired';
  readonly requestedBy: string;
  /** Milliseconds since 1970. */
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decidedBy: string | null;
  readonly decidedAt: number | null;
  readonly reason: string | null;
}

/** Work of the room that asked, in the transaction that decides; what it answers with is done when that is on disk. */
export type OnDecided = (
  tx: Transaction<Database>,
  approval: Approval,
  by: Actor,
) => Promise<(() => Promise<void>) | undefined>;

/**
 * Second-person approval.
 *
 * | state | meaning | after a restart |
 * |---|---|---|
 * | requested | waits for somebody else with the right role | the same |
 * | approved, refused | decided, for good | the same |
 * | expired | nobody decided in time, or what was asked for was taken back | the same; ask again |
 */
export interface Approvals {
  /** Asks. ROLE_INSUFFICIENT: `by` may not order this kind. */
  request(
    tx: Transaction<Database>,
    order: {
      readonly kind: ApprovalKind;
      readonly subject: string;
      readonly digest: string;
      /** Out of the same values as the digest: nobody decides on what they cannot read. */
      readonly facts: ApprovalFacts;
      readonly by: Actor;
      readonly lifeMs?: number;
    },
  ): Promise<Result<Approval, 'ROLE_INSUFFICIENT'>>;
  /** What was asked for is not to be had any more: nobody is shown a request that no decision can end. */
  lapse(tx: Transaction<Database>, id: string): Promise<void>;
  /**
   * Decides. The person who asked may not, whatever they came with; nor who lacks the role; nor approves who is not apart from
   * whoever asked (`areApart`): they may refuse.
   */
  decide(
    id: string,
    by: Actor,
    verdict: 'approved' | 'refused',
    reason?: string,
  ): Promise<
    Result<
      Approval,
      | 'APPROVAL_UNKNOWN'
      | 'APPROVAL_OWN'
      | 'APPROVAL_NOT_APART'
      | 'APPROVAL_CLOSED'
      | 'APPROVAL_EXPIRED'
      | 'ROLE_INSUFFICIENT'
    >
  >;
  get(id: string): Promise<Result<Approval, 'APPROVAL_UNKNOWN'>>;
  /** Whether this very thing was approved: to be asked in the transaction that acts on it. */
  stands(on: Queryable, id: string, digest: string): Promise<boolean>;
  /** Newest first. */
  list(
    page: PageRequest & { readonly kind?: ApprovalKind; readonly state?: Approval['state'] },
  ): Promise<Result<Page<Approval>, 'INPUT_INVALID'>>;
  /** Has a room act on the decision in the transaction that makes it. */
  onDecided(kind: ApprovalKind, work: OnDecided): void;
}

export function openApprovals(world: Pick<World, 'clock' | 'id'>, store: Store, note: WriteNote): Approvals {
  const followers = new Map<ApprovalKind, OnDecided>();

  const approvalOf = (row: Selectable<AuditTables['approvals']>): Approval => ({
    id: row.id,
    kind: kindOf(row.kind),
    subject: row.subject,
    digest: row.digest,
    facts: unwrap(parseJson(approvalFacts, row.facts, factsLengthMax)),
    state: row.state === 'requested' && row.expires_at <= world.clock.now() ? 'expired' : row.state,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    reason: row.reason,
  });

  async function read(on: Queryable, id: string): Promise<Approval | undefined> {
    const row = await on.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
    return row && approvalOf(row);
  }

  const approvals: Approvals = {
    async request(tx, { kind, subject, digest, facts, by, lifeMs: life = lifeMs }) {
      const needs = approvalKinds[kind].order;
      if (!may(by, needs)) return fail('ROLE_INSUFFICIENT', { facts: { needs } });
      const now = world.clock.now();
      const row = {
        id: world.id(),
        kind,
        subject,
        digest,
        facts: JSON.stringify(facts),
        requested_by: personOf(by),
        requested_at: now,
        expires_at: now + life,
        state: 'requested' as const,
        decided_by: null,
        decided_at: null,
        reason: null,
      };
      await tx.insertInto('approvals').values(row).execute();
      await note(tx, { actor: by, action: `${kind}.request-approval`, subject, facts: { approval: row.id, digest } });
      return ok(approvalOf(row));
    },

    async lapse(tx, id) {
      await tx
        .updateTable('approvals')
        .set({ expires_at: world.clock.now() })
        .where('id', '=', id)
        .where('state', '=', 'requested')
        .where('expires_at', '>', world.clock.now())
        .execute();
    },

    async decide(id, by, verdict, reason) {
      let afterwards: (() => Promise<void>) | undefined;
      const outcome = await store.write(async (tx): ReturnType<Approvals['decide']> => {
        const approval = await read(tx, id);
        if (!approval) return fail('APPROVAL_UNKNOWN');
        const needs = approvalKinds[approval.kind].approve;
        const refusal =
          approval.requestedBy === personOf(by)
            ? fail('APPROVAL_OWN')
            : !may(by, needs)
              ? fail('ROLE_INSUFFICIENT', { facts: { needs } })
              : approval.state === 'expired'
                ? fail('APPROVAL_EXPIRED')
                : approval.state !== 'requested'
                  ? fail('APPROVAL_CLOSED', { facts: { state: approval.state } })
                  : verdict === 'approved' && !(await areApart(tx, approval.requestedBy, personOf(by)))
                    ? fail('APPROVAL_NOT_APART')
                    : undefined;
        if (refusal) return refusal;
        const decided: Approval = {
          ...approval,
          state: verdict,
          decidedBy: personOf(by),
          decidedAt: world.clock.now(),
          reason: reason ?? null,
        };
        await tx
          .updateTable('approvals')
          .set({
            state: verdict,
            decided_by: decided.decidedBy,
            decided_at: decided.decidedAt,
            reason: decided.reason,
          })
          .where('id', '=', id)
          .where('state', '=', 'requested')
          .execute();
        await note(tx, {
          actor: by,
          action: `${approval.kind}.${verdict === 'approved' ? 'approve' : 'refuse'}`,
          subject: approval.subject,
          facts: { approval: id, digest: approval.digest, requestedBy: approval.requestedBy },
        });
        afterwards = await followers.get(approval.kind)?.(tx, decided, by);
        return ok(decided);
      });
      await afterwards?.();
      return outcome;
    },

    async get(id) {
      const found = await read(store.db, id);
      return found ? ok(found) : fail('APPROVAL_UNKNOWN');
    },

    async stands(on, id, digest) {
      const found = await read(on, id);
      return found?.state === 'approved' && found.digest === digest;
    },

    async list({ kind, state, ...page }) {
      let query = store.db.selectFrom('approvals').selectAll();
      if (kind !== undefined) query = query.where('kind', '=', kind);
      const now = world.clock.now();
      if (state === 'expired') query = query.where('state', '=', 'requested').where('expires_at', '<=', now);
      else if (state === 'requested') query = query.where('state', '=', state).where('expires_at', '>', now);
      else if (state !== undefined) query = query.where('state', '=', state);
      return viewPage(await pageOn(query, newestFirst('requested_at', 'id'), page), approvalOf);
    },

    onDecided(kind, work) {
      followers.set(kind, work);
    },
  };
  return approvals;
}

function kindOf(text: string): ApprovalKind {
  for (const kind of Object.keys(approvalKinds)) if (kind === text && isKind(kind)) return kind;
  throw new Error(`an approval of an unknown kind: ${text}`);
}

const isKind = (text: string): text is ApprovalKind => Object.hasOwn(approvalKinds, text);
