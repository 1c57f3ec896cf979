import { isRateLookUp } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, responseMti } from '@tsunagu/protocols/iso8583';
import type { Fault } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { DccDesk } from '../dcc/desk.ts';
import type { Advices } from '../journal/advices.ts';
import { Arrivals } from '../journal/arrivals.ts';
import { isFenced } from '../journal/epoch.ts';
import type { Journal } from '../journal/journal.ts';
import type { Mismatch } from '../link/matching.ts';
import type { SwitchRooms } from '../ports.ts';
import { leadingDigits } from '../routing/route.ts';
import type { SwitchRules } from '../rules/rules.ts';
import type { StandIn } from '../stand-in/stand-in.ts';
import { type TerminalSale, wipe } from '../terminal-link/request.ts';
import type { Asking, Reply } from './asking.ts';
import { Gate, isOwed } from './gate.ts';
import { IssuerLeg } from './issuer-leg.ts';
import { ownAnswer } from './messages.ts';
import { Outcomes } from './outcomes.ts';
import { ReversalIntake } from './reversal-intake.ts';
import type { Roads } from './roads.ts';
import { SaleIntake } from './sale-intake.ts';

/** The path of one message of whoever asks: read, past the gate, to whoever takes its kind. */
export class Processing {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #rules: SwitchRules;
  readonly #standIn: StandIn;
  readonly #dcc: DccDesk;
  readonly #outcomes: Outcomes;
  readonly #leg: IssuerLeg;
  readonly #sales: SaleIntake;
  readonly #reversals: ReversalIntake;
  readonly #gate: Gate;

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
    const arrivals = new Arrivals(world, journal);
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#rules = rules;
    this.#standIn = standIn;
    this.#dcc = dcc;
    this.#outcomes = new Outcomes(world, rooms, journal, dcc, roads);
    this.#leg = new IssuerLeg(world, rooms, journal, advices, roads, this.#outcomes);
    this.#sales = new SaleIntake(
      world,
      rooms,
      journal,
      arrivals,
      rules,
      standIn,
      dcc,
      roads,
      this.#outcomes,
      this.#leg,
    );
    this.#reversals = new ReversalIntake(world, rooms, journal, arrivals, rules, roads, this.#outcomes);
    this.#gate = new Gate(world.clock);
  }

  /** Requests that are being worked on. */
  get inHand(): number {
    return this.#outcomes.inHand;
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
    const key = gateKey(asking.key, decoded);
    if (isRateLookUp(decoded.text(3)) || isOwed(decoded.mti) || this.#gate.letIn(key))
      return await this.#perform(asking, decoded, () => undefined);
    const entered = this.#gate.enter(key);
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
      if (request.value.kind === 'reversal') return await this.#reversals.take(asking, request.value);
      return request.value.operation === 'rate'
        ? await this.#rate(asking, request.value)
        : await this.#sales.take(asking, request.value, durable, decoded.leniencies.includes('ans-8bit'));
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
    return {
      answer: await this.#dcc.answer(asking, request, await this.#sales.forbidden(asking, first?.acquirer), first),
    };
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

  /** An answer of an issuer that nobody waits for. */
  late(link: string, message: DecodedMessage, why: Mismatch): Promise<void> {
    return this.#leg.late(link, message, why);
  }

  /** The issuer has said what it thinks of a reversal, and it is on disk: whoever waits for it is told. */
  voidOver(sale: string): void {
    this.#reversals.voidOver(sale);
  }

  /** After a start, or a commit that failed and may have been kept: what is open, and nobody works on, is answered on file and reversed. */
  async recover(): Promise<void> {
    await this.#leg.recover();
    await this.#standIn.releaseLost();
  }

  /** Takes no step anew any more. */
  stop(): void {
    this.#leg.stop();
  }
}

/** What a request and its repeats have in common. */
const gateKey = (key: string, message: DecodedMessage): string =>
  `${message.text(11) ?? ''} ${message.text(12) ?? ''} ${key}`;
