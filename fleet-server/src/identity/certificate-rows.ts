import type { Serial } from '@tsunagu/protocols/fleet';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { IssuedCertificate } from './authority.ts';

/** Stores a terminal's certificate: from the commit on it counts. */
export async function storeTerminalCertificate(
  tx: Transaction<Database>,
  serial: Serial,
  { fingerprint, key, pem, notAfter, issuer }: IssuedCertificate,
  issuedAt: number,
): Promise<void> {
  await tx
    .insertInto('certificates')
    .values({
      fingerprint,
      kind: 'terminal',
      subject: serial,
      key,
      pem,
      issued_at: issuedAt,
      not_after: notAfter,
      ended_at: null,
      revoked_at: null,
      issuer,
    })
    .execute();
}

/**
 * Ends every certificate of a terminal and puts it on the list of its CA, those that had served already too: a broker elsewhere
 * knows of an end only what is listed. RFC 5280, 5.
 */
export async function revokeCertificates(tx: Transaction<Database>, serial: Serial, now: number): Promise<void> {
  await tx
    .updateTable('certificates')
    .set((of) => ({ ended_at: of.fn.coalesce('ended_at', of.val(now)), revoked_at: now }))
    .where('kind', '=', 'terminal')
    .where('subject', '=', serial)
    .where('revoked_at', 'is', null)
    .execute();
}
