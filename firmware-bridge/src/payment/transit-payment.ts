import { type OpenMessage, type Operation, paymentRequest } from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { decodeTransitData, transitActionCodes, transitScheme } from '@tsunagu/protocols/felica';
import type { CardHistoryLine, PaymentOrder, SaleOutcome, SaleStep } from '@tsunagu/protocols/fleet';
import { isApproval, textOf } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { SealedCard, SecurePart, TransitContents, TransitReading } from '../secure/index.ts';
import { type ReadAnswer, readAnswer } from './answer.ts';
import type { OnlineLeg } from './online-leg.ts';
import type { PaymentPorts, PaymentRun } from './ports.ts';
import { sixDigits } from './reversal-message.ts';

/** What can be done with a transit card. */
export type TransitOrder = Extract<PaymentOrder, { readonly kind: 'sale' | 'charge' | 'balance' | 'history' }>;

/** How it ended, before it is written down. */
export interface TransitEnded {
  readonly outcome: SaleOutcome;
  readonly reason?: ErrorCode | undefined;
  readonly card?: SealedCard | undefined;
  readonly actionCode?: string | undefined;
  readonly tillCode?: string | undefined;
  readonly balanceMinor?: number | undefined;
  readonly history?: readonly CardHistoryLine[] | undefined;
  /** The message that it was asked with, where there is no leg. */
  readonly message?: OpenMessage | undefined;
  /** The request with its reversal; undefined when none was made. */
  readonly leg?: OnlineLeg | undefined;
}

/** What a payment with a transit card needs. */
export interface TransitParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly secure: Pick<SecurePart, 'transit' | 'exchange'>;
  readonly ports: PaymentPorts;
  readonly run: PaymentRun;
  readonly step: (name: SaleStep, detail?: string) => void;
  readonly makeLeg: (operation: 'sale' | 'charge', amountMinor: number) => OnlineLeg;
}

/** An answer of the centre, and the request that it answers. */
interface Asked {
  readonly request: OpenMessage;
  readonly answer: ReadAnswer;
}

/** What became of an order that the card was given. */
type Fate = 'done' | 'notTaken' | 'unproven';

/** How long the cardholder has to hold the card here again. */
const againMs = 15_000;
/** Rounds of proving one order; of settling what was before; of asking the centre the same. */
const roundsMax = 3;

/**
 * Pays with a transit card, or reads it. The terminal carries frames between card and centre and believes neither: only the centre can
 * tell what the card did, since it alone has the key. The order is the answer to a request whose reversal is kept until the centre has
 * said that the card took it; so whatever fails, it is taken back, and the centre puts the card right at its next contact.
 */
export async function payTransit(order: TransitOrder, parts: TransitParts): Promise<TransitEnded> {
  const { secure, step, run } = parts;
  const reading = await secure.transit(run.watch, () => step('card-presented', 'FeliCa'), run.onTrace);
  if (!reading.ok) return { outcome: 'failed', reason: reading.fault.code };
  const { card, negative } = reading.value;
  step('card-read', transitScheme.key);
  step('negative-checked', negative);
  if (negative === 'listed' || negative === 'range-listed') return { outcome: 'refused', reason: 'CARD_LISTED', card };
  const dialogue = new Dialogue(parts, reading.value);
  const ended =
    order.kind === 'sale' || order.kind === 'charge' ? await dialogue.pay(order) : await dialogue.look(order.kind);
  return { ...ended, card };
}

/** The dialogue of one card and its centre. */
class Dialogue {
  readonly #parts: TransitParts;
  readonly #reading: TransitReading;

  constructor(parts: TransitParts, reading: TransitReading) {
    this.#parts = parts;
    this.#reading = reading;
  }

  /** Balance and history. Where the centre can be asked, what it still has to settle with the card is settled first. */
  async look(kind: 'balance' | 'history'): Promise<TransitEnded> {
    const met = await this.#meet();
    // The card tells what is on it to everybody: no centre is needed for that.
    const contents = await this.#reading.read(kind === 'history');
    if (!contents.ok) return { outcome: 'failed', reason: contents.fault.code };
    return {
      outcome: 'approved',
      balanceMinor: contents.value.balanceMinor,
      ...(kind === 'history' && { history: contents.value.history.map(historyLine) }),
      ...(met.type === 'opened' && { message: met.request }),
    };
  }

