import type { Job, JobState, JobType, Serial } from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import { newestFirst, type Page, type PageRequest, type Queryable, pageOn, viewPage } from '../store/index.ts';
import { viewOf } from './row.ts';

/** Which jobs of all. */
export interface JobSelection {
  readonly serial?: Serial | undefined;
  readonly state?: JobState | undefined;
  readonly type?: JobType | undefined;
  readonly reference?: string | undefined;
}

/** The jobs of a selection. */
export function selectJobs(on: Queryable, { serial, state, type, reference }: JobSelection) {
  let query = on.selectFrom('jobs').selectAll();
  if (serial !== undefined) query = query.where('serial', '=', serial);
  if (state !== undefined) query = query.where('state', '=', state);
  if (type !== undefined) query = query.where('type', '=', type);
  if (reference !== undefined) query = query.where('reference', '=', reference);
  return query;
}

/** Newest first. Without documents and steps. */
export async function listJobs(
  on: Queryable,
  selection: JobSelection,
  page: PageRequest,
): Promise<Result<Page<Job>, 'INPUT_INVALID'>> {
  const jobs = await pageOn(selectJobs(on, selection), newestFirst('created_at', 'id'), page);
  return viewPage(jobs, (row) => ({ ...viewOf(row, []), document: null }));
}

/** How many jobs of a reference are in which state. */
export async function countJobs(
  on: Queryable,
  reference: string,
): Promise<Readonly<Partial<Record<JobState, number>>>> {
  const rows = await on
    .selectFrom('jobs')
    .select((all) => ['state', all.fn.countAll<number>().as('count')])
    .where('reference', '=', reference)
    .groupBy('state')
    .execute();
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
}
