import { concat, fail, ok, type Result, Secret } from '../kit/index.ts';
import { isUsable, lowestBitIndex, nextCounter, oneBits, registersAt, tdesCounter } from './counter.ts';
import { deriveChildren } from './tdes-derivation.ts';
import type { TdesInitialKey, TdesTransactionKey } from './tdes-host.ts';

/**
 * What a terminal keeps for TDES DUKPT: no initial key any more, but up to 21 future keys. Register `n` holds the key
 * for the counter that shares the current counter's bits above `n`, has bit `n`, and zeros below. (The standard numbers
 * registers from 1 at the top bit: its register `i` is `21 - i` here.)
 *
 * @see ANSI X9.24-3:2017, C.3 (X9.24-1:2009, A.2)
 */
export interface TdesDukptState {
  /** 10 bytes, counter cleared. */
  readonly initialKsn: Uint8Array;
  /** The counter of the next transaction; `undefined` when the last key is spent. */
  readonly counter: number | undefined;
  /** Register → future key. */
  readonly futureKeys: ReadonlyMap<number, Secret<'key'>>;
}

/** What one step gives: a key to use once, and the state to store before it is used. */
export interface TakenTdesKey {
  readonly transactionKey: TdesTransactionKey;
  readonly next: TdesDukptState;
}

/** Fills the 21 future-key registers from an initial key. The caller then destroys the initial key. ANSI X9.24-3:2017, C.3.1. */
export function initialiseTdesTerminal({ initialKsn, key }: TdesInitialKey): TdesDukptState {
  return { initialKsn, counter: 1, futureKeys: withKeysBelow(new Map(), key, initialKsn, 0, tdesCounter.bits) };
}

/**
 * Takes the next transaction key out of a terminal's state. Pure: nothing is spent until the caller stores `next`,
 * and it does so before it uses the key, so that power lost between the two skips a key and never repeats one.
 *
 * @returns DUKPT_COUNTER_EXHAUSTED when the terminal needs a new initial key.
 * @see ANSI X9.24-3:2017, C.3.2 and C.3.3
 */
export function takeTdesTransactionKey(state: TdesDukptState): Result<TakenTdesKey, 'DUKPT_COUNTER_EXHAUSTED'> {
  const { counter, initialKsn } = state;
  if (counter === undefined) return fail('DUKPT_COUNTER_EXHAUSTED');
  const register = lowestBitIndex(counter);
  const key = state.futureKeys.get(register);
  if (key === undefined) throw new Error(`register ${register} is empty at counter ${counter}`);
  const kept = new Map(state.futureKeys);
  kept.delete(register);
  const futureKeys =
    oneBits(counter) < tdesCounter.oneBitsMax ? withKeysBelow(kept, key, initialKsn, counter, register) : kept;
  return ok({
    transactionKey: { ksn: { initialKsn, counter }, key },
    next: { initialKsn, counter: nextCounter(tdesCounter, counter), futureKeys },
  });
}

const stateVersion = 2;
const headBytes = 14;

/** Writes the state for a sealed store: version, KSN without counter, counter (0 when spent), then the keys from the highest register down. */
export function serialiseTdesTerminal(state: TdesDukptState): Secret<'key'> {
  const head = new Uint8Array(headBytes);
  const counter = state.counter ?? 0;
  head[0] = stateVersion;
  head.set(state.initialKsn, 1);
  head[11] = counter >>> 16;
  head[12] = (counter >>> 8) & 0xff;
  head[13] = counter & 0xff;
  const keys = registersAt(tdesCounter, state.counter).map((register) => {
    const key = state.futureKeys.get(register);
    if (key === undefined) throw new Error(`register ${register} is empty`);
    return key.use((bytes) => Uint8Array.from(bytes));
  });
  const whole = concat(head, ...keys);
  for (const key of keys) key.fill(0);
  return Secret.take('key', whole);
}

/** Reads what `serialiseTdesTerminal` wrote. The counter alone says which registers are full, so any other length is DUKPT_STATE_INVALID. */
export function parseTdesTerminal(stored: Secret<'key'>): Result<TdesDukptState, 'DUKPT_STATE_INVALID'> {
  return stored.use((bytes) => {
    if (bytes.length < headBytes || bytes[0] !== stateVersion) return fail('DUKPT_STATE_INVALID');
    const written = ((bytes[11] ?? 0) << 16) | ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
    const counter = written === 0 ? undefined : written;
    if (counter !== undefined && !isUsable(tdesCounter, counter)) return fail('DUKPT_STATE_INVALID');
    const registers = registersAt(tdesCounter, counter);
    if (bytes.length !== headBytes + 16 * registers.length) return fail('DUKPT_STATE_INVALID');
    const futureKeys = new Map(
      registers.map((register, index) => {
        const start = headBytes + 16 * index;
        return [register, Secret.copy('key', bytes.subarray(start, start + 16))] as const;
      }),
    );
    return ok({ initialKsn: bytes.slice(1, 11), counter, futureKeys });
  });
}

function withKeysBelow(
  registers: Map<number, Secret<'key'>>,
  parent: Secret<'key'>,
  initialKsn: Uint8Array,
  counter: number,
  register: number,
): ReadonlyMap<number, Secret<'key'>> {
  const below = Array.from({ length: register }, (_, index) => register - 1 - index);
  if (below.length === 0) return registers;
  const counters = below.map((bit) => counter | (1 << bit));
  const children = parent.use((bytes) => deriveChildren(bytes, initialKsn.subarray(2), counters));
  children.forEach((child, index) => registers.set(below[index] ?? 0, Secret.take('key', child)));
  return registers;
}
