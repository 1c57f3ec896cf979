import { appendFile } from 'node:fs/promises';
import {
  type AuditEntry,
  type AuditHead,
  type AuditKey,
  auditEntry,
  auditHeadPurpose,
  type AuditLine,
  genesis,
} from '@tsunagu/protocols/audit';
import {
  keyIdOf,
  parseJson,
  signDocumentBy,
  type SignedDocument,
  signedDocument,
  type TenantId,
} from '@tsunagu/protocols/fleet';
import { ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  boundedLimit,
  isoTime,
  numberOfCursor,
  type Page,
  type PageRequest,
  pageOf,
  type Store,
} from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { Changes } from './changes.ts';
import { type AuditNote, noteOn, type WriteNote } from './note.ts';

const keyId = 'sign/audit';
const keyUse = 'audit-signing';
/** A head is signed this long after something happened, or after so many entries. */
const signEveryMs = 5 * 60_000;
const exportRows = 500;

/** What to look for in the log. */
export interface AuditFilter {
  readonly subject?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly outcome?: AuditEntry['outcome'];
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly to?: number;
}

/** Who did what, in a chain that cannot be altered without showing. */
export interface Audit {
  /** Writes an entry in the transaction that makes it true. */
  readonly note: WriteNote;
  /** Writes an entry of something that changed nothing, in a transaction of its own. */
  noteAlone(note: AuditNote): Promise<void>;
  /** Newest first. */
  list(page: PageRequest & AuditFilter): Promise<Result<Page<AuditEntry>, 'INPUT_INVALID'>>;
  /** Signed heads, newest first. */
  heads(page: PageRequest): Promise<Result<Page<SignedDocument>, 'INPUT_INVALID'>>;
  /** Signs for the log as it is now; the newest head when it is signed for already. */
  signHead(): Promise<SignedDocument>;
  /** The log from an entry on, as the verifier reads it: a head is signed first, so that all of it is covered. */
  lines(from?: number): AsyncIterable<AuditLine>;
  readonly key: AuditKey;
  /** Signs a last head. */
  close(): Promise<void>;
}

/** What the log stands on. */
export interface AuditRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly tenant: TenantId;
  readonly changes: Changes;
  /** A file that receives every head, one a line: for keeping it elsewhere. */
  readonly headsFile?: string;
}

export async function openAudit({ world, store, vault, tenant, changes, headsFile }: AuditRooms): Promise<Audit> {
  await vault.ensure(keyId, keyUse);
  const spki = unwrap(vault.publicKey(keyId)).export({ format: 'der', type: 'spki' });
  const key: AuditKey = { kid: keyIdOf(spki), publicKey: spki.toString('base64') };
  const note = noteOn(world, changes);

  async function signHead(): Promise<SignedDocument> {
    const signed = await store.write(async (tx) => {
      const tail = await tx
        .selectFrom('audit_entries')
        .select(['seq', 'hash'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      const newest = await tx.selectFrom('audit_heads').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirst();
      const { seq, hash } = tail ?? { seq: 0, hash: genesis };
      if (newest && newest.seq === seq) return { document: documentOf(newest.document), isNew: false };
      const at = world.clock.now();
      const head: AuditHead = { v: 1, tenant, seq, hash, at: isoTime(at) };
      const document = signDocumentBy(auditHeadPurpose, JSON.stringify(head), key.kid, (bytes) =>
        vault.sign(keyId, keyUse, bytes),
      );
      await tx
        .insertInto('audit_heads')
        .values({ seq, at, document: JSON.stringify(document) })
        .execute();
      return { document, isNew: true };
    });
    if (signed.isNew && headsFile !== undefined)
      await appendFile(headsFile, `${JSON.stringify({ head: signed.document })}\n`, { mode: 0o644, flush: true });
    return signed.document;
  }

  const timer = world.timers.every(signEveryMs, () => {
    signHead().catch((cause: unknown) => world.log('error', 'auditHeadFailed', { fault: { code: 'INTERNAL', cause } }));
  });

  return {
    note,
    noteAlone: (entry) => store.write((tx) => note(tx, entry)),
    key,
    signHead,

    async list({ limit: wanted, cursor, ...filter }) {
      const before = numberOfCursor(cursor);
      if (!before.ok) return before;
      const limit = boundedLimit(wanted);
      let query = store.db.selectFrom('audit_entries').select(['seq', 'entry']);
      if (before.value !== undefined) query = query.where('seq', '<', before.value);
      for (const column of ['subject', 'actor', 'action', 'outcome'] as const) {
        const value = filter[column];
        if (value !== undefined) query = query.where(column, '=', value);
      }
      if (filter.from !== undefined) query = query.where('at', '>=', filter.from);
      if (filter.to !== undefined) query = query.where('at', '<', filter.to);
      const rows = await query
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      return ok(
        pageOf(
          rows,
          limit,
          ({ seq }) => seq,
          ({ entry }) => unwrap(parseJson(auditEntry, entry)),
        ),
      );
    },

    async heads(page) {
      const before = numberOfCursor(page.cursor);
      if (!before.ok) return before;
      const limit = boundedLimit(page.limit);
      let query = store.db.selectFrom('audit_heads').selectAll();
      if (before.value !== undefined) query = query.where('id', '<', before.value);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return ok(
        pageOf(
          rows,
          limit,
          ({ id }) => id,
          ({ document }) => documentOf(document),
        ),
      );
    },

    async *lines(from = 1) {
      const last = headSeq(await signHead());
      yield { log: 'tsunagu-audit-v1', tenant, key };
      const heads = await store.db
        .selectFrom('audit_heads')
        .select(['seq', 'document'])
        .where('seq', '>=', from)
        .where('seq', '<=', last)
        .orderBy('id')
        .execute();
      for (let next = from; next <= last; ) {
        const rows = await store.db
          .selectFrom('audit_entries')
          .select(['seq', 'entry', 'hash'])
          .where('seq', '>=', next)
          .where('seq', '<=', last)
          .orderBy('seq')
          .limit(exportRows)
          .execute();
        for (const { seq, entry, hash } of rows) {
          yield { entry: unwrap(parseJson(auditEntry, entry)), hash };
          while (heads[0]?.seq === seq) {
            const head = heads.shift();
            if (head) yield { head: documentOf(head.document) };
          }
        }
        const newest = rows.at(-1);
        if (!newest) return;
        next = newest.seq + 1;
      }
    },

    async close() {
      timer.cancel();
      await signHead();
    },
  };
}

const documentOf = (text: string): SignedDocument => unwrap(parseJson(signedDocument, text));

function headSeq(document: SignedDocument): number {
  const { seq }: { seq: number } = JSON.parse(document.payload);
  return seq;
}
