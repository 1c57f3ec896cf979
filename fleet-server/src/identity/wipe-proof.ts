import { verify, X509Certificate } from 'node:crypto';
import { parseJson, type Serial, serialSchema, type WipeProof, wipeStatement } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { sql } from 'kysely';
import type { Queryable, Store } from '../store/index.ts';
import type { Certificates } from './certificates.ts';

/** A wiped terminal whose acknowledgement was lost may ask for it again so long; after that its certificate has ended. */
const graceMs = 10 * 60_000;
const statementBytesMax = 8_000;
/** So many certificates are ended at a time. */
const endAtOnce = 100;

/** The certificate whose key swore to this very wipe, PEM; undefined when none of this house's did. */
export async function provingCertificate(
  on: Queryable,
  serial: Serial,
  job: string,
  { statement, signature }: WipeProof,
): Promise<string | undefined> {
  const said = parseJson(wipeStatement, statement, statementBytesMax);
  if (!said.ok || said.value.serial !== serial || said.value.job !== job || said.value.keys !== 0) return undefined;
  return await provingCertificateOf(on, serial, { statement, signature });
}

/**
 * The certificate of a terminal whose key signed a statement, PEM; undefined when none of this house's did.
 * @param isInForce only one that was never revoked: who has the key of another is not the terminal
 */
export async function provingCertificateOf(
  on: Queryable,
  serial: string,
  { statement, signature }: WipeProof,
  isInForce = false,
): Promise<string | undefined> {
  const rows = await on
    .selectFrom('certificates')
    .select('pem')
    .where('kind', '=', 'terminal')
    .where('subject', '=', serial)
    .$if(isInForce, (query) => query.where('revoked_at', 'is', null))
    .orderBy('issued_at', 'desc')
    .execute();
  const [bytes, signed] = [Buffer.from(statement, 'utf8'), Buffer.from(signature, 'base64')];
  return rows.find(({ pem }) => {
    try {
      return verify('sha256', bytes, new X509Certificate(pem).publicKey, signed);
    } catch {
      return false; // a signature that is none
    }
  })?.pem;
}

/** Ends the certificates of terminals that were wiped, as soon as they had the time to ask for a lost acknowledgement. */
export async function endWiped(
  { clock }: Pick<World, 'clock'>,
  store: Store,
  { revoke }: Pick<Certificates, 'revoke'>,
): Promise<void> {
  const rows = await store.db
    .selectFrom('jobs')
    .innerJoin('certificates', 'certificates.subject', 'jobs.serial')
    .select('jobs.serial')
    .distinct()
    .where(sql.ref('jobs.type'), '=', sql.lit('terminal.wipe'))
    .where('jobs.state', '=', 'succeeded')
    .where('jobs.finished_at', '<=', clock.now() - graceMs)
    .where('certificates.kind', '=', 'terminal')
    .where('certificates.ended_at', 'is', null)
    .whereRef('certificates.issued_at', '<', 'jobs.finished_at')
    .limit(endAtOnce)
    .execute();
  for (const { serial } of rows) await revoke(serialSchema.parse(serial), { subject: 'wipe' });
}
