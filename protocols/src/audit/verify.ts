import { parseJson } from '../fleet/parse.ts';
import { openDocument, type SignedDocument } from '../fleet/signed.ts';
import {
  type AuditEntry,
  type AuditHead,
  type AuditKey,
  auditHead,
  auditHeadPurpose,
  auditLine,
  genesis,
  sealEntry,
} from './entry.ts';

/** Something that is wrong with a log, and where. `from` and `to` are sequence numbers, both included. */
export interface AuditFinding {
  readonly kind:
    | 'unreadable'
    | 'changed'
    | 'removed'
    | 'inserted'
    | 'reordered'
    | 'rewritten'
    | 'truncated'
    | 'head-invalid'
    | 'tenant-differs';
  readonly from: number;
  readonly to: number;
  /** Line of the file, counted from 1; 0 for what no line shows. */
  readonly line: number;
}

/** What is held against a log besides what stands in it. */
export interface AuditTrust {
  /** The key that the heads must be of; without it the log's own is taken, and says less. */
  readonly key?: AuditKey;
  /** Heads that came another way: earlier ones, later ones. */
  readonly heads?: readonly SignedDocument[];
}

/** What a log turned out to be. */
export interface AuditReport {
  readonly findings: readonly AuditFinding[];
  readonly entries: number;
  readonly first: number;
  readonly last: number;
  /** The newest good head that covers something of the log. */
  readonly head: AuditHead | undefined;
  /** Entries after that head: nobody signed for them yet. */
  readonly unsigned: number;
  readonly kid: string | undefined;
  /** Heads handed in that lie before the first entry: the log cannot be held against them. */
  readonly headsBefore: number;
}

const findingsMax = 200;
const lineLengthMax = 65_536;

/** Whether a line that cannot be read was a head: an entry would be missed where it stood, a head is not. */
const isOfHead = (text: string): boolean => /"(?:head|payload)":/.test(text) && !/"(?:entry|prev)":/.test(text);

/** Reads a log line by line, in bounded memory but for one hash an entry of the last stretch and one a head. */
export function openVerifier(trust: AuditTrust = {}): { line(text: string): void; end(): AuditReport } {
  const findings: AuditFinding[] = [];
  const find = (kind: AuditFinding['kind'], from: number, to = from, line = lines): void => {
    if (findings.length < findingsMax) findings.push({ kind, from, to, line });
  };
  let lines = 0;
  let entries = 0;
  let key = trust.key;
  let tenant: string | undefined;
  let first = 0;
  let last = 0;
  let lastHash = genesis;
  /** Whether the last entry's own content is what its line says it is. */
  let isLastGood = true;
  let covered: AuditHead | undefined;
  let rewrittenFrom = 0;
  /** Sequence numbers that were skipped, until they turn up elsewhere. */
  const missing = new Map<number, number>();
  const given = new Map<number, string>();
  const later: AuditHead[] = [];
  let headsBefore = 0;
  const waiting: SignedDocument[] = [...(trust.heads ?? [])];
  const outside: AuditHead[] = [];

  function headOf(document: SignedDocument): AuditHead | undefined {
    const opened = key && openDocument(auditHeadPurpose, document, key);
    const read = opened?.ok ? parseJson(auditHead, opened.value) : undefined;
    if (!read?.ok) find('head-invalid', last);
    else if (tenant !== undefined && read.value.tenant !== tenant) find('tenant-differs', read.value.seq);
    else return read.value;
    return undefined;
  }

  function openOutside(): void {
    for (const document of waiting.splice(0)) {
      const head = headOf(document);
      if (!head) continue;
      outside.push(head);
      given.set(head.seq, head.hash);
    }
  }

  function compare(head: AuditHead, hash: string): void {
    if (head.hash === hash) {
      if (!covered || head.seq >= covered.seq) covered = head;
      return;
    }
    const from = Math.max(first, (covered?.seq ?? 0) + 1);
    if (rewrittenFrom === from) return;
    rewrittenFrom = from;
    find('rewritten', from, head.seq);
  }

  function take(entry: AuditEntry, stated: string): void {
    const { hash } = sealEntry(entry);
    entries += 1;
    const isGood = hash === stated;
    if (first === 0) {
      first = entry.seq;
      if (entry.seq === 1 && entry.prev !== genesis) find('changed', 1);
    } else if (entry.seq <= last) {
      if (missing.delete(entry.seq)) find('reordered', entry.seq);
      else find('inserted', entry.seq);
      return;
    } else if (entry.seq > last + 1) {
      for (let seq = last + 1; seq < entry.seq && missing.size < findingsMax; seq++) missing.set(seq, lines);
      if (entry.seq - last - 1 > findingsMax) find('removed', last + 1, entry.seq - 1);
    } else if (isLastGood && entry.prev !== lastHash) find('changed', last, last, lines - 1);
    if (!isGood) find('changed', entry.seq);
    isLastGood = isGood;
    last = entry.seq;
    // What the next entry names, and a head covers, is the entry as it stands here.
    lastHash = hash;
    const known = given.get(entry.seq);
    const head = known === undefined ? undefined : outside.find(({ seq }) => seq === entry.seq);
    if (head) compare(head, hash);
  }

  return {
    line(text) {
      lines += 1;
      if (text.trim() === '') return;
      const read = parseJson(auditLine, text, lineLengthMax);
      if (!read.ok) return isOfHead(text) ? find('head-invalid', last) : find('unreadable', last + 1);
      if ('log' in read.value) {
        tenant ??= read.value.tenant;
        key ??= read.value.key;
        return openOutside();
      }
      if ('entry' in read.value) return take(read.value.entry, read.value.hash);
      const head = headOf(read.value.head);
      if (!head) return;
      if (head.seq === last) compare(head, lastHash);
      else if (head.seq > last) later.push(head);
    },
    end() {
      openOutside();
      for (const [seq, line] of missing) find('removed', seq, seq, line);
      for (const head of [...outside, ...later].filter(({ seq }) => seq > last))
        if (last === 0 || head.seq > last) find('truncated', last + 1, head.seq, 0);
      headsBefore = outside.filter(({ seq }) => seq < first).length;
      findings.sort((one, other) => one.from - other.from);
      return {
        findings,
        entries,
        first,
        last,
        head: covered,
        unsigned: last - Math.min(last, covered?.seq ?? first - 1),
        kid: key?.kid,
        headsBefore,
      };
    },
  };
}
