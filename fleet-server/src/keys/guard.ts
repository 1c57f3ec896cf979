import { type LifecycleState, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { type Actor, house, type WriteNote } from '../audit/index.ts';
import type { Note } from '../estate/index.ts';
import type { Admission } from '../identity/index.ts';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';

/** What the wires can find out about keys in the wrong hands, and about a case that was opened. */
export interface KeyFinding {
  readonly code:
    | 'KSN_TWO_IDENTITIES'
    | 'KSN_WENT_BACK'
    | 'KSN_OUT_OF_CUSTODY'
    | 'KSN_AFTER_WIPE'
    | 'SCRAPPED_SPEAKS'
    | 'TERMINAL_TAMPERED';
  /** Everybody who is part of it: the holder of the key by the ledger, and who used it. */
  readonly serials: readonly Serial[];
  /** When it was seen, on the monotonic clock. */
  readonly seenMs: number;
  readonly facts: Readonly<Record<string, string | number>>;
}

export interface GuardRooms {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly store: Store;
  readonly note: Note;
  readonly audit: WriteNote;
  readonly disconnect: (serial: Serial) => void;
  /** Opens a work order for a terminal, in the transaction that blocks it. @returns the order's id */
  readonly takeIn: (tx: Transaction<Database>, serial: Serial, by: Actor) => Promise<string>;
  /** Seconds from the sight to the commit. */
  readonly measured: (seconds: number) => void;
}

/** States in which a case is opened on purpose: whoever works at it there knows. */
const atTheBench: ReadonlySet<LifecycleState> = new Set(['inspected', 'refurbish', 'wipe']);

/**
 * Blocks terminals whose keys are in the wrong hands: state of life, keys and the alarm change in one transaction, then every connection ends.
 * A quarantined terminal is let in on no wire; its certificate does not end, since the way out of quarantine may lead over a wipe that it swears to.
 * One whose case was opened has a work order from the same moment. Who is quarantined already stays what it is. One that was scrapped is not dead: whoever has it, or one like it, is to be looked for.
 */
export const openKeyGuard =
  ({ world, store, note, audit, disconnect, takeIn, measured }: GuardRooms) =>
  async ({ code, serials, seenMs, facts }: KeyFinding): Promise<readonly Serial[]> => {
    const blocked = await store.write(async (tx) => {
      const at = world.clock.now();
      const now: Serial[] = [];
      for (const serial of new Set(serials)) {
        const row = await tx
          .selectFrom('terminals')
          .select('lifecycle')
          .where('serial', '=', serial)
          .executeTakeFirst();
        if (!row || row.lifecycle === 'quarantined') continue;
        const isTampered = code === 'TERMINAL_TAMPERED';
        if (isTampered && atTheBench.has(row.lifecycle)) continue;
        await tx
          .updateTable('terminals')
          .set({ lifecycle: 'quarantined', lifecycle_since: at })
          .where('serial', '=', serial)
          .execute();
        await tx
          .insertInto('lifecycle_moves')
          .values({
            serial,
            at,
            from_state: row.lifecycle,
            to_state: 'quarantined',
            by: 'house',
            reason: code,
            evidence: null,
          })
          .execute();
        // Its keys count no longer: whoever comes back is keyed anew.
        await tx
          .updateTable('key_ledger')
          .set({ state: 'suspect', replaced_at: at })
          .where('serial', '=', serial)
          .where('state', 'in', ['allocated', 'loaded'])
          .execute();
        await note(tx, serial, 'lifecycle-moved', {
          from: row.lifecycle,
          to: 'quarantined',
          by: 'house',
          reason: code,
        });
        const work = isTampered ? { work: await takeIn(tx, serial, house) } : {};
        await note(tx, serial, 'alarm', { code, ...(isTampered && facts), ...work });
        const all = { ...facts, ...work };
        await audit(tx, { actor: house, action: 'keys.quarantine', subject: `terminal/${serial}`, code, facts: all });
        now.push(serial);
      }
      return now;
    });
    if (blocked.length === 0) return blocked;
    const blockedMs = world.clock.monotonicMs() - seenMs;
    measured(blockedMs / 1_000);
    world.log('warn', 'terminalsQuarantined', { code, serials: blocked.join(' '), blockedMs: Math.round(blockedMs) });
    for (const serial of blocked) disconnect(serial);
    return blocked;
  };

/** States in which a terminal is heard of only when its papers are wrong. */
const outOfReach: Readonly<Record<string, KeyFinding['code']>> = {
  'in-transit': 'KSN_OUT_OF_CUSTODY',
  scrap: 'SCRAPPED_SPEAKS',
};

/** Admission on every wire, with an eye on custody: a terminal that should be on its way, or is no more, and is here, is in somebody's hands. */
export const watchCustody =
  (world: Pick<World, 'clock'>, admit: Admission, guard: (finding: KeyFinding) => Promise<unknown>): Admission =>
  async (certificate) => {
    const seenMs = world.clock.monotonicMs();
    const admission = await admit(certificate);
    const { serial, state } = (admission.ok ? undefined : admission.fault.facts) ?? {};
    const code = typeof state === 'string' ? outOfReach[state] : undefined;
    // The certificate of one that was wiped has ended, and is its word that it is here all the same.
    const isHeard = !admission.ok && (admission.fault.code === 'LIFECYCLE_FORBIDS' || state === 'scrap');
    if (isHeard && code !== undefined)
      await guard({ code, serials: [serialSchema.parse(serial)], seenMs, facts: { state: String(state) } });
    return admission;
  };
