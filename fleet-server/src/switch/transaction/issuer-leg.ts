import { backOffMs, type Link } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, type Message, textOf } from '@tsunagu/protocols/iso8583';
import { fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Advices } from '../journal/advices.ts';
import { isFenced } from '../journal/epoch.ts';
import type { Decision, Journal } from '../journal/journal.ts';
import type { SaleRow } from '../journal/written.ts';
import type { LinkAnswer } from '../link/exchange.ts';
import { mismatchText, type Mismatch, unmatchedOf } from '../link/matching.ts';
import type { SwitchRooms } from '../ports.ts';
import { wipe } from '../terminal-link/request.ts';
import type { Face } from './asking.ts';
import { differences, ownDecision, passedOn, remark } from './messages.ts';
import type { Outcomes } from './outcomes.ts';
import { nextStan, type Roads } from './roads.ts';
import type { SaleEvent } from './rules.ts';
import { isTaken } from './store-and-forward.ts';

/** Pauses before a step is made anew that could not be written. */
const stepAgain = { firstMs: 250, factor: 2, mostMs: 4_000 };
/** After so many attempts whoever asked has given up: from then on the outcome counts as unknown, and is taken back. */
const stepAgainMax = 6;

/** The issuer's answer does not make one for whoever asked: found inside the commit, which then keeps nothing. */
class AnswerNotWritten extends Error {}

function written(
  face: Face,
  request: Message,
  answer: Message,
  link: Pick<Link, 'profile'> | undefined,
  kind: SaleRow['kind'],
  nowMs: number,
): Uint8Array {
  try {
    return passedOn(face, request, answer, link, kind, nowMs);
  } catch (cause) {
    throw new AnswerNotWritten('an answer that cannot be passed on', { cause });
  }
}

/** A sale from the moment its intent is durable: to the issuer, and its answer into the journal, however late it comes and whatever died in between. */
export class IssuerLeg {
  readonly #world: World;
  readonly #rooms: Pick<SwitchRooms, 'alarm' | 'metrics'>;
  readonly #journal: Journal;
  readonly #advices: Advices;
  readonly #roads: Roads;
  readonly #outcomes: Outcomes;
  #isStopped = false;

