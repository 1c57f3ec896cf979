import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import {
  bytesToSign,
  checkSuccession,
  decodeRoot,
  decodeSigned,
  type DocumentType,
  encodeRoot,
  encodeSigned,
  keysFor,
  listsOf,
  negativeKeyId,
  type NegativeRole,
  nextRoot,
  rawKeyOfSpki,
  type RootDocument,
  type SignedBytes,
  type TrustFault,
  withSignature,
} from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Database, Store } from '../store/index.ts';
import type { SigningUse, Vault } from '../vault/index.ts';
import { regularList } from './rules.ts';

/** Signs documents of the negative lists with the keys that are here, and keeps the roots that say with which keys. */
export interface NegativeSigning {
  /** The root in force. */
  readonly root: RootDocument;
  /** The root that was brought and waits for the first version signed under it; undefined when none does. */
  readonly next: RootDocument | undefined;
  /** The root under which the next version is signed. */
  readonly signingRoot: RootDocument;
  /** The list whose first version under the next root puts it in force: the one whose keys it changes. */
  readonly nextList: string;
  /** A document of a list with the signatures that can be made here: none of a manifest whose list keys lie elsewhere. */
  sign(type: Exclude<DocumentType, 'root'>, list: string, payload: Uint8Array, isTwice?: boolean): SignedBytes;
  /** Has the root name keys for one list more, at once. A fault: the root keys lie elsewhere, or another root waits. */
  nameList(list: string): Promise<Result<void, 'NEGATIVE_LIST_UNNAMED'>>;
  /** Whether both signatures of a list would be made here. */
  holdsTwo(list: string): boolean;
  /** Whether the private key of this id is in the vault. */
  isHeld(keyId: string): boolean;
  /** Adds what the root keys that are here can say to the next root. */
  countersign(document: SignedBytes): SignedBytes;
  /** Keeps the next root until `adopt`. A fault: terminals would refuse it, or this server could not sign heads under it. */
  bring(document: SignedBytes): Promise<Result<RootDocument, TrustFault | 'NEGATIVE_ROOT_UNUSABLE'>>;
  /** Puts the next root in force, in the transaction that stores the first version under it; call `adopted` after the commit. */
  adopt(tx: Transaction<Database>): Promise<void>;
  /** After the commit: what the root in force does not name any more is destroyed here. */
  adopted(): Promise<void>;
  /** The root of a version as it travels; undefined when there is none. */
  rootDocument(version: number): Promise<Uint8Array | undefined>;
}

/** Where the keys of each role are made, on the first start. */
const made: Readonly<Record<NegativeRole, { readonly use: SigningUse; readonly ids: readonly string[] }>> = {
  root: { use: 'negative-root-signing', ids: ['sign/negative-root/1', 'sign/negative-root/2', 'sign/negative-root/3'] },
  list: { use: 'negative-list-signing', ids: [] },
  emergency: { use: 'negative-emergency-signing', ids: ['sign/negative-emergency/1'] },
  head: { use: 'negative-signing', ids: ['sign/negative'] },
};
const roles = ['root', 'list', 'emergency', 'head'] as const;
/** Each list has list keys of its own, so that one issuer's key says nothing about another's list. */
const listKeyIds = (list: string): readonly string[] =>
  [1, 2].map((number) =>
    list === regularList ? `sign/negative-list/${number}` : `sign/negative-list/${list}/${number}`,
  );
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
 * Opens the signing of the lists. On the first start the keys of all roles are made in this vault and the first root is signed. Root and list
 * keys leave it with a next root that names others (`tsunagu negative root`): from then on their signatures are brought.
 */
