import type { OpenMessage } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { SaleOutcome, SaleResult, SaleStep } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from '../sales/index.ts';
import type { SealedCard, Stopwatch } from '../secure/index.ts';
import { type Signature, signature } from '../signature/index.ts';
import type { AdviceSender } from './advice-sender.ts';
import { chainOf, isCashBack } from './follow-up.ts';
import type { OnlineLeg } from './online-leg.ts';
import { type Agreed, completedAt } from './own-currency.ts';
import type { OnSaleStep, PaymentPorts } from './ports.ts';
import { refusedPayment, resultOf } from './result.ts';
import { isSignatureOwed } from './verification.ts';

/** How a payment went, before it is written down. */
export interface Ended {
  readonly outcome: SaleOutcome;
  readonly reason?: ErrorCode | undefined;
  readonly card?: SealedCard | undefined;
  /** Whether an application of a chip had been selected. */
  readonly hasSelected?: boolean;
  readonly verification?: Transaction['verification'] | undefined;
  readonly chip?: Transaction['chip'];
  /** The posting of what terminal and card approved alone. */
  readonly advice?: OpenMessage;
  /** Where no request was made that could be taken back: what was asked, what came of it, what is on the card. */
  readonly message?: OpenMessage | undefined;
  readonly actionCode?: string | undefined;
  readonly tillCode?: string | undefined;
  readonly balanceMinor?: number | undefined;
}

/** DE48: a no that names it is about how the cardholder wants to pay. */
const paymentMethodElement = 48;

/** A screen to sign on; what comes from it is checked. Where there is none the slip has a line. */
export interface SignaturePad {
  capture(card: SealedCard): Promise<unknown>;
}

/** What closing a payment needs. */
export interface ClosingParts {
  readonly world: World;
  readonly ports: PaymentPorts;
  readonly advices: AdviceSender;
  readonly signaturePad?: SignaturePad | undefined;
}

/** What a payment was to be. */
type Facts = Pick<Transaction, 'kind' | 'amountMinor' | 'entry' | 'method'>;

/** Writes down how payments ended, each part on the medium before the next one counts on it. */
export class PaymentClosing {
  readonly #options: ClosingParts;

  constructor(options: ClosingParts) {
    this.#options = options;
  }

