import { modelOf } from '@tsunagu/protocols/catalogue';
import type { DeathCertificate, Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { stepsOfLife } from '../estate/index.ts';
import { isoTime, type Queryable } from '../store/index.ts';
import { wipeRecordOf } from './wipe-certificate.ts';

/** What became of a terminal that was scrapped. DEATH_UNKNOWN: it was not. */
export async function deathCertificateOf(
  on: Queryable,
  serial: Serial,
): Promise<Result<DeathCertificate, 'DEATH_UNKNOWN'>> {
  const terminal = await on.selectFrom('terminals').select('model').where('serial', '=', serial).executeTakeFirst();
  const step = (await stepsOfLife(on, serial)).findLast(({ to }) => to === 'scrap');
  if (!terminal || !step) return fail('DEATH_UNKNOWN', { facts: { serial } });
  const live = await on
    .selectFrom('key_ledger')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('serial', '=', serial)
    .where('state', 'in', ['allocated', 'loaded'])
    .executeTakeFirstOrThrow();
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
    liveKeys: Number(live.count),
    wipe: wipeProof ?? null,
    wipeRecord: sworn === undefined ? null : wipeRecordOf(sworn),
    nothingOwed: nothingOwed ?? null,
    recycling: recycling ?? null,
    harvested: parts.map(({ part }) => part),
    massGrams: modelOf(terminal.model)?.massGrams ?? null,
  });
}
