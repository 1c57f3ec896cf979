import { type KeyReleaseRecord, parseJson, releaseStatement, type Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Selectable } from 'kysely';
import { isRegistered } from '../estate/index.ts';
import { provingCertificateOf } from '../identity/index.ts';
import { isoTime, type Queryable } from '../store/index.ts';
import type { KeyTables } from './tables.ts';

/** What a terminal swore to of its releases from key hosts, newest first, with all that is needed to check it. */
export async function keyReleases(on: Queryable, serial: Serial): Promise<Result<readonly KeyReleaseRecord[]>> {
  if (!(await isRegistered(on, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
  const rows = await on
    .selectFrom('key_releases')
    .selectAll()
    .where('serial', '=', serial)
    .orderBy('at', 'desc')
    .limit(100)
    .execute();
  const records: KeyReleaseRecord[] = [];
  for (const row of rows) {
    const record = await releaseRecordOf(on, row);
    if (!record.ok) return record;
    records.push(record.value);
  }
  return ok(records);
}

/** A release as it is shown, and as it is handed to an assessor. */
export async function releaseRecordOf(
  on: Queryable,
  row: Selectable<KeyTables['key_releases']>,
): Promise<Result<KeyReleaseRecord>> {
  const { job, serial, host, next, statement, signature } = row;
  const said = parseJson(releaseStatement, statement, 16_000);
  if (!said.ok) return said;
  const certificate = await provingCertificateOf(on, serial, { statement, signature });
  if (certificate === undefined) return fail('KEY_RELEASE_NOT_PROVEN');
  const { protectionKey, gone } = said.value;
  return ok({
    job,
    serial,
    at: isoTime(row.at),
    host,
    next,
    protectionKey,
    gone: [...gone],
    orderedBy: row.ordered_by,
    approvedBy: row.approved_by,
    statement,
    signature,
    certificate,
  });
}
