import { directionOf, isInquiry, type Operation, reversalReasons, terminalLink } from '@tsunagu/protocols/acquiring';
import { isApproval } from '@tsunagu/protocols/iso8583';

/**
 * How far a sale is.
 *
 * - `refused`: the switch said no by itself; nothing was sent.
 * - `send-intended`: durable with everything a reversal needs; from here on nothing is assumed not sent, so whether it was handed to the line is not written down.
 * - `approved`, `declined`: the issuer's word, durable; `declined` as well where it certainly never left (`notSent`).
 * - `posting`: an advice (1120, 1220) of a terminal or centre, answered when it was durable; it is queued for the issuer until it is taken: `posted`.
 * - `reversing`: the outcome is unknown or unwanted; a 1420 is queued and will be repeated until it is taken.
 * - `reversed`: the issuer took it.
 * - `voiding`: a person wants taken back what went onto a card, where it may be spent by now: a 1420 is queued, and stands for nothing until the issuer has said
 *   whether it takes it (`reversed`) or not (`approved` or `posted` again).
 *
 * Abort: a terminal's reversal, at any moment. Power loss: `send-intended` becomes `reversing` on the next start,
 * `reversing`, `voiding` and `posting` go on, the others stay.
 */
export type SaleState =
  | 'refused'
  | 'send-intended'
  | 'approved'
  | 'declined'
  | 'posting'
  | 'posted'
  | 'reversing'
  | 'reversed'
  | 'voiding';

/** What happens to a sale after its intent is durable. */
export type SaleEvent =
  /** `day`: the business day on which the issuer counts it (DE28), where it says so. */
  | { readonly type: 'issuerAnswered'; readonly actionCode: string; readonly day?: string | undefined }
  | { readonly type: 'issuerTimedOut' }
  /** It could not be written for the issuer: no byte of it left. */
  | { readonly type: 'notSent' }
  | { readonly type: 'terminalReversed'; readonly reason: string }
  /** As `terminalReversed`, where the issuer may say no (`asksIssuer`). */
  | { readonly type: 'voidAsked'; readonly reason: string }
  /** `stood`: what the sale was before its void was asked for, and is again. */
  | { readonly type: 'voidRefused'; readonly stood: 'approved' | 'posted' }
  | { readonly type: 'restarted' }
  | { readonly type: 'postingTaken'; readonly day?: string | undefined }
  /** The issuer does not take what was approved in its place: it stands for the till, and is not in the issuer's books. */
  | { readonly type: 'postingRefused' }
  | { readonly type: 'reversalAccepted'; readonly day?: string | undefined }
  /**
   * The issuer's items of a day have what no answer of it ever told: that it took a sale, or gave it back. `reversedDay`: that on which it accepted the
   * reversal, if it did.
   */
  | {
      readonly type: 'issuerCounted';
      readonly kind: 'taken' | 'given-back';
      readonly day: string;
      readonly reversedDay?: string | undefined;
    };

/** What the shell does about it; all `journal` and `queueReversal` of one step are one commit, before any `answer`. */
export type SaleAction =
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  | { readonly type: 'queueReversal'; readonly reason: string }
  /** Pass the issuer's own answer on. */
  | { readonly type: 'answerFromIssuer' }
  /** Answer in the issuer's place. */
  | { readonly type: 'answer'; readonly actionCode: string };

/** Names of journal entries. */
export type JournalEntry =
  | 'received'
  | 'refused'
  | 'send-intended'
  | 'not-sent'
  | 'answered'
  | 'unknown'
  | 'late-answer'
  | 'issuer-counted'
  | 'replayed'
  | 'duplicate-differs'
  | 'rate-offered'
  | 'rate-not-offered'
  | 'posting-queued'
  | 'posting-sent'
  | 'posting-taken'
  | 'posting-refused'
  | 'reversal-requested'
  | 'reversal-queued'
  | 'reversal-sent'
  | 'reversal-accepted'
  | 'reversal-stuck'
  | 'void-refused'
  | 'advice-retried'
  | 'advice-settled'
  | 'reconciled'
  | 'reversal-without-original'
  | 'original-after-reversal';

/** A state and what to do. */
export interface SaleStep {
  readonly state: SaleState;
  readonly actions: readonly SaleAction[];
}

const journal = (entry: JournalEntry): SaleAction => ({ type: 'journal', entry });
const queueReversal = (reason: string): SaleAction => ({ type: 'queueReversal', reason });

/** One step of a sale. */
export function onSale(state: SaleState, event: SaleEvent): SaleStep {
  const isOpen = state === 'send-intended';
  switch (event.type) {
    case 'issuerAnswered':
      // After 911 or a reversal an approval changes nothing: the reversal that is queued takes it back.
      if (!isOpen) return { state, actions: [journal('late-answer')] };
      return {
        state: isApproval(event.actionCode) ? 'approved' : 'declined',
        actions: [journal('answered'), { type: 'answerFromIssuer' }],
      };
    case 'terminalReversed':
      return onTerminalReversal(state, event.reason);
    case 'voidAsked':
      return { ...onTerminalReversal(state, event.reason), state: 'voiding' };
    case 'voidRefused':
      // A reversal that may not be refused came meanwhile: it goes on.
      return { state: state === 'voiding' ? event.stood : state, actions: [journal('void-refused')] };
    case 'notSent':
      // Nobody took anything: there is nothing to take back.
      if (!isOpen) return { state, actions: [] };
      return { state: 'declined', actions: [journal('not-sent'), { type: 'answer', actionCode: '909' }] };
    case 'issuerTimedOut':
    // After a restart nobody waits any more, but a terminal that asks again gets the same no.
    case 'restarted':
      if (!isOpen) return { state, actions: [] };
      return {
        state: 'reversing',
        actions: [
          journal('unknown'),
          journal('reversal-queued'),
          queueReversal(reversalReasons.timedOut),
          { type: 'answer', actionCode: '911' },
        ],
      };
    case 'postingTaken':
      // A reversal that came in between goes on.
      return { state: state === 'posting' ? 'posted' : state, actions: [journal('posting-taken')] };
    case 'postingRefused':
      return { state: state === 'posting' ? 'posted' : state, actions: [journal('posting-refused')] };
    case 'reversalAccepted':
      return state === 'reversing' || state === 'voiding'
        ? { state: 'reversed', actions: [journal('reversal-accepted')] }
        : { state, actions: [journal('reversal-accepted')] };
    case 'issuerCounted':
      return { state, actions: [journal('issuer-counted')] };
  }
}