  constructor(
    world: World,
    rooms: Pick<SwitchRooms, 'alarm' | 'metrics'>,
    journal: Journal,
    advices: Advices,
    roads: Roads,
    outcomes: Outcomes,
  ) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#advices = advices;
    this.#roads = roads;
    this.#outcomes = outcomes;
  }

  /** Sends what is durable, and follows it to its end. The answer goes to whoever waits for the sale. */
  send(face: Face, row: SaleRow, request: Message, outgoing: Message, link: IssuerLink): void {
    this.#follow(face, row, request, outgoing, link).catch((cause: unknown) => {
      // The step itself is made anew until it is on disk; what is left is a fault of ours, and nothing may be said of the outcome.
      this.#world.log('error', 'journalFailed', { sale: row.id, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      this.#outcomes.give(row.id, { refusal: 'SWITCH_JOURNAL_FAILED' });
    });
  }

  async #follow(face: Face, row: SaleRow, request: Message, outgoing: Message, link: IssuerLink): Promise<void> {
    let answer: LinkAnswer;
    let differs: readonly number[] = [];
    try {
      const sentMs = this.#world.clock.monotonicMs();
      answer = await link.request(outgoing, link.link.profile.timers.requestMs);
      if (answer.type === 'answered') {
        const tookMs = this.#world.clock.monotonicMs() - sentMs;
        this.#rooms.metrics.issuerAnswered(link.link.id, answer.message.text(39) ?? '', tookMs);
        differs = differences(link.link, outgoing, answer.message);
      }
    } catch (cause) {
      this.#failed(row, 'SWITCH_OUTCOME_UNKNOWN', cause);
      return await this.#step(face, row, { type: 'issuerTimedOut' }, request, undefined, 'SWITCH_OUTCOME_UNKNOWN');
    }
    if (answer.type === 'notSent') {
      this.#failed(row, 'SWITCH_NOT_SENT', answer.cause);
      return await this.#step(face, row, { type: 'notSent' }, request, undefined, 'SWITCH_NOT_SENT');
    }
    if (answer.type === 'answered' && differs.length === 0)
      return await this.#step(
        face,
        row,
        { type: 'issuerAnswered', actionCode: answer.message.text(39) ?? '909', day: answer.message.text(28) },
        request,
        answer.message,
      );
    if (answer.type === 'answered') {
      // It came under the key of this request, and says something else: nothing is known of the outcome.
      const why = { waiting: link.inFlight + 1, differs };
      this.#roads.unmatched(link.link.id, unmatchedOf(answer.message), why);
      this.#world.log('warn', 'issuerAnswerUnmatched', {
        link: link.link.id,
        fault: {
          code: 'ISSUER_ANSWER_UNMATCHED',
          field: differs[0] ?? 0,
          facts: { sale: row.id, mismatch: mismatchText(why) },
        },
      });
    }
    await this.#step(face, row, { type: 'issuerTimedOut' }, request);
  }

  /** A fault of ours on the way to the issuer or back: a person has to look, whatever becomes of the sale. */
  #failed(row: SaleRow, code: 'SWITCH_NOT_SENT' | 'SWITCH_OUTCOME_UNKNOWN', cause: unknown): void {
    const { fault } = fail(code, { facts: { sale: row.id } });
    this.#world.log('error', 'issuerLegFailed', { sale: row.id, link: row.link, fault: { ...fault, cause } });
    this.#rooms.alarm({ place: row.link ?? row.origin, serial: undefined, fault });
  }

  /**
   * One step of a sale that went out. A commit that failed may have been kept all the same, or not: until the step is on disk nothing is said of the
   * outcome, and what is said then is what is on disk.
   */
  async #step(
    face: Face,
    row: SaleRow,
    event: SaleEvent,
    request: Message,
    answer?: DecodedMessage,
    reason = 'ISSUER_TIMEOUT',
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1)
      try {
        if (attempt < stepAgainMax) return await this.#stepOnce(face, row, event, request, answer, reason);
        return await this.#stepOnce(face, row, { type: 'issuerTimedOut' }, request, undefined, reason);
      } catch (cause) {
        if (this.#isStopped || isFenced(cause)) throw cause;
        if (cause instanceof AnswerNotWritten) {
          // Whatever the issuer said, whoever asked cannot be told: it is taken back.
          this.#failed(row, 'SWITCH_OUTCOME_UNKNOWN', cause.cause);
          return await this.#step(face, row, { type: 'issuerTimedOut' }, request, undefined, 'SWITCH_OUTCOME_UNKNOWN');
        }
        this.#world.log('error', 'journalFailed', { sale: row.id, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
        await this.#world.timers.sleep(backOffMs(stepAgain, attempt));
      }
  }

  /** One step of a sale: rules, one commit, then what may be said. */
  async #stepOnce(
    face: Face,
    row: SaleRow,
    event: SaleEvent,
    request: Message,
    answer: DecodedMessage | undefined,
    reason: string,
  ): Promise<void> {
    const outStan = event.type === 'issuerTimedOut' ? await nextStan(this.#roads, row.link) : '';
    const link = row.link === null ? undefined : this.#roads.link(row.link)?.link;
    const stepped = await this.#journal.step(row, event, outStan, (action, { id }, nowMs) => {
      if (action.type === 'answerFromIssuer' && answer)
        return {
          by: 'issuer',
          actionCode: textOf(answer, 39) ?? '909',
          approvalCode: textOf(answer, 38),
          answer: this.#outcomes.kept({ id, kind: row.kind }, written(face, request, answer, link, row.kind, nowMs)),
        };
      const actionCode = action.type === 'answer' ? action.actionCode : '909';
      return ownDecision(face, request, actionCode, reason, nowMs, remark(link, actionCode));
    });
    this.#outcomes.afterStep(stepped);
  }

  /** An answer of an issuer that nobody waits for: it is journalled with its sale; an advice that it takes is over. */
  async late(link: string, message: DecodedMessage, why: Mismatch): Promise<void> {
    const [outStan, outTime] = [message.text(11) ?? '', message.text(12) ?? ''];
    const facts = { mti: message.mti, outStan, actionCode: message.text(39) ?? '', mismatch: mismatchText(why) };
    const isAnswer = message.mti === '1210' || message.mti === '1110';
    const sale = isAnswer ? await this.#journal.saleByOutStan(link, outStan, outTime) : undefined;
    this.#world.log('warn', 'issuerAnswerUnmatched', {
      link,
      fault: { code: 'ISSUER_ANSWER_UNMATCHED', facts: { ...facts, sale: sale?.id ?? 'none' } },
    });
    if (!sale) return await this.#lateAdvice(link, outStan, outTime, message);
    const never = (): Decision => {
      throw new Error('a late answer answers nobody');
    };
    // A sale that is still open has its own waiter, so this one can only find it decided.
    if (sale.state === 'send-intended') return;
    const event = { type: 'issuerAnswered', actionCode: facts.actionCode, day: message.text(28) } as const;
    await this.#journal.step(sale, event, '', never, facts);
  }

  /** The answer to an advice comes after its deadline: the advice need not go again. */
  async #lateAdvice(link: string, outStan: string, outTime: string, message: DecodedMessage): Promise<void> {
    if (message.mti !== '1430' && message.mti !== '1130' && message.mti !== '1230') return;
    const row = await this.#advices.byOut(link, outStan, outTime);
    const isOf = row?.advice === (message.mti === '1430' ? 'reversal' : 'posting');
    if (row && isOf && isTaken(row.advice, message.text(39) ?? ''))
      await this.#roads.lane(link).accepted(row, message.text(28));
  }

  /** After a start, or a commit that failed and may have been kept: every sale that is open and that nobody works on is answered 911 on file, and reversed. */
  async recover(): Promise<void> {
    for (const row of await this.#journal.openSales()) {
      if (this.#outcomes.isAwaited(row.id)) continue;
      const stepped = await this.#journal.step(
        row,
        { type: 'restarted' },
        await nextStan(this.#roads, row.link),
        (_action, _row, nowMs) => {
          const image = this.#journal.images.sale(row);
          const request = { mti: image.mti, fields: { ...image.fields, 11: row.stan } };
          const decision = ownDecision(this.#roads.face(row.origin), request, '911', 'SWITCH_OUTCOME_UNKNOWN', nowMs);
          wipe(image);
          return decision;
        },
      );
      this.#world.log('warn', 'saleRecovered', { sale: row.id, fault: { code: 'SWITCH_OUTCOME_UNKNOWN' } });
      this.#outcomes.afterStep(stepped);
    }
  }

  /** Takes no step anew any more. */
  stop(): void {
    this.#isStopped = true;
  }
}
