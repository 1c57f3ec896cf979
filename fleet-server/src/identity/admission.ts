import { parseTerminalUri, permits, type Serial, type TenantId } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { sql } from 'kysely';
import type { TLSSocket } from 'node:tls';
import { amongText, type Queryable, type Store } from '../store/index.ts';

/** What admission looks at of a certificate, as `X509Certificate` of node:crypto names it. */
export interface ShownCertificate {
  readonly subjectAltName: string | undefined;
  /** SHA-256, hexadecimal, with colons. */
  readonly fingerprint256: string;
  /** Its `notAfter`, as `Date.parse` takes it. */
  readonly validTo: string;
}

/**
 * The certificate of a TLS connection. Only what is asked for is worked out of it; the same as an object of `getPeerCertificate`, with its key in an
 * older form that the connection keeps, costs two to three times as much. (Of who shows the CAs above it too, those are copied: more than twice that.)
 */
export const shownBy = (socket: TLSSocket): ShownCertificate | undefined => socket.getPeerX509Certificate();

/** The fingerprint as the store has it. */
export const fingerprintOf = ({ fingerprint256 }: Pick<ShownCertificate, 'fingerprint256'>): string =>
  fingerprint256.replaceAll(':', '').toLowerCase();

/** Tells who is at the other end of a TLS connection whose chain was verified already. */
export type Admission = (
  certificate: ShownCertificate | undefined,
) => Promise<Result<Serial, 'CLIENT_CERTIFICATE_MISSING' | 'CLIENT_CERTIFICATE_REFUSED' | 'LIFECYCLE_FORBIDS'>>;

/** Certificates that were given to the terminal before one, and did not end yet. */
const older = (on: Queryable, serial: Serial, issuedAt: number) =>
  on
    .selectFrom('certificates')
    .select('fingerprint')
    .where('kind', '=', 'terminal')
    .where('subject', '=', serial)
    .where('ended_at', 'is', null)
    .where('issued_at', '<', issuedAt);

/** A terminal that shows its next certificate has it: the ones before it have served. */
const endOlder = (world: Pick<World, 'clock'>, store: Store, serial: Serial, issuedAt: number): Promise<void> =>
  store.write(async (tx) => {
    const fingerprints = (await older(tx, serial, issuedAt).execute()).map(({ fingerprint }) => fingerprint);
    await tx
      .updateTable('certificates')
      .set({ ended_at: world.clock.now() })
      .where('fingerprint', 'in', fingerprints)
      .execute();
  });

/** The look at `known`, built once: it is asked at each connect of a fleet, and building it costs as much as asking. */
function lookFor(store: Store) {
  const asked = 'fingerprints';
  const query = known(store, asked).compile();
  return async (fingerprints: string) => {
    const parameters = query.parameters.map((value) => (value === asked ? fingerprints : value));
    const filled: typeof query = { ...query, parameters };
    return (await store.db.executeQuery(filled)).rows;
  };
}

/** Certificates by fingerprint (a JSON array), whose they are, and whether an older one of the same terminal is still in force. */
const known = (store: Store, fingerprints: string) =>
  store.db
    .selectFrom('certificates')
    .innerJoin('terminals', 'terminals.serial', 'certificates.subject')
    .select([
      'certificates.fingerprint',
      'subject',
      'issued_at',
      'ended_at',
      'not_after',
      'terminals.lifecycle',
      sql<number>`exists (select 1 from certificates as older where older.kind = 'terminal' and older.subject = certificates.subject
        and older.ended_at is null and older.issued_at < certificates.issued_at)`.as('has_older'),
    ])
    .where(amongText('certificates.fingerprint', fingerprints))
    .where('kind', '=', 'terminal');

/**
 * A terminal is admitted when its certificate names it in this tenant and is the one it was given last, in a state of its life that permits it.
 * @param ended certificates have ended by that, and it is on disk
 */
export function openAdmission(
  world: Pick<World, 'clock'>,
  store: Store,
  tenant: TenantId,
  ended: () => void = () => undefined,
): Admission {
  const known = lookFor(store);
  const look = inBatches(async (fingerprints) => {
    const rows = await known(JSON.stringify(fingerprints));
    return new Map(rows.map((row) => [row.fingerprint, row]));
  });
  return async (certificate) => {
    if (!certificate) return fail('CLIENT_CERTIFICATE_MISSING');
    const uri = /^URI:([^,]+)$/.exec(certificate.subjectAltName ?? '')?.[1];
    const named = uri === undefined ? undefined : parseTerminalUri(uri);
    if (named?.tenant !== tenant) return fail('CLIENT_CERTIFICATE_REFUSED', { field: 'subjectAltName' });
    const row = await look(fingerprintOf(certificate));
    if (row?.subject !== named.serial || row.ended_at !== null || row.not_after < world.clock.now()) {
      // Of a certificate that was this terminal's, where it is in its life: one that was scrapped should not be heard of at all.
      const state = row?.subject === named.serial ? { state: row.lifecycle } : {};
      return fail('CLIENT_CERTIFICATE_REFUSED', {
        facts: { serial: named.serial, isEnded: row?.ended_at != null, ...state },
      });
    }
    if (!permits(row.lifecycle, 'connect'))
      return fail('LIFECYCLE_FORBIDS', { facts: { serial: named.serial, state: row.lifecycle } });
    if (row.has_older) {
      await endOlder(world, store, named.serial, row.issued_at);
      ended();
    }
    return ok(named.serial);
  };
}

/** Keys that one look answers. */
const batchMax = 256;

/**
 * Looks things up by key, one look at a time: what is asked for while one is under way is in the next. No answer is from before its
 * question.
 */
function inBatches<T>(look: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>) {
  type Asked = {
    readonly key: string;
    readonly tell: (found: T | undefined) => void;
    readonly fail: (cause: unknown) => void;
  };
  const asked: Asked[] = [];
  let isLooking = false;
  async function answer(): Promise<void> {
    while (asked.length > 0) {
      const batch = asked.splice(0, batchMax);
      try {
        const found = await look(batch.map(({ key }) => key));
        for (const { key, tell } of batch) tell(found.get(key));
      } catch (cause) {
        for (const one of batch) one.fail(cause);
      }
    }
    isLooking = false;
  }
  return (key: string): Promise<T | undefined> =>
    new Promise((tell, fail) => {
      asked.push({ key, tell, fail });
      if (isLooking) return;
      isLooking = true;
      void answer();
    });
}

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
