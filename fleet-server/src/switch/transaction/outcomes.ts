import { isTransitDialogue } from '@tsunagu/protocols/acquiring';
import { PassingMap, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { DccDesk } from '../dcc/desk.ts';
import type { Journal, Stepped } from '../journal/journal.ts';
import { saleLineOf } from '../journal/sale-line.ts';
import type { ReversalRow } from '../journal/tables.ts';
import type { SaleRow } from '../journal/written.ts';
import type { SwitchRooms } from '../ports.ts';
import type { TerminalSale } from '../terminal-link/request.ts';
import { type Asking, type Reply, terminalsOrigin } from './asking.ts';
import type { Roads } from './roads.ts';

/** What becomes known of sales, and who is told: whoever waits for the answer, the live feed, the metrics. Only what is on disk is ever told. */
export class Outcomes {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #dcc: DccDesk;
  readonly #roads: Roads;
  /** Sales whose answer somebody waits for, by id. A repeat of the request waits here too. */
  readonly #answers = new PassingMap<string, { readonly promise: Promise<Reply>; give(reply: Reply): void }>();

  constructor(world: World, rooms: SwitchRooms, journal: Journal, dcc: DccDesk, roads: Roads) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#dcc = dcc;
    this.#roads = roads;
  }

  /** Sales whose answer somebody waits for. */
  get inHand(): number {
    return this.#answers.size;
  }

  /** Whether somebody waits for the answer to a sale. */
  isAwaited(id: string): boolean {
    return this.#answers.has(id);
  }

  /** Resolves with the answer to a sale, once it is given. */
  wait(id: string): Promise<Reply> {
    const { promise, resolve } = withResolver();
    this.#answers.set(id, { promise, give: resolve });
    this.#rooms.metrics.inFlight(this.#answers.size);
    return promise;
  }

  /** Nobody waits any more: what they are told is on file. */
  forget(id: string): void {
    this.#answers.delete(id);
  }

  /**
   * What whoever asked first is told. The answer may have been written in the commit that found the request in progress: then nobody waits for it any more, and
   * it is on file. Undefined: the outcome is not known yet, and nobody works on it before it is found again.
   */
  async joined({ key }: Asking, { stan, localTime }: TerminalSale, id: string): Promise<Reply | undefined> {
    const first = this.#answers.get(id);
    if (first) return await first.promise;
    const row = await this.#journal.saleByKey(key, stan, localTime);
    const answer = row && this.stored(row);
    return answer ? { answer } : undefined;
  }

  /** Tells whoever waits. */
  give(id: string, reply: Reply): void {
    this.#answers.get(id)?.give(reply);
    this.#answers.delete(id);
    this.#rooms.metrics.inFlight(this.#answers.size);
  }

  /** What a step was written down with is done: its reversal is queued, and whoever waits is told. */
  afterStep({ row, actions, queued }: Stepped): void {
    if (queued) {
      this.#rooms.metrics.reversalQueued(queued.origin);
      this.#world.log('warn', 'reversalQueued', { sale: row.id, reason: queued.reason });
      this.queue(queued);
    }
    if (actions.some(({ type }) => type === 'answer' || type === 'answerFromIssuer'))
      this.give(row.id, { answer: this.answered(row) });
    // It was decided before, in a commit of which nobody heard: whoever still waits gets what is on disk.
    else if (row.answer !== null && this.#answers.has(row.id)) this.give(row.id, { answer: this.answered(row) });
    else this.publish(row);
  }

  /** Hands an advice that is durable to the lane of its link. */
  queue(row: ReversalRow): void {
    if (row.link !== null) this.#roads.lane(row.link).add(row);
  }

  /** Shows a sale as it is now in the live feed. */
  publish(row: SaleRow): void {
    // The live feed is of terminals; what centres ask is found in the journal.
    if (row.origin === terminalsOrigin && !isTransitDialogue(row.kind))
      this.#rooms.live.publish({ name: 'sale', data: saleLineOf(row, this.#dcc.lately(row.id)) });
  }

  /** An answer as it is stored. What an issuer says to a validity check may be a card number: that stands in the journal sealed. */
  kept({ id, kind }: Pick<SaleRow, 'id' | 'kind'>, answer: Uint8Array): Uint8Array {
    if (kind !== 'validity') return answer;
    const sealed = this.#rooms.vault.seal(`switch/answer/${id}`, answer);
    answer.fill(0);
    return sealed;
  }

  /** The answer that was stored, as it goes out. */
  stored({ id, kind, decided_by, answer }: SaleRow): Uint8Array | null {
    return answer !== null && kind === 'validity' && decided_by === 'issuer'
      ? unwrap(this.#rooms.vault.open(`switch/answer/${id}`, answer))
      : answer;
  }

  /** The stored answer of a decided sale; tells the world of the decision. */
  answered(row: SaleRow): Uint8Array {
    const answer = this.stored(row);
    if (answer === null || row.action_code === null) throw new Error('a sale that is not answered yet');
    this.publish(row);
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
}

function withResolver(): { promise: Promise<Reply>; resolve: (reply: Reply) => void } {
  let resolve: (reply: Reply) => void = () => undefined;
  const promise = new Promise<Reply>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
