import {
  backOffMs,
  businessDay,
  isAdvice,
  isRateLookUp,
  isTransitDialogue,
  operations,
  type RefusalCode,
  reversalReasons,
} from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, type Message, responseMti } from '@tsunagu/protocols/iso8583';
import { type Fault, fail, lastFour, Secret, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { DccDesk } from '../dcc/desk.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import { mismatchText, type Mismatch } from '../link/matching.ts';
import type { Advices } from '../journal/advices.ts';
import { isFenced } from '../journal/epoch.ts';
import type { Decision, Journal, ReversalRow, SaleRow, Stepped } from '../journal/journal.ts';
import type { Numbers } from '../journal/numbers.ts';
import { saleId } from '../journal/sale-id.ts';
import { saleLineOf } from '../journal/sale-line.ts';
import type { SwitchRooms } from '../ports.ts';
import { leadingDigits } from '../routing/route.ts';
import { admit } from '../rules/admission.ts';
import type { SwitchRules } from '../rules/rules.ts';
import { type StandIn, standInAdvice } from '../stand-in/stand-in.ts';
import { bodyDigest, type TerminalReversal, type TerminalSale, wipe } from '../terminal-link/request.ts';
import { Gate, isOwed } from './gate.ts';
import { firstDifference, issuerRequest, ownAnswer, passedOn, reversalImage, toldMti } from './messages.ts';
import { type Asking, type Face, terminalsOrigin } from './asking.ts';
import { isTaken, type Lane } from './store-and-forward.ts';
import type { SaleEvent } from './rules.ts';

/** What a terminal gets: an answer (ISO 8583 bytes of the terminal link), or a refusal of the frame. */
export type Reply =
  | { readonly answer: Uint8Array }
  | {
      readonly refusal: RefusalCode;
      /** Certainly nothing of it is on disk and nothing was sent on: it may be refused to whoever asks. */
      readonly isUndone?: boolean;
    };

/** The links and what goes over them, by id. */
export interface Roads {
  link(id: string | undefined): IssuerLink | undefined;
  numbers(link: string): Numbers;
  lane(link: string): Lane;
  /** How answers to a place of origin are written. */
  face(origin: string): Face;
}

/** The most times a reversal looks anew for its sale, which came over another link meanwhile. */
const againMax = 3;
/** Pauses before a step is made anew that could not be written. */
const stepAgain = { firstMs: 250, factor: 2, mostMs: 4_000 };
/** After so many attempts whoever asked has given up: from then on the outcome counts as unknown, and is taken back. */
const stepAgainMax = 6;

/** The path of one transaction: journal, route, issuer, journal, answer. */
export class Processing {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #advices: Advices;
  readonly #rules: SwitchRules;
  readonly #standIn: StandIn;
  readonly #dcc: DccDesk;
  readonly #roads: Roads;
  readonly #gate: Gate;
  /** Sales whose answer somebody waits for, by id. A repeat of the request waits here too. */
  readonly #answers = new Map<string, { readonly promise: Promise<Reply>; give(reply: Reply): void }>();
  #isStopped = false;

  constructor(
    world: World,
    rooms: SwitchRooms,
    journal: Journal,
    advices: Advices,
    rules: SwitchRules,
    standIn: StandIn,
    dcc: DccDesk,
    roads: Roads,
  ) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#advices = advices;
    this.#rules = rules;
    this.#standIn = standIn;
    this.#dcc = dcc;
    this.#roads = roads;
    this.#gate = new Gate(world.clock);
  }

  /** Requests that are being worked on. */
  get inHand(): number {
    return this.#answers.size;
  }

  /** Handles the bytes of one authentic message. */
  handle(asking: Asking, bytes: Uint8Array): Promise<Reply> {
    return this.#guarded(asking, async () => {
      const decoded = asking.face.codec.decode(bytes);
      return decoded.ok
        ? await this.#understand(asking, decoded.value)
        : await this.#unreadable(asking, decoded.partial, decoded.fault);
    });
  }

  /** Handles an authentic message. */
  handleMessage(asking: Asking, message: DecodedMessage): Promise<Reply> {
    return this.#guarded(asking, () => this.#understand(asking, message));
  }

  async #guarded(asking: Asking, work: () => Promise<Reply>): Promise<Reply> {
    try {
      return await work();
    } catch (cause) {
      this.#world.log('error', 'journalFailed', { from: asking.key, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      return { refusal: 'SWITCH_JOURNAL_FAILED', isUndone: isFenced(cause) };
    }
  }

  /** Whether the switch owes a word to whoever asks this: of what it has in hand or decided already, whatever else it cannot take now. */
  isOwed(key: string, message: DecodedMessage): boolean {
    return isOwed(message.mti) || this.#gate.letIn(gateKey(key, message));
  }

  /** A new request has to pass the gate, before anything of it is looked at: whoever is refused then has cost little. */
  async #understand(asking: Asking, decoded: DecodedMessage): Promise<Reply> {
    if (isRateLookUp(decoded.text(3)) || this.isOwed(asking.key, decoded))
      return await this.#perform(asking, decoded, () => undefined);
    const entered = this.#gate.enter(gateKey(asking.key, decoded));
    if (!entered) return await this.#busy(asking, decoded);
    try {
      return await this.#perform(asking, decoded, () => entered.durable());
    } finally {
      entered.durable();
    }
  }

  /** Nothing is kept of it but that its key was used. */
  async #busy({ key, ksn, face }: Asking, decoded: DecodedMessage): Promise<Reply> {
    this.#rooms.metrics.frameRefused('ACQUIRING_BUSY');
    if (ksn) await this.#journal.note('refused', key, ksn, { code: 'ACQUIRING_BUSY', field: '', mti: decoded.mti });
    return { answer: ownAnswer(face, decoded, '907', this.#world.clock.now()) };
  }

  /** @param durable called once a sale is in the journal */
  async #perform(asking: Asking, decoded: DecodedMessage, durable: () => void): Promise<Reply> {
    const request = asking.read(decoded);
    if (!request.ok) return await this.#unreadable(asking, decoded, request.fault);
    try {
      if (request.value.kind === 'reversal') return await this.#reversal(asking, request.value);
      return request.value.operation === 'rate'
        ? await this.#rate(asking, request.value)
        : await this.#sale(asking, request.value, durable);
    } finally {
      wipe(request.value.message);
      request.value.pan.wipe();
    }
  }

  /** What a sale would be in the currency of the card. Nothing is asked of an issuer. */
  async #rate(asking: Asking, request: TerminalSale): Promise<Reply> {
    const { operation, entry, amountMinor, pan } = request;
    const nowMs = this.#world.clock.now();
    const route = { digits: leadingDigits(pan), operation, entry, amountMinor, nowMs };
    const { first } = this.#rules.router.route({ ...route, operation: 'sale' }, () => 'ready');
    return { answer: await this.#dcc.answer(asking, request, await this.#forbidden(asking, first?.acquirer), first) };
  }

  /** 904 with whatever keys could be read, and the element in DE44; a refusal when not even the kind of message is known. */
  async #unreadable(asking: Asking, partial: DecodedMessage | undefined, fault: Fault): Promise<Reply> {
    const { key, ksn, face } = asking;
    const field = fault.field ?? '';
    this.#world.log('warn', 'messageRefused', { from: key, fault });
    this.#rooms.metrics.frameRefused(fault.code);
    await this.#journal.note('refused', key, ksn, { code: fault.code, field, mti: partial?.mti ?? '' });
    const mti = partial?.mti;
    const answered = mti !== undefined && /^1(10|12|20|22|42)[01]$/.test(mti) ? responseMti(mti) : undefined;
    if (partial === undefined || answered === undefined) return { refusal: 'ACQUIRING_MESSAGE_INVALID' };
    return { answer: ownAnswer(face, partial, '904', this.#world.clock.now(), { 44: `DE${field}` }) };
  }

  /** @param durable called once it is in the journal */
  async #sale(asking: Asking, sale: TerminalSale, durable: () => void): Promise<Reply> {
    const { key, ksn, face } = asking;
    const { message, pan } = sale;
    const now = this.#world.clock.now();
    const id = saleId(now, this.#world.id());
    const { operation, entry, amountMinor } = sale;
    const admission = admit(this.#rules, { message, pan, operation, entry, amountMinor, nowMs: now }, (name) =>
      this.#health(name),
    );
    const link = this.#roads.link(admission.link ?? admission.owner);
    // What was decided already is taken whether the issuer is there or not: it waits for it.
    const translated = await this.#translatePin(asking, message, pan, link);
    const away = this.#refusal(admission.owner, link);
    const forbidden =
      isAdvice(operation) && link
        ? undefined
        : ((await this.#forbidden(asking, admission.acquirer)) ?? admission.refusal ?? translated.refusal);
    const panToken = this.#rooms.vault.panToken(pan);
    const stoodIn =
      away && !forbidden && link && !isAdvice(operation)
        ? await this.#standIn.approve({
            state: link.isReady ? 'busy' : link.status().state === 'up' ? 'signed-off' : 'down',
            saleId: id,
            link: link.link.id,
            scheme: admission.scheme,
            operation,
            entry,
            digits: leadingDigits(pan),
            hasPin: message.fields[52] !== undefined,
            amountMinor,
            pan,
            panToken,
            merchant: textOf(message, 42)?.trim() ?? '',
          })
        : 'link-state';
    const approval = typeof stoodIn === 'object' ? stoodIn : undefined;
    const isPosting = isAdvice(operation) || approval !== undefined;
    const refusal = forbidden ?? (isPosting ? undefined : away);
    const outStan = refusal || !link ? '' : await this.#roads.numbers(link.link.id).next();
    const original = sale.original && (await this.#journal.saleByKey(key, sale.original.stan, sale.original.localTime));
    const request = issuerRequest(
      translated.message,
      asking.acquirer,
      link?.link,
      outStan,
      now,
      original && {
        mti: toldMti(original),
        stan: original.out_stan ?? original.stan,
        localTime: original.local_time,
      },
    );
    const outgoing = approval ? standInAdvice(request, approval) : request;
    const kept = {
      id,
      serial: key,
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
      origin: face.origin,
      acquirer: asking.acquirer,
      terminal_id: textOf(message, 41)?.trim() ?? null,
      merchant_id: textOf(message, 42)?.trim() ?? null,
      acquirer_day: face.dayOf(now),
      issuer_day: null,
    } as const;
    const own = (actionCode: string, reason: string | undefined): Decision =>
      this.#own(face, message, actionCode, reason, now);
    const row =
      refusal || !link
        ? {
            ...kept,
            ...this.#journal.decided(own(refusal?.actionCode ?? '908', refusal?.reason ?? 'SWITCH_ROUTE_UNKNOWN')),
          }
        : {
            ...kept,
            link: link.link.id,
            issuer_day: businessDay(link.link, now),
            out_stan: outStan,
            rrn: String(outgoing.fields[37]),
            state: isPosting ? ('posting' as const) : ('send-intended' as const),
            ...(isPosting &&
              this.#journal.decided(
                approval ? this.#stoodIn(face, message, approval.approvalCode, now) : own('900', undefined),
              )),
            image: this.#journal.sealImage(`sale/${id}`, reversalImage(outgoing)),
          };
    // Whoever repeats the request while this one is under way has to find it.
    const waiting = row.state === 'send-intended' ? this.#wait(id) : undefined;
    const refuse = (actionCode: string, reason = 'SWITCH_FOLLOW_UP_REFUSED'): Decision => own(actionCode, reason);
    const answerOf = (actionCode: string): Uint8Array => own(actionCode, undefined).answer;
    const arrival = await this.#journal
      .arriveSale(
        row,
        ksn,
        refuse,
        isPosting ? outgoing : undefined,
        // Most sales say nothing of another currency, and are stored in a commit that reads nothing.
        sale.conversion || operation === 'refund' || operation === 'completion'
          ? (commit, stored) => this.#dcc.judge(commit, stored, sale)
          : undefined,
      )
      .catch((error: unknown) => {
        this.#answers.delete(id);
        throw error;
      });
    durable();
    if (arrival.type !== 'stored') this.#answers.delete(id);
    if (approval && (arrival.type !== 'stored' || arrival.row.state !== 'posting')) await this.#standIn.release(id);
    switch (arrival.type) {
      case 'replay':
        this.#world.log('info', 'requestReplayed', { from: key, sale: arrival.row.id, stan: sale.stan });
        return { answer: this.#stored(arrival.row) ?? answerOf('923') };
      case 'in-progress':
        return (await this.#joined(asking, sale, arrival.row.id)) ?? { answer: answerOf('923') };
      case 'differs': {
        const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan: sale.stan, sale: arrival.row.id } });
        this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
        this.#world.log('warn', 'duplicateDiffers', { from: key, fault });
        return { answer: answerOf('913') };
      }
      case 'reversed-before':
        return { answer: this.#answered(arrival.row) };
      case 'stored':
        if (arrival.queued) this.#queue(arrival.queued);
        if (!waiting || !link || arrival.row.answer !== null) {
          this.#answers.delete(id);
          return { answer: this.#answered(arrival.row) };
        }
        this.#publish(arrival.row);
        this.#send(face, arrival.row, message, outgoing, link);
        return await waiting;
    }
  }

  /**
   * What whoever asked first is told. The answer may have been written in the commit that found the request in progress: then nobody waits for it any more, and
   * it is on file. Undefined: the outcome is not known yet, and nobody works on it before it is found again.
   */
  async #joined({ key }: Asking, { stan, localTime }: TerminalSale, id: string): Promise<Reply | undefined> {
    const first = this.#answers.get(id);
    if (first) return await first.promise;
    const row = await this.#journal.saleByKey(key, stan, localTime);
    const answer = row && this.#stored(row);
    return answer ? { answer } : undefined;
  }

  /** The request with its PIN under the key of the link. Neither PIN nor the key that it came under is ever in here. */
  async #translatePin(
    asking: Asking,
    message: Message,
    pan: Secret<'pan'>,
    link: IssuerLink | undefined,
  ): Promise<{
    readonly message: Message;
    readonly refusal?: { readonly actionCode: string; readonly reason: string };
  }> {
    const block = message.fields[52];
    if (!(block instanceof Secret) || !link) return { message };
    const clear = block.use((bytes) => Uint8Array.from(bytes));
    const translated = await asking.translatePin(link.pinKey, clear, pan);
    const { 52: _theirs, ...fields } = message.fields;
    if (translated.ok)
      return { message: { mti: message.mti, fields: { ...fields, 52: Secret.take('pin', translated.value) } } };
    this.#world.log('warn', 'pinNotTranslated', { from: asking.key, fault: translated.fault });
    return { message: { mti: message.mti, fields }, refusal: { actionCode: '126', reason: 'PINBLOCK_UNREADABLE' } };
  }

  /** A terminal whose state of life does not permit sales makes none, nor one that asks under other keys than those for the card; what it decided before that is taken still. */
  async #forbidden(
    asking: Asking,
    acquirer: string | undefined,
  ): Promise<{ readonly actionCode: string; readonly reason: string } | undefined> {
    if (!(await asking.maySell())) return { actionCode: '120', reason: 'LIFECYCLE_FORBIDS' };
    if (await asking.isUnderKeysOf(acquirer)) return undefined;
    const { fault } = fail('ACQUIRING_ACQUIRER_KEY', { facts: { acquirer: acquirer ?? 'none' } });
    this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
    return { actionCode: '917', reason: fault.code };
  }

  /** Why the switch says no by itself before anything is sent. */
  #refusal(
    route: string | undefined,
    link: IssuerLink | undefined,
  ): { readonly actionCode: string; readonly reason: string } | undefined {
    if (route === undefined) return { actionCode: '908', reason: 'SWITCH_ROUTE_UNKNOWN' };
    if (link === undefined || link.status().state === 'down') return { actionCode: '912', reason: 'ISSUER_LINK_DOWN' };
    // Connected, and signed off. ISO 8583:1993, A.1.
    if (!link.isReady) return { actionCode: '910', reason: 'ISSUER_LINK_DOWN' };
    return link.inFlight >= link.link.inFlightMax ? { actionCode: '907', reason: 'ACQUIRING_BUSY' } : undefined;
  }

  #health(id: string): 'ready' | 'down' | undefined {
    const link = this.#roads.link(id);
    return link && (link.isReady && link.inFlight < link.link.inFlightMax ? 'ready' : 'down');
  }

  /** The answer to what was approved in the issuer's place. */
  #stoodIn(face: Face, request: Message, approvalCode: string, nowMs: number): Decision {
    const answer = ownAnswer(face, request, '000', nowMs, { 38: approvalCode });
    return { by: 'switch', actionCode: '000', approvalCode, answer };
  }

  #own(face: Face, request: Message, actionCode: string, reason: string | undefined, nowMs: number): Decision {
    return { by: 'switch', actionCode, reason, answer: ownAnswer(face, request, actionCode, nowMs) };
  }

  #queue(row: ReversalRow): void {
    if (row.link !== null) this.#roads.lane(row.link).add(row);
  }

  #wait(id: string): Promise<Reply> {
    const { promise, resolve } = withResolver();
    this.#answers.set(id, { promise, give: resolve });
    this.#rooms.metrics.inFlight(this.#answers.size);
    return promise;
  }

  /** Sends what is durable, and follows it to its end. The answer goes to whoever waits for the sale. */
  #send(face: Face, row: SaleRow, request: Message, outgoing: Message, link: IssuerLink): void {
    const follow = async (): Promise<void> => {
      const answer = await link.request(outgoing, link.link.profile.timers.requestMs);
      if (answer.type === 'answered' && firstDifference(link.link, outgoing, answer.message) === undefined)
        await this.#step(
          face,
          row,
          { type: 'issuerAnswered', actionCode: answer.message.text(39) ?? '909', day: answer.message.text(28) },
          request,
          answer.message,
        );
      else {
        if (answer.type === 'answered')
          this.#world.log('warn', 'issuerAnswerUnmatched', {
            fault: {
              code: 'ISSUER_ANSWER_UNMATCHED',
              field: firstDifference(link.link, outgoing, answer.message) ?? 0,
              facts: { sale: row.id },
            },
          });
        await this.#step(face, row, { type: 'issuerTimedOut' }, request);
      }
    };
    follow().catch((cause: unknown) => {
      // The step itself is made anew until it is on disk; what is left is a fault of ours, and nothing may be said of the outcome.
      this.#world.log('error', 'journalFailed', { sale: row.id, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
      this.#give(row.id, { refusal: 'SWITCH_JOURNAL_FAILED' });
    });
  }

  /**
   * One step of a sale that went out. A commit that failed may have been kept all the same, or not: until the step is on disk nothing is said of the
   * outcome, and what is said then is what is on disk.
   */
  async #step(face: Face, row: SaleRow, event: SaleEvent, request: Message, answer?: Message): Promise<void> {
    for (let attempt = 0; ; attempt += 1)
      try {
        if (attempt < stepAgainMax) return await this.#stepOnce(face, row, event, request, answer);
        return await this.#stepOnce(face, row, { type: 'issuerTimedOut' }, request);
      } catch (cause) {
        if (this.#isStopped || isFenced(cause)) throw cause;
        this.#world.log('error', 'journalFailed', { sale: row.id, fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
        await this.#world.timers.sleep(backOffMs(stepAgain, attempt));
      }
  }

  /** One step of a sale: rules, one commit, then what may be said. */
  async #stepOnce(face: Face, row: SaleRow, event: SaleEvent, request: Message, answer?: Message): Promise<void> {
    const outStan = event.type === 'issuerTimedOut' ? await this.#nextStan(row.link) : '';
    const stepped = await this.#journal.step(row, event, outStan, (action, { id }, nowMs) =>
      action.type === 'answerFromIssuer' && answer
        ? {
            by: 'issuer',
            actionCode: textOf(answer, 39) ?? '909',
            approvalCode: textOf(answer, 38),
            answer: this.#kept({ id, kind: row.kind }, passedOn(face, request, answer, nowMs)),
          }
        : this.#own(face, request, action.type === 'answer' ? action.actionCode : '909', 'ISSUER_TIMEOUT', nowMs),
    );
    this.#afterStep(stepped);
  }

  /** A trace number of the link that a transaction went over. */
  async #nextStan(link: string | null): Promise<string> {
    return link === null ? '' : await this.#roads.numbers(link).next();
  }

  #afterStep({ row, actions, queued }: Stepped): void {
    if (queued) {
      this.#rooms.metrics.reversalQueued(queued.origin);
      this.#world.log('warn', 'reversalQueued', { sale: row.id, reason: queued.reason });
      this.#queue(queued);
    }
    if (actions.some(({ type }) => type === 'answer' || type === 'answerFromIssuer'))
      this.#give(row.id, { answer: this.#answered(row) });
    // It was decided before, in a commit of which nobody heard: whoever still waits gets what is on disk.
    else if (row.answer !== null && this.#answers.has(row.id)) this.#give(row.id, { answer: this.#answered(row) });
    else this.#publish(row);
  }

  #publish(row: SaleRow): void {
    // The live feed is of terminals; what centres ask is found in the journal.
    if (row.origin === terminalsOrigin && !isTransitDialogue(row.kind))
      this.#rooms.live.publish({ name: 'sale', data: saleLineOf(row, this.#dcc.lately(row.id)) });
  }

  /** An answer as it is stored. What an issuer says to a validity check may be a card number: that stands in the journal sealed. */
  #kept({ id, kind }: Pick<SaleRow, 'id' | 'kind'>, answer: Uint8Array): Uint8Array {
    if (kind !== 'validity') return answer;
    const sealed = this.#rooms.vault.seal(`switch/answer/${id}`, answer);
    answer.fill(0);
    return sealed;
  }

  /** The answer that was stored, as it goes out. */
  #stored({ id, kind, decided_by, answer }: SaleRow): Uint8Array | null {
    return answer !== null && kind === 'validity' && decided_by === 'issuer'
      ? unwrap(this.#rooms.vault.open(`switch/answer/${id}`, answer))
      : answer;
  }

  /** The stored answer of a decided sale; tells the world of the decision. */
  #answered(row: SaleRow): Uint8Array {
    const answer = this.#stored(row);
    if (answer === null || row.action_code === null) throw new Error('a sale that is not answered yet');
    this.#publish(row);
    this.#rooms.metrics.saleAnswered(
      row.state === 'approved' || row.state === 'posting' ? 'approved' : 'declined',
      row.decided_by ?? 'switch',
      row.action_code,
      Math.max(0, this.#world.clock.now() - row.received_at),
    );
    // The journal has it; a line for each is for whoever wants to see them pass.
    this.#world.log('debug', 'saleAnswered', {
      sale: row.id,
      serial: row.serial,
      state: row.state,
      actionCode: row.action_code,
      rrn: row.rrn,
      reason: row.reason,
    });
    return answer;
  }

  #give(id: string, reply: Reply): void {
    this.#answers.get(id)?.give(reply);
    this.#answers.delete(id);
    this.#rooms.metrics.inFlight(this.#answers.size);
  }

  async #reversal(asking: Asking, reversal: TerminalReversal): Promise<Reply> {
    const { key, ksn, face } = asking;
    const { message, original, stan, localTime, reason } = reversal;
    const answerOf = (actionCode: string): Uint8Array => ownAnswer(face, message, actionCode, this.#world.clock.now());
    const arrived = {
      serial: key,
      stan,
      localTime,
      bodyTag: this.#rooms.vault.panToken(bodyDigest(message)),
      original,
      reason,
      forbids: ({ scheme, link, merchant_id, received_at }: SaleRow, nowMs: number) =>
        reason === reversalReasons.customerCancelled
          ? this.#rules.contracts.judgeCancellation(
              { scheme, link: link ?? '', merchant: merchant_id ?? '' },
              received_at,
              nowMs,
            )?.actionCode
          : undefined,
      answer: answerOf,
    };
    for (let attempt = 0; attempt < againMax; attempt += 1) {
      // A trace number is taken before the commit that may need it.
      const { link = null } = (await this.#journal.saleByKey(key, original.stan, original.localTime)) ?? {};
      const arrival = await this.#journal.arriveReversal(
        arrived,
        ksn,
        { link, stan: await this.#nextStan(link) },
        // The sale is still out, and whoever sent it has given up on it: whoever waits gets a no.
        (action, sale, nowMs) =>
          this.#own(
            face,
            { mti: operations[sale.kind].mti, fields: { ...message.fields, 11: sale.stan, 12: sale.local_time } },
            action.type === 'answer' ? action.actionCode : '911',
            'ISSUER_TIMEOUT',
            nowMs,
          ),
      );
      if (arrival.type === 'again') continue;
      if (arrival.type === 'replay') return { answer: arrival.answer };
      if (arrival.type === 'differs') {
        const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan } });
        this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
        this.#world.log('warn', 'duplicateDiffers', { from: key, fault });
        return { answer: answerOf('913') };
      }
      if (arrival.sale && arrival.step)
        this.#afterStep({ row: arrival.sale, actions: arrival.step.actions, queued: arrival.queued });
      else {
        const { fault } = fail('SWITCH_ORIGINAL_UNKNOWN', { facts: { stan, originalStan: original.stan } });
        this.#world.log('warn', 'reversalWithoutOriginal', { from: key, fault });
      }
      return { answer: arrival.answer };
    }
    throw new Error('a sale whose link keeps changing');
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

  /** Takes no step anew any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** After a start, or a commit that failed and may have been kept: every sale that is open and that nobody works on is answered 911 on file, and reversed. */
  async recover(): Promise<void> {
    for (const row of await this.#journal.openSales()) {
      if (this.#answers.has(row.id)) continue;
      const stepped = await this.#journal.step(
        row,
        { type: 'restarted' },
        await this.#nextStan(row.link),
        (_action, _row, nowMs) => {
          const image = this.#journal.imageOf(row);
          const request = { mti: image.mti, fields: { ...image.fields, 11: row.stan } };
          const decision = this.#own(this.#roads.face(row.origin), request, '911', 'SWITCH_OUTCOME_UNKNOWN', nowMs);
          wipe(image);
          return decision;
        },
      );
      this.#world.log('warn', 'saleRecovered', { sale: row.id, fault: { code: 'SWITCH_OUTCOME_UNKNOWN' } });
      this.#afterStep(stepped);
    }
  }
}

/** What a request and its repeats have in common. */
const gateKey = (key: string, message: DecodedMessage): string =>
  `${message.text(11) ?? ''} ${message.text(12) ?? ''} ${key}`;

const textOf = ({ fields }: Message, number: number): string | undefined => {
  const value = fields[number];
  return typeof value === 'string' ? value : undefined;
};

function withResolver(): { promise: Promise<Reply>; resolve: (reply: Reply) => void } {
  let resolve: (reply: Reply) => void = () => undefined;
  const promise = new Promise<Reply>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
