import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import {
  type AuthoritiesView,
  authorityIdOf,
  type AuthorityView,
  openTrustDocument,
  parseJson,
  rootHeldStatement,
  type Serial,
  serialSchema,
  type TrustDocument,
  trustDocument,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import { nameIn, type Parcel, signTrust } from '@tsunagu/protocols/offline-root';
import type { World } from '@tsunagu/protocols/world';
import { buildCertificateRequestBy, toPem } from '@tsunagu/protocols/x509';
import { isoTime, type Queryable, type Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { Authority } from './authority.ts';
import {
  type Ca,
  countingTerminals,
  heldVersion,
  insertTrust,
  keyDigest,
  makeIssuingHere,
  makeRootHere,
  nameOf,
  nextKeyName,
} from './hierarchy.ts';

export interface CeremonyRooms {
  readonly world: Pick<World, 'clock' | 'entropy' | 'log'>;
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
  /** Authorities or what terminals are told of them have changed. */
  changed(): Promise<void>;
}

interface By {
  readonly subject: string;
}

/** What is done with authorities: with a root's key at hand, or with answers that were signed where it is. */
export interface Ceremonies {
  overview(): Promise<AuthoritiesView>;
  /** The request for the next issuing CA, PEM; the same one until it is answered. */
  request(by: By): Promise<{ readonly id: string; readonly request: string }>;
  /** Takes a root's answer. From then on the new issuing CA signs for every terminal that knows its root. */
  install(certificate: string, by: By): Promise<Result<void, 'AUTHORITY_CERTIFICATE_INVALID'>>;
  /** Takes a signed document about roots. A root that it leaves out must have nothing hanging on it. */
  announce(document: TrustDocument, by: By): Promise<Result<void, 'TRUST_DOCUMENT_INVALID' | 'AUTHORITY_IN_USE'>>;
  /** Makes a successor by keys that are here. */
  rotate(kind: Ca['kind'], by: By): Promise<Result<void, 'ROOT_KEY_ELSEWHERE' | 'AUTHORITY_ENDING'>>;
  /** A root's key, wrapped for `receiver`. */
  exportRoot(
    id: string,
    receiver: string,
    by: By,
  ): Promise<
    Result<{ certificate: string; parcel: Parcel }, 'AUTHORITY_UNKNOWN' | 'ROOT_KEY_ELSEWHERE' | 'INPUT_INVALID'>
  >;
  /** Forgets a root's key, once it was shown that it is held elsewhere. The root counts as before. */
  removeRoot(id: string, proof: string, by: By): Promise<Result<void, 'AUTHORITY_UNKNOWN' | 'ROOT_PROOF_INVALID'>>;
  /** Ends an authority that nothing hangs on. */
  retire(id: string, by: By): Promise<Result<void, 'AUTHORITY_UNKNOWN' | 'AUTHORITY_IN_USE'>>;
  /** The document of a version, as it travels. */
  trust(version: number): Promise<TrustDocument | undefined>;
  /** What a house does by itself: successors in time where the root's key is here, and the end of what nothing hangs on. */
  maintain(): Promise<void>;
}

const shownMax = 100;
const serialsShown = 20;
const self: By = { subject: 'fleet-server' };

export function openCeremonies(rooms: CeremonyRooms): Ceremonies {
  const { world, store, vault, authority } = rooms;
  const { hierarchy, lives } = authority;
  const { tenant } = hierarchy;

  /** After every change: the copy of the store, then whoever shows certificates. */
  async function settled(event: string, facts: Readonly<Record<string, string | number>>): Promise<void> {
    await hierarchy.reload();
    world.log('info', event, facts);
    await rooms.changed();
  }

  /** Certificates below an issuing CA that count. */
  const below = (on: Queryable, issuing: readonly string[]) =>
    on
      .selectFrom('certificates')
      .where('issuer', 'in', [...issuing])
      .where('ended_at', 'is', null)
      .where('not_after', '>', world.clock.now());

  const issuingBelow = (root: string): string[] =>
    hierarchy.issuing.filter(({ issuer }) => issuer === root).map(({ id }) => id);

  /** Terminals that know this root and no newer one that counts. */
  async function knowingOnly(root: string): Promise<readonly Serial[]> {
    const versions = (await hierarchy.versionsInUse()).filter((version) => {
      const known = hierarchy.anchorsOf(version);
      return known.has(root) && !hierarchy.roots.some(({ id }) => id !== root && known.has(id));
    });
    if (versions.length === 0) return [];
    const rows = await countingTerminals(store.db)
      .select('terminals.serial')
      .where(heldVersion, 'in', versions)
      .orderBy('terminals.serial')
      .execute();
    return rows.map(({ serial }) => serialSchema.parse(serial));
  }

  async function hanging(ca: Pick<Ca, 'id' | 'kind'>) {
    const issuing = ca.kind === 'issuing' ? [ca.id] : issuingBelow(ca.id);
    const serials = new Set(ca.kind === 'root' ? await knowingOnly(ca.id) : []);
    let certificates = 0;
    if (issuing.length > 0) {
      const rows = await below(store.db, issuing).select(['kind', 'subject']).execute();
      certificates = rows.length;
      for (const { kind, subject } of rows) if (kind === 'terminal') serials.add(serialSchema.parse(subject));
    }
    const ordered = [...serials].toSorted();
    return { certificates, terminals: { count: ordered.length, first: ordered.slice(0, serialsShown) } };
  }

  /** Whether something newer does what this authority does. */
  const isSuperseded = (ca: Ca): boolean =>
    ca.kind === 'root'
      ? hierarchy.roots[0]?.id !== ca.id
      : hierarchy.issuing.find(({ issuer }) => issuer === ca.issuer)?.id !== ca.id ||
        hierarchy.ca(ca.issuer ?? '') === undefined;

  const isFree = async (ca: Ca): Promise<boolean> => {
    const { certificates, terminals } = await hanging(ca);
    return certificates === 0 && terminals.count === 0;
  };

  /** Power loss: an authority that counts no more may leave its key behind, which nobody names; the next start has nothing to do with it. */
  async function end(ca: Ca): Promise<void> {
    const gone = ca.kind === 'root' ? [ca.id, ...issuingBelow(ca.id)] : [ca.id];
    const keys = gone.flatMap((id) => hierarchy.ca(id)?.vaultKey ?? []);
    await store.write((tx) =>
      tx.updateTable('authorities').set({ retired_at: world.clock.now() }).where('id', 'in', gone).execute(),
    );
    for (const key of keys) await vault.destroy(key);
  }

  const signer = ({ id, vaultKey }: Ca) =>
    vaultKey === null ? [] : [{ id, sign: (bytes: Uint8Array) => vault.sign(vaultKey, 'certificate-signing', bytes) }];

  /** Tells terminals to forget a root, where a root that stays can say so. */
  async function tellWithout(root: Ca): Promise<void> {
    const staying = hierarchy.roots.filter(({ id }) => id !== root.id);
    const by = [...staying, root].flatMap(signer);
    if (by.length === 0 || !hierarchy.anchorsOf(hierarchy.trust.version).has(root.id)) return;
    const version = hierarchy.trust.version + 1;
    const issuedAt = world.clock.now();
    const document = signTrust({ tenant, version, issuedAt, anchors: staying.map(({ pem }) => pem) }, by);
    const ids = staying.map(({ id }) => id);
    await store.write((tx) => insertTrust(tx, version, JSON.stringify(document), ids, issuedAt));
    await hierarchy.reload();
  }

  const ceremonies: Ceremonies = {
    async overview() {
      const rows = await store.db
        .selectFrom('authorities')
        .selectAll()
        .orderBy('made_at', 'desc')
        .orderBy('id')
        .limit(shownMax)
        .execute();
      const authorities: AuthorityView[] = [];
      for (const row of rows) {
        const ca = hierarchy.ca(row.id);
        const state =
          row.retired_at !== null
            ? 'retired'
            : row.pem === null
              ? 'requested'
              : ca && isSuperseded(ca)
                ? 'superseded'
                : 'active';
        authorities.push({
          id: row.id,
          kind: row.kind,
          name: row.common_name,
          issuer: row.issuer,
          state,
          keyIsHere: row.vault_key !== null && vault.find(row.vault_key) !== undefined,
          certificate: row.pem,
          madeAt: isoTime(row.made_at),
          notAfter: row.not_after === null ? null : isoTime(row.not_after),
          ...(ca ? await hanging(ca) : { certificates: 0, terminals: { count: 0, first: [] } }),
        });
      }
      const { version, anchors } = hierarchy.trust;
      const { behind } = await countingTerminals(store.db)
        .select((all) => all.fn.countAll<number>().as('behind'))
        .where(heldVersion, '<', version)
        .executeTakeFirstOrThrow();
      return {
        authorities,
        trust: { tenant, version, issuedAt: world.clock.now(), anchors: [...anchors] },
        behind: Number(behind),
      };
    },

    async request(by) {
      const open = await store.db
        .selectFrom('authorities')
        .select(['vault_key', 'common_name'])
        .where('pem', 'is', null)
        .where('retired_at', 'is', null)
        .executeTakeFirst();
      const next = await nextKeyName(store.db, 'issuing');
      const key = open?.vault_key ?? next.key;
      const commonName = open?.common_name ?? nameOf('issuing', tenant, next.number).commonName;
      await vault.ensure(key, 'certificate-signing');
      const publicKey = unwrap(vault.publicKey(key));
      const id = keyDigest(publicKey).slice(0, 16);
      if (!open) {
        await store.write((tx) =>
          tx
            .insertInto('authorities')
            .values({
              id,
              kind: 'issuing',
              vault_key: key,
              common_name: commonName,
              pem: null,
              issuer: null,
              made_at: world.clock.now(),
              not_after: null,
              retired_at: null,
            })
            .execute(),
        );
        world.log('info', 'authorityRequested', { authority: id, by: by.subject });
      }
      const request = buildCertificateRequestBy(commonName, publicKey, (bytes) =>
        vault.sign(key, 'certificate-signing', bytes),
      );
      return { id, request: toPem('CERTIFICATE REQUEST', request) };
    },

    async install(text, by) {
      const wrong = (field: string) => fail('AUTHORITY_CERTIFICATE_INVALID', { field });
      let certificate: X509Certificate;
      try {
        certificate = new X509Certificate(text);
      } catch {
        return wrong('certificate');
      }
      const id = keyDigest(certificate.publicKey).slice(0, 16);
      const root = hierarchy.roots.find(
        ({ pem }) =>
          certificate.checkIssued(new X509Certificate(pem)) && certificate.verify(new X509Certificate(pem).publicKey),
      );
      if (!root) return wrong('issuer');
      if (!certificate.ca) return wrong('ca');
      const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
      const now = world.clock.now();
      if (from > now || to <= now || to > root.notAfter + 1_000) return wrong('validity');
      const pem = toPem('CERTIFICATE', certificate.raw);
      const taken = await store.write((tx) =>
        tx
          .updateTable('authorities')
          .set({ pem, issuer: root.id, not_after: to, made_at: now, common_name: nameIn(pem).commonName })
          .where('id', '=', id)
          .where('kind', '=', 'issuing')
          .where((where) => where.or([where('pem', 'is', null), where('pem', '=', pem)]))
          .executeTakeFirst(),
      );
      if (taken.numUpdatedRows !== 1n) return wrong('publicKey');
      await settled('authorityInstalled', { authority: id, root: root.id, by: by.subject });
      return ok(undefined);
    },

    async announce(document, by) {
      const opened = openTrustDocument(document, hierarchy.trust, tenant);
      if (!opened.ok) return opened;
      const { version, anchors, issuedAt } = opened.value;
      if (version !== hierarchy.trust.version + 1) return fail('TRUST_DOCUMENT_INVALID', { field: 'version' });
      const ids = anchors.map(authorityIdOf);
      for (const root of hierarchy.roots)
        if (!ids.includes(root.id) && !(await isFree(root)))
          return fail('AUTHORITY_IN_USE', { facts: { authority: root.id } });
      const now = world.clock.now();
      await store.write(async (tx) => {
        for (const pem of anchors)
          await tx
            .insertInto('authorities')
            .values({
              id: authorityIdOf(pem),
              kind: 'root',
              vault_key: null,
              common_name: nameIn(pem).commonName,
              pem,
              issuer: null,
              made_at: now,
              not_after: Date.parse(new X509Certificate(pem).validTo),
              retired_at: null,
            })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        await insertTrust(tx, version, JSON.stringify(document), ids, issuedAt);
      });
      await settled('trustAnnounced', { version, by: by.subject });
      return ok(undefined);
    },

    async rotate(kind, by) {
      if (kind === 'root') {
        if (hierarchy.roots.flatMap(signer).length === 0) return fail('ROOT_KEY_ELSEWHERE');
        await makeRootHere(world, store, vault, tenant, lives, hierarchy.roots);
        await hierarchy.reload();
      }
      const [root] = hierarchy.roots;
      if (!root || root.vaultKey === null) return fail('ROOT_KEY_ELSEWHERE');
      if (root.notAfter <= world.clock.now()) return fail('AUTHORITY_ENDING');
      await makeIssuingHere(world, store, vault, hierarchy, lives, root);
      await settled('authorityRotated', { kind, by: by.subject });
      return ok(undefined);
    },

    exportRoot(id, receiver, by) {
      const root = hierarchy.ca(id);
      if (root?.kind !== 'root') return Promise.resolve(fail('AUTHORITY_UNKNOWN'));
      const packed = root.vaultKey === null ? fail('ROOT_KEY_ELSEWHERE') : vault.parcelOf(root.vaultKey, receiver);
      if (!packed.ok)
        return Promise.resolve(
          packed.fault.code === 'INPUT_INVALID' ? fail('INPUT_INVALID') : fail('ROOT_KEY_ELSEWHERE'),
        );
      world.log('warn', 'rootExported', { authority: id, by: by.subject });
      return Promise.resolve(ok({ certificate: root.pem, parcel: packed.value }));
    },

    async removeRoot(id, proof, by) {
      const root = hierarchy.ca(id);
      if (root?.kind !== 'root') return fail('AUTHORITY_UNKNOWN');
      const key = createPublicKey(new X509Certificate(root.pem).publicKey.export({ format: 'pem', type: 'spki' }));
      if (!verify('sha256', rootHeldStatement(tenant, id), key, Buffer.from(proof, 'base64url')))
        return fail('ROOT_PROOF_INVALID');
      await store.write((tx) => tx.updateTable('authorities').set({ vault_key: null }).where('id', '=', id).execute());
      if (root.vaultKey !== null) await vault.destroy(root.vaultKey);
      await settled('rootRemoved', { authority: id, by: by.subject });
      return ok(undefined);
    },

    async retire(id, by) {
      const ca = hierarchy.ca(id);
      if (!ca) return fail('AUTHORITY_UNKNOWN');
      if (!isSuperseded(ca) || !(await isFree(ca))) return fail('AUTHORITY_IN_USE', { facts: { authority: id } });
      if (ca.kind === 'root') await tellWithout(ca);
      await end(ca);
      await settled('authorityRetired', { authority: id, by: by.subject });
      return ok(undefined);
    },

    async trust(version) {
      const row = await store.db
        .selectFrom('trust_documents')
        .select('document')
        .where('version', '=', version)
        .executeTakeFirst();
      const read = row && row.document !== '' ? parseJson(trustDocument, row.document) : undefined;
      return read?.ok ? read.value : undefined;
    },

    async maintain() {
      const now = world.clock.now();
      const [newest] = hierarchy.roots;
      // A root in whose life no whole issuing CA fits any more needs a successor.
      if (newest && newest.vaultKey !== null && newest.notAfter - now < lives.issuingMs && newest.notAfter > now)
        unwrap(await ceremonies.rotate('root', self));
      for (const root of hierarchy.roots) {
        if (root.vaultKey === null || root.notAfter - now < lives.terminalMs) continue;
        const below = hierarchy.issuing.find(({ issuer }) => issuer === root.id);
        const canLastLonger =
          !below || below.notAfter < Math.min(root.notAfter, now + lives.issuingMs) - lives.terminalMs;
        if (canLastLonger && (!below || below.notAfter - now < 2 * lives.terminalMs)) {
          const id = await makeIssuingHere(world, store, vault, hierarchy, lives, root);
          await settled('authorityRotated', { kind: 'issuing', authority: id, by: self.subject });
        }
      }
      for (const ca of [...hierarchy.issuing, ...hierarchy.roots])
        if (hierarchy.ca(ca.id) && isSuperseded(ca) && (await isFree(ca))) await ceremonies.retire(ca.id, self);
    },
  };
  return ceremonies;
}
