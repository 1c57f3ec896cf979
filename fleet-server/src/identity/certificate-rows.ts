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
