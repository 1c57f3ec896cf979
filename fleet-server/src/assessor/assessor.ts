import { type AssessorLine, type FirstKeys, parseJson, signedDocument } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { type KeyRuns, releaseRecordOf } from '../keys/index.ts';
import { wipeRecordOf } from '../refurbish/index.ts';
import { isoTime, type Store } from '../store/index.ts';

const pageRows = 500;

/** What an assessor is shown, read off the store as it is: nothing is reckoned here that the pack's verifier could not check. */
export interface Assessor {
  /** Everything between two moments, milliseconds since 1970; and all steps before, without which none of them can be followed. */
  lines(from: number, to: number): AsyncIterable<AssessorLine>;
}

/** Rows page by page, each page asked for by the id of the row before it, until there are no more. */
async function* paged<Id, Row extends { readonly id: Id }>(
  page: (after: Id) => Promise<readonly Row[]>,
  first: NoInfer<Id>,
): AsyncIterable<Row> {
  for (let after = first; ; ) {
    const rows = await page(after);
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

export function openAssessor({ db }: Pick<Store, 'db'>, runs: Pick<KeyRuns, 'record'>, firstKeys: FirstKeys): Assessor {
  return {
    async *lines(from, to) {
      yield { kind: 'house', firstKeys };
      const steps = db.selectFrom('lifecycle_moves').selectAll().where('at', '<', to).orderBy('id').limit(pageRows);
      for await (const row of paged((after: number) => steps.where('id', '>', after).execute(), 0))
        yield {
          kind: 'step',
          id: row.id,
          serial: row.serial,
          at: isoTime(row.at),
          from: row.from_state,
          to: row.to_state,
          by: row.by,
          approvedBy: row.approved_by,
          reason: row.reason,
          evidence: row.evidence === null ? null : (JSON.parse(row.evidence) as Record<string, unknown>),
          isInTime: row.at >= from,
        };
      const inspections = db
        .selectFrom('inspections')
        .selectAll()
        .where('at', '>=', from)
        .where('at', '<', to)
        .orderBy('id')
        .limit(pageRows);
      for await (const row of paged((after: string) => inspections.where('id', '>', after).execute(), ''))
        yield {
          kind: 'inspection',
          deliveredAt: isoTime(row.delivered_at),
          findings: JSON.parse(row.findings) as string[],
          document: unwrap(parseJson(signedDocument, row.document, 131_072)),
        };
      const keys = db.selectFrom('key_ledger').selectAll().where('allocated_at', '<', to).orderBy('id').limit(pageRows);
      for await (const row of paged((after: string) => keys.where('id', '>', after).execute(), ''))
        yield {
          kind: 'key',
          id: row.id,
          serial: row.serial,
          slot: row.slot,
          kcv: row.kcv,
          initialKeyId: row.initial_key_id,
          parent: row.parent_key,
          state: row.state,
          allocatedAt: isoTime(row.allocated_at),
          loadedAt: row.loaded_at === null ? null : isoTime(row.loaded_at),
        };
      const releases = db.selectFrom('key_releases').selectAll().where('at', '<', to).orderBy('job').limit(pageRows);
      const released = (after: string) =>
        releases
          .where('job', '>', after)
          .execute()
          .then((rows) => rows.map((row) => ({ ...row, id: row.job })));
      for await (const row of paged(released, '')) yield { kind: 'release', ...unwrap(await releaseRecordOf(db, row)) };
      const wipes = db.selectFrom('wipes').selectAll().where('at', '<', to).orderBy('job').limit(pageRows);
      const wiped = (after: string) =>
        wipes
          .where('job', '>', after)
          .execute()
          .then((rows) => rows.map((row) => ({ ...row, id: row.job })));
      for await (const row of paged(wiped, '')) yield { kind: 'wipe', ...wipeRecordOf(row) };
      const reports = db.selectFrom('step_reports').selectAll().where('at', '<', to).orderBy('job').limit(pageRows);
      const reported = (after: string) =>
        reports
          .where('job', '>', after)
          .execute()
          .then((rows) => rows.map((row) => ({ ...row, id: row.job })));
      for await (const { job, serial, type, at, ordered_by: orderedBy, report } of paged(reported, ''))
        yield {
          kind: 'report',
          job,
          serial,
          type,
          at: isoTime(at),
          orderedBy,
          report: JSON.parse(report) as Record<string, unknown>,
        };
      const held = await db
        .selectFrom('key_runs')
        .select('id')
        .where('begun_at', '<', to)
        .where((where) => where.or([where('closed_at', 'is', null), where('closed_at', '>=', from)]))
        .orderBy('begun_at')
        .execute();
      for (const { id } of held) yield { kind: 'run', id, record: unwrap(await runs.record(id)) };
    },
  };
}
