import {
  edgeBetween,
  type Evidence,
  type HeardOf,
  evidence as evidenceSchema,
  evidenceItems,
  lackingEvidence,
  type Lack,
  type LifecycleEdge,
  type LifecyclePermit,
  type LifecycleState,
  type LifecycleView,
  lifecycle as states,
  lifecycleEdges,
  type MoveLifecycle,
  needsSecondWord,
  nextStates,
  parseJson,
  permits,
  type Serial,
  serialSchema,
  standingOf,
} from '@tsunagu/protocols/fleet';
import { canonicalJson, sha256 } from '@tsunagu/protocols/audit';
import { fail, FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { Actor, Approvals } from '../audit/index.ts';
import { type Database, isoTime, type Queryable, type Store } from '../store/index.ts';
import { type BenchTestPassed, knownEvidence } from './known-evidence.ts';
import { keepReports } from './step-reports.ts';
import type { Note } from './timeline.ts';

export interface LifecycleRooms {
  readonly world: Pick<World, 'clock' | 'log' | 'timers'>;
  readonly store: Store;
  readonly note: Note;
  readonly approvals: Pick<Approvals, 'request' | 'lapse' | 'onDecided'>;
  /** The secure part was destroyed: no key of the terminal counts any more. */
  readonly keysDestroyed: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  readonly benchTestPassed: BenchTestPassed;
  /** What the house has heard of a terminal: it counts for more than what anybody declares. */
  readonly heardOf: (on: Queryable, serial: Serial) => Promise<HeardOf>;
  /** Ends whatever connection the terminal has, on every wire. */
  disconnect(serial: Serial): void;
  announce(serial: Serial): void;
}

export type MoveFault =
  | 'TERMINAL_UNKNOWN'
  | 'LIFECYCLE_STATE_CONFLICT'
  | 'LIFECYCLE_EDGE_UNKNOWN'
  | 'LIFECYCLE_EVIDENCE_MISSING'
  | 'LIFECYCLE_EVIDENCE_DIFFERS'
  | 'LIFECYCLE_EVIDENCE_UNPROVEN'
  | 'LIFECYCLE_KEYS_SUSPECT'
  | 'LIFECYCLE_STILL_SPEAKS'
  | 'LIFECYCLE_SALES_WAIT'
  | 'LIFECYCLE_KEYS_LIVE'
  | 'LIFECYCLE_MASS_DIFFERS'
  | 'ROLE_INSUFFICIENT';

/** Where terminals are in their lives: moved along the edges of the table, and by nothing else. */
export interface Lifecycle {
  view(serial: Serial): Promise<Result<LifecycleView, 'TERMINAL_UNKNOWN'>>;
  /**
   * Moves a terminal along an edge. Order of faults: terminal unknown, not in the state it was believed to be in, no such edge, evidence
   * in the order of the edge. An edge that asks for a second person is `pending` in the answer, and is taken when one approves. A state
   * that does not permit a connection ends those that are there.
   */
  move(serial: Serial, move: MoveLifecycle, by: Actor): Promise<Result<LifecycleView, MoveFault>>;
  /** Whether an edge could be taken now, but for the second person. */
  judgeIn(on: Queryable, serial: Serial, move: MoveLifecycle): Promise<Result<LifecycleEdge, MoveFault>>;
  /** Takes an edge in a transaction of another room, whose own rules have seen to its evidence. Call `moved` after the commit. */
  takeIn(
    tx: Transaction<Database>,
    serial: Serial,
    move: MoveLifecycle,
    by: { readonly subject: string },
  ): Promise<Result<void, MoveFault>>;
  /** As `move`, in a transaction of another room: taken, or asked of a second person. Call `moved` after the commit. */
  moveIn(
    tx: Transaction<Database>,
    serial: Serial,
    move: MoveLifecycle,
    by: Actor,
  ): Promise<Result<'taken' | 'pending', MoveFault>>;
  /** After the commit of a step: ends connections that are not permitted any more, and shows the terminal anew. */
  moved(serial: Serial): Promise<void>;
}

const historyMax = 100;
const codes = {
  missing: 'LIFECYCLE_EVIDENCE_MISSING',
  differs: 'LIFECYCLE_EVIDENCE_DIFFERS',
  unproven: 'LIFECYCLE_EVIDENCE_UNPROVEN',
  speaks: 'LIFECYCLE_STILL_SPEAKS',
  owes: 'LIFECYCLE_SALES_WAIT',
  keyed: 'LIFECYCLE_KEYS_LIVE',
  suspect: 'LIFECYCLE_KEYS_SUSPECT',
  heavy: 'LIFECYCLE_MASS_DIFFERS',
} as const satisfies Record<Lack['why'], MoveFault>;

/** The first step of a life, in the transaction that puts the terminal on the inventory. */
export async function beginLife(
  tx: Transaction<Database>,
  serial: Serial,
  state: LifecycleState,
  at: number,
  by: string,
  looked: Pick<Evidence, 'seals' | 'connections'> = {},
): Promise<void> {
  const evidence = Object.values(looked).some((part) => part !== undefined) ? JSON.stringify(looked) : null;
  await tx
    .insertInto('lifecycle_moves')
    .values({ serial, at, from_state: null, to_state: state, by, reason: 'registered', evidence })
    .execute();
}

/** Whether a terminal may do this in the state that it is in. */
export async function mayNow(
  on: Queryable,
  serial: Serial,
  what: LifecyclePermit,
): Promise<Result<void, 'TERMINAL_UNKNOWN' | 'LIFECYCLE_FORBIDS'>> {
  const row = await on.selectFrom('terminals').select('lifecycle').where('serial', '=', serial).executeTakeFirst();
  if (!row) return fail('TERMINAL_UNKNOWN', { field: 'serial' });
  return permits(row.lifecycle, what)
    ? ok(undefined)
    : fail('LIFECYCLE_FORBIDS', { facts: { serial, state: row.lifecycle, what } });
}

const evidenceOf = (text: string | null): Evidence => {
  const read = text === null ? undefined : parseJson(evidenceSchema, text, 65_536);
  return read?.ok ? read.value : {};
};

/** All steps of a terminal, oldest first. */
export async function stepsOfLife(on: Queryable, serial: Serial) {
  return (await stepsOfLives(on, [serial])).get(serial) ?? [];
}

/** All steps of several terminals, oldest first, in one statement. Who has none is not in it. */
export async function stepsOfLives(on: Queryable, serials: readonly string[]) {
  const rows =
    serials.length === 0
      ? []
      : await on.selectFrom('lifecycle_moves').selectAll().where('serial', 'in', serials).orderBy('id').execute();
  const lives = new Map<string, ReturnType<typeof stepOf>[]>();
  for (const row of rows) lives.set(row.serial, [...(lives.get(row.serial) ?? []), stepOf(row)]);
  return lives;
}

const stepOf = (row: Selectable<Database['lifecycle_moves']>) => ({
  id: row.id,
  at: row.at,
  from: row.from_state,
  to: row.to_state,
  by: row.by,
  reason: row.reason,
  evidence: evidenceOf(row.evidence),
  approvedBy: row.approved_by,
});

export function openLifecycle(rooms: LifecycleRooms): Lifecycle {
  const { world, store } = rooms;

  async function view(serial: Serial): Promise<Result<LifecycleView, 'TERMINAL_UNKNOWN'>> {
    const row = await store.db
      .selectFrom('terminals')
      .select(['lifecycle', 'lifecycle_since'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    const steps = await stepsOfLife(store.db, serial);
    const { bag, seals, connections } = standingOf(steps);
    const pending = await store.db
      .selectFrom('lifecycle_proposals')
      .innerJoin('approvals', 'approvals.id', 'lifecycle_proposals.approval')
      .select(['approval', 'to_state', 'by'])
      .where('serial', '=', serial)
      .where('approvals.state', '=', 'requested')
      .where('approvals.expires_at', '>', world.clock.now())
      .executeTakeFirst();
    return ok({
      state: row.lifecycle,
      since: isoTime(row.lifecycle_since),
      permits: [...states[row.lifecycle].permits],
      next: lifecycleEdges
        .filter(({ from }) => from === row.lifecycle)
        .map(({ to, evidence }) => ({ to, evidence: [...evidence] })),
      standing: { bag, seals: seals && [...seals], connections },
      pending: pending ? { approval: pending.approval, to: pending.to_state, by: pending.by } : null,
      history: steps
        .slice(-historyMax)
        .toReversed()
        .map((step) => ({ ...step, at: isoTime(step.at) })),
    });
  }

  /** Everything that is asked of an edge but the second person. */
  async function judge(on: Queryable, serial: Serial, move: MoveLifecycle): Promise<Result<LifecycleEdge, MoveFault>> {
    const { to, from, evidence: given = {} } = move;
    const row = await on
      .selectFrom('terminals')
      .select(['lifecycle', 'lifecycle_since'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!row) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    const before = row.lifecycle;
    if (from !== undefined && from !== before)
      return fail('LIFECYCLE_STATE_CONFLICT', { field: 'from', facts: { state: before } });
    const edge = edgeBetween(before, to);
    if (!edge)
      return fail('LIFECYCLE_EDGE_UNKNOWN', {
        field: 'to',
        facts: { from: before, to, next: nextStates(before).join(' ') },
      });
    const known = await knownEvidence(on, serial, row.lifecycle_since, given, {
      now: world.clock.now(),
      benchTestPassed: rooms.benchTestPassed,
      heardOf: rooms.heardOf,
    });
    const standing = standingOf(await stepsOfLife(on, serial));
    const [lack, ...more] = lackingEvidence(edge, given, standing, known);
    if (lack) {
      const also = more.flatMap(({ item, why }) => (why === 'missing' ? [item] : [])).join(' ');
      const { clause } = evidenceItems[lack.item];
      const facts = { item: lack.item, clause, ...lack.facts, ...(also !== '' && { also }) };
      return fail(codes[lack.why], { field: `evidence.${lack.item}`, facts });
    }
    return ok(edge);
  }

  async function take(
    tx: Transaction<Database>,
    serial: Serial,
    { from, to, bag }: LifecycleEdge,
    { reason, evidence: given = {} }: MoveLifecycle,
    by: string,
    approvedBy: string | null,
  ): Promise<void> {
    const at = world.clock.now();
    await tx
      .updateTable('terminals')
      .set({ lifecycle: to, lifecycle_since: at })
      .where('serial', '=', serial)
      .execute();
    await tx
      .insertInto('lifecycle_moves')
      .values({
        serial,
        at,
        from_state: from,
        to_state: to,
        by,
        reason,
        evidence: JSON.stringify(given),
        approved_by: approvedBy,
      })
      .execute();
    if (bag === 'closed' && given.bagNumber !== undefined)
      await tx.insertInto('bags').values({ number: given.bagNumber, serial, closed_at: at }).execute();
    await dropProposals(tx, serial);
    await keepReports(tx, serial, given);
    if (given.wipeProof?.by === 'destruction') await rooms.keysDestroyed(tx, serial);
    await rooms.note(tx, serial, 'lifecycle-moved', {
      from,
      to,
      by,
      reason,
      ...(approvedBy !== null && { approvedBy }),
      ...(given.bagNumber !== undefined && { bag: given.bagNumber }),
    });
    world.log('info', 'lifecycleMoved', { serial, from, to, by });
  }

  async function moveIn(
    tx: Transaction<Database>,
    serial: Serial,
    move: MoveLifecycle,
    by: Actor,
  ): Promise<Result<'taken' | 'pending', MoveFault>> {
    const edge = await judge(tx, serial, move);
    if (!edge.ok) return edge;
    const { reason, evidence: given = {} } = move;
    if (!edge.value.evidence.includes('secondPerson') && !needsSecondWord(given)) {
      await take(tx, serial, edge.value, move, by.subject, null);
      return ok('taken');
    }
    const { from, to } = edge.value;
    const subject = `terminal/${serial}`;
    const evidence = JSON.stringify(given);
    const digest = sha256(canonicalJson({ serial, from, to, reason, evidence }));
    const asked = await rooms.approvals.request(tx, {
      kind: 'lifecycle',
      subject,
      digest,
      facts: { from, to, reason, evidence: Object.keys(given).join(', ') },
      by,
    });
    if (!asked.ok) return asked;
    await dropProposals(tx, serial);
    await tx
      .insertInto('lifecycle_proposals')
      .values({ approval: asked.value.id, serial, from_state: from, to_state: to, reason, evidence, by: by.subject })
      .execute();
    return ok('pending');
  }

  /** Takes back what was proposed for a terminal: it went another way, or somebody proposes another step. */
  async function dropProposals(tx: Transaction<Database>, serial: Serial): Promise<void> {
    const rows = await tx.selectFrom('lifecycle_proposals').select('approval').where('serial', '=', serial).execute();
    for (const { approval } of rows) await rooms.approvals.lapse(tx, approval);
    await tx.deleteFrom('lifecycle_proposals').where('serial', '=', serial).execute();
  }

  async function moved(serial: Serial): Promise<void> {
    shown(serial, (await mayNow(store.db, serial, 'connect')).ok);
  }

  function shown(serial: Serial, mayConnect: boolean): void {
    if (!mayConnect) rooms.disconnect(serial);
    rooms.announce(serial);
  }

  rooms.approvals.onDecided('lifecycle', async (tx, approval, by) => {
    const row = await tx
      .selectFrom('lifecycle_proposals')
      .selectAll()
      .where('approval', '=', approval.id)
      .executeTakeFirst();
    if (!row) throw new FaultError({ code: 'LIFECYCLE_STATE_CONFLICT' });
    await tx.deleteFrom('lifecycle_proposals').where('approval', '=', approval.id).execute();
    if (approval.state !== 'approved') return;
    const serial = serialSchema.parse(row.serial);
    const move = {
      from: row.from_state,
      to: row.to_state,
      reason: row.reason,
      evidence: evidenceOf(row.evidence),
    };
    // What was true when it was asked for has to be true still.
    const edge = await judge(tx, serial, move);
    if (!edge.ok) throw new FaultError(edge.fault);
    await take(tx, serial, edge.value, move, row.by, by.subject);
    world.timers.after(0, () => {
      moved(serial).catch((cause: unknown) => world.log('error', 'noteFailed', { fault: { code: 'INTERNAL', cause } }));
    });
  });

  return {
    view,
    moved,
    judgeIn: judge,
    moveIn,
    async takeIn(tx, serial, move, by) {
      const edge = await judge(tx, serial, move);
      if (!edge.ok) return edge;
      await take(tx, serial, edge.value, move, by.subject, null);
      return ok(undefined);
    },
    async move(serial, move, by) {
      if (move.dryRun === true) {
        const judged = await judge(store.db, serial, move);
        return judged.ok ? await view(serial) : judged;
      }
      const done = await store.write((tx) => moveIn(tx, serial, move, by));
      if (!done.ok) return done;
      const seen = await view(serial);
      if (done.value === 'taken') shown(serial, seen.ok && permits(seen.value.state, 'connect'));
      return seen;
    },
  };
}
