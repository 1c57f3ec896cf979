import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type AuditEntry, type AuditFinding, auditLine, openVerifier } from '@tsunagu/protocols/audit';
import { parseJson, type SignedDocument } from '@tsunagu/protocols/fleet';
import { type Console, exit, type ExitCode, printFault, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu audit list`: the newest entries that a filter finds. */
export async function listAudit(context: Context, filter: Readonly<Record<string, string>>): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await client.auditEntries(filter);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { columns, outcomes } = console.texts.audit;
  printTable(
    console,
    [
      { head: columns.seq, cell: (entry: AuditEntry) => String(entry.seq), right: true },
      { head: columns.at, cell: (entry) => entry.at },
      { head: columns.actor, cell: (entry) => `${entry.actor.subject} (${entry.actor.roles.join(' ')})` },
      { head: columns.action, cell: (entry) => entry.action },
      { head: columns.subject, cell: (entry) => entry.subject },
      { head: columns.outcome, cell: (entry) => [outcomes[entry.outcome], entry.code ?? ''].join(' ').trim() },
    ],
    answer.value,
  );
  return exit.ok;
}

/** `tsunagu audit head`: the newest signed head, to be kept elsewhere. */
export async function showHead({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.auditHead();
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(JSON.stringify({ head: answer.value ?? null }));
  return exit.ok;
}

/** What a log is held against besides itself. */
export interface VerifyOptions {
  /** Name of the key that must have signed: 16 hex digits. */
  readonly key?: string | undefined;
  /** File of heads that came another way, one a line. */
  readonly heads?: string | undefined;
  /** The entry that the file begins with; 1 unless a part is looked at. */
  readonly from: number;
}

/**
 * `tsunagu audit verify FILE`: reads an exported log and says what is wrong with it, without a server.
 * Exit 0 when it is whole, 1 when it is not, or is none.
 */
export async function verifyAudit(
  console: Console,
  file: string,
  options: VerifyOptions,
  json: boolean,
): Promise<ExitCode> {
  let heads: SignedDocument[] = [];
  if (options.heads !== undefined) {
    const path = options.heads;
    try {
      heads = await readHeads(path);
    } catch (cause) {
      printFault(console, { code: 'FILE_UNREADABLE', facts: { path }, cause }, json);
      return exit.failed;
    }
    // A file without any head would be held for a proof of the end.
    if (heads.length === 0) {
      printFault(console, { code: 'AUDIT_HEADS_INVALID', facts: { path } }, json);
      return exit.failed;
    }
  }
  const verifier = openVerifier({ heads });
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }))
      verifier.line(line);
  } catch (cause) {
    printFault(console, { code: 'FILE_UNREADABLE', facts: { path: file }, cause }, json);
    return exit.failed;
  }
  const report = verifier.end();
  // A log of which nothing but heads is left is one all the same.
  if (report.kid === undefined || (report.entries === 0 && report.findings.length === 0)) {
    printFault(console, { code: 'AUDIT_FILE_INVALID', facts: { path: file } }, json);
    return exit.failed;
  }
  const isOtherKey = options.key !== undefined && options.key !== report.kid;
  const findings: readonly AuditFinding[] = [
    ...(report.first > options.from
      ? [{ kind: 'removed', from: options.from, to: report.first - 1, line: 0 } as const]
      : []),
    ...report.findings,
  ];
  // What nobody signed for could be cut off, or written anew.
  const isWhole = findings.length === 0 && report.head !== undefined && report.unsigned === 0 && !isOtherKey;
  if (json) console.out(JSON.stringify({ ...report, findings, isWhole }));
  else {
    const texts = console.texts.audit;
    console.out(texts.read(report.entries, report.first, report.last));
    for (const finding of findings) console.out(console.paint('error', describe(texts, finding)));
    if (isOtherKey) console.out(console.paint('error', texts.otherKey(report.kid)));
    if (report.head) console.out(texts.head(report.head.seq, report.head.at, report.kid));
    else console.out(console.paint('error', texts.noHead));
    if (report.unsigned > 0) console.out(console.paint('warn', texts.unsigned(report.unsigned)));
    if (report.headsBefore > 0) console.out(console.paint('warn', texts.headsBefore(report.headsBefore)));
    if (options.key === undefined) console.out(console.paint('warn', texts.compareKey(report.kid)));
    // What was cut off together with its heads leaves no trace in the file.
    if (options.heads === undefined) console.out(console.paint('warn', texts.endUnknown(report.last)));
    console.out(isWhole ? console.paint('ok', texts.whole) : console.paint('error', texts.notWhole));
  }
  return isWhole ? exit.ok : exit.failed;
}

function describe(texts: Console['texts']['audit'], { kind, from, to, line }: AuditFinding): string {
  const where = from === to ? String(from) : `${from}-${to}`;
  return `${texts.findings[kind](where)}${line > 0 ? ` (${texts.line(line)})` : ''}`;
}

async function readHeads(path: string): Promise<SignedDocument[]> {
  const text = await readFile(path, 'utf8');
  return text.split('\n').flatMap((line) => {
    const read = line.trim() === '' ? undefined : parseJson(auditLine, line);
    return read?.ok && 'head' in read.value ? [read.value.head] : [];
  });
}
