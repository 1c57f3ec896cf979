import {
  adviceReasons,
  backOffMs,
  businessDay,
  directionOf,
  isAdvice,
  type Operation,
  paymentRequest,
  retrievalReference,
  reversalOf,
  reversalReasons,
  type TerminalAbilities,
  terminalLink,
  withCard,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  formatOriginalData,
  isApproval,
  type Message,
  repeatMti,
  textOf,
} from '@tsunagu/protocols/iso8583';
import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { isStripeAccountName, isTestCardName, stripeAccount, testCard } from '@tsunagu/protocols/test-cards';
import type { World } from '@tsunagu/protocols/world';
import { numberOf } from '../card-company/issuer-cards.ts';
import { CentreBooks } from './books.ts';
import type { CentreLine } from './centre-line.ts';
import { Latencies } from './latencies.ts';
import type { CentreProfile } from './profile.ts';
import { CentreReconciliation, type ReconciledDay } from './reconciliation.ts';

/** What a centre counted so far. */
export interface CentreCounts {
  readonly asked: number;
  /** From the first request that is counted to the last answer. */
  readonly perSecond: number;
  readonly approved: number;
  readonly approvedMinor: number;
  /** By action code. */
  readonly declined: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly cancelled: number;
  /** Refunds that were approved, and what they gave back. */
  readonly refunded: number;
  readonly refundedMinor: number;
  /** Reversals that were taken, those that were refused for good by action code, and those that still go round: at the end none, unless the far side stayed away. */
  readonly reversed: number;
  readonly reversalsRefused: Readonly<Record<string, number>>;
  readonly reversing: number;
  /** From the request to its answer, milliseconds. */
  readonly latencyMs: Spread;
  /**
   * From when a request was due at the rate, or sent where that was earlier, to its answer: what the centre itself was late with counts, and so does what
   * it sent late because answers were.
   */
  readonly sinceDueMs: Spread;
}

/** Shares of durations, milliseconds. */
interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const spreadOf = (latencies: Latencies): Spread => ({
  p50: latencies.atMs(0.5),
  p99: latencies.atMs(0.99),
  max: latencies.maxMs,
});

/** Tills of a chain: they read stripes. */
const abilities: TerminalAbilities = { readers: ['stripe'], pinPad: false, printer: 'built-in', screen: 'colour' };

/** A centre that is stopped waits no longer than this for a far side that is away. */
const awayMs = 10_000;

/** A card as a till has it: a PIN where somebody knows one. */
interface CentreCard {
  readonly pan: Secret<'pan'>;
  readonly expiry: string;
  readonly pin?: Secret<'pin'>;
}

