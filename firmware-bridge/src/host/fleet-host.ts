import { Worker } from 'node:worker_threads';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { HostSays, WorkerSays, WorkerTask } from './messages.ts';
import { dealOut, type TerminalPlan } from './plan.ts';

export interface FleetHostOptions {
  readonly world: World;
  readonly plans: readonly TerminalPlan[];
  readonly seed: string;
  readonly saleEverySeconds: number;
  /** Takes the workers' log lines. */
  readonly log: (line: string) => void;
}

/** Why a fleet does not run: the first terminal that could not be started. */
export interface FleetFailure {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** Many terminals in one process, each of the first ones in a thread of its own. */
export interface FleetHost {
  /** Resolves when all are enrolled and connected, when no other came for a while, or with the first that cannot be started. */
  readonly ready: Promise<FleetFailure | undefined>;
  /** Children first, so that their good-byes still pass through their parents. */
  stop(): Promise<void>;
}

const stopTimeoutMs = 15_000;
/** So long the first terminal is waited for, and after each that came the next one. */
const firstMs = 100_000;
const quietMs = 60_000;
/** A thread of a terminal needs little: most of it is code. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4, stackSizeMb: 4 };

export function startFleetHost(options: FleetHostOptions): FleetHost {
  return new Threads(options);
}

class Threads implements FleetHost {
  readonly ready: Promise<FleetFailure | undefined>;
  readonly #options: FleetHostOptions;
  readonly #threads: { readonly worker: Worker; readonly serials: readonly string[]; isOver: boolean }[];
  readonly #waiting: Set<string>;
  #patience: Timer | undefined;
  readonly #stopped = new Map<string, () => void>();
  #settle: (failure: FleetFailure | undefined) => void = () => undefined;

  constructor(options: FleetHostOptions) {
    this.#options = options;
    this.#waiting = new Set(options.plans.map((plan) => plan.serial));
    this.ready = new Promise((resolve) => {
      this.#settle = resolve;
    });
    if (options.plans.length === 0) this.#settle(undefined);
    this.#waitOn(firstMs);
    this.#threads = dealOut(options.plans).map((plans) => this.#start(plans));
  }

  #start(plans: readonly TerminalPlan[]): { worker: Worker; serials: readonly string[]; isOver: boolean } {
    const { seed, saleEverySeconds, world } = this.#options;
    const task: WorkerTask = { plans, seed, saleEverySeconds };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task, resourceLimits });
    const thread = { worker, serials: plans.map((plan) => plan.serial), isOver: false };
    worker.on('message', (says: WorkerSays) => this.#heard(says));
    worker.on('error', (error) => {
      world.log('error', 'workerFailed', { serials: thread.serials, message: String(error) });
      this.#settle({ code: 'PROCESS_DIED', facts: { name: thread.serials.join(', '), said: String(error) } });
    });
    worker.on('exit', () => {
      thread.isOver = true;
      for (const serial of thread.serials) this.#stopped.get(serial)?.();
    });
    return thread;
  }

  /** Terminals that are revoked, wiped or not claimed yet never come: whoever is here does not wait for them for ever. */
  #waitOn(ms: number): void {
    this.#patience?.cancel();
    this.#patience = this.#options.world.timers.after(ms, () => {
      if (this.#waiting.size > 0) this.#options.world.log('warn', 'terminalsAway', { serials: [...this.#waiting] });
      this.#settle(undefined);
    });
  }

  #heard(says: WorkerSays): void {
    switch (says.kind) {
      case 'log':
        return this.#options.log(says.line);
      case 'connected':
        this.#waiting.delete(says.serial);
        if (this.#waiting.size === 0) this.#settle(undefined);
        else this.#waitOn(quietMs);
        return;
      case 'failed':
        return this.#settle({ code: says.code, facts: says.facts });
      case 'stopped':
        this.#stopped.get(says.serial)?.();
    }
  }

  async stop(): Promise<void> {
    this.#patience?.cancel();
    const { plans } = this.#options;
    await this.#stopTerminals(plans.filter((plan) => plan.parent).map((plan) => plan.serial));
    await this.#stopTerminals(plans.filter((plan) => !plan.parent).map((plan) => plan.serial));
    for (const { worker } of this.#threads) {
      worker.postMessage({ kind: 'end' } satisfies HostSays);
      await worker.terminate();
    }
  }

  async #stopTerminals(serials: readonly string[]): Promise<void> {
    const { world } = this.#options;
    const waits = this.#threads.flatMap((thread) => {
      const own = thread.serials.filter((serial) => serials.includes(serial));
      if (thread.isOver || own.length === 0) return [];
      const all = own.map((serial) => new Promise<void>((resolve) => this.#stopped.set(serial, resolve)));
      thread.worker.postMessage({ kind: 'stop', serials: own } satisfies HostSays);
      return all;
    });
    const late = new AbortController();
    const timeout = world.timers.sleep(stopTimeoutMs, late.signal).then(
      () => world.log('error', 'terminalsNotStopped', { serials }),
      () => undefined,
    );
    await Promise.race([Promise.all(waits), timeout]);
    late.abort();
  }
}
