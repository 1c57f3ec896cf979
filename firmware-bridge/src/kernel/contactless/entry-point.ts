import type { ContactlessKernel } from '@tsunagu/protocols/catalogue';
import { fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { findTlv, findTlvDeep } from '@tsunagu/protocols/tlv';
import { takeAnswer, templateOf } from '../answers.ts';
import { CardObjects } from '../card-objects.ts';
import { noteEnd } from '../contact.ts';
import { type Dialogue, note, presentAgain, report, transmit } from '../dialogue.ts';
import type { KernelCode, KernelOutcome } from '../outcome.ts';
import { optionsLayout, startOnCard } from '../reading.ts';
import { applicationVersions } from '../restrictions.ts';
import { noResults } from '../results.ts';
import { type Candidate, commonLanguage, entriesOf, inOrder, selectByName, selectFinally } from '../selection.ts';
import type { KernelTerminal, KernelTransaction } from '../terminal.ts';
import { kernel2 } from './kernel-2.ts';
import { kernel3 } from './kernel-3.ts';
import { kernel4, kernel4Objects } from './kernel-4.ts';
import { kernel5, kernel5Objects } from './kernel-5.ts';
import { kernel6 } from './kernel-6.ts';
import { kernel7 } from './kernel-7.ts';
import { contactlessKernels, preprocessAll, type Preprocessed } from './preprocessing.ts';
import type { KernelEnd, Tap } from './tap.ts';

const directoryName = Uint8Array.from(Buffer.from('2PAY.SYS.DDF01', 'latin1'));

/** A card's application together with the kernel that reads it. EMV Book B, 3.3.2. */
interface Combination {
  readonly candidate: Candidate;
  readonly kernel: ContactlessKernel;
}

type Run = (tap: Tap) => Dialogue<KernelEnd>;

/** The kernels, and what each of them tells a card about itself. A further kernel is a file and an entry here. */
const kernels: Readonly<
  Record<
    ContactlessKernel,
    { readonly run: Run; readonly objects?: (preprocessed: Preprocessed) => Map<number, Uint8Array> }
  >
> = {
  2: { run: kernel2 },
  3: { run: kernel3 },
  4: { run: kernel4, objects: kernel4Objects },
  5: { run: kernel5, objects: kernel5Objects },
  6: { run: kernel6 },
  7: { run: kernel7 },
};

/** A card may be presented so often for one sale: once, after a collision or a phone's question, and once more. */
const presentationsMax = 3;

/**
 * A sale with a contactless card: the entry point. Pre-processing, the directory (PPSE), combinations of application and kernel in the
 * card's order, and the outcome of the kernel, which may want another presentation or another interface. EMV Book B, 3.
 *
 * @returns CARD_OTHER_INTERFACE when the card must be inserted or drawn; CARD_PRESENT_AGAIN when it did not come back
 */
export function* contactlessSale(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Dialogue<Result<KernelOutcome, KernelCode>> {
  for (let presentation = 1; ; presentation++) {
    const end = yield* present(terminal, transaction);
    if (end.type === 'final') yield* noteEnd(end.outcome);
    else yield* note({ type: 'outcome', outcome: end.type });
    switch (end.type) {
      case 'final':
        return ok(end.outcome);
      case 'tryAnotherInterface':
        return fail('CARD_OTHER_INTERFACE');
      case 'selectNext':
        return fail(end.code);
      case 'endApplication':
        return end.fault;
      case 'tryAgain':
        if (presentation >= presentationsMax || !(yield* presentAgain(end.why))) return fail('CARD_PRESENT_AGAIN');
    }
  }
}

/** One presentation: from the directory to an outcome. */
function* present(terminal: KernelTerminal, transaction: KernelTransaction): Dialogue<KernelEnd> {
  const prepared = preprocessAll(terminal, transaction);
  // Limits are per kernel: where none is left, contacts have to do. 3.1.1.13.
  if (prepared.size > 0 && [...prepared.values()].every(({ preprocessed }) => preprocessed.isNotAllowed))
    return { type: 'tryAnotherInterface' };
  const listed = yield* combinations(terminal);
  if (!listed.ok) return { type: 'endApplication', fault: listed };
  let last: KernelEnd | undefined;
  let isAnyNotAllowed = false;
  // The directory is bounded, and with it this loop.
  for (const { candidate, kernel } of listed.value) {
    const one = prepared.get(kernel);
    if (one === undefined) continue;
    if (one.preprocessed.isNotAllowed) {
      isAnyNotAllowed = true;
      continue;
    }
    const end = yield* tryCombination(terminal, transaction, candidate, kernel, one);
    if (end.type !== 'selectNext') return end;
    last = end;
  }
  if (last !== undefined) return last;
  return isAnyNotAllowed
    ? { type: 'tryAnotherInterface' }
    : { type: 'endApplication', fault: fail('NO_COMMON_APPLICATION') };
}

/** The combinations of a card: its directory lists them in one answer. EMV Book B, 3.3.2.5 to 3.3.2.7. */
function* combinations(terminal: KernelTerminal): Dialogue<Result<readonly Combination[], KernelCode>> {
  const directory = yield* transmit(selectByName(directoryName));
  const fci = templateOf(directory, 0x6f);
  if (!fci.ok) return fci;
  const proprietary = findTlv(fci.value.children, 0xa5);
  const issuerData = findTlvDeep(proprietary?.children ?? [], 0xbf0c);
  const found: Combination[] = [];
  for (const candidate of inOrder(entriesOf(issuerData?.children ?? []))) {
    const kernel = kernelOf(candidate);
    if (kernel !== undefined && terminal.contactless[kernel] !== undefined) found.push({ candidate, kernel });
  }
  return found.length === 0 ? fail('NO_COMMON_APPLICATION') : ok(found);
}

/**
 * The kernel that a directory entry asks for (9F2A): an international one by its number, and none given is the scheme's own. Domestic kernels
 * (bit 8 set) are not ours. EMV Book B, 3.3.2.5 and table 3-6.
 */
function kernelOf({ entry, kernelIdentifier }: Candidate): ContactlessKernel | undefined {
  const [first = 0] = kernelIdentifier ?? [];
  if (first >> 6 !== 0) return undefined;
  const wanted = (first & 0x3f) === 0 ? entry.kernel : first & 0x3f;
  // A kernel reads the applications of its scheme.
  return wanted === entry.kernel ? contactlessKernels.find((kernel) => kernel === wanted) : undefined;
}

/** Final selection, GET PROCESSING OPTIONS, and the kernel. EMV Book B, 3.3.3 and 3.4. */
function* tryCombination(
  terminal: KernelTerminal,
  transaction: KernelTransaction,
  candidate: Candidate,
  kernel: ContactlessKernel,
  { limits, preprocessed }: Pick<Tap, 'limits' | 'preprocessed'>,
): Dialogue<KernelEnd> {
  const selected = yield* selectFinally(candidate);
  if (!selected.ok) return { type: 'selectNext', code: selected.fault.code };
  yield* note({ type: 'application', aid: toHex(candidate.aid), label: selected.value.candidate.label, kernel });
  yield* report('application-selected', selected.value.candidate.label);
  const card = new CardObjects();
  const own = new Map([
    [0x9f66, preprocessed.qualifiers],
    [0x9f09, applicationVersions[candidate.entry.scheme] ?? new Uint8Array(2)],
    // Transaction category "retail" and kernel 2's own name for its merchant's branch of trade.
    [0x9f53, Uint8Array.of(0x52)],
    [0x9f1d, hex('0000000000000000')],
    ...(kernels[kernel].objects?.(preprocessed) ?? []),
  ]);
  const more = new Map([...own, [0x84, candidate.aid], [0x9f06, candidate.aid]]);
  const started = yield* startOnCard(selected.value.pdol, { terminal, transaction, card, results: noResults, more });
  if (!started.ok) return { type: 'endApplication', fault: started };
  const { answer, pdolData } = started.value;
  const refusal = refusedOptions(answer.sw);
  if (refusal !== undefined) return refusal;
  const taken = takeAnswer(answer, card, optionsLayout);
  if (!taken.ok) return { type: 'endApplication', fault: taken };
  return yield* kernels[kernel].run({
    terminal,
    transaction,
    candidate: selected.value.candidate,
    kernel,
    limits,
    preprocessed,
    card,
    language: commonLanguage(selected.value.languages, terminal),
    own,
    pdolData,
    options: answer,
  });
}

/**
 * What a card means that refuses GET PROCESSING OPTIONS: 6984 wants contacts, 6985 another application, 6986 a look at the phone first.
 * EMV Book C-3, 5.4.1, requirement 5.4.1.1; C-2 and the others end or go on in the same way.
 */
function refusedOptions(sw: number): KernelEnd | undefined {
  switch (sw) {
    case 0x6984:
      return { type: 'tryAnotherInterface' };
    case 0x6985:
      return { type: 'selectNext', code: 'CARD_REFUSED_COMMAND' };
    case 0x6986:
      return { type: 'tryAgain', why: 'seePhone' };
    default:
      return undefined;
  }
}
