import { command, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { type AidEntry, aids } from '@tsunagu/protocols/emv';
import { fail, hex, ok, type Result } from '@tsunagu/protocols/kit';
import { findTlvDeep, type Tlv } from '@tsunagu/protocols/tlv';
import { swText, templateOf } from './answers.ts';
import { type Dialogue, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';

/** An application that both card and terminal have. */
export interface Candidate {
  /** The card's name for it (DF name), 5 to 16 bytes. */
  readonly aid: Uint8Array;
  readonly entry: AidEntry;
  readonly label: string;
  /** 1 first, 15 last; 16 stands for none given. */
  readonly priority: number;
}

/** A selected application: what the card says of it. */
export interface Selected {
  readonly candidate: Candidate;
  /** 9F38; undefined when the card asks for nothing. */
  readonly pdol: Uint8Array | undefined;
}

const contactDirectory = Uint8Array.from(Buffer.from('1PAY.SYS.DDF01', 'latin1'));
const contactlessDirectory = Uint8Array.from(Buffer.from('2PAY.SYS.DDF01', 'latin1'));
/** Records of a directory, and applications of one card: more are not looked at. */
const recordsMax = 10;
const candidatesMax = 16;

const select = (name: Uint8Array, isNext = false) => command(0x00, 0xa4, 0x04, isNext ? 0x02 : 0x00, name, 256);

/** The terminal's application that a card's name matches: the same, or a beginning of it where that is allowed. EMV 4.3 Book 1, 12.3.1. */
function entryOf(aid: Uint8Array): AidEntry | undefined {
  return aids.find((entry) => {
    const own = hex(entry.aid);
    return (
      (aid.length === own.length || (entry.partial && aid.length > own.length)) &&
      Buffer.compare(aid.subarray(0, own.length), own) === 0
    );
  });
}

/** A directory entry (61) as a candidate; undefined when the terminal does not have the application. */
function candidateOf(template: Tlv): Candidate | undefined {
  const aid = findTlvDeep(template.children, 0x4f)?.value ?? findTlvDeep(template.children, 0x84)?.value;
  if (aid === undefined || aid.length < 5 || aid.length > 16) return undefined;
  const entry = entryOf(aid);
  if (entry === undefined) return undefined;
  const indicator = findTlvDeep(template.children, 0x87)?.value[0] ?? 0;
  const label = findTlvDeep(template.children, 0x50)?.value ?? new Uint8Array(0);
  return {
    aid: Uint8Array.from(aid),
    entry,
    label: printable(label),
    priority: (indicator & 0x0f) === 0 ? 16 : indicator & 0x0f,
  };
}

/** Cards choose their labels: what is not plain text is not shown. */
const printable = (label: Uint8Array): string =>
  Buffer.from(label.subarray(0, 16))
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, '');

const inOrder = (candidates: readonly Candidate[]): readonly Candidate[] =>
  [...candidates].sort((a, b) => a.priority - b.priority);

/** The candidates of a card with contacts: by its directory (PSE), else by trying each of our names. EMV 4.3 Book 1, 12.3. */
export function* contactCandidates(): Dialogue<Result<readonly Candidate[], KernelCode>> {
  const directory = yield* transmit(select(contactDirectory));
  if (directory.sw === 0x6a81) return fail('CARD_BLOCKED');
  const listed = directory.sw === 0x9000 ? yield* readDirectory(directory) : [];
  const candidates = listed.length > 0 ? listed : yield* tryNames();
  return candidates.length === 0 ? fail('NO_COMMON_APPLICATION') : ok(inOrder(candidates));
}

function* readDirectory(directory: ResponseApdu): Dialogue<readonly Candidate[]> {
  const fci = templateOf(directory, 0x6f);
  const sfi = fci.ok ? findTlvDeep(fci.value.children, 0x88)?.value[0] : undefined;
  if (sfi === undefined || sfi === 0 || sfi > 10) return [];
  const candidates: Candidate[] = [];
  for (let record = 1; record <= recordsMax; record++) {
    const answer = yield* transmit(command(0x00, 0xb2, record, (sfi << 3) | 4, undefined, 256));
    const template = templateOf(answer, 0x70);
    if (!template.ok) break;
    candidates.push(...entriesOf(template.value.children));
  }
  return candidates.slice(0, candidatesMax);
}

const entriesOf = (objects: readonly Tlv[]): readonly Candidate[] =>
  objects
    .filter(({ tag }) => tag === 0x61)
    .map(candidateOf)
    .filter((candidate) => candidate !== undefined);

/** Selects by each name of the terminal's own list. EMV 4.3 Book 1, 12.3.3. */
function* tryNames(): Dialogue<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const entry of aids) {
    for (let isNext = false; candidates.length < candidatesMax; isNext = true) {
      const answer = yield* transmit(select(hex(entry.aid), isNext));
      const fci = templateOf(answer, 0x6f);
      if (!fci.ok) break;
      const candidate = candidateOf(fci.value);
      if (candidate === undefined || candidates.some(({ aid }) => Buffer.compare(aid, candidate.aid) === 0)) break;
      candidates.push(candidate);
      if (!entry.partial) break;
    }
  }
  return candidates;
}

/** The candidates of a contactless card: its directory (PPSE) lists them in one answer. EMV Book B, 3.3.2. */
export function* contactlessCandidates(): Dialogue<Result<readonly Candidate[], KernelCode>> {
  const directory = yield* transmit(select(contactlessDirectory));
  const fci = templateOf(directory, 0x6f);
  if (!fci.ok) return fci;
  const issuerData = findTlvDeep(fci.value.children, 0xbf0c);
  const candidates = entriesOf(issuerData?.children ?? []);
  return candidates.length === 0 ? fail('NO_COMMON_APPLICATION') : ok(inOrder(candidates));
}

/** Selects one application for good. EMV 4.3 Book 1, 12.4. */
export function* selectFinally(candidate: Candidate): Dialogue<Result<Selected, KernelCode>> {
  const answer = yield* transmit(select(candidate.aid));
  if (answer.sw !== 0x9000) return fail('CARD_REFUSED_COMMAND', { facts: { sw: swText(answer.sw) } });
  const fci = templateOf(answer, 0x6f);
  if (!fci.ok) return fci;
  const name = findTlvDeep(fci.value.children, 0x84);
  if (name === undefined || Buffer.compare(name.value, candidate.aid) !== 0)
    return fail('CARD_ANSWER_WRONG', { field: '84' });
  const pdol = findTlvDeep(fci.value.children, 0x9f38)?.value;
  return ok({ candidate, pdol: pdol === undefined ? undefined : Uint8Array.from(pdol) });
}
