import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { authorityIdOf, type Serial, type TenantId, type Trust } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { nameIn, signTrust } from '@tsunagu/protocols/offline-root';
import type { World } from '@tsunagu/protocols/world';
import { buildAuthorityCertificate, type Issuer } from '@tsunagu/protocols/x509';
import { sql, type Transaction } from 'kysely';
import type { Database, Queryable, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

const dayMs = 86_400_000;

/** How long certificates count, from the moment they are made. */
export interface Lives {
  readonly rootMs: number;
  readonly issuingMs: number;
  /** Of terminals. */
  readonly terminalMs: number;
  /** Of servers and links of the house. */
  readonly leafMs: number;
}
export const defaultLives: Lives = {
  rootMs: 30 * 365 * dayMs,
  issuingMs: 10 * 365 * dayMs,
  terminalMs: 398 * dayMs,
  leafMs: 398 * dayMs,
};

/** An authority that counts. */
export interface Ca {
  readonly id: string;
  readonly kind: 'root' | 'issuing';
  readonly pem: string;
  /** Where its key lies in the vault; null: elsewhere. */
  readonly vaultKey: string | null;
  /** The root above an issuing CA. */
  readonly issuer: string | null;
  readonly madeAt: number;
  readonly notAfter: number;
}

/** Which authorities there are, and which roots terminals know of. It is a copy of the store's, read anew after each change. */
export interface Hierarchy {
  readonly tenant: TenantId;
  /** Those that count, the newest first. */
  readonly roots: readonly Ca[];
  /** Those that are certified and count, the newest first. */
  readonly issuing: readonly Ca[];
  /** What terminals are told now. */
  readonly trust: Trust;
  ca(id: string): Ca | undefined;
  /** The ids of the roots in a version. */
  anchorsOf(version: number): ReadonlySet<string>;
  issuerOf(ca: Ca): Issuer;
  /** The newest issuing CA below roots that are known by all `versions`; undefined when none counts at `now`. */
  issuingFor(versions: readonly number[], now: number): Ca | undefined;
  /** The version that a terminal holds, as far as anybody knows. */
  versionOf(serial: Serial): Promise<number>;
  /** The versions that terminals hold which are neither scrapped nor lost. */
  versionsInUse(): Promise<readonly number[]>;
  reload(): Promise<void>;
}

/** SHA-256 of a public key's SPKI, hex. */
export const keyDigest = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');

/** Terminals for which a root has to stay: `lost` and `scrap` are given up. */
export const countingTerminals = (on: Queryable) =>
  on
    .selectFrom('terminals')
    .leftJoin('terminal_trust', 'terminal_trust.serial', 'terminals.serial')
    .leftJoin('claims', 'claims.serial', 'terminals.serial')
    .where('terminals.lifecycle', 'not in', ['lost', 'scrap']);

/** The version that a row of `countingTerminals` holds. */
export const heldVersion = sql<number>`coalesce(terminal_trust.version, claims.trust_version, 1)`;

/** Opens the authorities; on the first start a root and an issuing CA come into being, with their keys in the vault. */
export async function openHierarchy(
  world: Pick<World, 'clock' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
  tenant: TenantId,
  lives: Lives,
): Promise<Hierarchy> {
  let cas = new Map<string, Ca>();
  let trust: Trust = { version: 0, anchors: [] };
  let documents = new Map<number, ReadonlySet<string>>();
  const of = (kind: Ca['kind']) => [...cas.values()].filter((ca) => ca.kind === kind);

  async function reload(): Promise<void> {
    const rows = await store.db
      .selectFrom('authorities')
      .selectAll()
      .where('retired_at', 'is', null)
      .where('pem', 'is not', null)
      .orderBy('made_at', 'desc')
      .orderBy('id')
      .execute();
    cas = new Map(
      rows.flatMap(({ id, kind, pem, vault_key, issuer, made_at, not_after }) =>
        pem === null || not_after === null
          ? []
          : [[id, { id, kind, pem, vaultKey: vault_key, issuer, madeAt: made_at, notAfter: not_after }] as const],
      ),
    );
    const told = await store.db.selectFrom('trust_documents').select(['version', 'anchors']).execute();
    documents = new Map(told.map(({ version, anchors }) => [version, new Set(idList(anchors))]));
    const version = Math.max(0, ...documents.keys());
    const ids = documents.get(version) ?? new Set();
    trust = { version, anchors: of('root').flatMap(({ id, pem }) => (ids.has(id) ? [pem] : [])) };
  }

  const hierarchy: Hierarchy = {
    tenant,
    get roots() {
      return of('root');
    },
    get issuing() {
      return of('issuing');
    },
    get trust() {
      return trust;
    },
    ca: (id) => cas.get(id),
    anchorsOf: (version) => documents.get(version) ?? new Set(),
    issuerOf({ pem, vaultKey, id }) {
      if (vaultKey === null) throw new Error(`the key of ${id} is elsewhere`);
      return {
        name: nameIn(pem),
        publicKey: unwrap(vault.publicKey(vaultKey)),
        sign: (bytes) => vault.sign(vaultKey, 'certificate-signing', bytes),
      };
    },
    issuingFor: (versions, now) =>
      of('issuing').find((ca) => {
        const root = ca.issuer === null ? undefined : cas.get(ca.issuer);
        return (
          root !== undefined &&
          ca.notAfter > now &&
          root.notAfter > now &&
          versions.every((version) => documents.get(version)?.has(root.id) === true)
        );
      }),
    async versionOf(serial) {
      const row = await countingRow(store.db, serial);
      return row?.version ?? 1;
    },
    async versionsInUse() {
      const rows = await countingTerminals(store.db).select(heldVersion.as('version')).distinct().execute();
      return rows.map(({ version }) => Number(version));
    },
    reload,
  };

  await adoptFirst(store, tenant);
  await reload();
  if (of('root').length === 0) {
    await makeRootHere(world, store, vault, tenant, lives, []);
    await reload();
  }
  const [root] = of('root');
  if (of('issuing').length === 0 && root && root.vaultKey !== null) {
    await makeIssuingHere(world, store, vault, hierarchy, lives, root);
    await reload();
  }
  return hierarchy;
}

const countingRow = (on: Queryable, serial: Serial) =>
  on
    .selectFrom('terminals')
    .leftJoin('terminal_trust', 'terminal_trust.serial', 'terminals.serial')
    .leftJoin('claims', 'claims.serial', 'terminals.serial')
    .select(heldVersion.as('version'))
    .where('terminals.serial', '=', serial)
    .executeTakeFirst();

const idList = (text: string): string[] => {
  const read: unknown = JSON.parse(text);
  return Array.isArray(read) ? read.map(String) : [];
};

/** A house of the time before there were generations has its authorities among the certificates. */
async function adoptFirst(store: Store, tenant: TenantId): Promise<void> {
  await store.write(async (tx) => {
    if (await tx.selectFrom('authorities').select('id').executeTakeFirst()) return;
    const rows = await tx
      .selectFrom('certificates')
      .selectAll()
      .where('kind', 'in', ['root', 'issuing'])
      .where('subject', '=', tenant)
      .where('ended_at', 'is', null)
      .execute();
    const root = rows.find(({ kind }) => kind === 'root');
    const issuing = rows.find(({ kind }) => kind === 'issuing');
    if (!root || !issuing) return;
    const rootId = await insertCa(tx, 'root', root.pem, 'ca/root', null, root.issued_at);
    const issuingId = await insertCa(tx, 'issuing', issuing.pem, 'ca/issuing', rootId, issuing.issued_at);
    await tx.updateTable('certificates').set({ issuer: issuingId }).where('issuer', 'is', null).execute();
    // The first version is what claim bundles pin: nobody has to read it, so nobody has signed it.
    await tx
      .insertInto('trust_documents')
      .values({ version: 1, document: '', anchors: JSON.stringify([rootId]), issued_at: root.issued_at })
      .execute();
  });
}

async function insertCa(
  tx: Transaction<Database>,
  kind: Ca['kind'],
  pem: string,
  vaultKey: string | null,
  issuer: string | null,
  madeAt: number,
): Promise<string> {
  const id = authorityIdOf(pem);
  await tx
    .insertInto('authorities')
    .values({
      id,
      kind,
      vault_key: vaultKey,
      common_name: nameIn(pem).commonName,
      pem,
      issuer,
      made_at: madeAt,
      not_after: Date.parse(new X509Certificate(pem).validTo),
      retired_at: null,
    })
    .execute();
  return id;
}

/** The name of the next key of a kind. It counts rows, so that one that was made before a power loss is found again. */
export async function nextKeyName(on: Queryable, kind: Ca['kind']): Promise<{ key: string; number: number }> {
  const { count } = await on
    .selectFrom('authorities')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('kind', '=', kind)
    .executeTakeFirstOrThrow();
  const number = Number(count) + 1;
  return { key: number === 1 ? `ca/${kind}` : `ca/${kind}/${number}`, number };
}

export const nameOf = (kind: Ca['kind'], tenant: TenantId, number: number) => ({
  commonName: `Tsunagu ${kind} ${tenant}${number === 1 ? '' : ` ${number}`}`,
  organization: 'Tsunagu',
});

/**
 * Makes a root with its key in the vault and tells terminals of it: `before` are the roots that count already, whose keys have to be here.
 * Power loss: the key is found again by its name; row and document are one write.
 */
export async function makeRootHere(
  world: Pick<World, 'clock' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
  tenant: TenantId,
  lives: Lives,
  before: readonly Ca[],
): Promise<string> {
  const { key, number } = await nextKeyName(store.db, 'root');
  await vault.ensure(key, 'certificate-signing');
  const name = nameOf('root', tenant, number);
  const publicKey = unwrap(vault.publicKey(key));
  const now = world.clock.now();
  const sign = (bytes: Uint8Array): Uint8Array => vault.sign(key, 'certificate-signing', bytes);
  const issuer = { name, publicKey, sign };
  const pem = buildAuthorityCertificate(
    'root',
    { name, publicKey },
    { now, lifeMs: lives.rootMs },
    issuer,
    world.entropy,
  );
  const id = authorityIdOf(pem);
  const kept = before.flatMap(({ id: root, vaultKey }) =>
    vaultKey === null
      ? []
      : [{ id: root, sign: (bytes: Uint8Array) => vault.sign(vaultKey, 'certificate-signing', bytes) }],
  );
  await store.write(async (tx) => {
    await insertCa(tx, 'root', pem, key, null, now);
    const last = await tx.selectFrom('trust_documents').select('version').orderBy('version', 'desc').executeTakeFirst();
    const version = (last?.version ?? 0) + 1;
    const anchors = [...before.map((ca) => ca.pem), pem];
    const document = signTrust({ tenant, version, issuedAt: now, anchors }, [...kept, { id, sign }]);
    await insertTrust(tx, version, JSON.stringify(document), [...before.map((ca) => ca.id), id], now);
  });
  world.log('info', 'authorityCreated', { kind: 'root', authority: id });
  return id;
}

export async function insertTrust(
  tx: Transaction<Database>,
  version: number,
  document: string,
  anchors: readonly string[],
  issuedAt: number,
): Promise<void> {
  await tx
    .insertInto('trust_documents')
    .values({ version, document, anchors: JSON.stringify(anchors), issued_at: issuedAt })
    .execute();
}

/** Makes an issuing CA below a root whose key is in the vault. It never counts longer than its root. */
export async function makeIssuingHere(
  world: Pick<World, 'clock' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
  hierarchy: Hierarchy,
  lives: Lives,
  root: Ca,
): Promise<string> {
  const { key, number } = await nextKeyName(store.db, 'issuing');
  await vault.ensure(key, 'certificate-signing');
  const now = world.clock.now();
  const pem = buildAuthorityCertificate(
    'issuing',
    { name: nameOf('issuing', hierarchy.tenant, number), publicKey: unwrap(vault.publicKey(key)) },
    { now, lifeMs: Math.min(lives.issuingMs, root.notAfter - now) },
    hierarchy.issuerOf(root),
    world.entropy,
  );
  const id = await store.write((tx) => insertCa(tx, 'issuing', pem, key, root.id, now));
  world.log('info', 'authorityCreated', { kind: 'issuing', authority: id, root: root.id });
  return id;
}
