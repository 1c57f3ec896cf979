import {
  type EntryMode,
  type Operation,
  type OpenMessage,
  paymentRequest,
  reversalReasons,
} from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { PaymentKind, SaleMethod } from '@tsunagu/protocols/fleet';
import { isApproval } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from '../sales/index.ts';
import type { OnlineQuestion, SealedCard, SecurePart, Stopwatch } from '../secure/index.ts';
import { neverLeaves, type ReadAnswer, readAnswer } from './answer.ts';
import type { Agreed } from './own-currency.ts';
import { type PaymentPorts, reversalsMax } from './ports.ts';
import type { ReversalImage } from './reversal-image.ts';
import { sixDigits } from './reversal-message.ts';
import type { ReversalSender } from './reversal-sender.ts';
import { spokenOf, verifiedWith } from './verification.ts';

/** What a request asks for, as what is done with money. */
const kindOf = {
  sale: 'sale',
  authorisation: 'preauth',
  balance: 'balance',
  refund: 'refund',
  charge: 'charge',
  issue: 'issue',
} as const satisfies Partial<Record<Operation, PaymentKind>>;
export type LegOperation = keyof typeof kindOf;

/** Everything that one request's way to the issuer needs. */
export interface OnlineLegParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly ports: PaymentPorts;
  readonly line: Pick<SecurePart, 'exchange'>;
  readonly sender: ReversalSender;
  readonly watch: Stopwatch;
  readonly operation: LegOperation;
  readonly amountMinor: number;
  readonly entry: EntryMode;
  /** How the cardholder pays; undefined: at once. */
  readonly method?: SaleMethod | undefined;
  /** For a stripe: it stands in for a chip that could not be read. */
  readonly isTechnicalFallback?: boolean | undefined;
  /** What it follows: a refund's sale. */
  readonly original?: Transaction | undefined;
  /** Agrees on another currency than yen before the request is made; undefined for yen. */
  readonly agree?: ((question: OnlineQuestion) => Promise<Agreed | undefined>) | undefined;
  readonly onSent: (stan: string) => void;
  readonly onAnswered: (detail: string) => void;
}

/** Where the request stands between terminal and issuer. */
export type LegState =
  /** Nothing has left the terminal, and nothing will. */
  | { readonly name: 'nothingSent'; readonly fault?: ErrorCode }
  /** The request may have arrived: the reversal is kept, where there is something to reverse. */
  | { readonly name: 'unknown'; readonly fault: ErrorCode }
  | { readonly name: 'answered'; readonly answer: ReadAnswer; readonly isApproved: boolean };

/**
 * One request's way to the issuer and back. Its reversal is on the medium before the request leaves, and goes from there only when it is
 * settled: declined, or approved and taken by the card. So the power may fail at any moment. An inquiry moves nothing and has no reversal.
 */
export class OnlineLeg {
  readonly #parts: OnlineLegParts;
  #state: LegState = { name: 'nothingSent' };
  #image: ReversalImage | undefined;
  #request: OpenMessage | undefined;
  #agreed: Agreed | undefined;

  constructor(parts: OnlineLegParts) {
    this.#parts = parts;
  }

  get state(): LegState {
    return this.#state;
  }

  /** The request as it was made; undefined when there was none. */
  get request(): OpenMessage | undefined {
    return this.#request;
  }

  /** What the request is in the cardholder's own currency, where that was agreed. */
  get agreed(): Agreed | undefined {
    return this.#agreed;
  }

