import {
  type Serial,
  serialSchema,
  type WipeCertificate,
  type WipeProof,
  type WipeRecord,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import { provingCertificate } from '../identity/wipe-proof.ts';
import { type Database, isoTime, type Queryable } from '../store/index.ts';
import type { RefurbishTables } from './tables.ts';

/**
 * Keeps what a terminal swore to about a wipe, with the certificate that it proves it by: jobs are forgotten, and a unit may lie on its shelf for longer.
 * In the transaction that ends the job.
 * @returns whether it is proven
 */
export async function keepWipe(
  { clock }: Pick<World, 'clock'>,
  tx: Transaction<Database>,
  serial: Serial,
  job: string,
  proof: WipeProof,
): Promise<boolean> {
  const certificate = await provingCertificate(tx, serial, job, proof);
  if (certificate === undefined) return false;
  const by = await tx.selectFrom('jobs').select(['ordered_by', 'approved_by']).where('id', '=', job).executeTakeFirst();
  await tx
    .insertInto('wipes')
    .values({
      job,
      serial,
      at: clock.now(),
      ordered_by: by?.ordered_by ?? '',
      approved_by: by?.approved_by ?? null,
      statement: proof.statement,
      signature: proof.signature,
      certificate,
    })
    .onConflict((known) => known.column('job').doNothing())
    .execute();
  return true;
}

/** The certificate of the last wipe that a terminal swore to. WIPE_UNKNOWN: it swore to none. */
export async function wipeCertificateOf(
  on: Queryable,
  serial: Serial,
): Promise<Result<WipeCertificate, 'WIPE_UNKNOWN'>> {
  const row = await on
    .selectFrom('wipes')
    .innerJoin('terminals', 'terminals.serial', 'wipes.serial')
    .selectAll('wipes')
    .select('model')
    .where('wipes.serial', '=', serial)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  return row ? ok({ ...wipeRecordOf(row), model: row.model }) : fail('WIPE_UNKNOWN', { facts: { serial } });
}

/** A wipe as it is shown. */
export const wipeRecordOf = (row: Selectable<RefurbishTables['wipes']>): WipeRecord => ({
  serial: serialSchema.parse(row.serial),
  job: row.job,
  at: isoTime(row.at),
  orderedBy: row.ordered_by,
  approvedBy: row.approved_by,
  statement: row.statement,
  signature: row.signature,
  certificate: row.certificate,
});
