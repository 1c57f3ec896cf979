import {
  type Verification as AcquiringVerification,
  type EntryMode,
  reversalReasons,
  saleRequest,
} from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { isApproval, type Message } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { CardFacts, Verification } from '../kernel/index.ts';
import { type ReadAnswer, readAnswer } from './answer.ts';
import { type CardSidePorts, reversalsMax } from './ports.ts';
import type { ReversalImage } from './reversal-image.ts';
import type { ReversalSender } from './reversal-sender.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What the switch is asked. */
export interface OnlineQuestion {
  readonly card: CardFacts;
  readonly verification: Verification;
  readonly emv?: Uint8Array;
  readonly track2?: Secret<'pan'>;
}

/** Everything that one sale's way to the issuer needs. */
export interface OnlineLegParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly ports: CardSidePorts;
  readonly sender: ReversalSender;
  readonly watch: Stopwatch;
  readonly amountMinor: number;
  readonly entry: EntryMode;
  readonly onSent: () => void;
  readonly onAnswered: (detail: string) => void;
}

/** Where the sale stands between terminal and issuer. */
export type LegState =
  /** Nothing has left the terminal, and nothing will. */
  | { readonly name: 'nothingSent'; readonly fault?: ErrorCode }
  /** The request may have arrived: the reversal is kept. */
  | { readonly name: 'unknown'; readonly fault: ErrorCode }
  | { readonly name: 'answered'; readonly answer: ReadAnswer; readonly isApproved: boolean };

/**
 * One sale's way to the issuer and back. Its reversal is on the medium before the request leaves, and goes from there only when the
 * sale is settled: declined, or approved and taken by the card. So the power may fail at any moment.
 */
export class OnlineLeg {
  readonly #parts: OnlineLegParts;
  #state: LegState = { name: 'nothingSent' };
  #image: ReversalImage | undefined;
  #stan = '';
  #pan: Secret<'pan'> | undefined;

  constructor(parts: OnlineLegParts) {
    this.#parts = parts;
  }

  get state(): LegState {
    return this.#state;
  }

  /** DE11 of the request; empty when none was made. */
  get stan(): string {
    return this.#stan;
  }

  /** Asks the issuer. What became of it is in `state`. */
  async ask(question: OnlineQuestion): Promise<LegState> {
    const { ports, watch } = this.#parts;
    const prepared = await watch.during('storage', () => this.#prepare(question));
    if (!prepared.ok) return (this.#state = { name: 'nothingSent', fault: prepared.fault.code });
    const request = prepared.value;
    const timeoutMs = ports.configuration().answerTimeoutMs;
    this.#parts.onSent();
    const answer = await watch.during('acquirer', () => ports.acquirer.exchange(request, { timeoutMs }));
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    if (!read.ok) {
      const { code } = read.fault;
      this.#parts.onAnswered(code);
      this.#parts.world.log('warn', 'saleUnanswered', { stan: this.#stan, fault: read.fault });
      if (code === 'ACQUIRER_UNREACHABLE') {
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

  /** The sale stands: its reversal is forgotten. False when that could not be stored; then it will be reversed. */
  settle(): Promise<boolean> {
    return this.#forget();
  }

  /** The sale does not stand although it was approved: the terminal could not finish it. */
  async withdraw(): Promise<void> {
    await this.#restate(reversalReasons.deviceFailed);
  }

  /** Ends the leg: a reversal that is still kept is due from now on. @returns whether there is one */
  close(): boolean {
    const image = this.#image;
    if (image === undefined) return false;
    this.#parts.sender.release(image.id);
    this.#parts.sender.wake();
    return true;
  }

  /** Numbers the messages and stores the reversal. */
  async #prepare({ card, verification, emv, track2 }: OnlineQuestion): Promise<Result<Message, ErrorCode>> {
    const { world, model, ports, sender, amountMinor, entry } = this.#parts;
    if ((await countOf(ports)) >= reversalsMax) return fail('REVERSAL_QUEUE_FULL');
    const stan = await ports.stan.next();
    if (!stan.ok) return stan;
    const ownStan = await ports.stan.next();
    if (!ownStan.ok) return ownStan;
    const identity = ports.identity();
    const request = saleRequest({
      terminalId: identity.terminalId,
      merchantId: identity.merchantId,
      abilities: model,
      stan: String(stan.value).padStart(6, '0'),
      nowMs: world.clock.now(),
      amountMinor,
      entry,
      verification: spoken[verification],
      pan: card.pan,
      expiry: card.expiry,
      panSequence: card.sequence,
      track2,
      emv,
    });
    const { 7: transmissionTime, 12: localTime, 22: posDataCode } = request.fields;
    if (typeof transmissionTime !== 'string' || typeof localTime !== 'string' || typeof posDataCode !== 'string')
      throw new Error('a sale request has its times and its point of service');
    const image: ReversalImage = {
      v: 1,
      id: world.id(),
      attempts: 0,
      stan: ownStan.value,
      transmissionTime,
      localTime,
      amountMinor,
      posDataCode,
      reason: reversalReasons.timedOut,
      ...identity,
      original: { mti: request.mti, stan: stan.value, localTime },
    };
    sender.hold(image.id);
    const stored = await ports.reversals.put({ image, pan: card.pan });
    if (!stored.ok) {
      sender.release(image.id);
      return stored;
    }
    this.#image = image;
    this.#pan = card.pan;
    this.#stan = String(stan.value).padStart(6, '0');
    return ok(request);
  }

  async #forget(): Promise<boolean> {
    const { ports, sender, watch, world } = this.#parts;
    const image = this.#image;
    if (image === undefined) return true;
    const removed = await watch.during('storage', () => ports.reversals.remove(image.id));
    if (!removed.ok) {
      world.log('error', 'reversalNotForgotten', { stan: this.#stan, fault: removed.fault });
      return false;
    }
    sender.release(image.id);
    this.#image = undefined;
    return true;
  }

  /** Gives the kept reversal another reason. When that cannot be stored, the one that it has is good enough. */
  async #restate(reason: string): Promise<void> {
    const { ports, watch, world } = this.#parts;
    const [image, pan] = [this.#image, this.#pan];
    if (image === undefined || pan === undefined) return;
    const next = { ...image, reason };
    const stored = await watch.during('storage', () => ports.reversals.put({ image: next, pan }));
    if (stored.ok) this.#image = next;
    else world.log('warn', 'reversalNotRestated', { stan: this.#stan, fault: stored.fault });
  }
}

/** The kernel's ways of verification in the words of DE22. */
const spoken = {
  none: 'none',
  signature: 'signature',
  offlinePin: 'pin',
  offlinePinAndSignature: 'pin',
  onlinePin: 'pin',
  onDevice: 'none',
} as const satisfies Record<Verification, AcquiringVerification>;

/** How many reversals are kept. */
export async function countOf({ reversals }: CardSidePorts): Promise<number> {
  const kept = await reversals.list();
  for (const { pan } of kept) pan.wipe();
  return kept.length;
}