  /** Asks the issuer. What became of it is in `state`. */
  async ask(question: OnlineQuestion): Promise<LegState> {
    const { ports, watch, line, world } = this.#parts;
    this.#agreed = await this.#parts.agree?.(question);
    const prepared = await watch.during('storage', () => this.#prepare(question));
    if (!prepared.ok) return (this.#state = { name: 'nothingSent', fault: prepared.fault.code });
    const request = prepared.value;
    const timeoutMs = ports.configuration().answerTimeoutMs;
    this.#parts.onSent(String(request.fields[11]));
    const answer = await watch.during('acquirer', () => line.exchange(request, question.card, { timeoutMs }));
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    if (!read.ok) {
      const { code } = read.fault;
      this.#parts.onAnswered(code);
      world.log('warn', 'saleUnanswered', { stan: String(request.fields[11]), fault: read.fault });
      if (code === 'ACQUIRER_UNREACHABLE' || code === 'ACQUIRER_REFUSES_TERMINAL' || neverLeaves(code)) {
        await this.#forget();
        return (this.#state = { name: 'nothingSent', fault: code });
      }
      if (code === 'ACQUIRER_ANSWER_UNUSABLE') await this.#restate(reversalReasons.invalidAnswer);
      return (this.#state = { name: 'unknown', fault: code });
    }
    const isApproved = isApproval(read.value.actionCode);
    this.#state = { name: 'answered', answer: read.value, isApproved };
    this.#parts.onAnswered(read.value.actionCode);
    // Nothing stands at the issuer after a "no".
    if (!isApproved) await this.#forget();
    return this.#state;
  }

  /** The request stands: its reversal is forgotten. False when that could not be stored; then it will be reversed. */
  settle(): Promise<boolean> {
    return this.#forget();
  }

  /** It does not stand although it was approved: the terminal could not finish it. */
  async withdraw(): Promise<void> {
    await this.#restate(reversalReasons.deviceFailed);
  }

  /** Whether a reversal is kept: what stands is not certain yet. */
  get isKept(): boolean {
    return this.#image !== undefined;
  }

  /** Ends the leg: a reversal that is still kept is due from now on. */
  close(): void {
    const image = this.#image;
    if (image === undefined) return;
    this.#parts.sender.release(image.id);
    this.#parts.sender.wake();
  }

  /** Numbers the messages and stores the reversal. */
  async #prepare({ card, verification, emv }: OnlineQuestion): Promise<Result<OpenMessage, ErrorCode>> {
    const { world, model, ports, operation, amountMinor, entry, method, original, isTechnicalFallback } = this.#parts;
    if ((await ports.reversals.list()).length >= reversalsMax) return fail('REVERSAL_QUEUE_FULL');
    const stan = await ports.stan.next();
    if (!stan.ok) return stan;
    const { terminalId, merchantId } = ports.identity();
    const request = paymentRequest({
      operation,
      terminalId,
      merchantId,
      abilities: model,
      stan: sixDigits(stan.value),
      nowMs: world.clock.now(),
      amountMinor,
      entry,
      isTechnicalFallback,
      verification: spokenOf(verifiedWith(verification, card.scheme, model)),
      emv,
      conversion: this.#agreed,
      method,
      ...(original && {
        original: { data: original, amountMinor: original.amountMinor, approvalCode: original.approvalCode },
      }),
    });
    if (operation !== 'balance') {
      const kept = await this.#keep(request, card, stan.value);
      if (!kept.ok) return kept;
    }
    this.#request = request;
    return ok(request);
  }

  async #keep(request: OpenMessage, card: SealedCard, stan: number): Promise<Result<void, ErrorCode>> {
    const { world, ports, sender, operation, amountMinor, entry } = this.#parts;
    const ownStan = await ports.stan.next();
    if (!ownStan.ok) return ownStan;
    const { terminalId, merchantId } = ports.identity();
    const { 3: processingCode, 7: transmissionTime, 12: localTime, 22: posDataCode } = request.fields;
    if (
      typeof transmissionTime !== 'string' ||
      typeof localTime !== 'string' ||
      typeof posDataCode !== 'string' ||
      typeof processingCode !== 'string'
    )
      throw new Error('a request has its times and its point of service');
    const image: ReversalImage = {
      v: 2,
      id: world.id(),
      attempts: 0,
      card,
      stan: ownStan.value,
      transmissionTime,
      amountMinor,
      processingCode,
      posDataCode,
      reason: reversalReasons.timedOut,
      payment: { kind: kindOf[operation], entry, at: Math.round(world.clock.now()) },
      terminalId,
      merchantId,
      original: { mti: request.mti, stan, localTime },
    };
    sender.hold(image.id);
    const stored = await ports.reversals.put(image);
    if (stored.ok) this.#image = image;
    else sender.release(image.id);
    return stored;
  }

  async #forget(): Promise<boolean> {
    const { ports, sender, watch, world } = this.#parts;
    const image = this.#image;
    if (image === undefined) return true;
    const removed = await watch.during('storage', () => ports.reversals.remove(image.id));
    if (!removed.ok) {
      world.log('error', 'reversalNotForgotten', { stan: image.original.stan, fault: removed.fault });
      return false;
    }
    sender.release(image.id);
    this.#image = undefined;
    return true;
  }

  /** Gives the kept reversal another reason. When that cannot be stored, the one that it has is good enough. */
  async #restate(reason: string): Promise<void> {
    const { ports, watch, world } = this.#parts;
    const image = this.#image;
    if (image === undefined) return;
    const next = { ...image, reason };
    const stored = await watch.during('storage', () => ports.reversals.put(next));
    if (stored.ok) this.#image = next;
    else world.log('warn', 'reversalNotRestated', { stan: image.original.stan, fault: stored.fault });
  }
}
