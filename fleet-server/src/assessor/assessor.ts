import { createHash } from 'node:crypto';
import type { CustodyLine } from '@tsunagu/protocols/custody';
import {
  type AssessorLine,
  type DeviceListEntry,
  evidenceItems,
  type FirstKeys,
  type KeyRecord,
  lifecycleEdges,
  packFiles,
  type PackSeal,
  parseJson,
  sealedFiles,
  serialSchema,
  signedDocument,
} from '@tsunagu/protocols/fleet';
import { type Result, unwrap } from '@tsunagu/protocols/kit';
import { type KeyRuns, releaseRecordOf } from '../keys/index.ts';
import { type Refurbish, wipeRecordOf } from '../refurbish/index.ts';
import type { World } from '@tsunagu/protocols/world';
import { isoTime, type Page, type PageRequest, type Store } from '../store/index.ts';

const pageRows = 500;

/** What an assessor is shown, read off the store as it is: nothing is reckoned here that the pack's verifier could not check. */
export interface Assessor {
  /**
   * Everything between two days (both are in, `2026-01-31`), and all steps before, without which none of them can be followed. The last line is the
   * seal: the house signs what it showed, so that nothing can be taken out, or put in, together with its hash.
   */
  lines(from: string, to: string): AsyncIterable<AssessorLine>;
}

/** Whom an assessor's pack is put together from, beside the store. */
export interface AssessorRooms {
  readonly runs: Pick<KeyRuns, 'record'>;
  readonly devices: (page: PageRequest) => Promise<Result<Page<DeviceListEntry>, 'INPUT_INVALID'>>;
  readonly custody: () => AsyncIterable<CustodyLine>;
  readonly audit: () => AsyncIterable<string>;
  readonly sign: (payload: PackSeal) => KeyRecord;
  readonly death: Refurbish['death'];
}
const dayMs = 86_400_000;

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

export function openAssessor(
  world: Pick<World, 'clock'>,
  { db }: Pick<Store, 'db'>,
  { runs, devices, custody, audit, sign, death }: AssessorRooms,
  firstKeys: FirstKeys,
): Assessor {
  return {
    async *lines(first, last) {
      const sums = new Map(sealedFiles.map((name) => [name, { lines: 0, hash: createHash('sha256') }]));
      for await (const line of shown(Date.parse(first), Date.parse(last) + dayMs)) {
        const sum = sums.get(line.kind === 'file' ? line.name : packFiles[line.kind]);
        if (!sum) throw new Error('a line of no file');
        sum.lines += 1;
        sum.hash.update(`${line.kind === 'file' ? line.line : JSON.stringify(line)}\n`);
        yield line;
      }
      const files = Object.fromEntries(
        [...sums].map(([name, { lines, hash }]) => [name, { lines, sha256: hash.digest('hex') }]),
      );
      yield {
        kind: 'seal',
        record: sign({ record: 'pack', from: first, to: last, at: isoTime(world.clock.now()), files }),
      };
    },
  };

  async function* shown(from: number, to: number): AsyncIterable<Exclude<AssessorLine, { kind: 'seal' }>> {
    yield { kind: 'house', firstKeys };
    yield { kind: 'file', name: 'edges.json', line: JSON.stringify(lifecycleEdges) };
    yield { kind: 'file', name: 'clauses.json', line: JSON.stringify(evidenceItems) };
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page: Page<DeviceListEntry> = unwrap(await devices({ limit: pageRows, ...(cursor && { cursor }) }));
      for (const entry of page.items) yield { kind: 'file', name: 'devices.jsonl', line: JSON.stringify(entry) };
      cursor = page.next;
    }
    const scrapped = new Set<string>();
    const steps = db.selectFrom('lifecycle_moves').selectAll().where('at', '<', to).orderBy('id').limit(pageRows);
    for await (const row of paged((after: number) => steps.where('id', '>', after).execute(), 0)) {
      if (row.to_state === 'scrap') scrapped.add(row.serial);
      else scrapped.delete(row.serial);
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
    }
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
    const released = (after: string) => releases.where('job', '>', after).execute().then(byJob);
    for await (const row of paged(released, '')) yield { kind: 'release', ...unwrap(await releaseRecordOf(db, row)) };
    const wipes = db.selectFrom('wipes').selectAll().where('at', '<', to).orderBy('job').limit(pageRows);
    const wiped = (after: string) => wipes.where('job', '>', after).execute().then(byJob);
    for await (const row of paged(wiped, '')) yield { kind: 'wipe', ...wipeRecordOf(row) };
    for (const serial of scrapped) {
      // What is in doubt by now has none, and the verifier says so.
      const dead = await death(serialSchema.parse(serial));
      if (dead.ok) yield { kind: 'death', serial, record: dead.value.record };
    }
    const reports = db.selectFrom('step_reports').selectAll().where('at', '<', to).orderBy('job').limit(pageRows);
    const reported = (after: string) => reports.where('job', '>', after).execute().then(byJob);
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
    for await (const line of custody()) yield { kind: 'file', name: 'custody.jsonl', line: JSON.stringify(line) };
    for await (const line of audit()) yield { kind: 'file', name: 'audit.jsonl', line };
  }
}

/** Rows that are told apart by their job. */
const byJob = <Row extends { readonly job: string }>(rows: readonly Row[]): (Row & { readonly id: string })[] =>
  rows.map((row) => ({ ...row, id: row.job }));
