import { backOffMs } from '@tsunagu/protocols/acquiring';
import type { Timer, World } from '@tsunagu/protocols/world';
import { readAnswer } from './answer.ts';
import type { SecurePart } from '../secure/index.ts';
import type { ReversalQueue } from './ports.ts';
import type { ReversalImage } from './reversal-image.ts';
import { reversalMessage } from './reversal-message.ts';

const pauses = { firstMs: 2_000, factor: 2, mostMs: 60_000 } as const;
const answerMs = 10_000;

/**
 * Action codes (DE39) after which a reversal is done: accepted, already known (913), or nothing there to reverse (914).
 * All others mean "not now": it is sent again.
 */
const isSettled = (actionCode: string): boolean => /^(0\d\d|4\d\d|90[01]|91[34])$/.test(actionCode);

/**
 * Sends kept reversals until each is acknowledged, the oldest first, with growing pauses, across any number of power losses.
 * The one of a sale that still runs is held back.
 */
export class ReversalSender {
  readonly #world: World;
  readonly #line: Pick<SecurePart, 'exchange'>;
  readonly #queue: ReversalQueue;
  readonly #held = new Set<string>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #isWoken = false;
  #isClosed = false;

  constructor(world: World, line: Pick<SecurePart, 'exchange'>, queue: ReversalQueue) {
    this.#world = world;
    this.#line = line;
    this.#queue = queue;
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
      for (const reversal of await this.#queue.list()) {
        const isLeft = this.#isClosed || this.#held.has(reversal.id);
        const isDone = isLeft || (await this.#send(reversal));
        if (!isDone) return this.#again();
      }
      this.#failures = 0;
    } catch (cause) {
      // The store could not be read: nothing is lost, and it is tried again.
      this.#world.log('error', 'reversalsUnreadable', { fault: { code: 'REVERSAL_NOT_STORED', cause } });
      this.#again();
    }
  }

  #again(): void {
    if (this.#isClosed) return;
    this.#timer = this.#world.timers.after(backOffMs(pauses, this.#failures++), () => this.wake());
  }

  async #send(reversal: ReversalImage): Promise<boolean> {
    const { id, stan, attempts } = reversal;
    const facts = { stan, attempt: attempts + 1 };
    // Counted before it leaves: after a power loss it must go as a repeat.
    const counted = await this.#queue.put({ ...reversal, attempts: attempts + 1 });
    if (!counted.ok) {
      this.#world.log('error', 'reversalNotCounted', { ...facts, fault: counted.fault });
      return false;
    }
    const request = reversalMessage(reversal, attempts > 0);
    const answer = await this.#line.exchange(request, reversal.card, { timeoutMs: answerMs });
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    if (!read.ok) {
      this.#world.log('warn', 'reversalUnanswered', { ...facts, fault: read.fault });
      return false;
    }
    const { actionCode } = read.value;
    if (!isSettled(actionCode)) {
      this.#world.log('warn', 'reversalPutOff', { ...facts, actionCode });
      return false;
    }
    const removed = await this.#queue.remove(id);
    if (!removed.ok) return false;
    this.#world.log('info', 'reversalAcknowledged', { ...facts, actionCode });
    return true;
  }
}
