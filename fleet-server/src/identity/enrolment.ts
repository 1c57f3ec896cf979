import { generateKeyPairSync } from 'node:crypto';
import {
  agreeKeyBlockProtectionKey,
  type EnrolmentAnswer,
  type EnrolmentRequest,
  isClaimProven,
  permits,
  type PinnedKey,
  type Serial,
  type TenantId,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { p256Key, parseCertificateRequest } from '@tsunagu/protocols/x509';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { Authority } from './authority.ts';
import { revokeCertificates, storeTerminalCertificate } from './certificate-rows.ts';
import { keyDigest } from './hierarchy.ts';
import type { Manufacturers } from './manufacturers.ts';

/** Why an enrolment can be refused. */
export type EnrolmentError =
  | 'INPUT_INVALID'
  | 'TERMINAL_UNKNOWN'
  | 'CLAIM_INVALID'
  | 'CSR_INVALID'
  | 'AGREEMENT_KEY_INVALID'
  | 'CLAIM_USED'
  | 'CLAIM_ENDED'
  | 'LIFECYCLE_FORBIDS'
  | 'MANUFACTURER_UNTRUSTED'
  | 'AUTHORITY_ENDING';

/** What enrolment needs of the rooms around it. */
export interface EnrolmentRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
  readonly manufacturers: Pick<Manufacturers, 'prove'>;
  readonly tenant: TenantId;
  readonly jobKey: PinnedKey;
  /** The first root of the negative lists' authority, as it travels. */
  readonly negativeRoot: () => Promise<Uint8Array>;
  /** Stores, in the enrolment's own transaction, under which key the terminal's keys travel from now on. */
  protect(tx: Transaction<Database>, serial: Serial, protectionKey: string, checkValue: string): Promise<void>;
  /**
   * Another certificate stands for the serial from this transaction on.
   * @param ended fingerprints of those that did before
   * @param isAnew it is for another key: the device may be another, or the same with nothing left
   */
  replaced(tx: Transaction<Database>, serial: Serial, ended: readonly string[], isAnew: boolean): Promise<void>;
  /** The enrolment is on disk. */
  enrolled(serial: Serial, fingerprint: string): Promise<void>;
}

/**
 * Enrols terminals: who holds the claim secret of a listed serial, or the key of its maker's certificate, gets a certificate for its key, in a
 * state of its life that permits it.
 */
export interface Enrolment {
  /** Registers a claim secret in the transaction that registers the terminal. Sealed; nobody reads it again but `enrol`. */
  expect(tx: Transaction<Database>, serial: Serial, secret: Secret<'claim'>, trustVersion: number): Promise<void>;
  /** Puts another secret in its place: the old one dies, and the terminal may be enrolled with another key. */
  expectAnew(tx: Transaction<Database>, serial: Serial, secret: Secret<'claim'>, trustVersion: number): Promise<void>;
  /**
   * Answers a request. Order of faults: tenant unknown, proof or maker's certificate (wrong for a serial that is not listed as well), serial unknown, claim ended by a revocation, state of life, model, CSR
   * (its name must be the serial), agreement key, claim used by another key. The same serial with the same key gets a new certificate again, as often as it asks: an
   * answer that was lost costs nothing. Each answer agrees a new key-block protection key.
   */
  enrol(request: EnrolmentRequest): Promise<Result<EnrolmentAnswer, EnrolmentError>>;
}

const sealContext = (serial: string): string => `claim/${serial}`;

