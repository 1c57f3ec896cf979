import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import type { ProtectionScheme } from '@tsunagu/protocols/catalogue';
import {
  bindingText,
  type KeyBind,
  type KeyBinding,
  type KeyReceive,
  type ProtectionEvidence,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import { type Certificate, parseCertificate, readRandomToken, writeCredentialToken } from '@tsunagu/protocols/tr34';
import type { World } from '@tsunagu/protocols/world';
import { buildCertificate, type CertificateUse, newSerialNumber } from '@tsunagu/protocols/x509';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

/** The parties of TR-34 in this house: a root, a CA for each role so that no device can pose as a host, and the host. TR 34-2019, 5. */
const parties = {
  root: { key: 'tr34/root', use: 'key-authority', signer: 'root' },
  'kdh-ca': { key: 'tr34/kdh-ca', use: 'key-authority', signer: 'root' },
  'krd-ca': { key: 'tr34/krd-ca', use: 'key-authority', signer: 'root' },
  kdh: { key: 'tr34/kdh', use: 'key-distribution', signer: 'kdh-ca' },
} as const;
type Party = keyof typeof parties;
const partyNames = Object.keys(parties) as readonly Party[];

const year = 31_557_600_000;
/** Clocks of terminals may be a day behind. */
const backdatedMs = 86_400_000;
const lifeMs = { root: 20 * year, 'kdh-ca': 15 * year, 'krd-ca': 15 * year, kdh: 10 * year } as const;
const deviceLifeMs = 10 * year;

/** The key distribution host: binds terminals, and sends each its key-block protection key in a token that it alone can open. */
export interface KeyDistribution {
  /** Makes authorities and host on first need. RSA keys take a moment: not inside a transaction. */
  prepare(): Promise<void>;
  /** What an order to bind says. undefined before `prepare`. */
  order(scheme: ProtectionScheme): KeyBind | undefined;
  /**
   * A terminal answered to `job`: checks that it was the terminal, certifies its key, and makes the token. The answer is the next order.
   * TR34_CERTIFICATE_INVALID: the answer is not signed by the terminal's identity, or its key is no RSA key.
   */
  bound(
    tx: Transaction<Database>,
    serial: Serial,
    job: string,
    binding: KeyBinding,
    scheme: ProtectionScheme,
  ): Promise<Result<KeyReceive>>;
  /** One-pass: another protection key for a terminal that is bound; undefined where it is not. */
  again(tx: Transaction<Database>, serial: Serial): Promise<KeyReceive | undefined>;
  /** The terminal shows by its check value which key it received: the vault's id of it. undefined when it is not the one that was sent. */
  received(tx: Transaction<Database>, serial: Serial, evidence: ProtectionEvidence): Promise<string | undefined>;
}

/** Opens the host of this store; what was made earlier is found again. */
export async function openKeyDistribution(
  world: Pick<World, 'clock' | 'id' | 'entropy'>,
  store: Store,
  vault: Vault,
): Promise<KeyDistribution> {
  const known = new Map<string, Certificate>();
  const rows = await store.db.selectFrom('key_parties').selectAll().execute();
  for (const { name, certificate } of rows)
    known.set(name, unwrap(parseCertificate(Buffer.from(certificate, 'base64'))));
  let preparing: Promise<void> | undefined;

  function certify(
    signer: Party,
    subject: string,
    publicKey: ReturnType<typeof createPublicKey>,
    use: CertificateUse,
    life: number,
  ): Uint8Array {
    const now = world.clock.now();
    const { key, use: signingUse } = parties[signer];
    return buildCertificate(
      {
        serialNumber: newSerialNumber(world.entropy),
        subject: nameOf(subject),
        publicKey,
        notBefore: now - backdatedMs,
        notAfter: now + life,
        use,
      },
      {
        name: nameOf(signer),
        publicKey: unwrap(vault.publicKey(key)),
        sign: (bytes) => vault.sign(key, signingUse, bytes),
      },
    );
  }

  async function prepare(): Promise<void> {
    const made: { name: string; certificate: string; made_at: number }[] = [];
    for (const name of partyNames) {
      if (known.has(name)) continue;
      const { key, use, signer } = parties[name];
      await vault.ensure(key, use);
      const form: CertificateUse =
        name === 'kdh'
          ? { kind: 'keyParty', usage: 'digitalSignature' }
          : { kind: 'authority', pathLength: name === 'root' ? 1 : 0 };
      const der = certify(signer, name, unwrap(vault.publicKey(key)), form, lifeMs[name]);
      made.push({ name, certificate: base64(der), made_at: world.clock.now() });
      known.set(name, unwrap(parseCertificate(der)));
    }
    if (made.length > 0)
      try {
        await store.db.insertInto('key_parties').values(made).execute();
      } catch (error) {
        for (const { name } of made) known.delete(name);
        throw error;
      }
  }

  const party = (name: Party): Certificate => {
    const found = known.get(name);
    if (!found) throw new Error(`the key host has no certificate ${name} yet`);
    return found;
  };

  /** Makes a protection key in its token, and remembers that it was sent. */
  async function send(
    tx: Transaction<Database>,
    serial: Serial,
    device: Certificate,
    freshness:
      | { readonly passes: 2; readonly nonce: Uint8Array }
      | { readonly passes: 1; readonly signingTime: string },
  ): Promise<Result<KeyReceive>> {
    const id = `kbpk/${world.id()}`;
    const made = await vault.protectionKeyToken(id, parties.kdh.key, { kdh: party('kdh'), krd: device, freshness });
    if (!made.ok) return made;
    const row = {
      certificate: base64(device.encoded),
      vault_key: id,
      kcv: made.value.checkValue,
      state: 'sent' as const,
      sent_at: world.clock.now(),
      ...(freshness.passes === 1 && { signing_time: freshness.signingTime }),
    };
    await tx
      .insertInto('key_bindings')
      .values({ serial, signing_time: null, ...row })
      .onConflict((conflict) => conflict.column('serial').doUpdateSet(row))
      .execute();
    return ok({ device: row.certificate, token: base64(made.value.token), kcv: row.kcv });
  }

  return {
    async prepare() {
      preparing ??= prepare().catch((error: unknown) => {
        preparing = undefined;
        throw error;
      });
      await preparing;
    },

    order(scheme) {
      if (scheme === 'agreement' || partyNames.some((name) => !known.has(name))) return undefined;
      const [root, kdhCa, krdCa] = (['root', 'kdh-ca', 'krd-ca'] as const).map((name) => base64(party(name).encoded));
      if (root === undefined || kdhCa === undefined || krdCa === undefined) return undefined;
      const host = base64(writeCredentialToken(party('kdh')));
      return { root, kdhCa, krdCa, host, passes: scheme === 'tr34-one-pass' ? 1 : 2 };
    },

    async bound(tx, serial, job, binding, scheme) {
      const refuse = (field: string) => fail('TR34_CERTIFICATE_INVALID', { field });
      const certificates = await tx
        .selectFrom('certificates')
        .select('pem')
        .where('kind', '=', 'terminal')
        .where('subject', '=', serial)
        .where('revoked_at', 'is', null)
        .orderBy('issued_at', 'desc')
        .limit(4)
        .execute();
      const signed = bindingText(serial, job, binding);
      const signature = Buffer.from(binding.signature, 'base64');
      const isTheTerminals = certificates.some(({ pem }) =>
        verify('sha256', signed, new X509Certificate(pem).publicKey, signature),
      );
      if (!isTheTerminals) return refuse('signature');
      const publicKey = rsaKey(binding.publicKey);
      if (!publicKey) return refuse('publicKey');
      const form = { kind: 'keyParty', usage: 'keyEncipherment' } as const;
      const device = unwrap(parseCertificate(certify('krd-ca', serial, publicKey, form, deviceLifeMs)));
      if (scheme === 'tr34-one-pass')
        return await send(tx, serial, device, { passes: 1, signingTime: await nextSigningTime(tx, serial) });
      const nonce = readRandomToken(Buffer.from(binding.random ?? '', 'base64'));
      return nonce.ok ? await send(tx, serial, device, { passes: 2, nonce: nonce.value }) : nonce;
    },

    async again(tx, serial) {
      const row = await tx.selectFrom('key_bindings').selectAll().where('serial', '=', serial).executeTakeFirst();
      if (!row) return undefined;
      const device = unwrap(parseCertificate(Buffer.from(row.certificate, 'base64')));
      const signingTime = await nextSigningTime(tx, serial);
      return unwrap(await send(tx, serial, device, { passes: 1, signingTime }));
    },

    async received(tx, serial, evidence) {
      const row = await tx
        .selectFrom('key_bindings')
        .select(['vault_key', 'kcv'])
        .where('serial', '=', serial)
        .executeTakeFirst();
      if (row?.kcv !== evidence.kcv.toUpperCase()) return undefined;
      await tx.updateTable('key_bindings').set({ state: 'received' }).where('serial', '=', serial).execute();
      return row.vault_key;
    },
  };

  /** UTCTime, later than the last that this terminal was sent, whatever the clock says. TR 34-2019, 6.3. */
  async function nextSigningTime(tx: Transaction<Database>, serial: Serial): Promise<string> {
    const row = await tx
      .selectFrom('key_bindings')
      .select('signing_time')
      .where('serial', '=', serial)
      .executeTakeFirst();
    const now = utcTime(world.clock.now());
    const last = row?.signing_time;
    return !last || now > last ? now : utcTime(timeOfUtc(last) + 1_000);
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const nameOf = (commonName: string) => ({ commonName, organization: 'Tsunagu keys' });

function rsaKey(spki: string): ReturnType<typeof createPublicKey> | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= 2_048 && bits <= 4_096 ? key : undefined;
  } catch {
    return undefined;
  }
}

/** YYMMDDHHMMSSZ. Within the century it sorts as it counts. */
const utcTime = (ms: number): string => `${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`;
const timeOfUtc = (text: string): number => {
  const [year2, ...rest] = text.match(/\d\d/g) ?? [];
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = rest.map(Number);
  return Date.UTC(2000 + Number(year2), month - 1, day, hour, minute, second);
};
