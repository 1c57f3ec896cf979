import { businessDay, carriesPins, type Hours, isAdvice, lumpSum } from '@tsunagu/protocols/acquiring';
import { type Message, textOf } from '@tsunagu/protocols/iso8583';
import { fail, lastFour, Secret } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { DccDesk } from '../dcc/desk.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Arrivals } from '../journal/arrivals.ts';
import type { Facts } from '../journal/commit.ts';
import type { Decision, Journal } from '../journal/journal.ts';
import { saleId } from '../journal/sale-id.ts';
import type { SaleRow } from '../journal/written.ts';
import type { SwitchRooms } from '../ports.ts';
import { leadingDigits } from '../routing/route.ts';
import { type Admission, admit } from '../rules/admission.ts';
import type { SwitchRules } from '../rules/rules.ts';
import { type StandIn, standInAdvice, type StoodIn } from '../stand-in/stand-in.ts';
import { bodyDigest, type TerminalSale } from '../terminal-link/request.ts';
import type { Asking, Face, Reply } from './asking.ts';
import type { IssuerLeg } from './issuer-leg.ts';
import { issuerRequest, ownAnswer, ownDecision, remark, reversalImage, toldMti } from './messages.ts';
import type { Outcomes } from './outcomes.ts';
import type { Roads } from './roads.ts';

/** A sale as the switch is about to take it. */
interface Judged {
  readonly admission: Admission;
  readonly link: IssuerLink | undefined;
  /** The request with its PIN under the key of the link. */
  readonly translated: Message;
  readonly panToken: string;
  /** It is approved in the place of an issuer that is away. */
  readonly approval: StoodIn | undefined;
  /** It is decided, and goes to the issuer as an advice. */
  readonly isPosting: boolean;
  readonly refusal: Refusal | undefined;
}

/** A no of the switch itself. */
interface Refusal {
  readonly actionCode: string;
  /** Code of the error table. */
  readonly reason: string;
  /** The element that it is about. */
  readonly element?: number | undefined;
  /** When it would not be refused. */
  readonly hours?: Hours | undefined;
}

/** One link may bring what another cannot carry: that is known before anything is written, and not when money is under way. */
function unsaid({ link }: IssuerLink, outgoing: Message): Refusal | undefined {
  const written = link.codec.encode(outgoing);
  if (!written.ok) return { actionCode: '904', reason: written.fault.code, element: Number(written.fault.field) };
  written.value.fill(0);
  return undefined;
}

/** Takes a request or advice: rules, route, stand-in, the journal, and only then the issuer. */
export class SaleIntake {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #arrivals: Arrivals;
  readonly #rules: SwitchRules;
  readonly #standIn: StandIn;
  readonly #dcc: DccDesk;
  readonly #roads: Roads;
  readonly #outcomes: Outcomes;
  readonly #leg: IssuerLeg;

