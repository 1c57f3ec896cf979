import type { Evidence, Serial } from '@tsunagu/protocols/fleet';
import type { Queryable } from '../store/store.ts';

/** Keeps the reports that a step names, in its transaction: jobs are forgotten, what a step stands on is not. Wipes are kept where they are sworn. */
export async function keepReports(tx: Queryable, serial: Serial, { nothingOwed, tests }: Evidence): Promise<void> {
  const named = [nothingOwed, tests].flatMap((item) => (item?.by === 'job' ? [item.job] : []));
  if (named.length === 0) return;
  const rows = await tx
    .selectFrom('jobs')
    .select(['id', 'type', 'finished_at', 'ordered_by', 'result'])
    .where('id', 'in', named)
    .where('serial', '=', serial)
    .where('state', '=', 'succeeded')
    .execute();
  for (const { id: job, type, finished_at: at, ordered_by, result: report } of rows) {
    if ((type !== 'terminal.test' && type !== 'terminal.diagnose') || report === null) continue;
    await tx
      .insertInto('step_reports')
      .values({ job, serial, type, at: at ?? 0, ordered_by, report })
      .onConflict((known) => known.column('job').doNothing())
      .execute();
  }
}
