import type { X509Certificate } from 'node:crypto';
import { parseTerminalUri, type Serial, type TenantId } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Queryable, Store } from '../store/index.ts';

/** Tells who is at the other end of a TLS connection whose chain was verified already. */
export type Admission = (
  certificate: X509Certificate | undefined,
) => Promise<Result<Serial, 'CLIENT_CERTIFICATE_MISSING' | 'CLIENT_CERTIFICATE_REFUSED'>>;

/** A terminal that shows its next certificate has it: the ones before it have served. */
async function endOlder(world: Pick<World, 'clock'>, store: Store, serial: Serial, issuedAt: number): Promise<void> {
  const older = (on: Queryable) =>
    on
      .selectFrom('certificates')
      .select('fingerprint')
      .where('kind', '=', 'terminal')
      .where('subject', '=', serial)
      .where('ended_at', 'is', null)
      .where('issued_at', '<', issuedAt);
  // Looked up first: a terminal comes far more often than its certificate changes.
  if (!(await older(store.db).executeTakeFirst())) return;
  await store.write(async (tx) => {
    const fingerprints = (await older(tx).execute()).map(({ fingerprint }) => fingerprint);
    await tx
      .updateTable('certificates')
      .set({ ended_at: world.clock.now() })
      .where('fingerprint', 'in', fingerprints)
      .execute();
  });
}

/** A terminal is admitted when its certificate names it in this tenant, and is the one it was given last. */
export const openAdmission =
  (world: Pick<World, 'clock'>, store: Store, tenant: TenantId): Admission =>
  async (certificate) => {
    if (!certificate) return fail('CLIENT_CERTIFICATE_MISSING');
    const uri = /^URI:([^,]+)$/.exec(certificate.subjectAltName ?? '')?.[1];
    const named = uri === undefined ? undefined : parseTerminalUri(uri);
    if (named?.tenant !== tenant) return fail('CLIENT_CERTIFICATE_REFUSED', { field: 'subjectAltName' });
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    const row = await store.db
      .selectFrom('certificates')
      .select(['subject', 'issued_at', 'ended_at', 'not_after'])
      .where('fingerprint', '=', fingerprint)
      .where('kind', '=', 'terminal')
      .executeTakeFirst();
    if (row?.subject !== named.serial || row.ended_at !== null || row.not_after < world.clock.now())
      return fail('CLIENT_CERTIFICATE_REFUSED', { facts: { serial: named.serial, isEnded: row?.ended_at != null } });
    await endOlder(world, store, named.serial, row.issued_at);
    return ok(named.serial);
  };

/** Whether a terminal has a certificate that is in force: for where its connection is not ours to look at. */
export async function hasCertificate(world: Pick<World, 'clock'>, store: Store, serial: Serial): Promise<boolean> {
  const row = await store.db
    .selectFrom('certificates')
    .select('fingerprint')
    .where('kind', '=', 'terminal')
    .where('subject', '=', serial)
    .where('ended_at', 'is', null)
    .where('not_after', '>', world.clock.now())
    .executeTakeFirst();
  return row !== undefined;
}