  constructor(
    world: World,
    rooms: SwitchRooms,
    journal: Journal,
    arrivals: Arrivals,
    rules: SwitchRules,
    standIn: StandIn,
    dcc: DccDesk,
    roads: Roads,
    outcomes: Outcomes,
    leg: IssuerLeg,
  ) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#arrivals = arrivals;
    this.#rules = rules;
    this.#standIn = standIn;
    this.#dcc = dcc;
    this.#roads = roads;
    this.#outcomes = outcomes;
    this.#leg = leg;
  }

  /**
   * @param durable called once it is in the journal
   * @param isWide it has characters that only a link takes whose profile allows them
   */
  async take(asking: Asking, sale: TerminalSale, durable: () => void, isWide: boolean): Promise<Reply> {
    const now = this.#world.clock.now();
    const id = saleId(now, this.#world.id());
    const judged = await this.#judge(asking, sale, id, now);
    try {
      return await this.#perform(asking, sale, durable, isWide, id, now, judged);
    } finally {
      if (judged.approval) this.#standIn.left(id);
    }
  }

  async #perform(
    asking: Asking,
    sale: TerminalSale,
    durable: () => void,
    isWide: boolean,
    id: string,
    now: number,
    judged: Judged,
  ): Promise<Reply> {
    const { key, ksn, face } = asking;
    const { message } = sale;
    const { link, approval, isPosting } = judged;
    const { row, outgoing } = await this.#written(asking, sale, id, now, judged, isWide);
    // Whoever repeats the request while this one is under way has to find it.
    const waiting = row.state === 'send-intended' ? this.#outcomes.wait(id) : undefined;
    const arrival = await this.#arrivals
      .sale(
        row,
        ksn,
        (actionCode, reason = 'SWITCH_FOLLOW_UP_REFUSED') =>
          ownDecision(face, message, actionCode, reason, now, remark(link?.link, actionCode)),
        isPosting && row.state === 'posting' ? outgoing : undefined,
        // Most sales say nothing of another currency, and are stored in a commit that reads nothing.
        sale.conversion || sale.operation === 'refund' || sale.operation === 'completion'
          ? (commit, stored) => this.#dcc.judge(commit, stored, sale)
          : undefined,
        toldOf(message, judged.admission),
      )
      .catch((error: unknown) => {
        this.#outcomes.forget(id);
        throw error;
      });
    durable();
    if (arrival.type !== 'stored') this.#outcomes.forget(id);
    if (approval && (arrival.type !== 'stored' || arrival.row.state !== 'posting')) await this.#standIn.release(id);
    const answerOf = (actionCode: string): Reply => ({ answer: ownAnswer(face, message, actionCode, now) });
    switch (arrival.type) {
      case 'replay': {
        this.#world.log('info', 'requestReplayed', { from: key, sale: arrival.row.id, stan: sale.stan });
        const answer = this.#outcomes.stored(arrival.row);
        return answer ? { answer } : answerOf('923');
      }
      case 'in-progress':
        return (await this.#outcomes.joined(asking, sale, arrival.row.id)) ?? answerOf('923');
      case 'differs': {
        const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan: sale.stan, sale: arrival.row.id } });
        this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
        this.#world.log('warn', 'duplicateDiffers', { from: key, fault });
        return answerOf('913');
      }
      case 'reversed-before':
        return { answer: this.#outcomes.answered(arrival.row) };
      case 'stored':
        if (arrival.queued) this.#outcomes.queue(arrival.queued);
        if (!waiting || !link || arrival.row.answer !== null) {
          this.#outcomes.forget(id);
          return { answer: this.#outcomes.answered(arrival.row) };
        }
        this.#outcomes.publish(arrival.row);
        this.#leg.send(face, arrival.row, message, outgoing, link);
        return await waiting;
    }
  }

  /** What is to become of it, before anything is written. */
  async #judge(asking: Asking, sale: TerminalSale, id: string, nowMs: number): Promise<Judged> {
    const { message, pan, operation, entry, amountMinor } = sale;
    const admission = admit(this.#rules, { message, pan, operation, entry, amountMinor, nowMs }, (name) =>
      this.#health(name),
    );
    const link = this.#roads.link(admission.link ?? admission.owner);
    // What was decided already is taken whether the issuer is there or not: it waits for it.
    const translated = await this.#translatePin(asking, message, pan, link);
    const away = this.#away(admission.owner, link);
    const forbidden =
      isAdvice(operation) && link
        ? undefined
        : ((await this.forbidden(asking, admission.acquirer)) ?? admission.refusal ?? translated.refusal);
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
    return { admission, link, translated: translated.message, panToken, approval, isPosting, refusal };
  }

  /** Its row in the journal, and what the issuer is sent. */
  async #written(
    { key, face, acquirer }: Asking,
    sale: TerminalSale,
    id: string,
    now: number,
    { admission, link, translated, panToken, approval, isPosting, refusal }: Judged,
    isWide: boolean,
  ): Promise<{ readonly row: SaleRow; readonly outgoing: Message }> {
    const { message, pan } = sale;
    const outStan = refusal || !link ? '' : await this.#roads.numbers(link.link.id).next();
    const original = sale.original && (await this.#journal.saleByKey(key, sale.original.stan, sale.original.localTime));
    const request = issuerRequest(
      translated,
      acquirer,
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
    const no = refusal ?? (link && isWide ? unsaid(link, outgoing) : undefined);
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
      acquirer,
      terminal_id: textOf(message, 41)?.trim() ?? null,
      merchant_id: textOf(message, 42)?.trim() ?? null,
      acquirer_day: face.dayOf(now),
      issuer_day: null,
    } as const;
    if (no || !link) {
      const { actionCode, reason, element, hours }: Refusal = no ?? {
        actionCode: '908',
        reason: 'SWITCH_ROUTE_UNKNOWN',
      };
      const about = remark(link?.link, actionCode, { element, hours });
      const decision = ownDecision(face, message, actionCode, reason, now, about);
      return { row: { ...kept, ...this.#journal.decided(decision) }, outgoing };
    }
    const decision = approval
      ? stoodInDecision(face, message, approval.approvalCode, now)
      : isPosting
        ? ownDecision(face, message, '900', undefined, now)
        : undefined;
    const row: SaleRow = {
      ...kept,
      link: link.link.id,
      issuer_day: businessDay(link.link, now),
      out_stan: outStan,
      rrn: String(outgoing.fields[37]),
      state: decision ? 'posting' : 'send-intended',
      ...(decision && this.#journal.decided(decision)),
      image: this.#journal.images.ofSale(id, reversalImage(outgoing)),
    };
    return { row, outgoing };
  }

  /** The request with its PIN under the key of the link. Neither PIN nor the key that it came under is ever in here. */
  async #translatePin(
    asking: Asking,
    message: Message,
    pan: Secret<'pan'>,
    link: IssuerLink | undefined,
  ): Promise<{
    readonly message: Message;
    readonly refusal?: Refusal;
  }> {
    const block = message.fields[52];
    if (!(block instanceof Secret) || !link) return { message };
    const { 52: _theirs, ...fields } = message.fields;
    if (!carriesPins(link.link)) {
      const { fault } = fail('LINK_WITHOUT_PINS', { facts: { link: link.link.id } });
      this.#rooms.alarm({ place: link.link.id, serial: undefined, fault });
      return { message: { mti: message.mti, fields }, refusal: { actionCode: '115', reason: fault.code } };
    }
    const clear = block.use((bytes) => Uint8Array.from(bytes));
    const translated = await asking.translatePin(link.pinKey, clear, pan);
    if (translated.ok)
      return { message: { mti: message.mti, fields: { ...fields, 52: Secret.take('pin', translated.value) } } };
    this.#world.log('warn', 'pinNotTranslated', { from: asking.key, fault: translated.fault });
    return { message: { mti: message.mti, fields }, refusal: { actionCode: '126', reason: 'PINBLOCK_UNREADABLE' } };
  }

  /** A terminal whose state of life does not permit sales makes none, nor one that asks under other keys than those for the card; what it decided before that is taken still. */
  async forbidden(asking: Asking, acquirer: string | undefined): Promise<Refusal | undefined> {
    if (!(await asking.maySell())) return { actionCode: '120', reason: 'LIFECYCLE_FORBIDS' };
    if (await asking.isUnderKeysOf(acquirer)) return undefined;
    const { fault } = fail('ACQUIRING_ACQUIRER_KEY', { facts: { acquirer: acquirer ?? 'none' } });
    this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
    return { actionCode: '917', reason: fault.code };
  }

  /** Why the switch says no by itself before anything is sent. */
  #away(route: string | undefined, link: IssuerLink | undefined): Refusal | undefined {
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
}

/** What the journal says of its arrival: how it is paid (DE48) where that is not at once, and what of its contract forbids it. */
const toldOf = (message: Message, { method, refusal }: Admission): Facts => ({
  ...(method && method.code !== lumpSum.code && { paymentMethod: textOf(message, 48) ?? '' }),
  ...(refusal?.contract && { contract: refusal.contract }),
});

/** The answer to what was approved in the issuer's place. */
const stoodInDecision = (face: Face, request: Message, approvalCode: string, nowMs: number): Decision => ({
  by: 'switch',
  actionCode: '000',
  approvalCode,
  answer: ownAnswer(face, request, '000', nowMs, { 38: approvalCode }),
});
