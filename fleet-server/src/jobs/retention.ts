import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';

/** How long a job that is over is kept, and how many of one terminal at most. What is older goes, its steps and its log with it. */
export const jobsKeptMs = 90 * 86_400_000;
export const jobsKeptMax = 200;
/** Jobs removed in one transaction: the writer is not held for long. */
const removedMax = 100;

/**
 * Removes jobs that are over and past their keeping, a few at a time.
 * @returns whether there may be more
 */
export async function forgetJobs(world: Pick<World, 'clock'>, store: Store): Promise<boolean> {
  const before = world.clock.now() - jobsKeptMs;
  const old = await store.db
    .selectFrom('jobs')
    .select('id')
    .where('finished_at', '<=', before)
    .limit(removedMax)
    .execute();
  const crowded = await store.db
    .selectFrom('jobs')
    .select('serial')
    .where('finished_at', 'is not', null)
    .groupBy('serial')
    .having((all) => all.fn.countAll(), '>', jobsKeptMax)
    .limit(8)
    .execute();
  for (const { serial } of crowded)
    old.push(
      ...(await store.db
        .selectFrom('jobs')
        .select('id')
        .where('serial', '=', serial)
        .where('finished_at', 'is not', null)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .offset(jobsKeptMax)
        .limit(removedMax)
        .execute()),
    );
  const ids = [...new Set(old.map(({ id }) => id))].slice(0, removedMax);
  if (ids.length === 0) return false;
  await store.write(async (tx) => {
    await tx.deleteFrom('job_steps').where('job', 'in', ids).execute();
    await tx.deleteFrom('job_log_pieces').where('job', 'in', ids).execute();
    await tx.deleteFrom('job_logs').where('job', 'in', ids).execute();
    await tx.deleteFrom('jobs').where('id', 'in', ids).execute();
  });
  return ids.length === removedMax;
}
