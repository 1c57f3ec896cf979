import { command, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { type AidEntry, aids } from '@tsunagu/protocols/emv';
import { fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { findTlv, findTlvDeep, type Tlv } from '@tsunagu/protocols/tlv';
import { swText, templateOf } from './answers.ts';
import { chooseApplication, confirmApplication, type Dialogue, note, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import type { KernelTerminal } from './terminal.ts';

/** An application that both card and terminal have. */
export interface Candidate {
  /** The card's name for it (DF name), 5 to 16 bytes. */
  readonly aid: Uint8Array;
  readonly entry: AidEntry;
  /** As it may be shown: the preferred name, else the label, else the terminal's own name for it. */
  readonly label: string;
  /** 1 first, 15 last; 16 stands for none given. */
  readonly priority: number;
  /** The card demands the cardholder's consent (87, bit 8). */
  readonly needsConfirmation: boolean;
  /** 9F2A of a contactless directory; undefined when it names none. */
  readonly kernelIdentifier?: Uint8Array;
}

/** A selected application: what the card says of it. */
export interface Selected {
  readonly candidate: Candidate;
  /** 9F38; undefined when the card asks for nothing. */
  readonly pdol: Uint8Array | undefined;
  /** 5F2D: ISO 639-1 codes in the cardholder's order. */
  readonly languages: readonly string[];
}

const contactDirectory = Uint8Array.from(Buffer.from('1PAY.SYS.DDF01', 'latin1'));
/** Records of a directory, and applications of one card: more are not looked at. */
const recordsMax = 16;
const candidatesMax = 16;
/** Selections of one name with "next occurrence". */
const occurrencesMax = 16;

export const selectByName = (name: Uint8Array, isNext = false) =>
  command(0x00, 0xa4, 0x04, isNext ? 0x02 : 0x00, name, 256);

/**
 * The terminal's application that a card's name matches: the same, or a beginning of it where that is allowed (application selection
 * indicator). EMV 4.3 Book 1, 12.3.1.
 */
export function entryOf(aid: Uint8Array): AidEntry | undefined {
  const name = toHex(aid);
  return aids.find((entry) => name === entry.aid || (entry.partial && name.startsWith(entry.aid)));
}

/** A directory entry (61) or the answer to SELECT (6F) as a candidate; undefined when the terminal does not have the application. */
export function candidateOf(template: Tlv): Candidate | undefined {
  const aid = findTlvDeep(template.children, 0x4f)?.value ?? findTlvDeep(template.children, 0x84)?.value;
  if (aid === undefined || aid.length < 5 || aid.length > 16) return undefined;
  const entry = entryOf(aid);
  if (entry === undefined) return undefined;
  const indicator = findTlvDeep(template.children, 0x87)?.value[0] ?? 0;
  const kernelIdentifier = findTlvDeep(template.children, 0x9f2a)?.value;
  return {
    aid: Uint8Array.from(aid),
    entry,
    label: labelOf(template) ?? entry.en,
    priority: (indicator & 0x0f) === 0 ? 16 : indicator & 0x0f,
    needsConfirmation: (indicator & 0x80) !== 0,
    ...(kernelIdentifier !== undefined && { kernelIdentifier: Uint8Array.from(kernelIdentifier) }),
  };
}

/**
 * What is shown for an application: its preferred name (9F12) where the terminal has its alphabet (9F11; ours is ISO 8859-1), else its label
 * (50). EMV 4.3 Book 1, 12.2.4. Cards choose these texts: what is not plain is not shown.
 */
function labelOf({ children }: Tlv): string | undefined {
  const alphabet = findTlvDeep(children, 0x9f11)?.value[0];
  const preferred = alphabet === 1 ? findTlvDeep(children, 0x9f12)?.value : undefined;
  const text = preferred ?? findTlvDeep(children, 0x50)?.value;
  const shown = Buffer.from(text?.subarray(0, 16) ?? [])
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e\u00a1-\u00ff]/g, '')
    .trim();
  return shown === '' ? undefined : shown;
}

export const inOrder = (candidates: readonly Candidate[]): readonly Candidate[] =>
  [...candidates].sort((a, b) => a.priority - b.priority);

/** The candidates of a card with contacts: by its directory (PSE), else by trying each of our names. EMV 4.3 Book 1, 12.3. */
export function* contactCandidates(): Dialogue<Result<readonly Candidate[], KernelCode>> {
  const directory = yield* transmit(selectByName(contactDirectory));
  // The card as a whole is blocked, or does not know SELECT: the session ends. 12.3.2, step 1.
  if (directory.sw === 0x6a81) return fail('CARD_BLOCKED');
  // 6283 is a directory that is blocked; like an absent one it leaves the names. Steps 1 and 5.
  const listed = directory.sw === 0x9000 ? yield* readDirectory(directory) : [];
  if (listed.length > 0) return ok(inOrder(listed));
  const named = yield* tryNames();
  if (!named.ok) return named;
  return named.value.length === 0 ? fail('NO_COMMON_APPLICATION') : ok(inOrder(named.value));
}

/** Reads the directory; one that is malformed is as good as none. 12.3.2. */
function* readDirectory(directory: ResponseApdu): Dialogue<readonly Candidate[]> {
  const fci = templateOf(directory, 0x6f);
  const sfi = fci.ok ? findTlvDeep(fci.value.children, 0x88)?.value : undefined;
  const [file = 0] = sfi ?? [];
  if (sfi?.length !== 1 || file === 0 || file > 10) return [];
  const candidates: Candidate[] = [];
  for (let record = 1; record <= recordsMax; record++) {
    const answer = yield* transmit(command(0x00, 0xb2, record, (file << 3) | 4, undefined, 256));
    if (answer.sw === 0x6a83) break;
    const template = templateOf(answer, 0x70);
    if (!template.ok) return [];
    candidates.push(...entriesOf(template.value.children));
  }
  return distinct(candidates).slice(0, candidatesMax);
}

/** Candidates among the entries (61) of a directory. */
export const entriesOf = (objects: readonly Tlv[]): readonly Candidate[] =>
  objects
    .filter(({ tag }) => tag === 0x61)
    .map(candidateOf)
    .filter((candidate) => candidate !== undefined);

const distinct = (candidates: readonly Candidate[]): readonly Candidate[] => {
  const seen = new Set<string>();
  return candidates.filter(({ aid }) => {
    const name = toHex(aid);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
};

/** Selects by each name of the terminal's own list. EMV 4.3 Book 1, 12.3.3. */
function* tryNames(): Dialogue<Result<readonly Candidate[], KernelCode>> {
  const candidates: Candidate[] = [];
  for (const entry of aids) {
    const own = hex(entry.aid);
    for (let occurrence = 0; occurrence < occurrencesMax; occurrence++) {
      const answer = yield* transmit(selectByName(own, occurrence > 0));
      if (answer.sw === 0x6a81 && occurrence === 0) return fail('CARD_BLOCKED');
      // 6283: the application is there and blocked; it is passed over. Step 4.
      const isBlocked = answer.sw === 0x6283;
      const fci = templateOf(isBlocked ? { ...answer, sw: 0x9000 } : answer, 0x6f);
      if (!fci.ok) break;
      const name = findTlv(fci.value.children, 0x84)?.value;
      if (name === undefined || Buffer.compare(name.subarray(0, own.length), own) !== 0) break;
      const candidate = candidateOf(fci.value);
      if (!isBlocked && candidate !== undefined) candidates.push(candidate);
      // The whole name was ours: there is no other one of that name. Steps 3 and 4.
      if (name.length === own.length || !entry.partial) break;
    }
  }
  return ok(distinct(candidates).slice(0, candidatesMax));
}

/** What became of the choice among candidates. */
type Choice = { readonly candidate: Candidate; readonly others: readonly Candidate[] };

/**
 * Decides between candidates: by the cardholder where the terminal can ask, else by the card's priorities. EMV 4.3 Book 1, 12.4.
 *
 * @returns CARDHOLDER_CANCELLED when nobody chooses or confirms; NO_COMMON_APPLICATION when what is left must be confirmed and cannot be.
 */
export function* choose(
  candidates: readonly Candidate[],
  terminal: KernelTerminal,
): Dialogue<Result<Choice, KernelCode>> {
  const [first, ...rest] = candidates;
  if (first === undefined) return fail('NO_COMMON_APPLICATION');
  if (rest.length > 0 && terminal.canChooseApplication) {
    const index = yield* chooseApplication(candidates.map(({ label }) => label));
    const candidate = index === undefined ? undefined : candidates[index];
    if (candidate === undefined) return fail('CARDHOLDER_CANCELLED');
    return ok({ candidate, others: candidates.filter((other) => other !== candidate) });
  }
  if (!terminal.canChooseApplication) {
    // What needs a consent that nobody can give is passed over.
    const candidate = candidates.find(({ needsConfirmation }) => !needsConfirmation);
    if (candidate === undefined) return fail('NO_COMMON_APPLICATION');
    return ok({ candidate, others: candidates.filter((other) => other !== candidate) });
  }
  if (first.needsConfirmation && !(yield* confirmApplication(first.label))) return fail('CARDHOLDER_CANCELLED');
  return ok({ candidate: first, others: [] });
}

/** Selects one application for good. EMV 4.3 Book 1, 12.4. */
export function* selectFinally(candidate: Candidate): Dialogue<Result<Selected, KernelCode>> {
  const answer = yield* transmit(selectByName(candidate.aid));
  if (answer.sw !== 0x9000) return fail('CARD_REFUSED_COMMAND', { facts: { sw: swText(answer.sw) } });
  const fci = templateOf(answer, 0x6f);
  if (!fci.ok) return fci;
  const name = findTlv(fci.value.children, 0x84);
  const proprietary = findTlv(fci.value.children, 0xa5);
  if (name === undefined || Buffer.compare(name.value, candidate.aid) !== 0)
    return fail('CARD_ANSWER_WRONG', { field: '84' });
  if (proprietary === undefined) return fail('CARD_ANSWER_WRONG', { field: 'A5' });
  const pdol = findTlv(proprietary.children, 0x9f38)?.value;
  const label = labelOf(fci.value) ?? candidate.label;
  yield* note({ type: 'application', aid: toHex(candidate.aid), label });
  return ok({
    candidate: { ...candidate, label },
    pdol: pdol === undefined ? undefined : Uint8Array.from(pdol),
    languages: languagesOf(findTlv(proprietary.children, 0x5f2d)?.value),
  });
}

/** Codes of two letters; some cards write them large. */
function languagesOf(preference: Uint8Array | undefined): readonly string[] {
  const text = Buffer.from(preference?.subarray(0, 8) ?? [])
    .toString('latin1')
    .toLowerCase();
  return text.match(/[a-z]{2}/g) ?? [];
}

/** The first language of the card that the terminal speaks. EMV 4.3 Book 4, 11.1. */
export const commonLanguage = (card: readonly string[], terminal: KernelTerminal): string | undefined =>
  card.find((language) => terminal.languages.includes(language));
