import { jobReport, parseJson, type Serial, type WipeCertificate } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { provingCertificate } from '../identity/wipe-proof.ts';
import { isoTime, type Queryable } from '../store/index.ts';

const reportLengthMax = 1_048_576;

/** The certificate of the last wipe that a terminal swore to. WIPE_UNKNOWN: it swore to none. */
export async function wipeCertificateOf(
  on: Queryable,
  serial: Serial,
): Promise<Result<WipeCertificate, 'WIPE_UNKNOWN'>> {
  const rows = await on
    .selectFrom('jobs')
    .innerJoin('terminals', 'terminals.serial', 'jobs.serial')
    .select(['jobs.id', 'model', 'result', 'finished_at', 'ordered_by', 'approved_by'])
    .where('jobs.serial', '=', serial)
    .where('type', '=', 'terminal.wipe')
    .where('state', '=', 'succeeded')
    .orderBy('finished_at', 'desc')
    .limit(1)
    .execute();
  for (const { id, model, result, finished_at: at, ordered_by: orderedBy, approved_by: approvedBy } of rows) {
    const read = parseJson(jobReport.partial(), result ?? '', reportLengthMax);
    const wipe = read.ok ? read.value.wipe : undefined;
    const certificate = wipe && (await provingCertificate(on, serial, id, wipe));
    if (wipe && certificate !== undefined)
      return ok({ serial, model, job: id, at: isoTime(at ?? 0), orderedBy, approvedBy, ...wipe, certificate });
  }
  return fail('WIPE_UNKNOWN', { facts: { serial } });
}
