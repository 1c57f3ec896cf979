import { blockEncrypter } from '../cipher/index.ts';
import { concat, fail, ok, type Result, Secret } from '../kit/index.ts';
import { type AesKeyType, aesTypeOfLength, deriveChild, keyTypes } from './aes-derivation.ts';
import type { AesInitialKey, AesTransactionKey } from './aes-host.ts';
import { aesCounter, isUsable, lowestBitIndex, nextCounter, oneBits, registersAt } from './counter.ts';

/**
 * What a terminal keeps for AES DUKPT: no initial key any more, but up to 32 future keys, from which every later key
 * can be derived and no earlier one. Register `n` holds the key for the counter that shares the current counter's bits
 * above `n`, has bit `n`, and zeros below.
 *
 * @see ANSI X9.24-3:2017, 6.4 and C.4 (transaction-originating device)
 */
export interface AesDukptState {
  readonly initialKeyId: Uint8Array;
  readonly type: AesKeyType;
  /** The counter of the next transaction; `undefined` when the last key is spent. */
  readonly counter: number | undefined;
  /** Register → future key. */
  readonly futureKeys: ReadonlyMap<number, Secret<'key'>>;
}

/** What one step gives: a key to use once, and the state to store before it is used. */
export interface TakenAesKey {
  readonly transactionKey: AesTransactionKey;
  readonly next: AesDukptState;
}

/**
 * Fills the future-key registers from an initial key. The caller then destroys the initial key.
 *
 * @see ANSI X9.24-3:2017, 6.4.1 (load initial key)
 */
export function initialiseAesTerminal(initialKey: AesInitialKey): AesDukptState {
  const { initialKeyId, type, key } = initialKey;
  return { initialKeyId, type, counter: 1, futureKeys: withKeysBelow(new Map(), key, { type, initialKeyId }, 0, 32) };
}

/**
 * Takes the next transaction key out of a terminal's state. Pure: nothing is spent until the caller stores `next`,
 * and it does so before it uses the key, so that power lost between the two skips a key and never repeats one.
 *
 * @returns DUKPT_COUNTER_EXHAUSTED when the terminal needs a new initial key.
 * @see ANSI X9.24-3:2017, 6.4.2 and 6.4.3
 */
export function takeAesTransactionKey(state: AesDukptState): Result<TakenAesKey, 'DUKPT_COUNTER_EXHAUSTED'> {
  const { counter, type, initialKeyId } = state;
  if (counter === undefined) return fail('DUKPT_COUNTER_EXHAUSTED');
  const register = lowestBitIndex(counter);
  const derivationKey = state.futureKeys.get(register);
  if (derivationKey === undefined) throw new Error(`register ${register} is empty at counter ${counter}`);
  const kept = new Map(state.futureKeys);
  kept.delete(register);
  // With 16 one-bits there is no room for another: nothing grows below, and the counter skips to the next carry.
  const futureKeys =
    oneBits(counter) < aesCounter.oneBitsMax
      ? withKeysBelow(kept, derivationKey, { type, initialKeyId }, counter, register)
      : kept;
  return ok({
    transactionKey: { ksn: { initialKeyId, counter }, type, derivationKey },
    next: { initialKeyId, type, counter: nextCounter(aesCounter, counter), futureKeys },
  });
}

const stateVersion = 1;

/** Writes the state for a sealed store: version, type, initial key id, counter (0 when spent), then the keys from the highest register down. */
export function serialiseAesTerminal(state: AesDukptState): Secret<'key'> {
  const head = new Uint8Array(14);
  head[0] = stateVersion;
  head[1] = keyTypes[state.type].lengthBits / 8;
  head.set(state.initialKeyId, 2);
  new DataView(head.buffer).setUint32(10, state.counter ?? 0);
  const keys = registersAt(aesCounter, state.counter).map((register) => {
    const key = state.futureKeys.get(register);
    if (key === undefined) throw new Error(`register ${register} is empty`);
    return key.use((bytes) => Uint8Array.from(bytes));
  });
  const whole = concat(head, ...keys);
  for (const key of keys) key.fill(0);
  return Secret.take('key', whole);
}

/** Reads what `serialiseAesTerminal` wrote. The counter alone says which registers are full, so any other length is DUKPT_STATE_INVALID. */
export function parseAesTerminal(stored: Secret<'key'>): Result<AesDukptState, 'DUKPT_STATE_INVALID'> {
  return stored.use((bytes) => {
    const type = aesTypeOfLength.get(bytes[1] ?? 0);
    if (bytes.length < 14 || bytes[0] !== stateVersion || type === undefined) return fail('DUKPT_STATE_INVALID');
    const written = new DataView(bytes.buffer, bytes.byteOffset).getUint32(10);
    const counter = written === 0 ? undefined : written;
    if (counter !== undefined && !isUsable(aesCounter, counter)) return fail('DUKPT_STATE_INVALID');
    const registers = registersAt(aesCounter, counter);
    const lengthBytes = keyTypes[type].lengthBits / 8;
    if (bytes.length !== 14 + registers.length * lengthBytes) return fail('DUKPT_STATE_INVALID');
    const futureKeys = new Map(
      registers.map((register, index) => {
        const start = 14 + index * lengthBytes;
        return [register, Secret.copy('key', bytes.subarray(start, start + lengthBytes))] as const;
      }),
    );
    return ok({ initialKeyId: bytes.slice(2, 10), type, counter, futureKeys });
  });
}

// Derives the registers below `register` from the key of `counter`, with one readied cipher for all of them.
function withKeysBelow(
  registers: Map<number, Secret<'key'>>,
  parent: Secret<'key'>,
  { type, initialKeyId }: { readonly type: AesKeyType; readonly initialKeyId: Uint8Array },
  counter: number,
  register: number,
): ReadonlyMap<number, Secret<'key'>> {
  parent.use((bytes) => {
    const ready = blockEncrypter('AES', bytes);
    for (let below = register - 1; below >= 0; below -= 1) {
      const child = deriveChild(ready, type, initialKeyId, (counter | (1 << below)) >>> 0);
      registers.set(below, Secret.take('key', child));
    }
  });
  return registers;
}
