import { backOffMs } from '@tsunagu/protocols/acquiring';
import { repeatMti } from '@tsunagu/protocols/iso8583';
import type { Fault } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { type AdviceEntry, type AdviceStore, isDamaged } from '../sales/index.ts';
import type { SecurePart } from '../secure/index.ts';
import { isTemporary } from './action-codes.ts';
import { neverLeaves, type ReadAnswer, readAnswer } from './answer.ts';
import { turnedAwayMs } from './reversal-sender.ts';

const pauses = { firstMs: 2_000, factor: 2, mostMs: 60_000 } as const;
const answerMs = 10_000;
/** Chains that may be on their way at once; within a chain one advice waits for the other. */
const windowSize = 4;

/** What the switch said to an advice that it will not have, and what a till shows for that. */
export type Refusal = Pick<ReadAnswer, 'actionCode'> & Partial<Pick<ReadAnswer, 'tillCode'>>;

/** What became of an advice: the switch has it, will not have it, or was not asked or did not say. */
export type AdviceFate =
  | { readonly type: 'taken'; readonly actionCode: string; readonly rrn: string | undefined }
  | ({ readonly type: 'refused' } & Refusal)
  | { readonly type: 'waiting' };

const unsaid: Refusal = { actionCode: '' };

/** Approved, acknowledged, or known already (913: what stands there is what was sent). */
const isTaken = (actionCode: string): boolean => /^(0\d\d|400|90[01]|913)$/.test(actionCode);

/** What the sender tells of. */
export interface AdviceListener {
  /** The switch refused it for good: it stays in the store. */
  refused(entry: AdviceEntry, refusal: Refusal): Promise<void>;
}

/**
 * Forwards what the store holds: chains side by side, the advices of a chain one after the other, each until it is taken or refused for
 * good. From the second sending on it is a repeat (1221, 1421) with everything else unchanged, so that the switch knows it again.
 */
export class AdviceSender {
  readonly #world: World;
  readonly #line: Pick<SecurePart, 'exchange'>;
  readonly #store: AdviceStore;
  readonly #listener: AdviceListener;
  readonly #held = new Set<number>();
  readonly #waiting = new Map<number, (fate: AdviceFate) => void>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  /** Whether the switch lets this terminal in no more, as it said last. */
  #isTurnedAway = false;
  #isWoken = false;
  #isClosed = false;

  constructor(world: World, line: Pick<SecurePart, 'exchange'>, store: AdviceStore, listener: AdviceListener) {
    this.#world = world;
    this.#line = line;
    this.#store = store;
    this.#listener = listener;
  }

  /** Keeps everything that is put from now on back until `release`: its transaction is not stored yet. */
  hold(seq: number): void {
    this.#held.add(seq);
  }

  /** Lets it go, and tells what the next attempt came to. */
  release(seq: number): Promise<AdviceFate> {
    this.#held.delete(seq);
    if (this.#isClosed) return Promise.resolve({ type: 'waiting' });
    const fate = new Promise<AdviceFate>((resolve) => {
      this.#waiting.set(seq, resolve);
    });
    this.wake();
    return fate;
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
      if (this.#isWoken) {
        this.#isWoken = false;
        this.wake();
      } else this.#giveUp();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
    this.#giveUp();
  }

  /** Whoever waits for a first attempt has seen it now. */
  #giveUp(): void {
    for (const tell of this.#waiting.values()) tell({ type: 'waiting' });
    this.#waiting.clear();
  }

  async #drain(): Promise<void> {
    const chains = new Map<string, AdviceEntry[]>();
    for (const entry of this.#store.entries())
      if (entry.state === 'waiting') chains.set(entry.chain, [...(chains.get(entry.chain) ?? []), entry]);
    const todo = [...chains.values()];
    let isShut = false;
    this.#isTurnedAway = false;
    const worker = async (): Promise<void> => {
      for (let chain = todo.shift(); chain !== undefined && !isShut; chain = todo.shift())
        for (const entry of chain) {
          if (this.#isClosed || this.#held.has(entry.seq)) break;
          // Nothing overtakes what could not be delivered.
          if (!(await this.#send(entry))) {
            isShut = true;
            break;
          }
        }
    };
    try {
      await Promise.all(Array.from({ length: windowSize }, worker));
    } catch (cause) {
      this.#world.log('error', 'advicesUnreadable', { fault: { code: 'ADVICE_NOT_STORED', cause } });
      isShut = true;
    }
    if (!isShut) this.#failures = 0;
    else if (!this.#isClosed) {
      const pauseMs = this.#isTurnedAway ? turnedAwayMs : backOffMs(pauses, this.#failures++);
      this.#timer = this.#world.timers.after(pauseMs, () => this.wake());
    }
  }

  /** @returns whether it is settled */
  async #send(entry: AdviceEntry): Promise<boolean> {
    const { seq, stan, attempts } = entry;
    const facts = { stan, attempt: attempts + 1 };
    const advice = await this.#store.read(seq);
    if (!advice.ok && isDamaged(advice.fault)) return await this.#refuse(entry, unsaid, advice.fault);
    // Counted before it leaves: after a power loss it must go as a repeat.
    const counted = advice.ok ? await this.#store.attempt(seq) : advice;
    if (!advice.ok || !counted.ok) {
      this.#world.log('error', 'adviceNotCounted', { ...facts, ...(!counted.ok && { fault: counted.fault }) });
      return false;
    }
    const { message, card } = advice.value;
    const request = attempts > 0 ? { ...message, mti: repeatMti(message.mti) } : message;
    const answer = await this.#line.exchange(request, card, { timeoutMs: answerMs });
    const read = answer.ok ? readAnswer(request, answer.value) : answer;
    if (!read.ok && neverLeaves(read.fault.code)) return await this.#refuse(entry, unsaid, read.fault);
    if (!read.ok) {
      if (read.fault.code === 'ACQUIRER_REFUSES_TERMINAL') this.#isTurnedAway = true;
      this.#world.log('warn', 'adviceUnanswered', { ...facts, fault: read.fault });
      return false;
    }
    const { actionCode, tillCode, rrn } = read.value;
    if (isTemporary(actionCode)) {
      this.#world.log('warn', 'advicePutOff', { ...facts, actionCode });
      return false;
    }
    if (isTaken(actionCode)) {
      if (!(await this.#store.remove(seq)).ok) return false;
      this.#world.log('info', 'adviceTaken', { ...facts, actionCode });
      this.#tell(seq, { type: 'taken', actionCode, rrn });
      return true;
    }
    return await this.#refuse(entry, { actionCode, tillCode });
  }

  /** It will never be taken: the others go past it. @param cause what is wrong with it here; without one the switch said no */
  async #refuse(entry: AdviceEntry, refusal: Refusal, cause?: Fault): Promise<boolean> {
    const { seq, stan } = entry;
    const { actionCode } = refusal;
    if (!(await this.#store.refuse(seq, actionCode)).ok) return false;
    this.#world.log('error', 'adviceRefused', { stan, actionCode, fault: { code: 'ADVICE_REFUSED', cause } });
    await this.#listener.refused(entry, refusal);
    this.#tell(seq, { type: 'refused', ...refusal });
    return true;
  }

  #tell(seq: number, fate: AdviceFate): void {
    this.#waiting.get(seq)?.(fate);
    this.#waiting.delete(seq);
  }
}
