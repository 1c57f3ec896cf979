import { createHash } from 'node:crypto';
import type { LogPiece, Serial } from '@tsunagu/protocols/fleet';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Store } from '../store/index.ts';

/** Logs that terminals upload for a job, piece by piece; a piece that was acknowledged is on disk. */
export interface JobLogs {
  /** Takes the next piece. `length`: so many bytes are there, and the next piece begins there, whatever was sent. */
  take(serial: Serial, job: string, piece: LogPiece): Promise<Result<{ readonly length: number }, 'JOB_UNKNOWN'>>;
  /** The whole upload (gzip). */
  read(job: string): Promise<Result<Uint8Array, 'JOB_UNKNOWN' | 'JOB_LOG_UNKNOWN'>>;
}

export const jobLogs = (store: Store): JobLogs => ({
  async take(serial, job, piece) {
    return await store.write(async (tx) => {
      const row = await tx
        .selectFrom('jobs')
        .select('id')
        .where('id', '=', job)
        .where('serial', '=', serial)
        .where('type', '=', 'log.pull')
        .where('state', 'in', ['offered', 'running', 'timed-out'])
        .executeTakeFirst();
      if (!row) return fail('JOB_UNKNOWN', { facts: { serial } });
      const known = await tx.selectFrom('job_logs').selectAll().where('job', '=', job).executeTakeFirst();
      if (known?.digest !== piece.digest || known.size !== piece.of) {
        // Another log, after a power loss that took the first with it.
        await tx.deleteFrom('job_log_pieces').where('job', '=', job).execute();
        const row = { digest: piece.digest, size: piece.of };
        await tx
          .insertInto('job_logs')
          .values({ job, ...row })
          .onConflict((conflict) => conflict.column('job').doUpdateSet(row))
          .execute();
      }
      const length = await lengthOf(tx, job);
      const bytes = Uint8Array.from(Buffer.from(piece.bytes, 'base64'));
      if (piece.offset !== length || bytes.length === 0 || length + bytes.length > piece.of) return ok({ length });
      await tx.insertInto('job_log_pieces').values({ job, offset: length, bytes }).execute();
      return ok({ length: length + bytes.length });
    });
  },
  async read(job) {
    const known = await store.db.selectFrom('jobs').select('id').where('id', '=', job).executeTakeFirst();
    if (!known) return fail('JOB_UNKNOWN');
    const log = await store.db.selectFrom('job_logs').selectAll().where('job', '=', job).executeTakeFirst();
    const pieces = await store.db
      .selectFrom('job_log_pieces')
      .select('bytes')
      .where('job', '=', job)
      .orderBy('offset')
      .execute();
    const whole = concat(...pieces.map(({ bytes }) => Uint8Array.from(bytes)));
    // What was cut off or changed on its way is no log.
    return log && createHash('sha256').update(whole).digest('hex') === log.digest ? ok(whole) : fail('JOB_LOG_UNKNOWN');
  },
});

async function lengthOf(on: Store['db'], job: string): Promise<number> {
  const last = await on
    .selectFrom('job_log_pieces')
    .select(['offset', 'bytes'])
    .where('job', '=', job)
    .orderBy('offset', 'desc')
    .executeTakeFirst();
  return last ? last.offset + last.bytes.length : 0;
}