export async function openSigning(world: World, store: Store, vault: Vault): Promise<NegativeSigning> {
  const now = (): number => Math.floor(world.clock.now() / 1_000);
  const rawKey = (id: string): Uint8Array =>
    rawKeyOfSpki(Uint8Array.from(unwrap(vault.publicKey(id)).export({ format: 'der', type: 'spki' })));
  /** The vault's id of a key, by its role; undefined when it lies elsewhere. */
  const held = (role: NegativeRole, keyId: string): string | undefined =>
    vault.idsFor(made[role].use).find((id) => negativeKeyId(rawKey(id)) === keyId);

  function signAs(
    type: DocumentType,
    document: SignedBytes,
    role: NegativeRole,
    root: RootDocument,
    most: number,
    list = '',
  ): SignedBytes {
    let signed = document;
    for (const { id: keyId } of keysFor(root, role, list, now())) {
      const id = held(role, keyId);
      if (id === undefined || signed.signatures.length >= most) continue;
      const signature = vault.sign(id, made[role].use, bytesToSign(type, document.payload));
      signed = withSignature(signed, { keyId, signature });
    }
    return signed;
  }

  async function keepRoot(on: Transaction<Database>, version: number, document: Uint8Array): Promise<void> {
    await on
      .insertInto('negative_roots')
      .values({ version, document: Buffer.from(document).toString('base64') })
      .execute();
  }

  /** A root with the keys of this vault: the first one, and the one after it while its keys are still here. */
  async function makeRoot(version: number, lists: readonly string[]): Promise<RootDocument> {
    for (const { use, ids } of Object.values(made)) for (const id of ids) await vault.ensure(id, use);
    for (const list of lists) await ensureListKeys(list);
    const notAfter = now() + rootLifeSeconds;
    const keyFor = (role: NegativeRole, scope: string) => (id: string) => {
      const publicKey = rawKey(id);
      return { id: negativeKeyId(publicKey), publicKey, role, list: scope, notAfter };
    };
    const root: RootDocument = {
      version,
      notAfter,
      threshold,
      emergencyPerDay,
      policy,
      keys: [
        ...made.root.ids.map(keyFor('root', '')),
        ...lists.flatMap((list) => listKeyIds(list).map(keyFor('list', list))),
        ...lists.flatMap((list) => made.emergency.ids.map(keyFor('emergency', list))),
        ...made.head.ids.map(keyFor('head', '')),
      ],
    };
    const document = signAs('root', { payload: encodeRoot(root), signatures: [] }, 'root', root, threshold);
    await store.write((tx) => keepRoot(tx, version, encodeSigned(document)));
    world.log('info', 'negativeRootSigned', { version });
    return root;
  }

  async function ensureListKeys(list: string): Promise<void> {
    for (const id of listKeyIds(list)) await vault.ensure(id, made.list.use);
  }

  async function newestRoot(): Promise<RootDocument> {
    const row = await store.db.selectFrom('negative_roots').selectAll().orderBy('version', 'desc').executeTakeFirst();
    if (!row) return await makeRoot(1, [regularList]);
    const root = readRoot(row.document);
    const isEnding = root.notAfter - now() < rootRenewBeforeSeconds;
    const isOurs = root.keys.filter(({ role, id }) => role === 'root' && held('root', id)).length >= root.threshold;
    return isEnding && isOurs ? await makeRoot(root.version + 1, listsOf(root)) : root;
  }

  let root = await newestRoot();
  const waiting = await store.db.selectFrom('negative_next_root').selectAll().executeTakeFirst();
  let next = waiting && readRoot(waiting.document);
  const signingRoot = (): RootDocument => next ?? root;
  return {
    get root() {
      return root;
    },
    get next() {
      return next;
    },
    get signingRoot() {
      return signingRoot();
    },
    get nextList() {
      return changedLists(root, signingRoot())[0] ?? regularList;
    },
    sign(type, list, payload, isTwice = false) {
      const role = roleOf[type];
      const under = role === 'list' ? signingRoot() : root;
      return signAs(type, { payload, signatures: [] }, role, under, isTwice ? 2 : 1, list);
    },
    async nameList(list) {
      if (listsOf(root).includes(list)) return ok(undefined);
      const isOurs = root.keys.filter(({ role, id }) => role === 'root' && held('root', id)).length >= root.threshold;
      if (!isOurs || next !== undefined) return fail('NEGATIVE_LIST_UNNAMED', { field: 'list' });
      await ensureListKeys(list);
      const rootKeys = root.keys.filter(({ role }) => role === 'root').map(({ publicKey }) => publicKey);
      const { threshold: signers, notAfter } = root;
      const change = { rootKeys, listKeys: listKeyIds(list).map(rawKey), threshold: signers, notAfter, list };
      const named = nextRoot(root, change);
      const document = signAs('root', { payload: encodeRoot(named), signatures: [] }, 'root', root, signers);
      // A root has room for so many keys only.
      if (!checkSuccession(root, document, now()).ok) return fail('NEGATIVE_LIST_UNNAMED', { field: 'list' });
      await store.write((tx) => keepRoot(tx, named.version, encodeSigned(document)));
      root = named;
      world.log('info', 'negativeRootSigned', { version: root.version, list });
      return ok(undefined);
    },
    holdsTwo: (list) =>
      keysFor(signingRoot(), 'list', list, now()).filter(({ id }) => held('list', id) !== undefined).length >= 2,
    isHeld: (keyId) => roles.some((role) => held(role, keyId) !== undefined),
    countersign: (document) => signAs('root', document, 'root', root, document.signatures.length + threshold),
    async bring(document) {
      const checked = checkSuccession(root, document, now());
      if (!checked.ok) return checked;
      const lists = listsOf(checked.value);
      const isUsable = (list: string): boolean =>
        // Every list needs keys too: two, since a list that shrinks wants both.
        keysFor(checked.value, 'list', list, now()).length >= 2 &&
        (['emergency', 'head'] as const).every((role) =>
          keysFor(checked.value, role, list, now()).some(({ id }) => held(role, id) !== undefined),
        );
      // No list that terminals hold is dropped, and one list at a time changes its keys: its first version puts the root in force.
      const isWhole =
        listsOf(root).every((list) => lists.includes(list)) && changedLists(root, checked.value).length <= 1;
      if (!isWhole || !lists.every(isUsable)) return fail('NEGATIVE_ROOT_UNUSABLE');
      const text = Buffer.from(encodeSigned(document)).toString('base64');
      await store.write(async (tx) => {
        await tx.deleteFrom('negative_next_root').execute();
        await tx.insertInto('negative_next_root').values({ version: checked.value.version, document: text }).execute();
      });
      next = checked.value;
      world.log('info', 'negativeRootBrought', { version: next.version });
      return ok(next);
    },
    async adopt(tx) {
      const row = await tx.deleteFrom('negative_next_root').returningAll().executeTakeFirst();
      if (row) await keepRoot(tx, row.version, Buffer.from(row.document, 'base64'));
    },
    async adopted() {
      if (next === undefined) return;
      root = next;
      next = undefined;
      const named = new Set(root.keys.map(({ id }) => id));
      for (const role of ['root', 'list'] as const)
        for (const id of vault.idsFor(made[role].use))
          if (!named.has(negativeKeyId(rawKey(id)))) await vault.destroy(id);
      world.log('info', 'negativeRootAdopted', { version: root.version });
    },
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

/** The lists whose list keys differ between two roots. */
const changedLists = (before: RootDocument, after: RootDocument): readonly string[] => {
  const keysOf = (root: RootDocument, list: string): string =>
    keysFor(root, 'list', list, 0)
      .map(({ id }) => id)
      .sort()
      .join();
  return listsOf(after).filter((list) => keysOf(before, list) !== keysOf(after, list));
};

const readRoot = (text: string): RootDocument =>
  unwrap(decodeRoot(unwrap(decodeSigned(Uint8Array.from(Buffer.from(text, 'base64')))).document.payload));
