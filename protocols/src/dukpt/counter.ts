/** The shape of a DUKPT transaction counter: how wide, and how many one-bits it may have. */
export interface CounterRule {
  readonly bits: 21 | 32;
  readonly oneBitsMax: 10 | 16;
}

/** TDES: 21 bits, at most 10 ones, 1,048,575 usable values, the last 1FF800. ANSI X9.24-3:2017, C.2.3. */
export const tdesCounter: CounterRule = { bits: 21, oneBitsMax: 10 };

/** AES: 32 bits, at most 16 ones, 2,448,023,842 usable values, the last FFFF0000. ANSI X9.24-3:2017, 6.3. */
export const aesCounter: CounterRule = { bits: 32, oneBitsMax: 16 };

/** How many one-bits an unsigned 32-bit number has. */
export function oneBits(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The lowest one-bit of a number, as a number. */
export const lowestBit = (value: number): number => (value & -value) >>> 0;

/** The place of the lowest one-bit, counted from 0. */
export const lowestBitIndex = (value: number): number => 31 - Math.clz32(value & -value);

/** Whether a terminal may use this counter for a transaction. */
export const isUsable = (rule: CounterRule, counter: number): boolean =>
  Number.isInteger(counter) && counter > 0 && counter < 2 ** rule.bits && oneBits(counter) <= rule.oneBitsMax;

/**
 * The next usable counter, or `undefined` after the last. Whatever lies between a counter with too many ones and its sum
 * with its lowest one-bit has those ones too, so that sum is the next to try.
 */
export function nextCounter(rule: CounterRule, counter: number): number | undefined {
  let next = counter + 1;
  while (next < 2 ** rule.bits && oneBits(next) > rule.oneBitsMax) next += lowestBit(next);
  return next < 2 ** rule.bits ? next : undefined;
}

/**
 * The future-key registers that are full before the transaction of `counter`, from the highest down: the counter's own
 * lowest bit, and above it every zero bit that a later counter can still set without exceeding the one-bits allowed.
 * Register `n` holds the key of the counter that shares the bits above `n`, has bit `n`, and zeros below.
 */
export function registersAt(rule: CounterRule, counter: number | undefined): number[] {
  if (counter === undefined) return [];
  const own = lowestBitIndex(counter);
  const registers: number[] = [];
  let ones = 0;
  for (let register = rule.bits - 1; register > own; register -= 1) {
    if ((counter >>> register) & 1) ones += 1;
    else if (ones < rule.oneBitsMax) registers.push(register);
  }
  registers.push(own);
  return registers;
}
