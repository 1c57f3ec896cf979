import type { Timer, World } from '@tsunagu/protocols/world';
import { z } from 'zod';

/**
 * What may befall a message on its way, one at most.
 *
 * - `drop`: it never arrives. `duplicate`: it arrives twice. `reorder`: it arrives after the next one. `late`: it arrives after `lateMs`.
 * - `halfClose`: it arrives, and our half of the connection ends. `slowDrip`: its bytes arrive one by one, and all others wait behind them.
 * - `wrongMac`: its last byte is another one. `wrongStan`: it names another transaction (the sender does that, before it seals).
 * - `signOff`: our side signs off in the middle (the sender does that), and what is asked afterwards is not answered.
 */
export const wireFaultNames = [
  'drop',
  'duplicate',
  'reorder',
  'late',
  'halfClose',
  'slowDrip',
  'wrongMac',
  'wrongStan',
  'signOff',
] as const;
export type WireFault = (typeof wireFaultNames)[number];

/** How often each befalls a message, as a share of one, and how long the slow ones take. */
export const wireFaults = z.strictObject({
  rates: z.partialRecord(z.enum(wireFaultNames), z.number().min(0).max(1)).default({}),
  lateMs: z.number().int().min(1).max(120_000).default(7_000),
  /** Between two bytes. */
  dripMs: z.number().int().min(1).max(5_000).default(20),
});
export type WireFaults = z.infer<typeof wireFaults>;

/** The fault of the next message; one number is drawn for each. Rates are taken in the order of `wireFaultNames`. */
export function pickFault({ rates }: Pick<WireFaults, 'rates'>, next: () => number): WireFault | undefined {
  let drawn = next();
  for (const name of wireFaultNames) {
    const rate = rates[name] ?? 0;
    if (drawn < rate) return name;
    drawn -= rate;
  }
  return undefined;
}

/** What a line writes to: a socket, or a script of one. */
export interface WireEnd {
  readonly destroyed: boolean;
  write(bytes: Uint8Array): unknown;
  end(): unknown;
}

/** A message that nothing comes after is held back no longer than so. */
const holdMs = 300;

/** Writes frames with what befalls them. Without a fault it is the wire itself. */
export class FaultyLine {
  readonly #timers: World['timers'];
  readonly #wire: WireEnd;
  readonly #faults: WireFaults;
  #held: { readonly frame: Uint8Array; readonly timer: Timer } | undefined;
  readonly #queue: { readonly bytes: Uint8Array; readonly isDripped: boolean }[] = [];
  #drip: Timer | undefined;
  readonly #late = new Set<Timer>();

  constructor(timers: World['timers'], wire: WireEnd, faults: WireFaults) {
    this.#timers = timers;
    this.#wire = wire;
    this.#faults = faults;
  }

  /** Writes a whole frame. */
  send(frame: Uint8Array, fault?: WireFault): void {
    switch (fault) {
      case 'drop':
        return;
      case 'duplicate':
        this.#put(frame);
        return this.#put(frame);
      case 'reorder':
        if (this.#held) return this.#put(frame);
        this.#held = { frame, timer: this.#timers.after(holdMs, () => this.#release()) };
        return;
      case 'late': {
        const timer = this.#timers.after(this.#faults.lateMs, () => {
          this.#late.delete(timer);
          this.#put(frame);
        });
        this.#late.add(timer);
        return;
      }
      case 'wrongMac': {
        const changed = Uint8Array.from(frame);
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 0x5a;
        return this.#put(changed);
      }
      case 'halfClose':
        this.#put(frame);
        this.#wire.end();
        return;
      default:
        this.#put(frame, fault === 'slowDrip');
    }
  }

  /** Forgets what is still under way. */
  close(): void {
    this.#held?.timer.cancel();
    this.#drip?.cancel();
    for (const timer of this.#late) timer.cancel();
    this.#late.clear();
    this.#queue.length = 0;
    this.#held = this.#drip = undefined;
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.timer.cancel();
    if (held) this.#put(held.frame);
  }

  #put(bytes: Uint8Array, isDripped = false): void {
    if (isDripped || this.#queue.length > 0) {
      this.#queue.push({ bytes, isDripped });
      if (this.#drip === undefined) this.#next();
    } else this.#write(bytes);
    if (this.#held && this.#held.frame !== bytes) this.#release();
  }

  #next(at = 0): void {
    const first = this.#queue[0];
    this.#drip = undefined;
    if (first === undefined || this.#wire.destroyed) return;
    if (first.isDripped && at < first.bytes.length) {
      this.#write(first.bytes.subarray(at, at + 1));
      this.#drip = this.#timers.after(this.#faults.dripMs, () => this.#next(at + 1));
      return;
    }
    if (!first.isDripped) this.#write(first.bytes);
    this.#queue.shift();
    this.#next();
  }

  #write(bytes: Uint8Array): void {
    if (!this.#wire.destroyed) this.#wire.write(bytes);
  }
}
