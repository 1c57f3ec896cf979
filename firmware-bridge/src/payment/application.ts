import {
  adviceReasons,
  localTransactionTime,
  type OpenMessage,
  operations,
  paymentRequest,
  reversalReasons,
} from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { type PaymentOrder, type SaleOutcome, type SaleResult, type SaleStep } from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { canTakeSignature, nextInterface, transactionTypes } from '../kernel/index.ts';
import type { Transaction } from '../sales/index.ts';
import type { ChipReading, SecurePart } from '../secure/index.ts';
import { AdviceSender, type Refusal } from './advice-sender.ts';
import { neverLeaves } from './answer.ts';
import { type Ended, PaymentClosing, type SignaturePad } from './closing.ts';
import { type FollowUp, type FollowUpOrder, judgeFollowUp } from './follow-up.ts';
import { boughtOfflineMinor, floorLimitAt, mayApproveOffline, standsOffline } from './offline.ts';
import { type LegOperation, OnlineLeg } from './online-leg.ts';
import { agreeOnCurrency, completedAt, givenBack } from './own-currency.ts';
import type { PaymentPorts, PaymentRun } from './ports.ts';
import { recordOf, recover, reversible } from './recovery.ts';
import { refusedPayment, resultOf } from './result.ts';
import type { ReversalImage } from './reversal-image.ts';
import { sixDigits, voidMessage } from './reversal-message.ts';
import { ReversalSender } from './reversal-sender.ts';
import { payTransit, type TransitEnded, type TransitOrder } from './transit-payment.ts';
import { spokenOf, verifiedWith } from './verification.ts';

/** What the payment application is built of. Nothing in it leads to a card number. */
export interface PaymentOptions {
  readonly world: World;
  readonly model: TerminalModel;
  readonly secure: SecurePart;
  readonly ports: PaymentPorts;
  readonly signaturePad?: SignaturePad | undefined;
}

/** A payment with a card that is being presented, and that has an account behind it. A charge and an issue: with a prepaid card, whose stripe is drawn. */
export type PresentedOrder = Extract<
  PaymentOrder,
  { readonly kind: 'sale' | 'preauth' | 'balance' | 'charge' | 'issue' }
>;

type Entry = Transaction['entry'];
type Step = (name: SaleStep, detail?: string) => void;

/** How a card is presented. */
interface Presentation {
  readonly entry: Exclude<Entry, 'stored'>;
  /** A stripe that stands in for a chip that could not be read: the issuer is told. */
  readonly isTechnicalFallback: boolean;
  /** The chip of the card could not be used: its stripe may be taken. */
  readonly hasChipFailed?: boolean;
}

interface NextPresentation extends Presentation {
  readonly entry: 'contact' | 'stripe';
}

/** The payment application of one terminal: what is done with money, each thing once, whenever the power fails. */
export class PaymentApplication {
  readonly #options: PaymentOptions;
  readonly #reversals: ReversalSender;
  readonly #advices: AdviceSender;
  readonly #closing: PaymentClosing;

