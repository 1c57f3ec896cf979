import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import type { ProtectionScheme } from '@tsunagu/protocols/catalogue';
import {
  bindingText,
  type KeyBind,
  type KeyBinding,
  type KeyReceive,
  type KeyRelease,
  type ProtectionEvidence,
  type ReleaseProof,
  releaseStatement,
  parseJson,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import {
  type Certificate,
  parseCertificate,
  readRandomToken,
  writeCredentialToken,
  writeRebindToken,
  writeUnbindToken,
} from '@tsunagu/protocols/tr34';
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
} as const;
type Authority = keyof typeof parties;
const authorityNames = Object.keys(parties) as readonly Authority[];
/** Hosts take over from one another: `kdh`, `kdh/2`, and so on. */
const firstHost = 'kdh';
const hostUse = 'key-distribution';
const hostKey = (host: string): string => `tr34/${host}`;
/** The key host whose key has this name; undefined where no host’s could. */
export const hostNameOf = (key: string): string | undefined =>
  key.startsWith('tr34/kdh') ? key.slice('tr34/'.length) : undefined;
const numberOfHost = (name: string): number | undefined => {
  const number = /^kdh(?:\/([1-9]\d{0,5}))?$/.exec(name);
  return number ? Number(number[1] ?? 1) : undefined;
};

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
  order(tx: Transaction<Database>, serial: Serial, scheme: ProtectionScheme): Promise<KeyBind | undefined>;
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
  /**
   * A terminal drew its random number for `job`: the word of its host that unbinds it, or that rebinds it to the host that took over.
   * TR34_BINDING_MISSING: it is bound to none. KEY_HOST_CURRENT: no other host took over.
   */
  released(
    tx: Transaction<Database>,
    serial: Serial,
    job: string,
    binding: KeyBinding,
    to: KeyRelease['to'],
  ): Promise<Result<KeyRelease>>;
  /**
   * What a terminal swears to of `job` is written down for good, if it is about this very release and by its own key; its binding is over, or that of
   * another host. undefined: it is no proof.
   */
  proven(
    tx: Transaction<Database>,
    serial: Serial,
    job: string,
    proof: ReleaseProof,
  ): Promise<'unbound' | 'rebound' | undefined>;
  /** Has another key host take over, by its key's name (`tr34/kdh/2`): who binds from now on binds to it. */
  useHost(key: string): Promise<Result<void, 'KEY_UNKNOWN'>>;
  /** The key hosts of this house, oldest first: the name of its key, its certificate's SHA-256, and how many terminals are bound to it. */
  hosts(): Promise<readonly { readonly key: string; readonly digest: string; readonly terminals: number }[]>;
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
    signer: Authority,
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

  async function prepare(hosts: readonly string[] = [currentHost()]): Promise<void> {
    const made: { name: string; certificate: string; made_at: number }[] = [];
    const keep = (name: string, der: Uint8Array): void => {
      made.push({ name, certificate: base64(der), made_at: world.clock.now() });
      known.set(name, unwrap(parseCertificate(der)));
    };
    for (const name of authorityNames) {
      if (known.has(name)) continue;
      const { key, use, signer } = parties[name];
      await vault.ensure(key, use);
      const form: CertificateUse = { kind: 'authority', pathLength: name === 'root' ? 1 : 0 };
      keep(name, certify(signer, name, unwrap(vault.publicKey(key)), form, lifeMs[name]));
    }
    for (const name of hosts) {
      if (known.has(name)) continue;
      await vault.ensure(hostKey(name), hostUse);
      const form: CertificateUse = { kind: 'keyParty', usage: 'digitalSignature' };
      keep(name, certify('kdh-ca', name, unwrap(vault.publicKey(hostKey(name))), form, lifeMs.kdh));
    }
    if (made.length > 0)
      try {
        await store.db.insertInto('key_parties').values(made).execute();
      } catch (error) {
        for (const { name } of made) known.delete(name);
        throw error;
      }
  }

  const party = (name: string): Certificate => {
    const found = known.get(name);
    if (!found) throw new Error(`the key host has no certificate ${name} yet`);
    return found;
  };
  const hostNames = (): readonly string[] =>
    [...known.keys()]
      .filter((name) => numberOfHost(name) !== undefined)
      .toSorted((one, other) => (numberOfHost(one) ?? 0) - (numberOfHost(other) ?? 0));
  const currentHost = (): string => hostNames().at(-1) ?? firstHost;
  /** The host that a terminal is bound to; the newest one for a terminal that is bound to none. */
  async function hostOf(tx: Transaction<Database>, serial: Serial): Promise<string> {
    const row = await tx.selectFrom('key_bindings').select('host').where('serial', '=', serial).executeTakeFirst();
    return row?.host ?? currentHost();
  }

  /** Whether an answer is the terminal's own. */
  async function isTheTerminals(
    tx: Transaction<Database>,
    serial: Serial,
    text: Uint8Array,
    signature: string,
  ): Promise<boolean> {
    const certificates = await tx
      .selectFrom('certificates')
      .select('pem')
      .where('kind', '=', 'terminal')
      .where('subject', '=', serial)
      .where('revoked_at', 'is', null)
      .orderBy('issued_at', 'desc')
      .limit(4)
      .execute();
    const signed = Buffer.from(signature, 'base64');
    return certificates.some(({ pem }) => verify('sha256', text, new X509Certificate(pem).publicKey, signed));
  }

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
    const host = await hostOf(tx, serial);
    const made = await vault.protectionKeyToken(id, hostKey(host), { kdh: party(host), krd: device, freshness });
    if (!made.ok) return made;
    const row = {
      certificate: base64(device.encoded),
      host,
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

    async order(tx, serial, scheme) {
      const parts = [...authorityNames, currentHost()];
      if (scheme === 'agreement' || parts.some((name) => !known.has(name))) return undefined;
      const [root, kdhCa, krdCa] = (['root', 'kdh-ca', 'krd-ca'] as const).map((name) => base64(party(name).encoded));
      if (root === undefined || kdhCa === undefined || krdCa === undefined) return undefined;
      const host = base64(writeCredentialToken(party(await hostOf(tx, serial))));
      return { root, kdhCa, krdCa, host, passes: scheme === 'tr34-one-pass' ? 1 : 2 };
    },

    async bound(tx, serial, job, binding, scheme) {
      const refuse = (field: string) => fail('TR34_CERTIFICATE_INVALID', { field });
      if (!(await isTheTerminals(tx, serial, bindingText(serial, job, binding), binding.signature)))
        return refuse('signature');
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

    async released(tx, serial, job, binding, to) {
      if (!(await isTheTerminals(tx, serial, bindingText(serial, job, binding), binding.signature)))
        return fail('TR34_CERTIFICATE_INVALID', { field: 'signature' });
      const nonce = readRandomToken(Buffer.from(binding.random ?? '', 'base64'));
      if (!nonce.ok) return nonce;
      const row = await tx
        .selectFrom('key_bindings')
        .select(['certificate', 'host'])
        .where('serial', '=', serial)
        .executeTakeFirst();
      if (!row) return fail('TR34_BINDING_MISSING');
      if (to === 'host' && row.host === currentHost()) return fail('KEY_HOST_CURRENT');
      const [kdh, krd] = [party(row.host), unwrap(parseCertificate(Buffer.from(row.certificate, 'base64')))];
      const privateKey = (bytes: Uint8Array): Uint8Array => vault.sign(hostKey(row.host), hostUse, bytes);
      const request = {
        kdh,
        krd,
        signer: { certificate: kdh, privateKey },
        authority: { by: 'kdh', nonce: nonce.value },
      } as const;
      const token =
        to === 'nobody' ? writeUnbindToken(request) : writeRebindToken({ ...request, newKdh: party(currentHost()) });
      return ok({ to, device: row.certificate, token: base64(token) });
    },

    async proven(tx, serial, job, proof) {
      const said = parseJson(releaseStatement, proof.statement, 16_000);
      if (!said.ok || said.value.serial !== serial || said.value.job !== job) return undefined;
      if (!(await isTheTerminals(tx, serial, Buffer.from(proof.statement, 'utf8'), proof.signature))) return undefined;
      const bound = await tx
        .selectFrom('key_bindings')
        .select(['host', 'kcv'])
        .where('serial', '=', serial)
        .executeTakeFirst();
      const { host, next, protectionKey, left } = said.value;
      if (bound === undefined || digestOf(party(bound.host)) !== host) return undefined;
      const nextHost = hostNames().find((name) => digestOf(party(name)) === next);
      if (next === null ? left > 0 : nextHost === undefined) return undefined;
      const by = await tx.selectFrom('jobs').select(['reference']).where('id', '=', job).executeTakeFirst();
      const ordered = await tx
        .selectFrom('jobs')
        .select(['ordered_by', 'approved_by'])
        .where('id', '=', by?.reference ?? '')
        .executeTakeFirst();
      await tx
        .insertInto('key_releases')
        .values({
          job,
          serial,
          at: world.clock.now(),
          host: hostKey(bound.host),
          next: nextHost === undefined ? null : hostKey(nextHost),
          protection_kcv: protectionKey,
          statement: proof.statement,
          signature: proof.signature,
          ordered_by: ordered?.ordered_by ?? null,
          approved_by: ordered?.approved_by ?? null,
        })
        .onConflict((conflict) => conflict.column('job').doNothing())
        .execute();
      if (nextHost !== undefined)
        await tx.updateTable('key_bindings').set({ host: nextHost }).where('serial', '=', serial).execute();
      return nextHost === undefined ? 'unbound' : 'rebound';
    },

    async useHost(key) {
      const name = key.replace(/^tr34\//, '');
      const number = numberOfHost(name);
      const newest = numberOfHost(currentHost()) ?? 1;
      if (number === undefined || number !== newest + 1) return fail('KEY_UNKNOWN', { field: 'key' });
      await prepare([currentHost(), name]);
      return ok(undefined);
    },

    async hosts() {
      const rows = await store.db
        .selectFrom('key_bindings')
        .select((all) => ['host', all.fn.countAll<number>().as('terminals')])
        .groupBy('host')
        .execute();
      const counts = new Map(rows.map((row) => [row.host, Number(row.terminals)]));
      return hostNames().map((name) => ({
        key: hostKey(name),
        digest: digestOf(party(name)),
        terminals: counts.get(name) ?? 0,
      }));
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

const digestOf = ({ encoded }: Certificate): string => createHash('sha256').update(encoded).digest('hex');
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