export function openEnrolment(rooms: EnrolmentRooms): Enrolment {
  const { world, store, vault, authority } = rooms;
  function proveClaim(request: EnrolmentRequest, sealed: Uint8Array): Result<void, 'CLAIM_INVALID'> {
    const opened = vault.open(sealContext(request.serial), sealed);
    if (!opened.ok) return fail('CLAIM_INVALID', { cause: opened.fault });
    const secret = Secret.take('claim', opened.value);
    const isProven = isClaimProven(secret, request);
    secret.wipe();
    return isProven ? ok(undefined) : fail('CLAIM_INVALID', { field: 'proof', facts: { serial: request.serial } });
  }

  /**
   * A serial that is not on the inventory is no secret to the holder of its maker's certificate. Anybody else hears what the wrong
   * secret of a listed one would get, so that nobody finds out serials by asking; the log has the cause.
   */
  async function unlisted(request: EnrolmentRequest): Promise<ReturnType<typeof fail<EnrolmentError>>> {
    const { serial } = request;
    const cause = fail('TERMINAL_UNKNOWN', { field: 'serial', facts: { serial } });
    if (!request.manufacturer) return fail('CLAIM_INVALID', { field: 'proof', facts: { serial }, cause: cause.fault });
    const proven = await rooms.manufacturers.prove(request, request.model);
    return proven.ok ? cause : proven;
  }

  return {
    async expect(tx, serial, secret, trust_version) {
      const secret_sealed = secret.use((bytes) => vault.seal(sealContext(serial), bytes));
      await tx
        .insertInto('claims')
        .values({ serial, secret_sealed, used_key: null, used_at: null, trust_version })
        .execute();
    },

    async expectAnew(tx, serial, secret, trust_version) {
      const secret_sealed = secret.use((bytes) => vault.seal(sealContext(serial), bytes));
      const fresh = { secret_sealed, used_key: null, used_at: null, ended_at: null, trust_version };
      await tx
        .insertInto('claims')
        .values({ serial, ...fresh })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(fresh))
        .execute();
    },

    async enrol(request) {
      const { serial } = request;
      if (request.tenant !== rooms.tenant) return fail('TERMINAL_UNKNOWN', { field: 'tenant' });
      const claim = await store.db
        .selectFrom('claims')
        .innerJoin('terminals', 'terminals.serial', 'claims.serial')
        .select(['claims.secret_sealed', 'claims.ended_at', 'terminals.model', 'terminals.lifecycle'])
        .where('claims.serial', '=', serial)
        .executeTakeFirst();
      if (!claim) return await unlisted(request);

      const proven = request.manufacturer
        ? await rooms.manufacturers.prove(request, claim.model)
        : proveClaim(request, claim.secret_sealed);
      if (!proven.ok) return proven;
      if (claim.ended_at !== null) return fail('CLAIM_ENDED', { facts: { serial } });
      if (!permits(claim.lifecycle, 'enrol'))
        return fail('LIFECYCLE_FORBIDS', { facts: { serial, state: claim.lifecycle } });
      if (claim.model !== request.model) return fail('INPUT_INVALID', { field: 'model' });

      const csr = parseCertificateRequest(Buffer.from(request.csr, 'base64'));
      if (!csr.ok) return csr;
      if (csr.value.commonName !== serial) return fail('CSR_INVALID', { field: 'subject' });
      if (!p256Key(Buffer.from(request.agreementKey, 'base64'))) return fail('AGREEMENT_KEY_INVALID');

      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const agreementKey = own.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
      const kbpk = agreeKeyBlockProtectionKey(
        own.privateKey,
        request.agreementKey,
        request.agreementKey,
        agreementKey,
        serial,
      );
      // The vault first: a key that no row names is forgotten at the next start, a row without its key would be a lie.
      const protection = await vault.keep(`kbpk/${world.id()}`, 'key-block-protection', kbpk);
      const made = await authority.issueTerminal(serial, csr.value.publicKey);
      if (!made.ok) {
        await vault.destroy(protection.id);
        return made;
      }
      const issued = made.value;

      const stored = await store.write(async (tx): Promise<Result<void, 'CLAIM_USED' | 'CLAIM_ENDED'>> => {
        const now = world.clock.now();
        const usedKey = keyDigest(csr.value.publicKey);
        const before = await tx
          .selectFrom('claims')
          .select(['used_key', 'ended_at'])
          .where('serial', '=', serial)
          .executeTakeFirst();
        // Revoked since it was looked at.
        if (before?.ended_at !== null) return fail('CLAIM_ENDED', { facts: { serial } });
        const used = await tx
          .updateTable('claims')
          .set({ used_key: usedKey, used_at: now })
          .where('serial', '=', serial)
          .where((where) => where.or([where('used_key', 'is', null), where('used_key', '=', usedKey)]))
          .executeTakeFirst();
        if (used.numUpdatedRows !== 1n) return fail('CLAIM_USED');
        const isAnew = before.used_key !== usedKey;
        const ended = await tx
          .updateTable('certificates')
          .set({ ended_at: now })
          .where('kind', '=', 'terminal')
          .where('subject', '=', serial)
          .where('ended_at', 'is', null)
          .returning('fingerprint')
          .execute();
        // The device before, if it is another, is not to be heard anywhere.
        if (isAnew) await revokeCertificates(tx, serial, now);
        // What it says in its next hello may be more; until then it holds what its bundle does.
        await tx.deleteFrom('terminal_trust').where('serial', '=', serial).execute();
        await storeTerminalCertificate(tx, serial, issued, now);
        await rooms.protect(tx, serial, protection.id, protection.checkValue);
        const fingerprints = ended.map(({ fingerprint }) => fingerprint);
        await rooms.replaced(tx, serial, fingerprints, isAnew);
        return ok(undefined);
      });
      if (!stored.ok) {
        await vault.destroy(protection.id);
        return stored;
      }
      await rooms.enrolled(serial, issued.fingerprint);
      const { jobKey } = rooms;
      const negativeRoot = Buffer.from(await rooms.negativeRoot()).toString('base64');
      return ok({ certificateChain: issued.chain, agreementKey, jobKey, negativeRoot });
    },
  };
}