  constructor(options: PaymentOptions) {
    const { world, secure, ports } = options;
    this.#options = options;
    this.#reversals = new ReversalSender(world, secure, ports.reversals, {
      refused: (image, actionCode) => this.#reversalRefused(image, actionCode),
    });
    this.#advices = new AdviceSender(world, secure, ports.advices, {
      refused: (entry, refusal) => this.#adviceRefused(entry.slip, refusal),
    });
    this.#closing = new PaymentClosing({ ...options, advices: this.#advices });
  }

  /** Undoes or completes what a power loss left. Call it before anything else. */
  recover(): Promise<Result<void, ErrorCode>> {
    return recover(this.#options.ports, this.#options.world);
  }

  wake(): void {
    this.#reversals.wake();
    this.#advices.wake();
  }

  async close(): Promise<void> {
    await this.#reversals.close();
    await this.#advices.close();
  }

  /** Makes a payment with a card that lies in the reader. */
  async present(order: PresentedOrder, entry: Exclude<Entry, 'stored'>, run: PaymentRun): Promise<SaleResult> {
    const amountMinor = order.kind === 'balance' ? 0 : order.amountMinor;
    const step: Step = (name, detail) => run.onStep(name, run.watch.elapsedMs, detail);
    let at: Presentation = { entry, isTechnicalFallback: false };
    let { leg, ended } = await this.#try(order, amountMinor, at, run, step);
    // No interface comes twice: without contacts, contacts, stripe.
    for (let next = this.#nextOf(at, leg, ended); next !== undefined; next = this.#nextOf(at, leg, ended)) {
      if (!this.#options.secure.presentElsewhere(next.entry)) break;
      const detail = next.isTechnicalFallback ? `${next.entry}, technical fallback` : next.entry;
      step('card-elsewhere', detail);
      run.onTrace({ atMs: run.watch.elapsedMs, step: 'card-elsewhere', detail });
      const again = await this.#try(order, amountMinor, next, run, step);
      // The model has such a reader, and none hangs there: what the card came to before stands.
      if (isNoReader(again.ended.reason)) break;
      at = next;
      ({ leg, ended } = again);
    }
    const facts = { kind: order.kind, amountMinor, entry: at.entry, method: run.method };
    const told = ended.advice
      ? await this.#closing.post(facts, ended, ended.advice, undefined, run)
      : await this.#closing.settle(facts, ended, leg, undefined, run, step);
    return { ...told, card: order.card };
  }

  /** Makes a payment with a transit card, or reads one. */
  async presentTransit(order: TransitOrder, run: PaymentRun): Promise<SaleResult> {
    const { world, model, secure, ports } = this.#options;
    const amountMinor = 'amountMinor' in order ? order.amountMinor : 0;
    const step: Step = (name, detail) => run.onStep(name, run.watch.elapsedMs, detail);
    const facts = { kind: order.kind, amountMinor, entry: 'contactless' as const };
    let leg: OnlineLeg | undefined;
    const makeLeg = (operation: 'sale' | 'charge', asked: number): OnlineLeg =>
      (leg = this.#leg(operation, asked, { entry: 'contactless' }, run, step));
    const ended = await payTransit(order, { world, model, secure, ports, run, step, makeLeg }).catch(
      (cause: unknown): TransitEnded => {
        // As with a chip: what is kept is reversed.
        world.log('error', 'saleBroke', { fault: { code: 'SALE_FAILED', cause } });
        return { outcome: 'failed', reason: 'SALE_FAILED' };
      },
    );
    const none = this.#leg('balance', 0, { entry: 'contactless' }, run, step);
    const told = await this.#closing.settle(facts, ended, leg ?? none, undefined, run, step);
    return { ...told, card: order.card, ...(ended.history && { history: [...ended.history] }) };
  }

  /** One presentation of the card. Never rejects. */
  async #try(
    order: PresentedOrder,
    amountMinor: number,
    at: Presentation,
    run: PaymentRun,
    step: Step,
  ): Promise<{ readonly leg: OnlineLeg; readonly ended: Ended }> {
    const operation = order.kind === 'preauth' ? 'authorisation' : order.kind;
    const leg = this.#leg(operation, amountMinor, at, run, step);
    const { entry } = at;
    const made =
      entry === 'stripe'
        ? this.#swipe(at, amountMinor, leg, step, run)
        : this.#chip(order, amountMinor, entry, leg, step, run);
    const ended = await made.catch((cause: unknown): Ended => {
      // A slip of ours must not leave a sale that nobody undoes: what is kept is reversed.
      this.#options.world.log('error', 'saleBroke', { fault: { code: 'SALE_FAILED', cause } });
      return { outcome: 'failed', reason: 'SALE_FAILED' };
    });
    return { leg, ended };
  }

  /** Where the card may be presented next; undefined: it stays as it ended. Once a request was made nothing is tried again. */
  #nextOf({ entry }: Presentation, leg: OnlineLeg, ended: Ended): NextPresentation | undefined {
    if (leg.request !== undefined || ended.reason === undefined || ended.outcome === 'approved') return undefined;
    const { model, ports } = this.#options;
    const { contactFallback, stripeFallback } = ports.configuration();
    const rules = { mayMoveToContacts: contactFallback, mayFallBackToStripe: stripeFallback };
    const next = nextInterface(entry, ended.reason, ended.hasSelected === true, model.readers, rules);
    if (next === undefined || next.interface === 'contactless') return undefined;
    return { entry: next.interface, isTechnicalFallback: next.isTechnicalFallback, hasChipFailed: true };
  }

  /** Makes a payment that follows up an earlier one; its card is in the store. */
  async followUp(order: FollowUpOrder, run: PaymentRun): Promise<SaleResult> {
    const { ports } = this.#options;
    const { sales, advices } = ports;
    const step: Step = (name, detail) => run.onStep(name, run.watch.elapsedMs, detail);
    const judged = judgeFollowUp(
      order,
      { day: sales.day, all: sales.all(), advices: advices.entries() },
      ports.configuration(),
    );
    if (!judged.ok) return refusedPayment(order, 'stored', 'refused', judged.fault.code, judged.fault.facts);
    const { original, card, amountMinor } = judged.value;
    const facts = { kind: order.kind, amountMinor, entry: 'stored' as const, method: original.method };
    if (order.kind === 'refund') {
      const leg = this.#leg('refund', amountMinor, { entry: 'stored' }, run, step, original);
      const state = await leg.ask({ card, verification: 'none' });
      const ended: Ended =
        state.name === 'answered'
          ? { outcome: state.isApproved ? 'approved' : 'declined', card }
          : { outcome: 'failed', reason: state.fault, card };
      return await this.#closing.settle(facts, ended, leg, original, run, step);
    }
    const stan = await run.watch.during('storage', () => ports.stan.next());
    if (!stan.ok) return refusedPayment(order, 'stored', 'failed', stan.fault.code);
    const advice =
      order.kind === 'void' ? this.#voidOf(judged.value, stan.value) : this.#completionOf(judged.value, stan.value);
    step('request-sent');
    return await this.#closing.post(facts, { outcome: 'approved', card }, advice, original, run);
  }

  #leg(
    operation: LegOperation,
    amountMinor: number,
    at: { readonly entry: Entry; readonly isTechnicalFallback?: boolean },
    run: PaymentRun,
    step: Step,
    original?: Transaction,
  ): OnlineLeg {
    const { world, model, secure, ports } = this.#options;
    const { entry } = at;
    const parts = { world, model, ports, line: secure, watch: run.watch, amountMinor, entry };
    return new OnlineLeg({
      ...parts,
      sender: this.#reversals,
      operation,
      ...at,
      method: run.method,
      original,
      agree: (question) =>
        original
          ? Promise.resolve(givenBack(ports.sales.all(), original, amountMinor))
          : (operation === 'sale' || operation === 'authorisation') && run.method === undefined
            ? agreeOnCurrency({ ...parts, step, isWanted: run.wantsOwnCurrency === true }, question)
            : Promise.resolve(undefined),
      onSent: (stan) => {
        step('request-sent');
        run.onSent({ stan, entry: at.entry, amountMinor });
      },
      onAnswered: (detail) => step('answer-received', detail),
    });
  }

  async #chip(
    order: PresentedOrder,
    amountMinor: number,
    entry: 'contact' | 'contactless',
    leg: OnlineLeg,
    step: Step,
    { watch, onTrace, method }: PaymentRun,
  ): Promise<Ended> {
    const { secure, ports, model } = this.#options;
    const configuration = ports.configuration();
    const allowance = ports.offline.allowance();
    // What the switch turns away approves nothing by itself, whatever its line does meanwhile.
    const isOfflineOpen =
      order.kind === 'sale' &&
      method === undefined &&
      !ports.standing.isTurnedAway &&
      mayApproveOffline(model, configuration, amountMinor, ports.advices.entries(), allowance);
    let hasSelected = false;
    const read = await secure.chip(
      entry,
      {
        type: order.kind === 'balance' ? transactionTypes.inquiry : transactionTypes.purchase,
        sequence: Math.max(1, this.#options.ports.sales.all().length),
        amountMinor,
        mayApproveOffline: isOfflineOpen,
        floorLimitMinor: isOfflineOpen ? floorLimitAt(configuration.floorLimitMinor, allowance.freshness) : 0,
        limits: {
          mayBypassPin: configuration.pinBypass,
          contactless: {
            transactionLimitMinor: configuration.contactlessLimitMinor,
            cvmRequiredLimitMinor: configuration.contactlessCvmLimitMinor,
          },
        },
        ...ports.identity(),
      },
      watch,
      () => step('card-presented', entry),
      {
        async goOnline(question) {
          const state = await watch.during('payment', () => leg.ask(question));
          if (state.name !== 'answered') return { type: 'unable' };
          return { type: 'answered', isApproved: state.isApproved, emv: state.answer.emv };
        },
        boughtOffline: ({ token }) => boughtOfflineMinor(token, ports.sales),
        report(name, detail) {
          if (name === 'application-selected') hasSelected = true;
          step(name, detail);
        },
        trace: onTrace,
      },
    );
    if (!read.ok) return { outcome: 'failed', reason: read.fault.code };
    return { ...(await this.#conclude(read.value, leg, isOfflineOpen, amountMinor, entry)), hasSelected };
  }

  /** What the end of the kernel's part means for the payment. */
  async #conclude(
    { outcome, card, negative }: ChipReading,
    leg: OnlineLeg,
    isOfflineOpen: boolean,
    amountMinor: number,
    entry: 'contact' | 'contactless',
  ): Promise<Ended> {
    const { state } = leg;
    const chip = outcome.ok ? outcome.value.receipt : undefined;
    const verification = outcome.ok
      ? verifiedWith(outcome.value.verification, card?.scheme ?? '', this.#options.model)
      : undefined;
    const ended = (name: SaleOutcome, reason?: ErrorCode): Ended => ({
      outcome: name,
      reason,
      card,
      verification,
      chip,
    });
    const fault = outcome.ok ? outcome.value.reason : outcome.fault.code;
    // With the issuer out of reach card and terminal would decide; one that the switch turns away does not, and says why.
    const isAlone = outcome.ok && (outcome.value.decision === 'approvedOffline' || outcome.value.decision === 'unable');
    const isBarred = this.#options.ports.standing.isTurnedAway && state.name === 'nothingSent';
    if (isAlone && isBarred && (state.fault === undefined || outOfReach.has(state.fault)))
      return ended('failed', 'ACQUIRER_REFUSES_TERMINAL');
    // Its advice would not leave either.
    if (state.name === 'nothingSent' && neverLeaves(state.fault)) return ended('failed', state.fault);
    if (outcome.ok && outcome.value.decision === 'approvedOffline' && state.name !== 'answered') {
      // A request that may have arrived is reversed; the sale is posted by its advice alone.
      if (!isOfflineOpen || !standsOffline(negative)) return ended('refused', 'OFFLINE_NOT_ALLOWED');
      const stan = await this.#options.ports.stan.next();
      if (!stan.ok) return ended('failed', stan.fault.code);
      const { world, model, ports } = this.#options;
      // Counted before it stands: a power loss in between costs one count, never a sale too many.
      const counted = await ports.offline.approvedOffline(amountMinor);
      if (!counted.ok) return ended('failed', counted.fault.code);
      const advice = paymentRequest({
        operation: 'offlineSale',
        ...ports.identity(),
        abilities: model,
        stan: sixDigits(stan.value),
        nowMs: world.clock.now(),
        amountMinor,
        entry,
        verification: spokenOf(verification ?? 'none'),
        emv: outcome.value.emv,
        reason: adviceReasons.underFloorLimit,
      });
      leg.close();
      return { ...ended('approved'), advice };
    }
    if (outcome.ok && outcome.value.decision === 'approved') return ended('approved');
    if (state.name === 'answered' && state.isApproved) {
      // An inquiry is answered, whatever the card thinks of it afterwards: it moved nothing.
      if (!leg.isKept) return ended('approved');
      await leg.withdraw();
      return ended('reversed', fault);
    }
    // The issuer's "no" stands, whatever becomes of the card after it.
    if (state.name === 'answered') return ended('declined');
    if (state.fault !== undefined) return ended('failed', state.fault);
    if (!outcome.ok) return ended('failed', fault);
    return ended('refused', fault ?? 'TERMINAL_DECLINED');
  }

  async #swipe(
    at: Presentation,
    amountMinor: number,
    leg: OnlineLeg,
    step: Step,
    { watch }: PaymentRun,
  ): Promise<Ended> {
    const { world, model, secure } = this.#options;
    const today = localTransactionTime(world.clock.now()).slice(0, 4);
    const swipe = { today, hasChipFailed: at.hasChipFailed === true, amountMinor };
    const ended = await secure.stripe(swipe, watch, async (reading): Promise<Ended> => {
      const { card, negative, refusal, hasPin, chooseCurrency } = reading;
      step('card-presented', 'stripe');
      step('card-read', card.scheme);
      step('negative-checked', negative);
      if (refusal !== undefined) return { outcome: 'refused', reason: refusal, card };
      const alone = hasPin ? 'onlinePin' : canTakeSignature(model) ? 'signature' : 'none';
      const verification = verifiedWith(alone, card.scheme, model);
      const state = await leg.ask({ card, verification: alone, chooseCurrency });
      if (state.name !== 'answered') return { outcome: 'failed', reason: state.fault, card, verification };
      return { outcome: state.isApproved ? 'approved' : 'declined', card, verification };
    });
    return ended.ok ? ended.value : { outcome: 'failed', reason: ended.fault.code };
  }

  #voidOf({ original }: FollowUp, stan: number): OpenMessage {
    const { ports, world } = this.#options;
    // A completion, and what was sold offline, have the code of a sale.
    const { processingCode } = operations[reversible[original.kind] ?? 'sale'];
    return voidMessage(original, processingCode, ports.identity(), {
      stan: sixDigits(stan),
      nowMs: world.clock.now(),
      reason: reversalReasons.customerCancelled,
    });
  }

  #completionOf({ original, amountMinor }: FollowUp, stan: number): OpenMessage {
    const { ports, world, model } = this.#options;
    return paymentRequest({
      operation: 'completion',
      ...ports.identity(),
      abilities: model,
      stan: sixDigits(stan),
      nowMs: world.clock.now(),
      amountMinor,
      entry: 'stored',
      verification: 'none',
      original: { data: original, amountMinor: original.amountMinor, approvalCode: original.approvalCode },
      conversion: completedAt(original, amountMinor),
      reason: adviceReasons.terminalProcessed,
    });
  }

  /** A void that the switch will not have did not happen; a posting stays as it is, and a person has to look at it. */
  async #adviceRefused(slip: number, { actionCode, tillCode }: Refusal): Promise<void> {
    const { sales } = this.#options.ports;
    const known = await sales.read(slip);
    if (!known.ok) return;
    const isVoid = known.value.kind === 'void';
    await sales.put({
      ...known.value,
      actionCode,
      tillCode,
      reason: 'ADVICE_REFUSED',
      ...(isVoid && { outcome: 'declined' as const }),
    });
  }

  /** Whether the payment stands at the issuer, only a person can find out. */
  async #reversalRefused(image: ReversalImage, actionCode: string | undefined): Promise<void> {
    const { sales, report } = this.#options.ports;
    const known = recordOf(sales, image);
    const whole = known && (await sales.read(known.slip));
    if (!whole?.ok) return;
    const record = { ...whole.value, reason: 'REVERSAL_REFUSED', actionCode: actionCode ?? whole.value.actionCode };
    await sales.put(record);
    await report(resultOf(record, 0));
  }
}

/** Why nothing was sent, where the issuer was out of reach. */
const outOfReach: ReadonlySet<ErrorCode> = new Set(['ACQUIRER_UNREACHABLE', 'ACQUIRER_REFUSES_TERMINAL']);

const isNoReader = (reason: ErrorCode | undefined): boolean =>
  reason === 'USB_NOT_FOUND' || reason === 'READER_UNKNOWN' || reason === 'MODEL_HAS_NO_READER';
