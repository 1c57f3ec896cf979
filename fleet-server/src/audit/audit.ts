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
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import { isoTime, highestFirst, type Page, type PageRequest, type Store, pageOn, viewPage } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { Changes } from './changes.ts';
import { type AuditNote, noteOn, type WriteNote } from './note.ts';
import type { AuditTables } from './tables.ts';

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
  /** Newest first. AUDIT_ALTERED with the number of a row that somebody made unreadable in the store. */
  list(page: PageRequest & AuditFilter): Promise<Result<Page<AuditEntry>, 'INPUT_INVALID' | 'AUDIT_ALTERED'>>;
  /** Signed heads, newest first. */
  heads(page: PageRequest): Promise<Result<Page<SignedDocument>, 'INPUT_INVALID'>>;
  /** Signs for the log as it is now; the newest head when it is signed for already, and when entries that it covers are gone. */
  signHead(): Promise<SignedDocument>;
  /**
   * The log from an entry on, line by line (`AuditLine`, JSON), as the verifier reads it: a head is signed first, so that all of it
   * is covered. What somebody altered in the store is handed out as it stands there, and heads of entries that are gone as well:
   * to find fault is for the verifier.
   */
  lines(from?: number): AsyncIterable<string>;
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

  /** Signs for the log as it is, and says up to which entry it goes. */
  async function sign(): Promise<{ readonly document: SignedDocument; readonly last: number }> {
    const signed = await store.write(async (tx) => {
      const tail = await tx
        .selectFrom('audit_entries')
        .select(['seq', 'hash'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst();
      const furthest = await tx
        .selectFrom('audit_heads')
        .selectAll()
        .orderBy('seq', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst();
      const { seq, hash } = tail ?? { seq: 0, hash: genesis };
      if (furthest && furthest.seq >= seq) {
        const standing = parseJson(signedDocument, furthest.document);
        // A head for the shorter log would vouch for the cut.
        if (standing.ok) return { document: standing.value, last: seq, isNew: false, cut: furthest.seq - seq };
      }
      const at = world.clock.now();
      const head: AuditHead = { v: 1, tenant, seq, hash, at: isoTime(at) };
      const document = signDocumentBy(auditHeadPurpose, JSON.stringify(head), key.kid, (bytes) =>
        vault.sign(keyId, keyUse, bytes),
      );
      await tx
        .insertInto('audit_heads')
        .values({ seq, at, document: JSON.stringify(document) })
        .execute();
      return { document, last: seq, isNew: true, cut: 0 };
    });
    if (signed.cut > 0)
      world.log('error', 'auditCut', {
        fault: { code: 'AUDIT_ALTERED', facts: { from: signed.last + 1, to: signed.last + signed.cut } },
      });
    if (signed.isNew && headsFile !== undefined)
      await appendFile(headsFile, `${JSON.stringify({ head: signed.document })}\n`, { mode: 0o644, flush: true });
    return signed;
  }
  const signHead = async (): Promise<SignedDocument> => (await sign()).document;

  const timer = world.timers.every(signEveryMs, () => {
    signHead().catch((cause: unknown) => world.log('error', 'auditHeadFailed', { fault: { code: 'INTERNAL', cause } }));
  });

  return {
    note,
    noteAlone: (entry) => store.write((tx) => note(tx, entry)),
    key,
    signHead,

    async list({ limit, cursor, ...filter }) {
      let query = store.db.selectFrom('audit_entries').select(['seq', 'entry']);
      for (const column of ['subject', 'actor', 'action', 'outcome'] as const) {
        const value = filter[column];
        if (value !== undefined) query = query.where(column, '=', value);
      }
      if (filter.from !== undefined) query = query.where('at', '>=', filter.from);
      if (filter.to !== undefined) query = query.where('at', '<', filter.to);
      const found = await pageOn(query, highestFirst('seq'), cursor === undefined ? { limit } : { limit, cursor });
      if (!found.ok) return found;
      const items: AuditEntry[] = [];
      for (const { seq, entry } of found.value.items) {
        const read = parseJson(auditEntry, entry);
        if (!read.ok) return fail('AUDIT_ALTERED', { facts: { from: seq, to: seq } });
        items.push(read.value);
      }
      return ok({ ...found.value, items });
    },

    async heads(page) {
      const found = await pageOn(store.db.selectFrom('audit_heads').selectAll(), highestFirst('id'), page);
      return viewPage(found, ({ document }) => documentOf(document));
    },

    async *lines(from = 1) {
      const { last } = await sign();
      yield JSON.stringify({ log: 'tsunagu-audit-v1', tenant, key } satisfies AuditLine);
      const heads = await store.db
        .selectFrom('audit_heads')
        .select(['seq', 'document'])
        .where('seq', '>=', from)
        .orderBy('seq')
        .orderBy('id')
        .execute();
      let shown = 0;
      function* headsUpTo(seq: number): Iterable<string> {
        for (; ; shown++) {
          const head = heads[shown];
          if (!head || head.seq > seq) return;
          yield JSON.stringify({ head: asStored(signedDocument, head.document) });
        }
      }
      for (let next = from; next <= last; ) {
        const rows = await store.db
          .selectFrom('audit_entries')
          .selectAll()
          .where('seq', '>=', next)
          .where('seq', '<=', last)
          .orderBy('seq')
          .limit(exportRows)
          .execute();
        for (const row of rows) {
          yield entryLine(row);
          yield* headsUpTo(row.seq);
        }
        const newest = rows.at(-1);
        if (!newest) break;
        next = newest.seq + 1;
      }
      // What was signed for and is not there any more.
      yield* headsUpTo(Number.POSITIVE_INFINITY);
    },

    async close() {
      timer.cancel();
      await signHead();
    },
  };
}

const documentOf = (text: string): SignedDocument => unwrap(parseJson(signedDocument, text));

/** What is written in a row; the bare text, which no verifier takes, where it is not what was written there. */
function asStored<T>(schema: z.ZodType<T>, text: string): T | string {
  const read = parseJson(schema, text);
  return read.ok ? read.value : text;
}

/** A row as a line. Where the copies that the log is searched by say something else than the entry, no hash stands for the row. */
function entryLine(row: Selectable<AuditTables['audit_entries']>): string {
  const entry = asStored(auditEntry, row.entry);
  const isCopied =
    typeof entry !== 'string' &&
    row.at === Date.parse(entry.at) &&
    row.subject === entry.subject &&
    row.action === entry.action &&
    row.actor === (entry.actor.person ?? entry.actor.subject) &&
    row.outcome === entry.outcome;
  return JSON.stringify({ entry, hash: isCopied ? row.hash : genesis });
}
