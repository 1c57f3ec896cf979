import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type DeadKey,
  type DeathCertificate,
  deadKeysMax,
  keySlot,
  type KeyEnd,
  massBalanceOf,
  type Serial,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { stepsOfLife } from '../estate/index.ts';
import { type Database, isoTime, type Queryable } from '../store/index.ts';
import { wipeRecordOf } from './wipe-certificate.ts';

/** What the ledger's own word for the end of a key says of it, where nothing else was written down. */
const endOf = {
  allocated: 'unstated',
  loaded: 'unstated',
  destroyed: 'unstated',
  replaced: 'replaced',
  suspect: 'withdrawn',
} as const satisfies Record<Database['key_ledger']['state'], KeyEnd>;

/** Why there is no certificate: it was not scrapped, it is not any more, or keys of it count. */
export type DeathFault = 'DEATH_UNKNOWN' | 'DEATH_IN_DOUBT' | 'LIFECYCLE_KEYS_LIVE';

/** What became of a terminal that was scrapped: the same facts give the same certificate. */
export async function deathCertificateOf(on: Queryable, serial: Serial): Promise<Result<DeathCertificate, DeathFault>> {
  const terminal = await on
    .selectFrom('terminals')
    .leftJoin('terminals as next', 'next.replaces', 'terminals.serial')
    .select(['terminals.model', 'terminals.lifecycle', 'next.serial as replaced_by'])
    .where('terminals.serial', '=', serial)
    .executeTakeFirst();
  const step = (await stepsOfLife(on, serial)).findLast(({ to }) => to === 'scrap');
  if (!terminal || !step) return fail('DEATH_UNKNOWN', { facts: { serial } });
  if (terminal.lifecycle !== 'scrap') return fail('DEATH_IN_DOUBT', { facts: { serial, state: terminal.lifecycle } });
  const { keys, live } = await keysOf(on, serial);
  if (live > 0) return fail('LIFECYCLE_KEYS_LIVE', { facts: { serial, keys: live } });
  const parts = await on
    .selectFrom('work_parts')
    .select('part')
    .where('from_serial', '=', serial)
    .orderBy('part')
    .execute();
  const { wipeProof, nothingOwed, recycling } = step.evidence;
  const sworn =
    wipeProof?.by === 'job'
      ? await on.selectFrom('wipes').selectAll().where('job', '=', wipeProof.job).executeTakeFirst()
      : undefined;
  return ok({
    serial,
    model: terminal.model,
    at: isoTime(step.at),
    by: step.by,
    approvedBy: step.approvedBy,
    liveKeys: 0,
    keys: keys.slice(0, deadKeysMax),
    earlierKeys: Math.max(0, keys.length - deadKeysMax),
    wipe: wipeProof ?? null,
    wipeRecord: sworn === undefined ? null : wipeRecordOf(sworn),
    nothingOwed: nothingOwed ?? null,
    recycling: recycling ?? null,
    massBalance: massBalanceOf(recycling, modelOf(terminal.model)?.massGrams ?? null) ?? null,
    harvested: parts.map(({ part }) => part),
    replacedBy: terminal.replaced_by === null ? null : serialSchema.parse(terminal.replaced_by),
  });
}

/** Every key that a terminal ever had, newest first, and how many of them count. */
async function keysOf(
  on: Queryable,
  serial: Serial,
): Promise<{ readonly keys: readonly DeadKey[]; readonly live: number }> {
  const ledger = await on.selectFrom('key_ledger').selectAll().where('serial', '=', serial).execute();
  const protections = await on.selectFrom('protection_ends').selectAll().where('serial', '=', serial).execute();
  const releases = await on.selectFrom('key_releases').select('job').where('serial', '=', serial).execute();
  const released = new Set(releases.map(({ job }) => job));
  const byWhat = (endedBy: string | null, otherwise: KeyEnd): Pick<DeadKey, 'end' | 'job'> => {
    if (endedBy === null) return { end: otherwise, job: null };
    if (endedBy === 'destruction' || endedBy === 'erasure') return { end: endedBy, job: null };
    return { end: released.has(endedBy) ? 'release' : 'wipe', job: endedBy };
  };
  const keys = [
    ...ledger.map((row): DeadKey => {
      return {
        slot: keySlot.parse(row.slot),
        // The usage stands in the clear in the head of a key block. ANSI X9.143:2021, 6.2.
        usage: row.key_block.slice(5, 7),
        id: row.id,
        initialKeyId: row.initial_key_id,
        kcv: row.kcv,
        givenAt: isoTime(row.allocated_at),
        loadedAt: row.loaded_at === null ? null : isoTime(row.loaded_at),
        endedAt: row.replaced_at === null ? null : isoTime(row.replaced_at),
        ...byWhat(row.ended_by, endOf[row.state]),
      };
    }),
    ...protections.map(
      (row): DeadKey => ({
        slot: 'protection',
        usage: 'K1',
        id: row.vault_key,
        initialKeyId: null,
        kcv: row.kcv,
        givenAt: isoTime(row.agreed_at),
        loadedAt: isoTime(row.agreed_at),
        endedAt: isoTime(row.ended_at),
        ...byWhat(row.ended_by, 'replaced'),
      }),
    ),
  ].toSorted((one, other) => other.givenAt.localeCompare(one.givenAt) || one.slot.localeCompare(other.slot));
  return { keys, live: ledger.filter(({ state }) => state === 'allocated' || state === 'loaded').length };
}
