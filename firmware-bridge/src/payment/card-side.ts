import { lumpSum } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import {
  isTopUp,
  type PaymentOrder,
  realCard,
  realStripe,
  type SaleMethod,
  type SaleResult,
  type SlipDocument,
  type SlipOrder,
  type TerminalTotals,
} from '@tsunagu/protocols/fleet';
import type { TraceOrder } from '@tsunagu/protocols/kernel-trace';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { entryOf } from '../cards/index.ts';
import type { EmulatedStation } from '../readers/station.ts';
import { totalsOf } from '../sales/index.ts';
import {
  openCardHand,
  openSecurePart,
  type PinHabit,
  type SaleTimings,
  type SecurePart,
  Stopwatch,
  type TerminalReaders,
} from '../secure/index.ts';
import { emulatedSignature } from '../signature/index.ts';
import { printSlip } from '../slips/index.ts';
import { PaymentApplication } from './application.ts';
import { isDayOver } from './business-day.ts';
import type { CardSide, CardSideOptions, OnSaleStep, PaymentRun, SaleOrder } from './ports.ts';
import { refusedPayment } from './result.ts';
import { sixDigits } from './reversal-message.ts';
import { mindStanding } from './standing.ts';
import { TraceBook } from './trace-book.ts';

/** Opens the card side of a terminal: the secure part of its model, its readers and who brings cards to them, and the payment application. */
export async function openCardSide(options: CardSideOptions): Promise<CardSide> {
  return await TerminalCardSide.open(options);
}

/** The card side of one terminal. Tests reach emulated devices through the station that they hand in, and real ways through readers. */
export class TerminalCardSide implements CardSide {
  readonly cards: readonly string[];
  readonly payment: PaymentApplication;
  readonly #options: CardSideOptions;
  readonly #secure: SecurePart;
  #running: Promise<SaleResult> | undefined;
  #timings: SaleTimings | undefined;
  #timingsToRequest: SaleTimings | undefined;
  readonly #traces: TraceBook;
  /** Real cards have no names, and who holds them signs on paper. */
  readonly #hasPerson: boolean;
  #isClosed = false;

  private constructor(options: CardSideOptions, at?: EmulatedStation | TerminalReaders) {
    const { world, model, ports, authorities } = options;
    const { acquirer, negative, vault, ...rest } = ports;
    this.#options = options;
    this.#traces = new TraceBook(ports.traces, ports.sales);
    const hand = openCardHand(options, at);
    this.#hasPerson = hand.isPerson;
    const line = mindStanding(acquirer, ports.standing, () => this.wake());
    this.#secure = openSecurePart({ world, model, vault, acquirer: line, negative, authorities, hand });
    this.payment = new PaymentApplication({
      world,
      model,
      secure: this.#secure,
      ports: rest,
      // The emulated cardholder signs the same way each time.
      signaturePad:
        model.screen === 'colour-touch' && !this.#hasPerson
          ? { capture: ({ token }) => Promise.resolve(emulatedSignature(token)) }
          : undefined,
    });
    this.cards = hand.cards;
  }

  /** Opens it, and undoes or completes what a power loss left. */
  static async open(options: CardSideOptions, at?: EmulatedStation | TerminalReaders): Promise<TerminalCardSide> {
    const side = new TerminalCardSide(options, at);
    const recovered = await side.payment.recover();
    // What could not be written down now is tried again at the next start; nothing of it is lost.
    if (!recovered.ok) options.world.log('error', 'paymentNotRecovered', { fault: recovered.fault });
    // What is found at boot is due: its payment did not end.
    side.payment.wake();
    return side;
  }

  sell(order: SaleOrder, onStep?: OnSaleStep): Promise<SaleResult> {
    return this.run({ kind: 'sale', amountMinor: order.amountMinor, card: order.card }, onStep, order.pin);
  }

