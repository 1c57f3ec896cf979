import { open, readFile, writeFile } from 'node:fs/promises';
import { localTransactionTime } from '@tsunagu/protocols/acquiring';
import { isExpiry } from '@tsunagu/protocols/emv';
import { errorTable } from '@tsunagu/protocols/errors';
import { parseJson, type ValidityFileDetail, type ValidityFileView } from '@tsunagu/protocols/fleet';
import { fail, hex, lastFour, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import {
  isCheckable,
  isReference,
  readValidityAnswers,
  type ValidityAnswer,
  type ValidityLineFault,
  validityFileLimits,
  type ValidityRequest,
  validityVerdicts,
  writeValidityRequests,
} from '@tsunagu/protocols/validity';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import {
  type Column,
  type Console,
  exit,
  type ExitCode,
  layOut,
  momentOf,
  printFault,
  refuse,
} from '../console/index.ts';
import type { Context } from './context.ts';

/** What the far end of a link was handed, as far as files go. */
const credentials = z.object({ zoneKbpk: z.string().regex(/^[0-9A-F]{64}$/) });

/** What works without a server: the merchant centre's own desk. */
interface Desk {
  readonly world: World;
  readonly console: Console;
  readonly json: boolean;
}

const readText = async (path: string): Promise<Result<string, 'FILE_UNREADABLE'>> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? fail('FILE_UNREADABLE', { facts: { path } }) : ok(text);
};

