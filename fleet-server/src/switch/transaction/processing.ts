import {
  isAdvice,
  issuerLink,
  isTransitDialogue,
  operations,
  type RefusalCode,
  terminalCodec,
} from '@tsunagu/protocols/acquiring';
import { type AesKsn, formatAesKsn } from '@tsunagu/protocols/dukpt';
import type { Serial } from '@tsunagu/protocols/fleet';
import { type DecodedMessage, type Message, responseMti } from '@tsunagu/protocols/iso8583';
import { type Fault, fail, lastFour, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { IssuerLink } from '../issuer-link/link.ts';
import type { Decision, Journal, SaleRow, Stepped } from '../journal/journal.ts';
import type { Numbers } from '../journal/numbers.ts';
import { saleLineOf } from '../journal/sale-line.ts';
import type { SwitchRooms } from '../ports.ts';
import { admit } from '../rules/admission.ts';
import type { SwitchRules } from '../rules/rules.ts';
import { type StandIn, standInAdvice } from '../stand-in/stand-in.ts';
import { leadingDigits } from '../routing/route.ts';
import { bodyDigest, readRequest, type TerminalReversal, type TerminalSale, wipe } from '../terminal-link/request.ts';
import { firstDifference, issuerRequest, ownAnswer, passedOn, reversalImage } from './messages.ts';
import type { ReversalQueue } from './reversal-queue.ts';
import type { SaleEvent } from './rules.ts';

/** What a terminal gets: an answer (ISO 8583 bytes of the terminal link), or a refusal of the frame. */
export type Reply = { readonly answer: Uint8Array } | { readonly refusal: RefusalCode };

/** Who asks, under which key. The counter is taken already. */
export interface Asking {
  readonly serial: Serial;
  readonly ksn: AesKsn;
}

/** The path of one transaction: journal, route, issuer, journal, answer. */
export class Processing {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #numbers: Numbers;
  readonly #rules: SwitchRules;
  readonly #standIn: StandIn;
  /** Id of the link's PIN key in the vault. */
  readonly #pinKey: string;
  readonly #link: () => IssuerLink | undefined;
  readonly #reversals: () => ReversalQueue;
  /** Sales whose answer somebody waits for, by id. A repeat of the request waits here too. */
  readonly #answers = new Map<string, { readonly promise: Promise<Uint8Array>; give(answer: Uint8Array): void }>();

  constructor(
    world: World,
    rooms: SwitchRooms,
    journal: Journal,
    numbers: Numbers,
    rules: SwitchRules,
    standIn: StandIn,
    pinKey: string,
    link: () => IssuerLink | undefined,
    reversals: () => ReversalQueue,
  ) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#numbers = numbers;
    this.#rules = rules;
    this.#standIn = standIn;
    this.#pinKey = pinKey;
    this.#link = link;
    this.#reversals = reversals;
  }

  /** Requests that are being worked on. */
  get inHand(): number {
    return this.#answers.size;
  }

  /** Handles the message of one authentic frame. */
  async handle(asking: Asking, bytes: Uint8Array): Promise<Reply> {
    try {
      return await this.#understand(asking, bytes);
    } catch (cause) {
      this.#world.log('error', 'journalFailed', {
        serial: asking.serial,
        fault: { code: 'SWITCH_JOURNAL_FAILED', cause },
      });
      return { refusal: 'SWITCH_JOURNAL_FAILED' };
    }
  }

  async #understand(asking: Asking, bytes: Uint8Array): Promise<Reply> {
    const decoded = terminalCodec.decode(bytes);
    if (!decoded.ok) return await this.#unreadable(asking, decoded.partial, decoded.fault);
    const request = readRequest(decoded.value, asking.serial);
    if (!request.ok) return await this.#unreadable(asking, decoded.value, request.fault);
    try {
      return request.value.kind === 'sale'
        ? await this.#sale(asking, request.value)
        : await this.#reversal(asking, request.value);
    } finally {
      wipe(request.value.message);
      request.value.pan.wipe();
    }
  }

  /** 904 with whatever keys could be read, and the element in DE44; a refusal when not even the kind of message is known. */
  async #unreadable(asking: Asking, partial: DecodedMessage | undefined, fault: Fault): Promise<Reply> {
    const { serial, ksn } = asking;
    const field = fault.field ?? '';
    this.#world.log('warn', 'messageRefused', { serial, fault });
    this.#rooms.metrics.frameRefused(fault.code);
    await this.#journal.note('refused', serial, ksn, { code: fault.code, field, mti: partial?.mti ?? '' });
    const mti = partial?.mti;
    const answered = mti !== undefined && /^1(10|12|20|22|42)[01]$/.test(mti) ? responseMti(mti) : undefined;
    if (partial === undefined || answered === undefined) return { refusal: 'ACQUIRING_MESSAGE_INVALID' };
    return { answer: ownAnswer(partial, '904', { 44: `DE${field}` }) };
  }

  async #sale(asking: Asking, sale: TerminalSale): Promise<Reply> {
    const { serial, ksn } = asking;
    const { message, pan } = sale;
    const now = this.#world.clock.now();
    const id = this.#world.id();
    const link = this.#link();
    const { operation, entry, amountMinor } = sale;
    const admission = admit(this.#rules, { message, pan, operation, entry, amountMinor, nowMs: now }, (id) =>
      id !== link?.id ? undefined : link.isReady ? 'ready' : 'down',
    );
    // What was decided already is taken whether the issuer is there or not: it waits for it.
    const translated = await this.#translatePin(asking, message, pan);
    const away = this.#refusal(admission.owner, link);
    const forbidden =
      isAdvice(operation) && admission.owner !== undefined
        ? undefined
        : ((await this.#forbidden(serial)) ?? admission.refusal ?? translated.refusal);
    const panToken = this.#rooms.vault.panToken(pan);
    const stoodIn =
      away && !forbidden && !isAdvice(operation) && admission.owner !== undefined
        ? await this.#standIn.approve({
            state: link?.status().state === 'up' ? 'signed-off' : link?.isReady ? 'busy' : 'down',
            saleId: id,
            link: admission.owner,
            scheme: admission.scheme,
            operation,
            entry,
            digits: leadingDigits(pan),
            hasPin: message.fields[52] !== undefined,
            amountMinor,
            pan,
            panToken,
            merchant: textOf(message, 42) ?? '',
          })
        : 'link-state';
    const approval = typeof stoodIn === 'object' ? stoodIn : undefined;
    const isPosting = isAdvice(operation) || approval !== undefined;
    const refusal = forbidden ?? (isPosting ? undefined : away);
    const outStan = refusal ? '' : await this.#numbers.next();
    const original =
      sale.original && (await this.#journal.saleByKey(serial, sale.original.stan, sale.original.localTime));
    const request = issuerRequest(
      translated.message,
      outStan,
      now,
      original && {
        mti: operations[original.kind].mti,
        stan: original.out_stan ?? original.stan,
        localTime: original.local_time,
      },
    );
    const outgoing = approval ? standInAdvice(request, approval) : request;
    const kept = {
      id,
      serial,
      stan: sale.stan,
      local_time: sale.localTime,
      body_tag: this.#rooms.vault.panToken(bodyDigest(message)),
      kind: sale.operation,
      original_id: original?.id ?? null,
      received_at: now,
      amount_minor: sale.amountMinor,
      currency: 'JPY',
      scheme: admission.scheme,
      entry: sale.entry,
      pan_token: panToken,
      last_four: lastFour(pan),
      routing_version: admission.routingVersion,
      link: null,
      out_stan: null,
      rrn: null,
      state: 'refused',
      decided_by: null,
      action_code: null,
      approval_code: null,
      reason: null,
      answer: null,
      answered_at: null,
      image: null,
    } as const;
    const row = refusal
      ? { ...kept, ...this.#journal.decided(this.#own(message, refusal.actionCode, refusal.reason)) }
      : {
          ...kept,
          link: issuerLink.id,
          out_stan: outStan,
          rrn: String(outgoing.fields[37]),
          state: isPosting ? ('posting' as const) : ('send-intended' as const),
          ...(isPosting && this.#journal.decided(this.#taken(message, approval?.approvalCode))),
          image: this.#journal.sealImage(`sale/${id}`, reversalImage(outgoing)),
        };
    // Whoever repeats the request while this one is under way has to find it.
    const waiting = refusal || isPosting ? undefined : this.#wait(id);
    const refuse = (actionCode: string): Decision => this.#own(message, actionCode, 'SWITCH_FOLLOW_UP_REFUSED');
    const arrival = await this.#journal
      .arriveSale(row, ksn, refuse, isPosting ? outgoing : undefined)
      .catch((error: unknown) => {
        this.#answers.delete(id);
        throw error;
      });
    if (arrival.type !== 'stored') this.#answers.delete(id);
    if (approval && (arrival.type !== 'stored' || arrival.row.state !== 'posting')) await this.#standIn.release(id);
    switch (arrival.type) {
      case 'replay':
        this.#world.log('info', 'requestReplayed', { serial, sale: arrival.row.id, stan: sale.stan });
        return { answer: arrival.row.answer ?? ownAnswer(message, '923') };
      case 'in-progress': {
        const first = this.#answers.get(arrival.row.id);
        return { answer: first ? await first.promise : ownAnswer(message, '923') };
      }
      case 'differs': {
        const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan: sale.stan, sale: arrival.row.id } });
        this.#rooms.alarm({ serial, fault });
        this.#world.log('warn', 'duplicateDiffers', { serial, fault });
        return { answer: ownAnswer(message, '913') };
      }
      case 'reversed-before':
        return { answer: this.#answered(arrival.row) };
      case 'stored':
        if (arrival.queued) this.#reversals().add(arrival.queued);
        if (!waiting || !link || arrival.row.answer !== null) {
          this.#answers.delete(id);
          return { answer: this.#answered(arrival.row) };
        }
        this.#publish(arrival.row);
        this.#send(arrival.row, message, outgoing, link);
        return { answer: await waiting };
    }
  }

  /** The request with its PIN under the key of the link. Neither PIN nor the key that it came under is ever in here. */
  async #translatePin(
    { ksn, serial }: Asking,
    message: Message,
    pan: Secret<'pan'>,
  ): Promise<{
    readonly message: Message;
    readonly refusal?: { readonly actionCode: string; readonly reason: string };
  }> {
    const block = message.fields[52];
    if (!(block instanceof Secret)) return { message };
    const clear = block.use((bytes) => Uint8Array.from(bytes));
    const translated = await this.#rooms.keys.translatePin(formatAesKsn(ksn), this.#pinKey, clear, pan);
    const { 52: _theirs, ...fields } = message.fields;
    if (translated.ok)
      return { message: { mti: message.mti, fields: { ...fields, 52: Secret.take('pin', translated.value) } } };
    this.#world.log('warn', 'pinNotTranslated', { serial, fault: translated.fault });
    return { message: { mti: message.mti, fields }, refusal: { actionCode: '126', reason: 'PINBLOCK_UNREADABLE' } };
  }

  /** A terminal whose state of life does not permit sales makes none; what it decided before that is taken still. */
  async #forbidden(serial: Serial): Promise<{ readonly actionCode: string; readonly reason: string } | undefined> {
    return (await this.#rooms.maySell?.(serial)) === false
      ? { actionCode: '120', reason: 'LIFECYCLE_FORBIDS' }
      : undefined;
  }

  /** Why the switch says no by itself before anything is sent. */
  #refusal(
    route: string | undefined,
    link: IssuerLink | undefined,
  ): { readonly actionCode: string; readonly reason: string } | undefined {
    if (route === undefined) return { actionCode: '908', reason: 'SWITCH_ROUTE_UNKNOWN' };
    if (link?.id !== route || link.status().state === 'down') return { actionCode: '912', reason: 'ISSUER_LINK_DOWN' };
    if (!link.isReady) return { actionCode: '907', reason: 'ISSUER_LINK_DOWN' };
    return link.inFlight >= issuerLink.inFlightMax ? { actionCode: '907', reason: 'ACQUIRING_BUSY' } : undefined;
  }

  /** The answer to an advice, and to what was approved in the issuer's place. */
  #taken(request: Message, approvalCode: string | undefined): Decision {
    if (approvalCode === undefined) return this.#own(request, '900', undefined);
    return { by: 'switch', actionCode: '000', approvalCode, answer: ownAnswer(request, '000', { 38: approvalCode }) };
  }

  #own(request: Message, actionCode: string, reason: string | undefined): Decision {
    return { by: 'switch', actionCode, reason, answer: ownAnswer(request, actionCode) };
  }

  #wait(id: string): Promise<Uint8Array> {
    const { promise, resolve } = withResolver();
    this.#answers.set(id, { promise, give: resolve });
    this.#rooms.metrics.inFlight(this.#answers.size);
    return promise;
  }

  /** Sends what is durable, and follows it to its end. The answer goes to whoever waits for the sale. */
  #send(row: SaleRow, request: Message, outgoing: Message, link: IssuerLink): void {
    const follow = async (): Promise<void> => {
      const asked = link.request(outgoing, issuerLink.timers.requestMs);
      await this.#step(row, { type: 'handedToLine' }, request);
      const answer = await asked;
      if (answer.type === 'answered' && firstDifference(outgoing, answer.message) === undefined)
        await this.#step(
          row,
          { type: 'issuerAnswered', actionCode: answer.message.text(39) ?? '909' },
          request,
          answer.message,
        );
      else {
        if (answer.type === 'answered')
          this.#world.log('warn', 'issuerAnswerUnmatched', {
            fault: {
              code: 'ISSUER_ANSWER_UNMATCHED',
              field: firstDifference(outgoing, answer.message) ?? 0,
              facts: { sale: row.id },
            },
          });
        await this.#step(row, { type: 'issuerTimedOut' }, request);
      }
    };
    follow().catch((cause: unknown) => {
      // Nothing may be said of a sale whose outcome could not be written down: the row is still open, and the next start reverses it.
      this.#world.log('error', 'journalFailed', { sale: row.id, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      this.#give(row.id, ownAnswer(request, '911'));
    });
  }

  /** One step of a sale: rules, one commit, then what may be said. */
  async #step(row: SaleRow, event: SaleEvent, request: Message, answer?: Message): Promise<void> {
    const outStan = event.type === 'issuerTimedOut' ? await this.#numbers.next() : '';
    const stepped = await this.#journal.step(row, event, outStan, (action) =>
      action.type === 'answerFromIssuer' && answer
        ? {
            by: 'issuer',
            actionCode: textOf(answer, 39) ?? '909',
            approvalCode: textOf(answer, 38),
            answer: passedOn(request, answer),
          }
        : this.#own(request, action.type === 'answer' ? action.actionCode : '909', 'ISSUER_TIMEOUT'),
    );
    this.#afterStep(stepped);
  }

  #afterStep({ row, actions, queued }: Stepped): void {
    if (queued) {
      this.#rooms.metrics.reversalQueued(queued.origin);
      this.#world.log('warn', 'reversalQueued', { sale: row.id, reason: queued.reason });
      this.#reversals().add(queued);
    }
    if (actions.some(({ type }) => type === 'answer' || type === 'answerFromIssuer'))
      this.#give(row.id, this.#answered(row));
    else this.#publish(row);
  }

  #publish(row: SaleRow): void {
    if (!isTransitDialogue(row.kind)) this.#rooms.live.publish({ name: 'sale', data: saleLineOf(row) });
  }

  /** The stored answer of a decided sale; tells the world of the decision. */
  #answered(row: SaleRow): Uint8Array {
    if (row.answer === null || row.action_code === null) throw new Error('a sale that is not answered yet');
    this.#publish(row);
    this.#rooms.metrics.saleAnswered(
      row.state === 'approved' || row.state === 'posting' ? 'approved' : 'declined',
      row.decided_by ?? 'switch',
      row.action_code,
      Math.max(0, this.#world.clock.now() - row.received_at),
    );
    this.#world.log('info', 'saleAnswered', {
      sale: row.id,
      serial: row.serial,
      state: row.state,
      actionCode: row.action_code,
      rrn: row.rrn,
      reason: row.reason,
    });
    return row.answer;
  }

  #give(id: string, answer: Uint8Array): void {
    this.#answers.get(id)?.give(answer);
    this.#answers.delete(id);
    this.#rooms.metrics.inFlight(this.#answers.size);
  }

  async #reversal({ serial, ksn }: Asking, reversal: TerminalReversal): Promise<Reply> {
    const { message, original, stan, localTime, reason } = reversal;
    const arrival = await this.#journal.arriveReversal(
      {
        serial,
        stan,
        localTime,
        bodyTag: this.#rooms.vault.panToken(bodyDigest(message)),
        original,
        reason,
        answer: (actionCode) => ownAnswer(message, actionCode),
      },
      ksn,
      await this.#numbers.next(),
      // The sale is still out, and its terminal has given up on it: whoever waits gets a no.
      (action, sale) => ({
        by: 'switch',
        actionCode: action.type === 'answer' ? action.actionCode : '911',
        reason: 'ISSUER_TIMEOUT',
        answer: ownAnswer(
          { mti: operations[sale.kind].mti, fields: { ...message.fields, 11: sale.stan, 12: sale.local_time } },
          action.type === 'answer' ? action.actionCode : '911',
        ),
      }),
    );
    if (arrival.type === 'replay') return { answer: arrival.answer };
    if (arrival.type === 'differs') {
      const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan } });
      this.#rooms.alarm({ serial, fault });
      this.#world.log('warn', 'duplicateDiffers', { serial, fault });
      return { answer: ownAnswer(message, '913') };
    }
    if (arrival.sale && arrival.step)
      this.#afterStep({ row: arrival.sale, actions: arrival.step.actions, queued: arrival.queued });
    else {
      const { fault } = fail('SWITCH_ORIGINAL_UNKNOWN', { facts: { stan, originalStan: original.stan } });
      this.#world.log('warn', 'reversalWithoutOriginal', { serial, fault });
    }
    return { answer: arrival.answer };
  }

  /** An answer of the issuer that nobody waits for: it is journalled with its sale, and changes nothing but a queued reversal. */
  async late(message: DecodedMessage): Promise<void> {
    const outStan = message.text(11) ?? '';
    const facts = { mti: message.mti, outStan, actionCode: message.text(39) ?? '' };
    const sale =
      message.mti === '1210' || message.mti === '1110'
        ? await this.#journal.saleByOutStan(issuerLink.id, outStan, message.text(12) ?? '')
        : undefined;
    this.#world.log('warn', 'issuerAnswerUnmatched', {
      fault: { code: 'ISSUER_ANSWER_UNMATCHED', facts: { ...facts, sale: sale?.id ?? 'none' } },
    });
    if (!sale) return;
    const never = (): Decision => {
      throw new Error('a late answer answers nobody');
    };
    // A sale that is still open has its own waiter, so this one can only find it decided.
    if (sale.state === 'send-intended' || sale.state === 'sent') return;
    await this.#journal.step(sale, { type: 'issuerAnswered', actionCode: facts.actionCode }, '', never, facts);
  }

  /** After a start: every sale whose outcome nobody knows is answered 911 on file, and reversed. */
  async recover(): Promise<void> {
    for (const row of await this.#journal.openSales()) {
      const stepped = await this.#journal.step(row, { type: 'restarted' }, await this.#numbers.next(), () => {
        const image = this.#journal.imageOf(row);
        const request = { mti: image.mti, fields: { ...image.fields, 11: row.stan } };
        const decision = this.#own(request, '911', 'SWITCH_OUTCOME_UNKNOWN');
        wipe(image);
        return decision;
      });
      this.#world.log('warn', 'saleRecovered', { sale: row.id, fault: { code: 'SWITCH_OUTCOME_UNKNOWN' } });
      this.#afterStep(stepped);
    }
  }
}

const textOf = ({ fields }: Message, number: number): string | undefined => {
  const value = fields[number];
  return typeof value === 'string' ? value : undefined;
};

function withResolver(): { promise: Promise<Uint8Array>; resolve: (answer: Uint8Array) => void } {
  let resolve: (answer: Uint8Array) => void = () => undefined;
  const promise = new Promise<Uint8Array>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