  run(order: PaymentOrder, onStep: OnSaleStep = () => undefined, pin: PinHabit = 'right'): Promise<SaleResult> {
    if ('card' in order && !this.#hasPerson && (order.card === realCard || order.card === realStripe))
      return Promise.resolve(refusedPayment(order, 'contact', 'refused', 'READERS_EMULATED'));
    const entry = 'card' in order ? this.#entryOf(order.card) : 'stored';
    if (entry === undefined) return Promise.resolve(refusedPayment(order, 'contact', 'refused', 'CARD_UNKNOWN'));
    const refuse = (code: ErrorCode): Promise<SaleResult> =>
      Promise.resolve(refusedPayment(order, entry, 'refused', code));
    if (this.#running !== undefined || this.#isClosed) return refuse('SALE_IN_PROGRESS');
    if ('amountMinor' in order) {
      const { amountMinor } = order;
      if (!Number.isSafeInteger(amountMinor) || amountMinor < 1)
        return Promise.resolve({ ...refusedPayment(order, entry, 'refused', 'AMOUNT_INVALID'), amountMinor: 0 });
      if (amountMinor > this.#options.ports.configuration().amountMaxMinor) return refuse('AMOUNT_ABOVE_LIMIT');
    }
    if (!this.#options.ports.sales.nextSlip().ok) return refuse('SALE_STORE_FULL');
    const running = this.#run(order, entry, onStep, pin);
    this.#running = running;
    return running.finally(() => {
      this.#running = undefined;
    });
  }

  async totals(close: boolean): Promise<Result<TerminalTotals, ErrorCode>> {
    if (this.#running !== undefined) return fail('SALE_IN_PROGRESS');
    const { ports, world } = this.#options;
    const { sales } = ports;
    const now = Math.round(world.clock.now());
    const totals = totalsOf(sales.day, sales.all(), refusable(ports), close ? now : undefined);
    const closed = close ? await sales.close(totals) : ok(undefined);
    return closed.ok ? ok(totals) : closed;
  }

  lastTotals(): Result<TerminalTotals, 'DAY_NOT_CLOSED'> {
    const { closed } = this.#options.ports.sales;
    return closed ? ok(closed) : fail('DAY_NOT_CLOSED');
  }

  async endDay(): Promise<Result<TerminalTotals | undefined, ErrorCode>> {
    const { ports, world } = this.#options;
    const { sales } = ports;
    const { businessDayEnd, timeZone } = ports.configuration();
    if (businessDayEnd === '') return ok(undefined);
    const day = {
      firstAt: sales.all().find((one) => one.day === sales.day)?.at,
      closedAt: sales.closed?.until ?? undefined,
    };
    const isFull = !sales.nextSlip().ok;
    return isFull || isDayOver(businessDayEnd, timeZone, day, world.clock.now())
      ? await this.totals(true)
      : ok(undefined);
  }

  async print(order: SlipOrder): Promise<Result<SlipDocument, ErrorCode>> {
    const { ports, model } = this.#options;
    return await printSlip(order, {
      sales: ports.sales,
      totals: (last) => (last ? this.lastTotals() : ok(totalsOf(ports.sales.day, ports.sales.all(), refusable(ports)))),
      configuration: ports.configuration(),
      identity: ports.identity(),
      model,
    });
  }

  /** Commands and status words of the last payment, without data. */
  trace(): readonly { readonly command: string; readonly sw: string }[] {
    return this.#traces.commands();
  }

  traceOf(order: TraceOrder): Result<SlipDocument, ErrorCode> {
    return this.#traces.document(order);
  }

  checkReaders(): ReturnType<SecurePart['checkReaders']> {
    return this.#secure.checkReaders();
  }

  timings(): SaleTimings | undefined {
    return this.#timings;
  }

  /** Where the time of the last payment went until its request was sealed, milliseconds; undefined when none was. */
  timingsToRequest(): SaleTimings | undefined {
    return this.#timingsToRequest;
  }

  async reversalsPending(): Promise<number> {
    return (await this.#options.ports.reversals.list()).length;
  }

  wake(): void {
    this.payment.wake();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#running;
    await this.payment.close();
    await this.#traces.idle();
    await this.#secure.close();
  }

  /** How a card is expected to come; where cards have no names, by chip until it has come. */
  #entryOf(card: string): SaleResult['entry'] | undefined {
    if (this.#hasPerson) return card === realStripe ? 'stripe' : 'contact';
    return entryOf(card);
  }

  async #run(order: PaymentOrder, entry: SaleResult['entry'], onStep: OnSaleStep, pin: PinHabit): Promise<SaleResult> {
    const watch = new Stopwatch(this.#options.world.clock);
    this.#traces.begin();
    this.#timingsToRequest = undefined;
    const run: PaymentRun = {
      watch,
      onStep: (step, atMs, detail) => {
        if (step === 'request-sent') this.#timingsToRequest = watch.read();
        onStep(step, atMs, detail);
      },
      onTrace: this.#traces.add,
      method: methodOf(order),
      wantsOwnCurrency: 'dcc' in order && order.dcc === 'accept',
      onSent: (of) =>
        this.#traces.sent(this.#options.world.clock.now(), { ...of, card: 'card' in order ? order.card : '' }),
    };
    try {
      if (!('card' in order)) return await this.payment.followUp(order, run);
      const presented = await this.#secure.present(order.card, watch, {
        pin: ('pin' in order ? order.pin : undefined) ?? pin,
        application: 'application' in order ? order.application : undefined,
        dcc: 'dcc' in order ? order.dcc : undefined,
      });
      if (!presented.ok)
        return refusedPayment(order, entry === 'stored' ? 'contact' : entry, 'refused', presented.fault.code);
      try {
        const { entry: at, isTransit } = presented.value;
        const result = isTransit
          ? run.method !== undefined
            ? refusedPayment(order, at, 'refused', 'PAYMENT_METHOD_NOT_AGREED')
            : order.kind === 'preauth' || order.kind === 'issue'
              ? refusedPayment(order, at, 'refused', 'PAYMENT_NOT_FOR_CARD')
              : await this.payment.presentTransit(order, run)
          : order.kind === 'history' || (isTopUp(order.kind) && at !== 'stripe')
            ? refusedPayment(order, at, 'refused', 'PAYMENT_NOT_FOR_CARD')
            : await this.payment.present(order, at, run);
        this.#traces.end(this.#options.world.clock.now(), result);
        return result;
      } finally {
        presented.value.remove();
      }
    } finally {
      this.#timings = watch.read();
    }
  }
}

/** How the cardholder pays, where it is not at once. */
const methodOf = (order: PaymentOrder): SaleMethod | undefined =>
  order.kind === 'sale' && order.method?.code !== lumpSum.code ? order.method : undefined;

/** What the switch has to take, or would not: advices, and reversals that were put aside. */
const refusable = ({ advices, reversals }: Pick<CardSideOptions['ports'], 'advices' | 'reversals'>) => [
  ...advices.entries(),
  ...reversals.aside().map(({ original, refused }) => ({
    state: 'refused' as const,
    stan: sixDigits(original.stan),
    actionCode: refused !== undefined && refused.length <= 3 ? refused : '',
  })),
];
