import { type AssessorLine, parseJson, signedDocument } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { KeyRuns } from '../keys/index.ts';
import { isoTime, type Store } from '../store/index.ts';

const pageRows = 500;

/** What an assessor is shown, read off the store as it is: nothing is reckoned here that the pack's verifier could not check. */
export interface Assessor {
  /** Everything between two moments, milliseconds since 1970; and all steps before, without which none of them can be followed. */
  lines(from: number, to: number): AsyncIterable<AssessorLine>;
}

export function openAssessor(store: Store, runs: Pick<KeyRuns, 'record'>): Assessor {
  return {
    async *lines(from, to) {
      for (let after = 0; ; ) {
        const rows = await store.db
          .selectFrom('lifecycle_moves')
          .selectAll()
          .where('id', '>', after)
          .where('at', '<', to)
          .orderBy('id')
          .limit(pageRows)
          .execute();
        for (const row of rows)
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
        const last = rows.at(-1);
        if (!last) break;
        after = last.id;
      }
      for (let after = ''; ; ) {
        const rows = await store.db
          .selectFrom('inspections')
          .selectAll()
          .where('id', '>', after)
          .where('at', '>=', from)
          .where('at', '<', to)
          .orderBy('id')
          .limit(pageRows)
          .execute();
        for (const row of rows)
          yield {
            kind: 'inspection',
            deliveredAt: isoTime(row.delivered_at),
            findings: JSON.parse(row.findings) as string[],
            document: unwrap(parseJson(signedDocument, row.document, 131_072)),
          };
        const last = rows.at(-1);
        if (!last) break;
        after = last.id;
      }
      for (let after = ''; ; ) {
        const rows = await store.db
          .selectFrom('key_ledger')
          .selectAll()
          .where('id', '>', after)
          .where('allocated_at', '<', to)
          .orderBy('id')
          .limit(pageRows)
          .execute();
        for (const row of rows)
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
        const last = rows.at(-1);
        if (!last) break;
        after = last.id;
      }
      const held = await store.db
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
