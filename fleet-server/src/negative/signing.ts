import { unwrap } from '@tsunagu/protocols/kit';
import {
  bytesToSign,
  decodeRoot,
  decodeSigned,
  type DocumentType,
  encodeRoot,
  encodeSigned,
  negativeKeyId,
  type NegativeRole,
  rawKeyOfSpki,
  type RootDocument,
  type SignedBytes,
} from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../store/index.ts';
import type { SigningUse, Vault } from '../vault/index.ts';

/** Signs documents of the negative lists, and keeps the roots that say with which keys. */
export interface NegativeSigning {
  readonly root: RootDocument;
  sign(type: Exclude<DocumentType, 'root'>, payload: Uint8Array, isTwice?: boolean): SignedBytes;
  /** The root of a version as it travels; undefined when there is none. */
  rootDocument(version: number): Promise<Uint8Array | undefined>;
}

/** Where the keys of each role lie in the vault. */
const keys: Readonly<Record<NegativeRole, { readonly use: SigningUse; readonly ids: readonly string[] }>> = {
  root: { use: 'negative-root-signing', ids: ['sign/negative-root/1', 'sign/negative-root/2', 'sign/negative-root/3'] },
  list: { use: 'negative-list-signing', ids: ['sign/negative-list/1', 'sign/negative-list/2'] },
  emergency: { use: 'negative-emergency-signing', ids: ['sign/negative-emergency/1'] },
  head: { use: 'negative-signing', ids: ['sign/negative'] },
};
const roleOf = { manifest: 'list', overlay: 'emergency', head: 'head', claim: 'head' } as const;
const threshold = 2;
const rootLifeSeconds = 5 * 365 * 86_400;
const rootRenewBeforeSeconds = 90 * 86_400;

/** Freshness and caps that the root signs. */
const policy = {
  softSeconds: 24 * 3_600,
  hardSeconds: 72 * 3_600,
  offlineCountMax: 50,
  offlineAmountMaxMinor: 500_000,
};
const emergencyPerDay = 2_000;

/**
 * Opens the signing of the lists. On the first start the keys of all roles are made in this vault and the first root is signed.
 * One house on one machine holds them all; who runs a fleet keeps root and list keys elsewhere, and brings their signatures.
 */
export async function openSigning(world: World, store: Store, vault: Vault, list: string): Promise<NegativeSigning> {
  for (const { use, ids } of Object.values(keys)) for (const id of ids) await vault.ensure(id, use);
  const rawKey = (id: string): Uint8Array =>
    rawKeyOfSpki(Uint8Array.from(unwrap(vault.publicKey(id)).export({ format: 'der', type: 'spki' })));
  const signWith = (type: DocumentType, payload: Uint8Array, role: NegativeRole, count: number): SignedBytes => ({
    payload,
    signatures: keys[role].ids.slice(0, count).map((id) => ({
      keyId: negativeKeyId(rawKey(id)),
      signature: vault.sign(id, keys[role].use, bytesToSign(type, payload)),
    })),
  });

  async function makeRoot(version: number): Promise<RootDocument> {
    const notAfter = Math.floor(world.clock.now() / 1_000) + rootLifeSeconds;
    const root: RootDocument = {
      version,
      notAfter,
      threshold,
      emergencyPerDay,
      policy,
      keys: (['root', 'list', 'emergency', 'head'] as const).flatMap((role) =>
        keys[role].ids.map((id) => {
          const publicKey = rawKey(id);
          const scope = role === 'list' || role === 'emergency' ? list : '';
          return { id: negativeKeyId(publicKey), publicKey, role, list: scope, notAfter };
        }),
      ),
    };
    const document = encodeSigned(signWith('root', encodeRoot(root), 'root', threshold));
    await store.write((tx) =>
      tx
        .insertInto('negative_roots')
        .values({ version, document: Buffer.from(document).toString('base64') })
        .execute(),
    );
    world.log('info', 'negativeRootSigned', { version });
    return root;
  }

  async function newestRoot(): Promise<RootDocument> {
    const row = await store.db.selectFrom('negative_roots').selectAll().orderBy('version', 'desc').executeTakeFirst();
    if (!row) return await makeRoot(1);
    const bytes = Uint8Array.from(Buffer.from(row.document, 'base64'));
    const root = unwrap(decodeRoot(unwrap(decodeSigned(bytes)).document.payload));
    const isEnding = root.notAfter - world.clock.now() / 1_000 < rootRenewBeforeSeconds;
    return isEnding ? await makeRoot(root.version + 1) : root;
  }

  const root = await newestRoot();
  return {
    root,
    sign: (type, payload, isTwice = false) => signWith(type, payload, roleOf[type], isTwice ? 2 : 1),
    async rootDocument(version) {
      const row = await store.db
        .selectFrom('negative_roots')
        .select('document')
        .where('version', '=', version)
        .executeTakeFirst();
      return row && Uint8Array.from(Buffer.from(row.document, 'base64'));
    },
  };
}