/** A mode that is told with a name counts for new files alone. */
async function writeForOneself(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    if ((await file.stat()).isFile()) await file.chmod(0o600);
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function zoneKbpkOf(path: string): Promise<Result<Secret<'key'>>> {
  const text = await readText(path);
  if (!text.ok) return text;
  const read = parseJson(credentials, text.value, 65_536);
  return read.ok ? ok(Secret.take('key', hex(read.value.zoneKbpk))) : fail('FILE_UNREADABLE', { facts: { path } });
}

/** A line of a list that is not right. */
interface LineFault {
  readonly code: 'VALIDITY_LINE_FORM' | 'VALIDITY_REFERENCE_REFUSED' | 'VALIDITY_CARD_INVALID';
  readonly line: number;
}

/** One line `reference,pan,expiry` (YYMM, may be missing). */
function readCard(raw: string): ValidityRequest | LineFault['code'] {
  const cells = raw.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
  const [reference = '', pan = '', expiry = ''] = cells;
  if (cells.length < 2 || cells.length > 3) return 'VALIDITY_LINE_FORM';
  if (!isReference(reference)) return 'VALIDITY_REFERENCE_REFUSED';
  const secret = Secret.take('pan', Uint8Array.from(Buffer.from(pan.replaceAll(/[ -]/g, ''), 'latin1')));
  if (isCheckable(secret) && (expiry === '' || isExpiry(expiry)))
    return { reference, pan: secret, expiry: expiry === '' ? undefined : expiry };
  secret.wipe();
  return 'VALIDITY_CARD_INVALID';
}

/** Reads a whole list, with every line that is not right: whoever has the list can mend them at once. */
function readCards(text: string): {
  readonly cards: readonly ValidityRequest[];
  readonly faults: readonly LineFault[];
} {
  const cards: ValidityRequest[] = [];
  const faults: LineFault[] = [];
  // A spreadsheet begins its file with a byte order mark.
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    if (raw.trim() === '' || raw.startsWith('#') || (line === 1 && /^"?reference/i.test(raw))) continue;
    const read = readCard(raw);
    if (typeof read === 'string') faults.push({ code: read, line });
    else cards.push(read);
  }
  return { cards, faults };
}

/** The most lines that are named of one fault. */
const linesShown = 50;

/** Says of each kind of fault which lines have it: none is sealed before all of them are mended. */
function refuseLines(console: Console, faults: readonly LineFault[], json: boolean): ExitCode {
  const codes = [...new Set(faults.map(({ code }) => code))];
  // One document: the first kind of fault, with every line that is not right.
  for (const code of json ? codes.slice(0, 1) : codes) {
    const lines = faults.filter((fault) => json || fault.code === code).map(({ line }) => line);
    const named = lines.slice(0, linesShown).join(' ') + (lines.length > linesShown ? ` … (${lines.length})` : '');
    printFault(console, { code, facts: lines.length === 1 ? { line: lines[0] ?? 0 } : { lines: named } }, json);
  }
  return exit.failed;
}

/** `tsunagu validity seal CARDS`: a centre's list as a file that only the switch can open. */
export async function sealValidity(
  { world, console, json }: Desk,
  path: string,
  options: {
    readonly credentials: string;
    readonly acquirer: string;
    readonly merchant: string;
    readonly file: string;
    readonly out: string;
  },
): Promise<ExitCode> {
  const text = await readText(path);
  if (!text.ok) return refuse(console, text.fault, json);
  const { cards, faults } = readCards(text.value);
  const wipeCards = (): void => {
    for (const { pan } of cards) pan.wipe();
  };
  if (faults.length > 0) {
    wipeCards();
    return refuseLines(console, faults, json);
  }
  if (cards.length > validityFileLimits.recordsMax) {
    wipeCards();
    return refuse(console, { code: 'VALIDITY_FILE_REFUSED', field: 'records', facts: { records: cards.length } }, json);
  }
  if (cards.length === 0) return refuse(console, { code: 'VALIDITY_FILE_EMPTY', facts: { path } }, json);
  const kbpk = await zoneKbpkOf(options.credentials);
  if (!kbpk.ok) return refuse(console, kbpk.fault, json);
  const entropy = (lengthBytes: number): Uint8Array => world.entropy(lengthBytes);
  const key = Secret.take('key', entropy(16));
  const header = {
    fileId: options.file.padStart(12, '0'),
    acquirer: options.acquirer.padStart(11, '0'),
    merchant: options.merchant,
    created: localTransactionTime(world.clock.now()),
  };
  await writeFile(options.out, writeValidityRequests(header, cards, kbpk.value, key, entropy));
  for (const secret of [key, kbpk.value]) secret.wipe();
  wipeCards();
  if (json) console.out(JSON.stringify({ file: options.out, records: cards.length }));
  else console.out(console.texts.validity.sealed(cards.length, options.out));
  return exit.ok;
}

/** `tsunagu validity hand-in FILE --link ID`. Exit 5 when a line was not taken. */
export async function handInValidity(context: Context, path: string, link: string): Promise<ExitCode> {
  const { client, console, json } = context;
  const text = await readText(path);
  if (!text.ok) return refuse(console, text.fault, json);
  const answer = await client.handInValidity(link, text.value);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    console.out(console.texts.validity.taken(answer.value.id, answer.value.records, answer.value.refused));
    sayFaults(console, answer.value.faults);
  }
  return answer.value.refused > 0 ? exit.otherOutcome : exit.ok;
}

const sayFaults = (
  console: Console,
  faults: readonly {
    readonly code: ValidityLineFault['code'];
    readonly line: number | null;
    readonly sequence: number | null;
  }[],
): void => {
  for (const { code, line, sequence } of faults)
    console.err(console.texts.validity.fault(line, sequence, `${code}: ${errorTable[code][console.language].says}`));
};

/** `tsunagu validity list`. */
export async function listValidity({ client, console, json }: Context, count: number): Promise<ExitCode> {
  const answer = await client.validityFiles(count);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { validity: texts } = console.texts;
  if (json) console.out(JSON.stringify(answer.value));
  else if (answer.value.length === 0) console.out(texts.none);
  else {
    const heads = texts.columns;
    const columns: readonly Column<ValidityFileView>[] = [
      { head: heads.id, cell: ({ id }) => id },
      { head: heads.at, cell: ({ at }) => momentOf(at) },
      { head: heads.link, cell: ({ link }) => link },
      { head: heads.file, cell: ({ fileId }) => fileId },
      { head: heads.state, cell: ({ state }) => texts.state[state] },
      { head: heads.records, cell: ({ records }) => String(records), right: true },
      { head: heads.waiting, cell: ({ waiting }) => String(waiting), right: true },
      { head: heads.refused, cell: ({ refused }) => String(refused), right: true },
    ];
    const [head, ...lines] = layOut(columns, answer.value);
    console.out(console.paint('muted', head ?? ''));
    for (const line of lines) console.out(line);
  }
  return exit.ok;
}

/** `tsunagu validity show ID`. Exit 5 while cards wait. */
export async function showValidity({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const answer = await client.validityFile(id);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else sayDetail(console, answer.value);
  return answer.value.state === 'done' ? exit.ok : exit.otherOutcome;
}

function sayDetail(console: Console, file: ValidityFileDetail): void {
  const { validity: texts } = console.texts;
  console.out(`${texts.columns.file} ${file.fileId}  ${file.link}  ${texts.state[file.state]}`);
  for (const [name, { title }] of Object.entries(validityVerdicts)) {
    const cards = file.verdicts[name as keyof typeof file.verdicts];
    if (cards > 0) console.out(`  ${String(cards).padStart(6)}  ${title[console.language]}`);
  }
  for (const { link, cards, isUp } of file.waitingFor) console.out(texts.waitingFor(link, cards, isUp));
  sayFaults(console, file.faults);
}

/** `tsunagu validity fetch ID --out FILE`: the answers, still sealed. */
export async function fetchValidity(
  { client, console, json }: Context,
  id: string,
  out: string | undefined,
): Promise<ExitCode> {
  const answer = await client.validityAnswers(id);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { name, text } = answer.value;
  const path = out ?? name;
  await writeFile(path, text);
  const records = text.split('\n').filter((line) => line.startsWith('2')).length;
  if (json) console.out(JSON.stringify({ file: path, records }));
  else console.out(console.texts.validity.fetched(path, records));
  return exit.ok;
}

/** `tsunagu validity open FILE --credentials FILE`: what became of each card. New numbers go to `out` alone; here stand their last four digits. */
export async function openValidity(
  { console, json }: Desk,
  path: string,
  options: { readonly credentials: string; readonly out?: string },
): Promise<ExitCode> {
  const text = await readText(path);
  if (!text.ok) return refuse(console, text.fault, json);
  const kbpk = await zoneKbpkOf(options.credentials);
  if (!kbpk.ok) return refuse(console, kbpk.fault, json);
  const read = readValidityAnswers(text.value, kbpk.value);
  kbpk.value.wipe();
  if (!read.ok) {
    printFault(console, read.fault, json);
    return exit.failed;
  }
  const { answers, faults } = read.value;
  const shown = (answer: ValidityAnswer): string => (answer.card ? `…${lastFour(answer.card.pan)}` : '');
  if (options.out !== undefined) {
    const lines = answers.map(({ reference, verdict, actionCode, card }) =>
      [
        `"${reference.replaceAll('"', '""')}"`,
        verdict,
        actionCode ?? '',
        card?.expiry ?? '',
        card?.pan.use((digits) => Buffer.from(digits).toString('latin1')) ?? '',
      ].join(','),
    );
    await writeForOneself(options.out, `${['reference,verdict,code,expiry,pan', ...lines].join('\n')}\n`);
  }
  const { validity: texts } = console.texts;
  if (json)
    console.out(
      JSON.stringify({
        answers: answers.map((answer) => ({
          ...answer,
          card: undefined,
          expiry: answer.card?.expiry,
          lastFour: shown(answer),
        })),
        faults,
      }),
    );
  else {
    const heads = texts.answerColumns;
    const columns: readonly Column<ValidityAnswer>[] = [
      { head: heads.reference, cell: ({ reference }) => reference },
      { head: heads.verdict, cell: ({ verdict }) => validityVerdicts[verdict].title[console.language] },
      { head: heads.code, cell: ({ actionCode }) => actionCode ?? console.texts.none },
      { head: heads.expiry, cell: ({ card }) => card?.expiry ?? '' },
      { head: heads.card, cell: shown },
    ];
    for (const line of layOut(columns, answers)) console.out(line);
    sayFaults(
      console,
      faults.map(({ code, line, sequence }) => ({ code, line: line ?? null, sequence: sequence ?? null })),
    );
    if (options.out !== undefined) console.out(texts.opened(options.out));
  }
  for (const { card } of answers) card?.pan.wipe();
  return exit.ok;
}
