import { createPublicKey } from 'node:crypto';
import {
  type CustodyFault,
  type CustodyHead,
  custodyAlarm,
  type CustodyLine,
  type Holder,
  handoverHash,
  noCustody,
  openHandover,
  handover as handoverSchema,
  signedHandover,
  type SignedHandover,
} from '@tsunagu/protocols/custody';
import {
  type CustodyAlarm,
  type CustodyView,
  type HolderRevocation,
  keyIdOf,
  parseJson,
  type RevokeHolder,
  type Serial,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { Actor } from '../audit/index.ts';
import { isRegistered, type Lifecycle, type Note } from '../estate/index.ts';
import { type Database, isoTime, type Queryable, type Store } from '../store/index.ts';
import type { CustodyTables } from './tables.ts';

/** A hand-over as the chain needs it, without its document. */
type Link = Pick<Selectable<CustodyTables['custody_handovers']>, 'seq' | 'hash' | 'from_kid' | 'to_kid' | 'bag' | 'at'>;

const alarmsEveryMs = 3_600_000;
const alarmsMax = 500;

export interface CustodyRooms {
  readonly world: World;
  readonly store: Store;
  readonly tenant: string;
  readonly note: Note;
  readonly lifecycle: Pick<Lifecycle, 'takeIn' | 'moved'>;
}

/** In whose hands terminals are. The store adds nothing to the proof: what is exported is verified without it. */
export interface Custody {
  holders(): Promise<readonly Holder[]>;
  /** Registers a hand by its public key (SPKI, DER, base64); done again it renames it, and revives none that was revoked. */
  addHolder(name: string, publicKey: string, by: Actor): Promise<Result<Holder, 'CUSTODY_INVALID'>>;
  /**
   * Takes a hand's right to sign, because its key was lost. What was delivered before stays; what is delivered afterwards is refused whatever
   * date it bears. Hand-overs that it signed at that moment or later are alarms on their terminals.
   */
  revokeHolder(
    kid: string,
    revoke: RevokeHolder,
    by: Actor,
  ): Promise<Result<HolderRevocation, 'CUSTODY_HOLDER_UNKNOWN' | 'INPUT_INVALID'>>;
  view(serial: Serial): Promise<Result<CustodyView, 'TERMINAL_UNKNOWN'>>;
  /** Takes a hand-over with both hands. Delivered again it changes nothing. */
  deliver(signed: SignedHandover, by: Actor): Promise<Result<CustodyView, CustodyFault | 'TERMINAL_UNKNOWN'>>;
  /** The bag that came is not the one that was sent: the terminal is quarantined, and gets no keys. */
  mismatch(serial: Serial, seen: string, by: Actor): Promise<Result<CustodyView>>;
  alarms(): Promise<readonly CustodyAlarm[]>;
  /** Every chain, as the verifier reads it. */
  lines(): AsyncIterable<CustodyLine>;
  close(): void;
}

export function openCustody(rooms: CustodyRooms): Custody {
  const { world, store, tenant } = rooms;

  const holdersOf = async (on: Queryable): Promise<readonly Holder[]> =>
    (await on.selectFrom('custody_holders').selectAll().orderBy('name').orderBy('kid').execute()).map((row) => ({
      kid: row.kid,
      name: row.name,
      publicKey: row.public_key,
      ...(row.revoked_at !== null && { revokedAt: isoTime(row.revoked_at) }),
      ...(row.successor !== null && { successor: row.successor }),
    }));
  const holderMap = async (on: Queryable) => new Map((await holdersOf(on)).map((each) => [each.kid, each]));

  const chainOf = (on: Queryable, serial: Serial) =>
    on
      .selectFrom('custody_handovers')
      .select(['seq', 'hash', 'from_kid', 'to_kid', 'bag', 'at'])
      .where('serial', '=', serial)
      .orderBy('seq')
      .execute();
  const headOf = (rows: readonly Link[]): CustodyHead => {
    const last = rows.at(-1);
    return last ? { seq: last.seq, hash: last.hash, holder: last.to_kid } : noCustody;
  };

  async function view(serial: Serial): Promise<Result<CustodyView, 'TERMINAL_UNKNOWN'>> {
    if (!(await isRegistered(store.db, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    return ok(viewOf(await chainOf(store.db, serial), await holderMap(store.db)));
  }

  function viewOf(rows: readonly Link[], names: ReadonlyMap<string, Holder>): CustodyView {
    const { seq, hash, holder } = headOf(rows);
    return {
      seq,
      hash,
      holder: holder === null ? null : { kid: holder, name: names.get(holder)?.name ?? '' },
      bag: rows.at(-1)?.bag ?? null,
      handovers: rows.toReversed().map((row) => ({
        seq: row.seq,
        at: isoTime(row.at),
        from: names.get(row.from_kid)?.name ?? row.from_kid,
        to: names.get(row.to_kid)?.name ?? row.to_kid,
        bag: row.bag,
      })),
    };
  }

  async function found(): Promise<readonly CustodyAlarm[]> {
    const rows = await store.db
      .selectFrom('terminals')
      .leftJoin('custody_handovers', 'custody_handovers.serial', 'terminals.serial')
      .select((all) => [
        'terminals.serial',
        'lifecycle',
        'lifecycle_since',
        all.fn.max('custody_handovers.at').as('handed'),
      ])
      .where('lifecycle', 'in', ['keyed', 'in-transit', 'swap', 'returned', 'inspected', 'refurbish', 'wipe'])
      .groupBy(['terminals.serial', 'lifecycle', 'lifecycle_since'])
      .orderBy('lifecycle_since')
      .execute();
    const now = world.clock.now();
    return rows
      .flatMap(({ serial, lifecycle: state, lifecycle_since: since, handed }): CustodyAlarm[] => {
        const alarm = custodyAlarm({ state, since, handedOverAt: handed }, now);
        return alarm
          ? [{ serial: serialSchema.parse(serial), state, kind: alarm.kind, since: isoTime(alarm.since) }]
          : [];
      })
      .slice(0, alarmsMax);
  }

  // Each alarm is noted once: what was said already is known by terminal, kind and beginning.
  const noted = new Set<string>();
  const sounding = world.timers.every(alarmsEveryMs, () => {
    sound().catch((cause: unknown) => world.log('error', 'noteFailed', { fault: { code: 'INTERNAL', cause } }));
  });
  async function sound(): Promise<void> {
    for (const { serial, kind, since, state } of await found()) {
      const name = `${serial} ${kind} ${since}`;
      if (noted.has(name)) continue;
      noted.add(name);
      const code = kind === 'gap' ? 'CUSTODY_GAP' : 'CUSTODY_DWELL';
      await store.write((tx: Transaction<Database>) => rooms.note(tx, serial, 'alarm', { code, state, since }));
    }
  }

  return {
    holders: () => holdersOf(store.db),
    async addHolder(name, publicKey, by) {
      try {
        const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
        if (key.asymmetricKeyType !== 'ed25519') return fail('CUSTODY_INVALID', { field: 'publicKey' });
        const spki = key.export({ format: 'der', type: 'spki' });
        const made: Holder = { kid: keyIdOf(spki), name, publicKey: spki.toString('base64') };
        const row = {
          name,
          public_key: made.publicKey,
          added_at: world.clock.now(),
          added_by: by.subject,
          revoked_at: null,
          revoked_by: null,
          revoked_for: null,
          successor: null,
        };
        await store.write((tx) =>
          tx
            .insertInto('custody_holders')
            .values({ kid: made.kid, ...row })
            .onConflict((conflict) => conflict.column('kid').doUpdateSet({ name }))
            .execute(),
        );
        return ok(made);
      } catch (cause) {
        return fail('CUSTODY_INVALID', { field: 'publicKey', cause });
      }
    },
    async revokeHolder(kid, { at, reason, successor }, by) {
      const now = world.clock.now();
      const asked = at === undefined ? now : Date.parse(at);
      if (asked > now) return fail('INPUT_INVALID', { field: 'at' });
      return await store.write(
        async (tx): Promise<Result<HolderRevocation, 'CUSTODY_HOLDER_UNKNOWN' | 'INPUT_INVALID'>> => {
          const hands = await tx.selectFrom('custody_holders').selectAll().execute();
          const hand = hands.find((one) => one.kid === kid);
          if (!hand) return fail('CUSTODY_HOLDER_UNKNOWN', { facts: { kid } });
          const heir = hands.find((one) => one.kid === successor);
          if (successor !== undefined && (!heir || heir.kid === kid || heir.revoked_at !== null))
            return fail('INPUT_INVALID', { field: 'successor' });
          const revokedAt = Math.min(hand.revoked_at ?? asked, asked);
          const next = successor ?? hand.successor;
          await tx
            .updateTable('custody_holders')
            .set({ revoked_at: revokedAt, revoked_by: by.subject, revoked_for: reason, successor: next })
            .where('kid', '=', kid)
            .execute();
          const signed = await tx
            .selectFrom('custody_handovers')
            .select(['serial'])
            .distinct()
            .where('at', '>=', revokedAt)
            .where((where) => where.or([where('from_kid', '=', kid), where('to_kid', '=', kid)]))
            .orderBy('serial')
            .limit(alarmsMax)
            .execute();
          for (const { serial } of signed)
            await rooms.note(tx, serialSchema.parse(serial), 'alarm', { code: 'CUSTODY_HOLDER_REVOKED', kid });
          const held = await tx
            .selectFrom('custody_handovers as last')
            .select('serial')
            .where('to_kid', '=', kid)
            .where((where) =>
              where.not(
                where.exists(
                  where
                    .selectFrom('custody_handovers as later')
                    .select('later.id')
                    .whereRef('later.serial', '=', 'last.serial')
                    .whereRef('later.seq', '>', 'last.seq'),
                ),
              ),
            )
            .orderBy('serial')
            .limit(alarmsMax)
            .execute();
          world.log('warn', 'custodyHolderRevoked', { kid, by: by.subject });
          return ok({
            kid,
            revokedAt: isoTime(revokedAt),
            successor: next,
            holds: held.map(({ serial }) => serial),
            doubtful: signed.map(({ serial }) => serial),
          });
        },
      );
    },
    view,
    async deliver(signed, by) {
      const body = parseJson(handoverSchema, signed.payload, 65_536);
      if (!body.ok) return fail('CUSTODY_INVALID');
      const { serial } = body.value;
      return await store.write(async (tx): Promise<Result<CustodyView, CustodyFault | 'TERMINAL_UNKNOWN'>> => {
        if (!(await isRegistered(tx, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
        const rows = await chainOf(tx, serial);
        const hash = handoverHash(signed);
        const hands = await holderMap(tx);
        if (rows.some((row) => row.hash === hash)) return ok(viewOf(rows, hands));
        const opened = openHandover(signed, hands, headOf(rows));
        if (!opened.ok) return opened;
        // Whoever has a lost key writes any date; what comes in after it was revoked is nobody's.
        const gone = [body.value.from, body.value.to].find((kid) => hands.get(kid)?.revokedAt !== undefined);
        if (gone !== undefined) return fail('CUSTODY_HOLDER_REVOKED', { facts: { serial, kid: gone } });
        const { seq, from, to, bag, at } = opened.value.handover;
        const link = { seq, hash, from_kid: from, to_kid: to, bag, at: Date.parse(at) };
        const delivered = { delivered_at: world.clock.now(), delivered_by: by.subject };
        await tx
          .insertInto('custody_handovers')
          .values({ serial, ...link, ...delivered, document: JSON.stringify(signed) })
          .execute();
        await rooms.note(tx, serial, 'handed-over', { seq, from, to, ...(bag !== null && { bag }), by: by.subject });
        return ok(viewOf([...rows, link], hands));
      });
    },
    async mismatch(serial, seen, by) {
      const moved = await store.write(async (tx) => {
        const reason = `bag mismatch: ${seen}`;
        const taken = await rooms.lifecycle.takeIn(tx, serial, { to: 'quarantined', reason }, by);
        if (taken.ok) await rooms.note(tx, serial, 'alarm', { code: 'CUSTODY_BAG_MISMATCH', seen, by: by.subject });
        return taken;
      });
      if (!moved.ok) return moved;
      await rooms.lifecycle.moved(serial);
      return await view(serial);
    },
    alarms: found,
    async *lines() {
      yield { custody: 'tsunagu-custody-v1', tenant, holders: [...(await holdersOf(store.db))] };
      let after = 0;
      for (;;) {
        const rows = await store.db
          .selectFrom('custody_handovers')
          .select(['id', 'document'])
          .where('id', '>', after)
          .orderBy('id')
          .limit(500)
          .execute();
        for (const { document } of rows) yield { handover: unwrap(parseJson(signedHandover, document, 1_048_576)) };
        const last = rows.at(-1);
        if (!last) return;
        after = last.id;
      }
    },
    close: () => sounding.cancel(),
  };
}