function onTerminalReversal(state: SaleState, reason: string): SaleStep {
  switch (state) {
    case 'send-intended':
      // The terminal has given up: whoever still waits for the answer gets a no.
      return {
        state: 'reversing',
        actions: [
          journal('reversal-requested'),
          journal('reversal-queued'),
          // Nobody knows the outcome yet, whatever reason was given: the issuer has to take it.
          queueReversal(reason === reversalReasons.customerCancelled ? reversalReasons.timedOut : reason),
          { type: 'answer', actionCode: '911' },
        ],
      };
    case 'approved':
    case 'posting':
    case 'posted':
    case 'voiding':
      return {
        state: 'reversing',
        actions: [journal('reversal-requested'), journal('reversal-queued'), queueReversal(reason)],
      };
    case 'refused':
    case 'declined':
    case 'reversing':
    case 'reversed':
      // Nothing was taken, or it is on its way back already.
      return { state, actions: [journal('reversal-requested')] };
  }
}

/** What an arriving request is, compared with what the journal holds under its key. */
export type Arrival = 'new' | 'replay' | 'in-progress' | 'differs';

/**
 * A request under a key (terminal, STAN, local time): new; the same again, whose stored answer is given again; the same
 * again, too early; or another one under a used key, which is 913 and an alarm.
 */
export function judgeArrival(
  bodyTag: string,
  known: { readonly bodyTag: string; readonly isAnswered: boolean } | undefined,
): Arrival {
  if (known === undefined) return 'new';
  if (known.bodyTag !== bodyTag) return 'differs';
  return known.isAnswered ? 'replay' : 'in-progress';
}

/** What the journal holds of a sale, as far as a follow-up of it is concerned. */
export interface Followed {
  readonly kind: Operation;
  readonly state: SaleState;
  readonly amountMinor: number;
  readonly panToken: string;
}

/** Kinds that are judged against what they name. */
export const isFollowUp = (kind: Operation): boolean => kind === 'refund' || kind === 'completion';

/** What holds an amount until a completion posts it. */
const holds: ReadonlySet<Operation> = new Set(['authorisation', 'offlineAuthorisation']);

/** States in which an amount stands, or may stand. */
export const standing: ReadonlySet<SaleState> = new Set(['send-intended', 'approved', 'posting', 'posted', 'voiding']);

/** States in which whoever asked was told that it is approved, and nothing takes it back. */
const told: ReadonlySet<SaleState> = new Set(['approved', 'posting', 'posted']);

/**
 * Whether a reversal is a person's void of what went onto a card (a charge, an issue, a refund): its value may be spent by now, so that the issuer may refuse, and nobody is
 * told 400 before it has said so. A reversal for an outcome that nobody knows is taken always.
 */
export const asksIssuer = (reason: string, { kind, state }: Pick<Followed, 'kind' | 'state'>): boolean =>
  reason === reversalReasons.customerCancelled && directionOf(kind) === 'credit' && told.has(state);

/**
 * Whether a refund or completion may follow what it names. Order: unknown (914), another kind, state or card (902), followed before (902)
 * or above what is left (110). Undefined: it may.
 */
export function judgeFollowUp(
  wanted: { readonly kind: Operation; readonly amountMinor: number; readonly panToken: string },
  original: Followed | undefined,
  followers: readonly Followed[],
): string | undefined {
  if (!isFollowUp(wanted.kind)) return undefined;
  if (original === undefined) return '914';
  const isFit = wanted.kind === 'refund' ? directionOf(original.kind) === 'debit' : holds.has(original.kind);
  const isSettled = original.state === 'approved' || original.state === 'posting' || original.state === 'posted';
  if (!isFit || !isSettled || original.panToken !== wanted.panToken) return '902';
  const alike = followers.filter(({ kind, state }) => kind === wanted.kind && standing.has(state));
  if (wanted.kind === 'completion') {
    if (alike.length > 0) return '902';
    return wanted.amountMinor * 100 > original.amountMinor * terminalLink.completionPercentMax ? '110' : undefined;
  }
  const givenBack = alike.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  return givenBack + wanted.amountMinor > original.amountMinor ? '110' : undefined;
}

/** Whether a terminal's cancellation (a reversal with reason 4000) may be taken: not of nothing, and not of what was followed up. */
export function judgeCancellation(
  reason: string,
  original: Followed | undefined,
  followers: readonly Followed[],
): string | undefined {
  if (reason !== reversalReasons.customerCancelled) return undefined;
  if (original === undefined) return '914';
  return followers.some(({ kind, state }) => !isInquiry(kind) && standing.has(state)) ? '902' : undefined;
}
