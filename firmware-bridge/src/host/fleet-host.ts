import { Worker } from 'node:worker_threads';
import type { Timer, World } from '@tsunagu/protocols/world';
import { terminalThreadLimits } from './heap.ts';
import type { HostSays, Unwell, WorkerSays, WorkerTask } from './messages.ts';
import { dealOut, type TerminalPlan } from './plan.ts';

export interface FleetHostOptions {
  readonly world: World;
  readonly plans: readonly TerminalPlan[];
  readonly seed: string;
  readonly saleEverySeconds: number;
  /** Takes the workers' log lines. */
  readonly log: (line: string) => void;
}

/** A terminal that is not well. `isOver`: it will not run until it is started anew. */
export interface NotWell extends Unwell {
  readonly isOver: boolean;
}

/** Many terminals in one process, each of the first ones in a thread of its own. */
export interface FleetHost {
  /** Resolves when each is enrolled and connected, or known not to be well; with those that are not. */
  readonly ready: Promise<readonly NotWell[]>;
  /** How many are waited for no more: they are there, or known not to be well. */
  readonly settled: number;
  /** Children first, so that their good-byes still pass through their parents. */
  stop(): Promise<void>;
}

const stopTimeoutMs = 15_000;
/**
 * So long the first terminal is waited for, and after each that came or failed the next one; whoever is not there then is not waited for:
 * its server or its parent is not there.
 */
const firstMs = 100_000;
const quietMs = 60_000;

export function startFleetHost(options: FleetHostOptions): FleetHost {
  return new Threads(options);
}

class Threads implements FleetHost {
  readonly ready: Promise<readonly NotWell[]>;
  readonly #options: FleetHostOptions;
  readonly #threads: { readonly worker: Worker; readonly serials: readonly string[]; isOver: boolean }[];
  readonly #waiting: Set<string>;
  readonly #stopped = new Map<string, () => void>();
  readonly #unwell = new Map<string, NotWell>();
  #patience: Timer | undefined;
  #settle: (unwell: readonly NotWell[]) => void = () => undefined;

  constructor(options: FleetHostOptions) {
    this.#options = options;
    this.#waiting = new Set(options.plans.map((plan) => plan.serial));
    this.ready = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#look(firstMs);
    this.#threads = dealOut(options.plans).map((plans) => this.#start(plans));
  }

  get settled(): number {
    return this.#options.plans.length - this.#waiting.size;
  }

  #start(plans: readonly TerminalPlan[]): { worker: Worker; serials: readonly string[]; isOver: boolean } {
    const { seed, saleEverySeconds, world } = this.#options;
    const task: WorkerTask = { plans, seed, saleEverySeconds };
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: task,
      resourceLimits: terminalThreadLimits,
    });
    const thread = { worker, serials: plans.map((plan) => plan.serial), isOver: false };
    worker.on('message', (says: WorkerSays) => this.#heard(says));
    worker.on('error', (error) => {
      world.log('error', 'workerFailed', { serials: thread.serials, message: String(error) });
      for (const serial of thread.serials)
        this.#isUnwell({ serial, code: 'PROCESS_DIED', facts: { said: String(error) }, isOver: true });
    });
    worker.on('exit', () => {
      thread.isOver = true;
      for (const serial of thread.serials) this.#stopped.get(serial)?.();
    });
    return thread;
  }

  #heard(says: WorkerSays): void {
    switch (says.kind) {
      case 'log':
        return this.#options.log(says.line);
      case 'connected':
        this.#waiting.delete(says.serial);
        this.#unwell.delete(says.serial);
        return this.#look();
      case 'failed':
      case 'refused': {
        const { kind, serial, code, facts } = says;
        return this.#isUnwell({ serial, code, facts, isOver: kind === 'failed' });
      }
      case 'stopped':
        this.#stopped.get(says.serial)?.();
    }
  }

  #isUnwell(one: NotWell): void {
    this.#waiting.delete(one.serial);
    this.#unwell.set(one.serial, one);
    this.#look();
  }

  /** Something happened: is there anybody left to wait for? */
  #look(patienceMs = quietMs): void {
    this.#patience?.cancel();
    if (this.#waiting.size === 0) return this.#settle([...this.#unwell.values()]);
    this.#patience = this.#options.world.timers.after(patienceMs, () => {
      const late = [...this.#waiting].map((serial) => ({ serial, code: 'LINK_DOWN', facts: {}, isOver: false }));
      this.#settle([...this.#unwell.values(), ...late]);
    });
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