/** An emulated merchant centre: sends what its profile says at its rate, and takes back what it does not know the end of. */
export class MerchantCentre {
  readonly #world: World;
  readonly #line: CentreLine;
  readonly #profile: CentreProfile;
  readonly #acquirerId: string;
  readonly #next: () => number;
  readonly #books: CentreBooks;
  readonly #latencies = new Latencies();
  readonly #sinceDue = new Latencies();
  readonly #declined: Record<string, number> = {};
  #asked = 0;
  #uncounted = 0;
  #approved = 0;
  #approvedMinor = 0;
  #unanswered = 0;
  #cancelled = 0;
  #refunded = 0;
  #refundedMinor = 0;
  #reversed = 0;
  readonly #reversalsRefused: Record<string, number> = {};
  #reversing = 0;
  #inFlight = 0;
  #stan = 0;
  #isStopped = false;
  #awaySinceMs: number | undefined;
  #tellStopped: () => void = () => undefined;
  readonly #stopped = new Promise<void>((resolve) => {
    this.#tellStopped = resolve;
  });
  /** When the first that counts was sent, and how many were answered before. */
  #firstMs = 0;
  #answeredBefore = 0;
  #lastMs = 0;
  #wake: () => void = () => undefined;

  /** @param books what counts on its business days; kept nowhere unless told */
  constructor(
    world: World,
    line: CentreLine,
    profile: CentreProfile,
    acquirerId: string,
    next: () => number,
    books = new CentreBooks(world, undefined),
  ) {
    this.#world = world;
    this.#line = line;
    this.#profile = profile;
    this.#acquirerId = acquirerId;
    this.#next = next;
    this.#books = books;
  }

  get #answered(): number {
    return this.#asked - this.#inFlight;
  }

  /** Requests that nobody knows the end of yet, reversals included. */
  get open(): number {
    return this.#inFlight + this.#reversing;
  }

  counts(): CentreCounts {
    return {
      asked: this.#asked,
      perSecond: ((this.#answered - this.#answeredBefore) * 1_000) / Math.max(1, this.#lastMs - this.#firstMs),
      approved: this.#approved,
      approvedMinor: this.#approvedMinor,
      declined: this.#declined,
      unanswered: this.#unanswered,
      cancelled: this.#cancelled,
      refunded: this.#refunded,
      refundedMinor: this.#refundedMinor,
      reversed: this.#reversed,
      reversalsRefused: this.#reversalsRefused,
      reversing: this.#reversing,
      latencyMs: spreadOf(this.#latencies),
      sinceDueMs: spreadOf(this.#sinceDue),
    };
  }

  /**
   * Sends until `requests` were sent, or until it is stopped; then waits for the end of each, reversals included.
   * @param uncounted the first so many do not count in how long they took and how many there are a second: the centre itself is slow until its code is compiled
   * @param counting called when the first that counts is sent
   */
  async run(requests = Number.POSITIVE_INFINITY, uncounted = 0, counting: () => void = () => undefined): Promise<void> {
    // Whoever stops us does not have to wait for a line that may never be there.
    if (!(await this.#reachable())) return;
    this.#uncounted = uncounted;
    const { ratePerSecond, inFlightMax } = this.#profile;
    const { clock, timers } = this.#world;
    const startedMs = clock.monotonicMs();
    this.#firstMs = this.#lastMs = startedMs;
    while (!this.#isStopped && this.#asked < requests) {
      const dueAtMs = startedMs + (this.#asked * 1_000) / ratePerSecond;
      const dueMs = dueAtMs - clock.monotonicMs();
      if (this.#inFlight >= inFlightMax) await this.#progress();
      else if (dueMs >= 1) await timers.sleep(Math.min(dueMs, 200));
      else {
        await this.#reachable();
        if (this.#isStopped) break;
        if (this.#asked === uncounted) counting();
        this.#start(dueAtMs);
      }
    }
    while (this.open > 0 && !this.#isAbandoned()) await this.#progress();
  }

  /** Waits until requests can be sent, but not once it is stopped. Whether they can. */
  async #reachable(): Promise<boolean> {
    if (!this.#line.isReady) await Promise.race([this.#line.ready(), this.#stopped]);
    return this.#line.isReady;
  }

  /** Whether it was stopped, and the far side has been away for so long since that what is open stays open (`reversing` counts it). */
  #isAbandoned(): boolean {
    const now = this.#world.clock.monotonicMs();
    if (!this.#isStopped || this.#line.isReady) this.#awaySinceMs = undefined;
    else this.#awaySinceMs ??= now;
    return this.#awaySinceMs !== undefined && now - this.#awaySinceMs >= awayMs;
  }

  /** Compares its business days with the far side; when nothing is open any more. */
  reconcile(): Promise<readonly ReconciledDay[]> {
    const centre = {
      acquirerId: this.#acquirerId,
      nextStan: () => this.#nextStan(),
      timeoutMs: this.#profile.timeoutMs,
      reachable: () => this.#reachable(),
    };
    return new CentreReconciliation(this.#world, this.#line, this.#books, this.#line.link, centre).reconcile();
  }

  /** Sends nothing new. What is open is brought to its end while the far side is there, or comes back soon. */
  stop(): void {
    this.#isStopped = true;
    this.#tellStopped();
    this.#wake();
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#world.timers.after(500, () => resolve());
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #start(dueAtMs: number): void {
    if (this.#asked === this.#uncounted) {
      this.#firstMs = this.#world.clock.monotonicMs();
      this.#answeredBefore = this.#answered;
    }
    this.#asked += 1;
    this.#inFlight += 1;
    const [operation, request] = this.#request();
    this.#one(operation, request, dueAtMs)
      .catch((cause: unknown) => this.#world.log('error', 'requestFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        this.#inFlight -= 1;
        this.#lastMs = this.#world.clock.monotonicMs();
        this.#wake();
      });
  }

  async #one(operation: Operation, request: Message, dueAtMs: number): Promise<void> {
    const { timeoutMs, repeated, cancelled, refunded } = this.#profile;
    const nth = this.#asked;
    const startedMs = this.#world.clock.monotonicMs();
    const answered = this.#line.request(request, timeoutMs);
    const repeat = repeatMti(request.mti);
    // The answer to the repetition is the same one, and finds nobody waiting.
    const first =
      repeated > 0 && repeat && this.#next() < repeated
        ? Promise.race([answered, this.#line.request({ ...request, mti: repeat }, timeoutMs)])
        : answered;
    const answer = await first;
    // What was decided already is told until it is taken.
    if (answer === undefined && isAdvice(operation)) return await this.#advise(operation, request);
    if (answer === undefined) return this.#giveUp(operation, request);
    if (nth > this.#uncounted) {
      const nowMs = this.#world.clock.monotonicMs();
      this.#latencies.add(nowMs - startedMs);
      this.#sinceDue.add(nowMs - Math.min(startedMs, dueAtMs));
    }
    const actionCode = answer.text(39) ?? '';
    if (!isApproval(actionCode) && !(isAdvice(operation) && actionCode === '900')) {
      this.#declined[actionCode] = (this.#declined[actionCode] ?? 0) + 1;
      return;
    }
    this.#approved += 1;
    this.#count(operation, request, answer, 'taken');
    if (operation !== 'sale' && operation !== 'offlineSale') return;
    this.#approvedMinor += Number(request.fields[4]);
    if (cancelled > 0 && this.#next() < cancelled) {
      this.#cancelled += 1;
      this.#reverse(operation, request, reversalReasons.customerCancelled, answer);
    } else if (refunded > 0 && operation === 'sale' && this.#next() < refunded) await this.#refund(request, answer);
  }

  /** Goods of a sale come back, all of them every other time. */
  async #refund(sale: Message, sold: DecodedMessage): Promise<void> {
    const { mti, fields } = sale;
    const soldMinor = Number(fields[4]);
    const amountMinor = this.#next() < 0.5 ? soldMinor : 1 + Math.floor(this.#next() * soldMinor);
    const stan = this.#nextStan();
    const now = this.#world.clock.now();
    const data = { mti, stan: String(fields[11]), localTime: String(fields[12]) };
    const open = paymentRequest({
      operation: 'refund',
      terminalId: String(fields[41]),
      merchantId: String(fields[42]),
      abilities,
      stan,
      nowMs: now,
      amountMinor,
      entry: 'stripe',
      verification: 'none',
      original: { data, amountMinor: soldMinor, approvalCode: sold.text(38) },
    });
    const { 2: pan, 14: expiry, 35: track2 } = fields;
    const card = { ...(pan && { 2: pan }), ...(expiry && { 14: expiry }), ...(track2 && { 35: track2 }) };
    const request: Message = {
      mti: open.mti,
      fields: {
        ...open.fields,
        ...card,
        ...this.#stamp(now),
        32: this.#acquirerId,
        37: retrievalReference(now, stan),
        56: unwrap(formatOriginalData({ ...data, acquirer: this.#acquirerId })),
      },
    };
    const answer = await this.#line.request(request, this.#profile.timeoutMs);
    if (answer === undefined) return this.#giveUp('refund', request);
    const actionCode = answer.text(39) ?? '';
    if (!isApproval(actionCode)) {
      this.#declined[actionCode] = (this.#declined[actionCode] ?? 0) + 1;
      return;
    }
    this.#refunded += 1;
    this.#refundedMinor += amountMinor;
    this.#count('refund', request, answer, 'taken');
  }

  /** Nobody said what became of it: it is taken back, whether it ever was there or not. */
  #giveUp(operation: Operation, request: Message): void {
    this.#unanswered += 1;
    this.#reverse(operation, request, reversalReasons.timedOut, undefined);
  }

  /** Towards an issuer the business day is ours to say (DE28); the switch says its own in each answer. */
  #stamp(nowMs: number): { readonly 28?: string } {
    const { link } = this.#line;
    return link.side === 'issuer' && link.calendar.stamped ? { 28: businessDay(link, nowMs) } : {};
  }

  /** What an answer means on the business day that it names, or that the request named. */
  #count(
    operation: Operation,
    request: Message,
    said: Message | undefined,
    how: 'taken' | 'given-back' | 'untold',
  ): void {
    const kind = directionOf(operation);
    if (kind === undefined) return;
    const day =
      (said && textOf(said, 28)) ?? textOf(request, 28) ?? businessDay(this.#line.link, this.#world.clock.now());
    const item = {
      day,
      stan: String(request.fields[11]),
      localTime: String(request.fields[12]),
      amountMinor: Number(request.fields[4]),
    };
    if (how === 'untold') this.#books.untold({ ...item, kind });
    else this.#books.count({ ...item, kind: how === 'taken' ? kind : `${kind}-reversal` });
  }

  /** A 1121 or 1221, until it is taken, or refused for good. */
  async #advise(operation: Operation, advice: Message): Promise<void> {
    const message = { ...advice, mti: repeatMti(advice.mti) ?? advice.mti };
    for (let attempt = 0; ; attempt += 1) {
      await this.#line.ready();
      const answer = await this.#line.request(message, this.#profile.timeoutMs);
      if (answer?.text(39) === '900') {
        this.#count(operation, advice, answer, 'taken');
        break;
      }
      const actionCode = answer?.text(39);
      if (isRefusal(actionCode)) {
        this.#declined[actionCode] = (this.#declined[actionCode] ?? 0) + 1;
        return;
      }
      await this.#world.timers.sleep(backOffMs({ firstMs: 200, factor: 2, mostMs: 5_000 }, attempt));
    }
    this.#approved += 1;
    if (operation === 'offlineSale') this.#approvedMinor += Number(advice.fields[4]);
  }

  /** A 1420, then 1421 until it is taken, or refused for good: the log names what it was to take back. */
  #reverse(operation: Operation, request: Message, reason: string, answer: DecodedMessage | undefined): void {
    this.#reversing += 1;
    const advice = reversalOf(request, { stan: this.#nextStan(), nowMs: this.#world.clock.now(), reason, answer });
    const original = unwrap(
      formatOriginalData({
        mti: request.mti,
        stan: String(request.fields[11]),
        localTime: String(request.fields[12]),
        acquirer: this.#acquirerId,
      }),
    );
    const stamp = this.#stamp(this.#world.clock.now());
    const message: Message = {
      mti: '1420',
      fields: { ...advice.fields, ...stamp, 32: this.#acquirerId, 56: original },
    };
    const deliver = async (): Promise<void> => {
      for (let attempt = 0; ; attempt += 1) {
        await this.#line.ready();
        const mti = attempt === 0 ? '1420' : '1421';
        const said = await this.#line.request({ ...message, mti }, this.#profile.timeoutMs);
        const actionCode = said?.text(39);
        // What was taken may count on the day that the request named, and is given back on that of the reversal.
        if (actionCode === '400' && answer === undefined)
          this.#count(operation, request, textOf(request, 28) === undefined ? said : undefined, 'untold');
        else if (actionCode === '400')
          this.#count(operation, { mti: request.mti, fields: { ...request.fields, ...stamp } }, said, 'given-back');
        if (actionCode === '400' || actionCode === '914') break;
        if (isRefusal(actionCode)) {
          this.#reversalsRefused[actionCode] = (this.#reversalsRefused[actionCode] ?? 0) + 1;
          this.#world.log('error', 'reversalRefused', { actionCode, original });
          return;
        }
        await this.#world.timers.sleep(backOffMs({ firstMs: 200, factor: 2, mostMs: 5_000 }, attempt));
      }
      this.#reversed += 1;
    };
    deliver()
      .catch((cause: unknown) => this.#world.log('error', 'reversalFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        this.#reversing -= 1;
        this.#wake();
      });
  }

  #request(): [Operation, Message] {
    const { mix, amountMinor, terminals, merchant } = this.#profile;
    const operation = this.#operation(mix);
    const stan = this.#nextStan();
    const now = this.#world.clock.now();
    const { least, most } = amountMinor;
    const asksOnly = operation === 'balance' || operation === 'validity';
    const { pan, expiry, pin } = this.#card();
    const track2 = Secret.take(
      'pan',
      pan.use((digits) => Uint8Array.from(Buffer.concat([digits, Buffer.from(`=${expiry}2010000`)]))),
    );
    const isVerified = operation === 'sale' || operation === 'authorisation' || operation === 'balance';
    const entered = isVerified && this.#profile.verification !== 'signature' ? pin : undefined;
    const open = paymentRequest({
      operation,
      terminalId: `C${String(this.#asked % terminals).padStart(7, '0')}`,
      merchantId: merchant.padEnd(15).slice(0, 15),
      abilities: { ...abilities, pinPad: entered !== undefined },
      stan,
      nowMs: now,
      amountMinor: asksOnly ? 0 : least + Math.floor(this.#next() * (most - least + 1)),
      entry: 'stripe',
      verification: !entered
        ? 'signature'
        : this.#profile.verification === 'pinAndSignature'
          ? 'onlinePinAndSignature'
          : 'onlinePin',
      ...(isAdvice(operation) && { reason: adviceReasons.terminalProcessed }),
    });
    const message = withCard(open, { pan, expiry, track2 });
    const rrn = retrievalReference(now, stan);
    // Whoever approves by himself says so: the code is his own.
    const decided = isAdvice(operation) ? { 38: `V${stan.slice(1)}` } : {};
    const whole: Message = {
      mti: message.mti,
      fields: { ...message.fields, ...decided, ...this.#stamp(now), 32: this.#acquirerId, 37: rrn },
    };
    return [operation, entered ? this.#withPin(whole, entered, pan) : whole];
  }

  #withPin(message: Message, right: Secret<'pin'>, pan: Secret<'pan'>): Message {
    const { wrongPin } = this.#profile;
    const isWrong = wrongPin > 0 && this.#next() < wrongPin;
    const digits = right.use((pin) => Uint8Array.from(pin));
    if (isWrong) digits[0] = digits[0] === 0x39 ? 0x30 : (digits[0] ?? 0x30) + 1;
    const pin = Secret.take('pin', digits);
    const complete = this.#line.withPin(message, pin, pan);
    pin.wipe();
    return complete;
  }

  #operation(mix: CentreProfile['mix']): Operation {
    let drawn = this.#next();
    for (const [name, rate] of Object.entries(mix) as [keyof CentreProfile['mix'], number][]) {
      if (drawn < rate) return name;
      drawn -= rate;
    }
    return 'sale';
  }

  #card(): CentreCard {
    const { cards } = this.#profile;
    if ('names' in cards) {
      const name = cards.names[Math.floor(this.#next() * cards.names.length)] ?? '';
      const card = isTestCardName(name) ? testCard(name) : isStripeAccountName(name) ? stripeAccount(name) : undefined;
      if (!card) throw new Error(`no such card: ${name}`);
      return { pan: card.pan, expiry: card.expiry.slice(0, 4), pin: card.pin };
    }
    const number = unwrap(numberOf(cards.prefix, cards.length, Math.floor(this.#next() * cards.count)));
    return { pan: secretPan(number), expiry: '4912' };
  }

  #nextStan(): string {
    this.#stan = (this.#stan % 899_999) + 1;
    return String(this.#stan).padStart(6, '0');
  }
}

/**
 * Codes after which the same message may yet be taken: the far side is busy, signed off, cut off or cutting over, or the keys of the line are not those of both sides.
 * ISO 8583:1993, A.1.
 */
const passing = new Set(['903', '906', '907', '909', '910', '911', '912', '916', '917', '918', '919', '920', '923']);

/** Whether an answer that does not take an advice or a reversal is its end. */
const isRefusal = (actionCode: string | undefined): actionCode is string =>
  actionCode !== undefined && !passing.has(actionCode);

/** DE32 of a centre that speaks to an issuer in the switch's place. */
export const switchAcquirerId = terminalLink.acquirerId;