  /** Ends what went online: the record first, then the reversal goes. Should the power fail between, the reversal wins. */
  async settle(
    facts: Facts,
    ended: Ended,
    leg: OnlineLeg,
    original: Transaction | undefined,
    { watch }: { readonly watch: Stopwatch },
    step: (name: SaleStep, detail?: string) => void,
  ): Promise<SaleResult> {
    const { world, ports } = this.#options;
    const { state } = leg;
    const answer = state.name === 'answered' ? state.answer : undefined;
    // Whatever the card side thinks: what a kept reversal takes back does not stand.
    const isReversed = leg.isKept && ended.outcome !== 'approved';
    const record = this.#record(
      facts,
      { ...ended, outcome: isReversed ? 'reversed' : ended.outcome },
      // A trace number that nobody ever saw is none: by it the server would take the sale for one that the switch has.
      state.name === 'nothingSent' ? ended.message : (leg.request ?? ended.message),
      original,
    );
    let told: Transaction | undefined = record && {
      ...record,
      rrn: answer?.rrn,
      approvalCode: answer?.approvalCode,
      actionCode: answer?.actionCode ?? ended.actionCode,
      tillCode: answer?.tillCode ?? ended.tillCode,
      balanceMinor: answer?.balanceMinor ?? ended.balanceMinor,
      balanceUnit: answer?.balanceUnit,
      ...(record.outcome === 'declined' && { serviceHours: answer?.serviceHours }),
      ownCurrency: leg.request && ownCurrencyOf(leg.agreed),
      ...(record.outcome === 'declined' &&
        answer?.refusedElement === paymentMethodElement && { reason: 'PAYMENT_METHOD_NOT_AGREED' }),
    };
    if (told !== undefined) {
      const stored = await watch.during('storage', () => ports.sales.put(told ?? never()));
      if (!stored.ok) {
        world.log('error', 'saleNotStored', { fault: stored.fault });
        // Nobody could void it, and no slip could be printed: it must not stand.
        if (told.outcome === 'approved' && leg.isKept) {
          await leg.withdraw();
          told = { ...told, outcome: 'reversed', reason: stored.fault.code };
        }
      } else if (told.outcome === 'approved' && !(await leg.settle())) {
        told = { ...told, outcome: 'reversed', reason: 'REVERSAL_NOT_STORED' };
        await watch.during('storage', () => ports.sales.put(told ?? never()));
      }
    }
    if (leg.isKept) step('reversal-queued');
    leg.close();
    const result = told
      ? resultOf(told, watch.elapsedMs)
      : {
          ...refusedPayment(facts, facts.entry, ended.outcome, ended.reason ?? 'SALE_FAILED'),
          durationMs: watch.elapsedMs,
        };
    step('finished', result.outcome);
    if (told?.outcome === 'approved') await this.#sign(told);
    return result;
  }

  /** Ends what is posted by an advice: the advice first, then the record, then it may leave. */
  async post(
    facts: Facts,
    ended: Ended,
    message: OpenMessage,
    original: Transaction | undefined,
    { watch, onStep }: { readonly watch: Stopwatch; readonly onStep: OnSaleStep },
  ): Promise<SaleResult> {
    const { ports, world } = this.#options;
    const isOffline = ended.advice !== undefined;
    const record = this.#record(facts, ended, message, original, isOffline);
    const { card } = ended;
    if (record === undefined || card === undefined)
      return refusedPayment(facts, facts.entry, 'failed', 'SALE_STORE_FULL');
    const chain = original === undefined ? chainOf(record) : chainOf(original);
    const put = await watch.during('storage', () => ports.advices.put({ message, card, transaction: record }, chain));
    if (!put.ok) return refusedPayment(facts, facts.entry, 'failed', put.fault.code);
    this.#options.advices.hold(put.value);
    const stored = await watch.during('storage', () => ports.sales.put(record));
    // The advice is on the medium: it stands, and the next start writes the record.
    if (!stored.ok) world.log('error', 'saleNotStored', { fault: stored.fault });
    const fate = this.#options.advices.release(put.value);
    // What was approved offline waits for nobody.
    const known = isOffline ? ({ type: 'waiting' } as const) : await watch.during('acquirer', () => fate);
    const told: Transaction = {
      ...record,
      ...(known.type !== 'waiting' && { actionCode: known.actionCode }),
      ...(known.type === 'taken' && known.rrn !== undefined && { rrn: known.rrn }),
      ...(known.type === 'refused' && {
        outcome: 'declined' as const,
        reason: 'ADVICE_REFUSED',
        tillCode: known.tillCode,
      }),
    };
    if (known.type === 'taken') await watch.during('storage', () => ports.sales.put(told));
    const result = resultOf(told, watch.elapsedMs);
    onStep('answer-received', watch.elapsedMs, known.type === 'waiting' ? 'queued' : known.actionCode);
    onStep('finished', watch.elapsedMs, result.outcome);
    if (told.outcome === 'approved') await this.#sign(told);
    if (known.type !== 'waiting') return result;
    // Money that the shop would hand back: the issuer may have to refuse it, since the card was spent meanwhile.
    const isUndecided = facts.kind === 'void' && original !== undefined && isCashBack(original);
    return { ...result, isQueued: true, ...(isUndecided && { reason: 'VOID_UNDECIDED' }) };
  }

  /** The record of a payment; undefined when nothing was presented, or there is no slip number left. */
  #record(
    facts: Facts,
    { outcome, reason, card, verification = 'none', chip }: Ended,
    message: OpenMessage | undefined,
    original: Transaction | undefined,
    isOffline = false,
  ): Transaction | undefined {
    const { ports, world } = this.#options;
    const slip = ports.sales.nextSlip();
    if (card === undefined || !slip.ok) return undefined;
    const text = (element: number): string => {
      const value = message?.fields[element];
      return typeof value === 'string' ? value : '';
    };
    return {
      v: 1,
      ...facts,
      slip: slip.value,
      day: ports.sales.day,
      at: Math.round(world.clock.now()),
      outcome,
      verification,
      card,
      stan: text(11),
      localTime: text(12),
      posDataCode: text(22),
      mti: message?.mti ?? '',
      reason: outcome === 'approved' || outcome === 'declined' ? undefined : (reason ?? 'SALE_FAILED'),
      isOffline,
      chip,
      // What is taken back whole is so in both currencies; what is completed, at the rate that was agreed on.
      ...(facts.kind === 'void' && { ownCurrency: original?.ownCurrency }),
      ...(facts.kind === 'complete' && {
        ownCurrency: original && ownCurrencyOf(completedAt(original, facts.amountMinor)),
      }),
      ...(original && {
        original: { slip: original.slip, stan: original.stan, localTime: original.localTime, kind: original.kind },
      }),
    };
  }

  /** Lets the cardholder sign, once the sale stands, and stores it with the sale. */
  async #sign(told: Transaction): Promise<void> {
    const { signaturePad, ports, world } = this.#options;
    if (signaturePad === undefined || !isSignatureOwed(told.verification) || told.card === undefined) return;
    const written: Signature | undefined = signature.safeParse(await signaturePad.capture(told.card)).data;
    if (written === undefined) {
      world.log('warn', 'signatureRefused', { stan: told.stan });
      return;
    }
    const stored = await ports.sales.put({ ...told, signature: written });
    if (!stored.ok) world.log('error', 'signatureNotStored', { fault: stored.fault });
  }
}

/** What a record keeps of it: the offer is used up. */
function ownCurrencyOf(agreed: Agreed | undefined): Transaction['ownCurrency'] {
  if (agreed === undefined) return undefined;
  const { currency, amountMinor, rate, markUpBasisPoints } = agreed;
  return { currency, amountMinor, rate, markUpBasisPoints };
}

const never = (): never => {
  throw new Error('a record that was just made');
};
