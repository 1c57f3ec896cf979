import { X509Certificate } from 'node:crypto';
import type { RenewalAnswer, RenewalRequest, Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { parseCertificateRequest } from '@tsunagu/protocols/x509';
import type { Transaction } from 'kysely';
import { isRegistered, mayNow } from '../estate/index.ts';
import type { Database, Store } from '../store/index.ts';
import type { Authority } from './authority.ts';
import { revokeCertificates, storeTerminalCertificate } from './certificate-rows.ts';

const dayMs = 86_400_000;
/** Certificates of one terminal that may count at a time: the present one, and next ones whose answers were lost. */
const countingMax = 8;
/** A list is made anew with each revocation, and at the latest so long before it ends. */
const listLifeMs = 7 * dayMs;
const listRenewBeforeMs = 6 * dayMs;

export interface CertificatesRooms {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly store: Store;
  readonly authority: Authority;
  /** Notes something in the transaction that makes it true. */
  note(
    tx: Transaction<Database>,
    serial: Serial,
    kind: 'certificate-renewed' | 'certificate-revoked',
    facts: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Whether a terminal carries out an order to renew: then it may before its time. */
  isOrdered(serial: Serial): Promise<boolean>;
  /** A terminal has another certificate, in the transaction that stores it. */
  renewed(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** Ends whatever connection the terminal has, on every wire. */
  disconnect(serial: Serial): void;
  /** Certificates have ended: who keeps their lists wants new ones. */
  ended?(): void;
}

/** Why a certificate is not renewed. */
export type RenewalError =
  | 'CSR_INVALID'
  | 'RENEWAL_TOO_EARLY'
  | 'TERMINAL_UNKNOWN'
  | 'LIFECYCLE_FORBIDS'
  | 'CLIENT_CERTIFICATE_REFUSED'
  | 'AUTHORITY_ENDING';

/** The certificates of terminals after their enrolment: renewed, revoked, listed. */
export interface Certificates {
  /**
   * The next certificate of a terminal that shows `presented`. Both count until the next one is shown for the first time
   * (`openAdmission` ends the others then), so that whatever answer is lost, one of them works. AUTHORITY_ENDING: no issuing CA can give one
   * that lasts longer than `presented`. Before half of its life is over only for an order (RENEWAL_TOO_EARLY). The same key gets the same certificate again.
   */
  renew(
    serial: Serial,
    presented: X509Certificate,
    request: RenewalRequest,
  ): Promise<Result<RenewalAnswer, RenewalError>>;
  /** Ends every certificate of a terminal, on its live connections too. Its claim stays as it is: `Revocations.order` ends that as well. */
  revoke(serial: Serial, by: { readonly subject: string }): Promise<Result<void, 'TERMINAL_UNKNOWN'>>;
  /** As `revoke`, in a transaction; call `revoked` after the commit. False: there is no such terminal. */
  revokeIn(tx: Transaction<Database>, serial: Serial, by: { readonly subject: string }): Promise<boolean>;
  /** After the commit of `revokeIn`: ends the connections. */
  revoked(serial: Serial, by: { readonly subject: string }): void;
  /** Certificates were ended by something else: the lists are made anew. */
  listsChanged(): void;
  /** The lists of all issuing CAs, made now. DER. */
  revocationLists(): Promise<readonly Uint8Array[]>;
  /** The list of one issuing CA, or of the one in use: what was revoked, and what a next certificate took the place of. DER. RFC 5280, 5. */
  revocationList(issuing?: string): Promise<Result<Uint8Array, 'AUTHORITY_UNKNOWN'>>;
}

export function openCertificates(rooms: CertificatesRooms): Certificates {
  const { world, store, authority } = rooms;
  const lists = new Map<string, { readonly der: Uint8Array; readonly madeAt: number }>();
  /** Counts what ended the lists that were made before: one that is being made meanwhile is not kept either. */
  let changes = 0;
  const forgetLists = (): void => {
    changes += 1;
    lists.clear();
  };

  const certificates: Certificates = {
    async renew(serial, presented, request) {
      const csr = parseCertificateRequest(Buffer.from(request.csr, 'base64'));
      if (!csr.ok) return csr;
      if (csr.value.commonName !== serial) return fail('CSR_INVALID', { field: 'subject' });
      const now = world.clock.now();
      const [from, to] = [Date.parse(presented.validFrom), Date.parse(presented.validTo)];
      const isEarly = now < from + (to - from) / 2;
      if (isEarly && !(await rooms.isOrdered(serial)))
        return fail('RENEWAL_TOO_EARLY', { facts: { until: presented.validTo } });
      const made = await authority.issueTerminal(serial, csr.value.publicKey);
      if (!made.ok) return made;
      const issued = made.value;
      // What is ordered early may end with the same authority: it is another key that is wanted, or another issuer.
      if (isEarly ? issued.notAfter < to : issued.notAfter <= to)
        return fail('AUTHORITY_ENDING', { facts: { authority: issued.issuer } });
      let isGivenUp = false;
      const renewed = await store.write(async (tx): Promise<Result<RenewalAnswer, RenewalError>> => {
        const may = await mayNow(tx, serial, 'renew');
        if (!may.ok) return may;
        const counting = await tx
          .selectFrom('certificates')
          .select(['fingerprint', 'key', 'pem', 'issuer', 'not_after'])
          .where('kind', '=', 'terminal')
          .where('subject', '=', serial)
          .where('ended_at', 'is', null)
          .orderBy('issued_at')
          .execute();
        const shown = presented.fingerprint256.replaceAll(':', '').toLowerCase();
        // It may have been revoked since it was let in.
        if (!counting.some(({ fingerprint }) => fingerprint === shown))
          return fail('CLIENT_CERTIFICATE_REFUSED', { facts: { serial, isEnded: true } });
        const unshown = counting.filter(({ fingerprint }) => fingerprint !== shown);
        // The answer to this request was lost: the same key gets the same certificate again, however often it asks.
        const again = unshown.find(
          ({ key, issuer, not_after }) => key === issued.key && issuer === issued.issuer && not_after >= to,
        );
        if (again) return ok({ certificateChain: again.pem + (authority.hierarchy.ca(again.issuer ?? '')?.pem ?? '') });
        // Ever other keys: the oldest answer that nobody has shown is given up for the newest.
        isGivenUp = counting.length >= countingMax;
        if (isGivenUp)
          await tx
            .updateTable('certificates')
            .set({ ended_at: now })
            .where('fingerprint', '=', unshown[0]?.fingerprint ?? '')
            .execute();
        await storeTerminalCertificate(tx, serial, issued, now);
        await rooms.renewed(tx, serial);
        await rooms.note(tx, serial, 'certificate-renewed', {
          fingerprint: issued.fingerprint,
          notAfter: new Date(issued.notAfter).toISOString(),
        });
        world.log('info', 'certificateRenewed', { serial, fingerprint: issued.fingerprint });
        return ok({ certificateChain: issued.chain });
      });
      if (isGivenUp) certificates.listsChanged();
      return renewed;
    },

    async revokeIn(tx, serial, by) {
      if (!(await isRegistered(tx, serial))) return false;
      await revokeCertificates(tx, serial, world.clock.now());
      await rooms.note(tx, serial, 'certificate-revoked', { by: by.subject });
      return true;
    },

    listsChanged() {
      forgetLists();
      rooms.ended?.();
    },

    revoked(serial, by) {
      certificates.listsChanged();
      world.log('warn', 'certificateRevoked', { serial, by: by.subject });
      rooms.disconnect(serial);
    },

    async revoke(serial, by) {
      if (!(await store.write((tx) => certificates.revokeIn(tx, serial, by))))
        return fail('TERMINAL_UNKNOWN', { facts: { serial } });
      certificates.revoked(serial, by);
      return ok(undefined);
    },

    async revocationLists() {
      forgetLists();
      const made = await Promise.all(authority.hierarchy.issuing.map(({ id }) => certificates.revocationList(id)));
      return made.flatMap((list) => (list.ok ? [list.value] : []));
    },

    async revocationList(issuing) {
      const { hierarchy } = authority;
      const now = world.clock.now();
      const id = issuing ?? hierarchy.issuing[0]?.id ?? '';
      const ca = hierarchy.ca(id);
      if (ca?.kind !== 'issuing') return fail('AUTHORITY_UNKNOWN');
      const list = lists.get(id);
      if (list && now - list.madeAt < listLifeMs - listRenewBeforeMs && now >= list.madeAt) return ok(list.der);
      const begunAt = changes;
      const rows = await store.db
        .selectFrom('certificates')
        .select(['pem', 'ended_at'])
        .where('kind', '=', 'terminal')
        .where('issuer', '=', id)
        .where('ended_at', 'is not', null)
        // An expired certificate is refused anyway.
        .where('not_after', '>', now)
        .orderBy('ended_at')
        .execute();
      const revoked = rows.map(({ pem, ended_at }) => ({
        serialNumber: Uint8Array.from(Buffer.from(evenHex(new X509Certificate(pem).serialNumber), 'hex')),
        revokedAt: ended_at ?? now,
      }));
      // Seconds since 1970 only rise, whoever makes the list.
      const number = Math.floor(now / 1_000);
      const der = authority.revocationList(id, { number, thisUpdate: now, nextUpdate: now + listLifeMs, revoked });
      if (begunAt === changes) lists.set(id, { der, madeAt: now });
      return ok(der);
    },
  };
  return certificates;
}

const evenHex = (text: string): string => (text.length % 2 === 0 ? text : `0${text}`);
