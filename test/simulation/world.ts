import { logTo, type LogSink, type World } from '@tsunagu/protocols/world';
import type { Chance } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** When every simulation begins: 2026-01-05T00:00:00Z. */
export const beginsAt = Date.UTC(2026, 0, 5);

/** The world of one boot of one machine. Off, nothing of it happens any more, as if it had lost its power. */
export class SimulatedWorld implements World {
  isOn = true;
  /** How far its clock is off, milliseconds. It may be set while it runs. */
  readonly #skewMs: () => number;
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly log: World['log'];

  constructor(scheduler: Scheduler, chance: Chance, skewMs: () => number, sink: LogSink) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#skewMs = skewMs;
    this.log = logTo((level, event, facts) => {
      if (this.isOn) sink(level, event, facts);
    });
  }

  readonly clock: World['clock'] = {
    now: () => beginsAt + this.#scheduler.nowMs + this.#skewMs(),
    monotonicMs: () => this.#scheduler.nowMs,
  };

  readonly timers: World['timers'] = {
    after: (delayMs, work) => this.#scheduler.after(delayMs, () => this.isOn && work()),
    every: (periodMs, work) => {
      let isLive = true;
      const again = (): void => {
        this.timers.after(periodMs, () => {
          if (!isLive) return;
          again();
          work();
        });
      };
      again();
      return {
        cancel: () => {
          isLive = false;
        },
      };
    },
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const timer = this.timers.after(delayMs, () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        });
        function stop(): void {
          timer.cancel();
          reject(signal?.reason);
        }
        signal?.addEventListener('abort', stop, { once: true });
      }),
  };

  // Worlds are spread and given another log: nothing of them hangs on a prototype.
  readonly entropy = (lengthBytes: number): Uint8Array => this.#chance.bytes(lengthBytes);

  readonly id = (): string => {
    const bytes = this.#chance.bytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };
}
