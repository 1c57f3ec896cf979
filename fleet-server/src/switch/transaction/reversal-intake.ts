import { businessDay, operations, reversalReasons } from '@tsunagu/protocols/acquiring';
import { fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Arrivals } from '../journal/arrivals.ts';
import type { Journal } from '../journal/journal.ts';
import type { SaleRow } from '../journal/written.ts';
import type { SwitchRooms } from '../ports.ts';
import type { SwitchRules } from '../rules/rules.ts';
import { bodyDigest, type TerminalReversal } from '../terminal-link/request.ts';
import type { Asking, Reply } from './asking.ts';
import { ownAnswer, ownDecision, remark } from './messages.ts';
import type { Outcomes } from './outcomes.ts';
import { nextStan, type Roads } from './roads.ts';

/** The most times a reversal looks anew for its sale, which came over another link meanwhile. */
const againMax = 3;

/**
 * Takes a reversal (1420) of whoever asked, and answers it once it is durable with all that the issuer has to hear. A person's void of what went onto a card is answered when
 * the issuer has said whether it takes it: until then 923, and whoever asked asks again under the same key.
 */
export class ReversalIntake {
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #journal: Journal;
  readonly #arrivals: Arrivals;
  readonly #rules: SwitchRules;
  readonly #roads: Roads;
  readonly #outcomes: Outcomes;
  /** Who waits for an issuer's word on a void, by sale. */
  readonly #voids = new Map<string, Set<() => void>>();

  constructor(
    world: World,
    rooms: SwitchRooms,
    journal: Journal,
    arrivals: Arrivals,
    rules: SwitchRules,
    roads: Roads,
    outcomes: Outcomes,
  ) {
    this.#world = world;
    this.#rooms = rooms;
    this.#journal = journal;
    this.#arrivals = arrivals;
    this.#rules = rules;
    this.#roads = roads;
    this.#outcomes = outcomes;
  }

  async take(asking: Asking, reversal: TerminalReversal): Promise<Reply> {
    const { key, ksn, face } = asking;
    const { message, original, stan, localTime, reason } = reversal;
    const answerOf = (actionCode: string, link?: string): Uint8Array =>
      ownAnswer(face, message, actionCode, this.#world.clock.now(), remark(this.#roads.link(link)?.link, actionCode));
    const arrived = (link: string | null) => ({
      serial: key,
      stan,
      localTime,
      bodyTag: this.#rooms.vault.panToken(bodyDigest(message)),
      original,
      reason,
      forbids: ({ scheme, link, merchant_id, issuer_day }: SaleRow, nowMs: number) => {
        const issuer = this.#roads.link(link ?? undefined);
        // What went to no issuer has no day there, and nothing to take back.
        if (reason !== reversalReasons.customerCancelled || !issuer || issuer_day === null) return undefined;
        const of = { scheme, link: issuer.link.id, merchant: merchant_id ?? '' };
        return this.#rules.contracts.judgeCancellation(of, issuer_day, businessDay(issuer.link, nowMs))?.actionCode;
      },
      answer: (actionCode: string) => answerOf(actionCode, link ?? undefined),
    });
    let hasWaited = false;
    for (let attempt = 0; attempt < againMax; attempt += 1) {
      // A trace number is taken before the commit that may need it.
      const { link = null } = (await this.#journal.saleByKey(key, original.stan, original.localTime)) ?? {};
      const arrival = await this.#arrivals.reversal(
        arrived(link),
        hasWaited ? undefined : ksn,
        { link, stan: await nextStan(this.#roads, link) },
        // The sale is still out, and whoever sent it has given up on it: whoever waits gets a no.
        (action, sale, nowMs) =>
          ownDecision(
            face,
            { mti: operations[sale.kind].mti, fields: { ...message.fields, 11: sale.stan, 12: sale.local_time } },
            action.type === 'answer' ? action.actionCode : '911',
            'ISSUER_TIMEOUT',
            nowMs,
          ),
      );
      if (arrival.type === 'again') continue;
      if (arrival.type === 'waiting') {
        const { saleId, stepped } = arrival;
        if (hasWaited) return { answer: answerOf('923') };
        const over = this.#wait(saleId, this.#roads.link(link ?? undefined)?.link.profile.timers.requestMs ?? 0);
        if (stepped)
          this.#outcomes.afterStep({ row: stepped.row, actions: stepped.step.actions, queued: stepped.queued });
        await over;
        hasWaited = true;
        continue;
      }
      if (arrival.type === 'replay') return { answer: arrival.answer };
      if (arrival.type === 'differs') {
        const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan } });
        this.#rooms.alarm({ place: asking.key, serial: asking.serial, fault });
        this.#world.log('warn', 'duplicateDiffers', { from: key, fault });
        return { answer: answerOf('913') };
      }
      if (arrival.sale && arrival.step)
        this.#outcomes.afterStep({ row: arrival.sale, actions: arrival.step.actions, queued: arrival.queued });
      else {
        const { fault } = fail('SWITCH_ORIGINAL_UNKNOWN', { facts: { stan, originalStan: original.stan } });
        this.#world.log('warn', 'reversalWithoutOriginal', { from: key, fault });
      }
      return { answer: arrival.answer };
    }
    throw new Error('a sale whose link keeps changing');
  }

  /** Whoever waits for the void of a sale looks again. */
  voidOver(sale: string): void {
    for (const look of this.#voids.get(sale) ?? []) look();
  }

  /** Resolves when the void of a sale is over, or after so many milliseconds. */
  #wait(sale: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#voids.get(sale) ?? new Set();
      this.#voids.set(sale, waiting);
      const over = (): void => {
        timer.cancel();
        waiting.delete(over);
        if (waiting.size === 0) this.#voids.delete(sale);
        resolve();
      };
      const timer = this.#world.timers.after(timeoutMs, over);
      waiting.add(over);
    });
  }
}
