import { backOffMs } from '@tsunagu/protocols/acquiring';
import type { Fault } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { isTemporary } from './action-codes.ts';
import { neverLeaves, readAnswer } from './answer.ts';
import type { SecurePart } from '../secure/index.ts';
import type { ReversalQueue } from './ports.ts';
import type { ReversalImage } from './reversal-image.ts';
import { reversalMessage } from './reversal-message.ts';

const pauses = { firstMs: 2_000, factor: 2, mostMs: 60_000 } as const;
/** Where the switch does not let this terminal in, people have to act before anything gets through; a sale that is tried asks at once. */
export const turnedAwayMs = 900_000;
const answerMs = 10_000;

/** Action codes (DE39) after which a reversal is done: accepted, already known (913), or nothing there to reverse (914). */
const isSettled = (actionCode: string): boolean => /^(0\d\d|4\d\d|90[01]|91[34])$/.test(actionCode);

/** What the sender tells of. */
export interface ReversalListener {
  /** A reversal can never be settled, and was put aside. */
  refused(reversal: ReversalImage, actionCode: string | undefined): Promise<void>;
}

/**
 * Sends kept reversals until each is acknowledged, the oldest first, with growing pauses, across any number of power losses. One that is
 * not settled keeps no other from going; one that never will be is put aside. The one of a sale that still runs is held back.
 */
export class ReversalSender {
  readonly #world: World;
  readonly #line: Pick<SecurePart, 'exchange'>;
  readonly #queue: ReversalQueue;
  readonly #listener: ReversalListener;
  readonly #held = new Set<string>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #isWoken = false;
  #isClosed = false;

  constructor(world: World, line: Pick<SecurePart, 'exchange'>, queue: ReversalQueue, listener: ReversalListener) {
    this.#world = world;
    this.#line = line;
    this.#queue = queue;
    this.#listener = listener;
  }

  /** Keeps a reversal from being sent while its sale runs. */
  hold(id: string): void {
    this.#held.add(id);
  }

  /** Lets it go: what is still in the queue is due. */
  release(id: string): void {
    this.#held.delete(id);
  }

  /** Tries now. */
  wake(): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#running !== undefined) {
      this.#isWoken = true;
      return;
    }
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      if (!this.#isWoken) return;
      this.#isWoken = false;
      this.wake();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #drain(): Promise<void> {
    try {
      let isAllDone = true;
      for (const reversal of await this.#queue.list()) {
        if (this.#isClosed || this.#held.has(reversal.id)) continue;
        const fate = await this.#send(reversal);
        if (fate !== 'done') isAllDone = false;
        if (fate === 'turnedAway') return this.#again(turnedAwayMs);
        // Where nothing leaves the terminal, the next one will not either.
        if (fate === 'unreachable') break;
      }
      if (isAllDone) this.#failures = 0;
      else this.#again();
    } catch (cause) {
      // The store could not be read: nothing is lost, and it is tried again.
      this.#world.log('error', 'reversalsUnreadable', { fault: { code: 'REVERSAL_NOT_STORED', cause } });
      this.#again();
    }
  }

  #again(pauseMs = backOffMs(pauses, this.#failures++)): void {
    if (this.#isClosed) return;
    this.#timer = this.#world.timers.after(pauseMs, () => this.wake());
  }

  async #send(reversal: ReversalImage): Promise<'done' | 'due' | 'unreachable' | 'turnedAway'> {
    const { id, stan, attempts } = reversal;
    const facts = { stan, attempt: attempts + 1 };
    // Counted before it leaves: after a power loss it must go as a repeat.
    const counted = await this.#queue.put({ ...reversal, attempts: attempts + 1 });
    if (!counted.ok) {
      this.#world.log('error', 'reversalNotCounted', { ...facts, fault: counted.fault });
      return 'due';
    }
    const request = reversalMessage(reversal, attempts > 0);
    const answer = await this.#line.exchange(request, reversal.card, { timeoutMs: answerMs });
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    if (!read.ok && neverLeaves(read.fault.code)) return await this.#giveUp(reversal, undefined, read.fault);
    if (!read.ok) {
      this.#world.log('warn', 'reversalUnanswered', { ...facts, fault: read.fault });
      if (read.fault.code === 'ACQUIRER_REFUSES_TERMINAL') return 'turnedAway';
      return read.fault.code === 'ACQUIRER_UNREACHABLE' ? 'unreachable' : 'due';
    }
    const { actionCode } = read.value;
    if (isTemporary(actionCode)) {
      this.#world.log('warn', 'reversalPutOff', { ...facts, actionCode });
      return 'due';
    }
    if (!isSettled(actionCode)) return await this.#giveUp(reversal, actionCode);
    const removed = await this.#queue.remove(id);
    if (!removed.ok) return 'due';
    this.#world.log('info', 'reversalAcknowledged', { ...facts, actionCode });
    return 'done';
  }

  /** It will never be settled. @param cause what is wrong with it here; without one the switch said no */
  async #giveUp(reversal: ReversalImage, actionCode: string | undefined, cause?: Fault): Promise<'done' | 'due'> {
    const { id, stan } = reversal;
    const put = await this.#queue.putAside(id, actionCode ?? cause?.code ?? 'REVERSAL_REFUSED');
    this.#world.log('error', 'reversalRefused', { stan, actionCode, fault: { code: 'REVERSAL_REFUSED', cause } });
    if (!put.ok) return 'due';
    await this.#listener.refused(reversal, actionCode);
    return 'done';
  }
}