  async pay(order: Extract<TransitOrder, { readonly kind: 'sale' | 'charge' }>): Promise<TransitEnded> {
    const met = await this.#meet();
    if (met.type === 'ended') return met.ended;
    const leg = this.#parts.makeLeg(order.kind, order.amountMinor);
    const state = await leg.ask({ card: this.#reading.card, verification: 'none', emv: met.opening });
    const said = state.name === 'answered' ? state.answer.actionCode : (state.fault ?? '');
    this.#parts.run.onTrace({ atMs: this.#parts.run.watch.elapsedMs, step: order.kind, detail: said });
    const ended = (outcome: SaleOutcome, reason?: ErrorCode): TransitEnded => ({ outcome, reason, leg });
    if (state.name !== 'answered') return ended('failed', state.fault);
    if (!state.isApproved || leg.request === undefined) return ended('declined');
    const fate = await this.#fateOf(leg.request, await this.#carry(state.answer.emv));
    if (fate === 'done') return ended('approved');
    await leg.withdraw();
    return ended('reversed', fate === 'notTaken' ? 'TRANSIT_NOT_TAKEN' : 'TRANSIT_UNPROVEN');
  }

  /** Opens a session that the card may be ordered something in, settling first what has to be. */
  async #meet(): Promise<
    | { readonly type: 'opened'; readonly opening: Uint8Array; readonly request: OpenMessage }
    | { readonly type: 'ended'; readonly ended: TransitEnded }
  > {
    const ended = (outcome: SaleOutcome, rest: Partial<TransitEnded>) =>
      ({ type: 'ended', ended: { outcome, ...rest } }) as const;
    for (let round = 0; round < roundsMax; round++) {
      const opened = await this.#open();
      if (!opened.ok) return ended('failed', { reason: opened.fault.code });
      const { request, answer, opening } = opened.value;
      if (opening === undefined)
        return ended('declined', { actionCode: answer.actionCode, tillCode: answer.tillCode, message: request });
      if (!opened.value.isSettleFirst) return { type: 'opened', opening, request };
      const settled = await this.#ask('transitSettle', opening);
      if (!settled.ok) return ended('failed', { reason: settled.fault.code });
      const { actionCode, tillCode, emv } = settled.value.answer;
      if (!isApproval(actionCode)) return ended('declined', { actionCode, tillCode, message: settled.value.request });
      // Nothing to put right: what was open is settled by the opening itself.
      const fate = emv.length === 0 ? 'done' : await this.#fateOf(settled.value.request, await this.#carry(emv));
      this.#parts.step('card-settled', fate);
      if (fate === 'unproven') return ended('failed', { reason: 'TRANSIT_UNPROVEN' });
    }
    return ended('failed', { reason: 'TRANSIT_PENDING' });
  }

  /** Asks the centre for a session and the card for its proof. A card that was taken away is asked for once. */
  async #open(): Promise<
    Result<Asked & { readonly opening: Uint8Array | undefined; readonly isSettleFirst: boolean }, ErrorCode>
  > {
    const asked = await this.#ask('transitOpen', this.#reading.request);
    if (!asked.ok) return asked;
    const { actionCode, emv } = asked.value.answer;
    if (!isApproval(actionCode)) return ok({ ...asked.value, opening: undefined, isSettleFirst: false });
    const data = decodeTransitData(emv);
    if (!data.ok) return data;
    let opening = await this.#carry(emv);
    if (!opening.ok && (await this.#again())) opening = await this.#carry(emv);
    if (!opening.ok) return opening;
    return ok({ ...asked.value, opening: opening.value, isSettleFirst: data.value.isSettleFirst === true });
  }

  /**
   * What became of an order: the centre tells by the card's answer to it, or, where that was lost, by a new opening of the card.
   *
   * @param said what the card answered to the order
   */
  async #fateOf(order: OpenMessage, said: Result<Uint8Array, ErrorCode>): Promise<Fate> {
    let evidence = said;
    for (let round = 0; round < roundsMax; round++) {
      if (!evidence.ok) {
        if (!(await this.#again())) return 'unproven';
        const opened = await this.#open();
        if (!opened.ok || opened.value.opening === undefined) continue;
        evidence = ok(opened.value.opening);
      }
      const told = await this.#ask('transitConfirm', evidence.value, order);
      if (!told.ok) continue;
      const { actionCode } = told.value.answer;
      if (isApproval(actionCode)) {
        this.#parts.step('card-completed', 'done');
        return 'done';
      }
      if (actionCode === transitActionCodes.notTaken) return 'notTaken';
      if (actionCode === transitActionCodes.proveAgain) evidence = fail('TRANSIT_NOT_AUTHENTIC');
    }
    return 'unproven';
  }

  #carry(data: Uint8Array): Promise<Result<Uint8Array, ErrorCode>> {
    return this.#reading.carry(data);
  }

  async #again(): Promise<boolean> {
    this.#parts.step('card-again');
    return (await this.#reading.again(againMs)).ok;
  }

  /** One message of the dialogue. It moves nothing, so that nothing has to be taken back when its answer is lost. */
  async #ask(
    operation: Extract<Operation, 'transitOpen' | 'transitSettle' | 'transitConfirm'>,
    data: Uint8Array,
    order?: OpenMessage,
  ): Promise<Result<Asked, ErrorCode>> {
    const { world, model, ports, secure, run } = this.#parts;
    const stan = await run.watch.during('storage', () => ports.stan.next());
    if (!stan.ok) return stan;
    const request = paymentRequest({
      operation,
      ...ports.identity(),
      abilities: model,
      stan: sixDigits(stan.value),
      nowMs: world.clock.now(),
      amountMinor: 0,
      entry: 'contactless',
      verification: 'none',
      emv: data,
      ...(order && { original: originalOf(order) }),
    });
    const { answerTimeoutMs } = ports.configuration();
    const answer = await run.watch.during('acquirer', () =>
      secure.exchange(request, this.#reading.card, { timeoutMs: answerTimeoutMs }),
    );
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    const detail = read.ok ? read.value.actionCode : read.fault.code;
    run.onTrace({ atMs: run.watch.elapsedMs, step: operation, detail });
    return read.ok ? ok({ request, answer: read.value }) : read;
  }
}

/** What a confirmation names: the request that the order was the answer to. */
const originalOf = (order: OpenMessage) => ({
  data: { mti: order.mti, stan: textOf(order, 11) ?? '', localTime: textOf(order, 12) ?? '' },
  amountMinor: 0,
  approvalCode: undefined,
});

const two = (value: number): string => String(value).padStart(2, '0');

/** A row of the history as it is told: a day that there is not becomes the first of its month. */
function historyLine({
  date,
  terminal,
  process,
  balance,
  serial,
}: TransitContents['history'][number]): CardHistoryLine {
  const last = new Date(Date.UTC(date.year, date.month, 0)).getUTCDate();
  return {
    on: `${date.year}-${two(date.month)}-${two(date.day <= last ? date.day : 1)}`,
    terminal,
    process,
    balanceMinor: balance,
    serial,
  };
}
