import type { pinHabits } from '@tsunagu/protocols/fleet';
import { Secret } from '@tsunagu/protocols/kit';
import type { PinAnswer, PinQuestion } from '../kernel/index.ts';

/** How an emulated cardholder takes to a PIN pad: types the right PIN, a wrong one (and again), one digit too few, leaves it out, or walks away. */
export type PinHabit = (typeof pinHabits)[number];

/** An emulated cardholder in front of the PIN pad. @param known the PIN of the card in the reader, a copy */
export function typePin(
  habit: PinHabit,
  known: Secret<'pin'> | undefined,
  { isAgain }: Pick<PinQuestion, 'isAgain'>,
): PinAnswer {
  switch (habit) {
    case 'bypass':
      return { type: 'bypassed' };
    case 'cancel':
      return { type: 'cancelled' };
    case 'timeout':
      return { type: 'timeout' };
    case 'wrong':
    case 'wrongOnce':
    case 'short':
    case 'right':
      break;
  }
  if (known === undefined) return { type: 'timeout' };
  if (habit === 'right' || (habit === 'wrongOnce' && isAgain)) return { type: 'entered', pin: known };
  if (habit === 'short') {
    const less = known.use((digits) => Secret.take('pin', digits.slice(0, -1)));
    known.wipe();
    return { type: 'entered', pin: less };
  }
  // Another last digit, whatever it was.
  const other = known.use((digits) => {
    const copy = Uint8Array.from(digits);
    const last = copy.length - 1;
    copy[last] = 0x30 + (((copy[last] ?? 0) - 0x30 + 1) % 10);
    return Secret.take('pin', copy);
  });
  known.wipe();
  return { type: 'entered', pin: other };
}
