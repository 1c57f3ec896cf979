/**
 * Why the switch refuses a frame without an answer that is enciphered: the far side may have no key to read one.
 * Numbers are for ever; a new reason gets a new number. After `close` the switch ends the connection, after `continue`
 * the next frame is welcome. 12 and 13 are said at the door, of a terminal that is not let in, before anything of it was read: they bear no KSN (zeros).
 */
export const refusals = {
  1: { code: 'ACQUIRING_FRAME_INVALID', afterwards: 'close' },
  2: { code: 'ACQUIRING_FRAME_TOO_LONG', afterwards: 'close' },
  3: { code: 'ACQUIRING_FRAME_INCOMPLETE', afterwards: 'close' },
  4: { code: 'ACQUIRING_KSN_UNKNOWN', afterwards: 'continue' },
  5: { code: 'ACQUIRING_KSN_REUSED', afterwards: 'continue' },
  6: { code: 'ACQUIRING_KSN_INVALID', afterwards: 'continue' },
  7: { code: 'ACQUIRING_FRAME_NOT_AUTHENTIC', afterwards: 'continue' },
  8: { code: 'ACQUIRING_MESSAGE_INVALID', afterwards: 'continue' },
  9: { code: 'ACQUIRING_BUSY', afterwards: 'continue' },
  10: { code: 'SWITCH_JOURNAL_FAILED', afterwards: 'continue' },
  11: { code: 'ACQUIRING_ACQUIRER_KEY', afterwards: 'continue' },
  12: { code: 'LIFECYCLE_FORBIDS', afterwards: 'close' },
  13: { code: 'CLIENT_CERTIFICATE_REFUSED', afterwards: 'close' },
} as const;

/** The number of a refusal, as it stands on the wire. */
export type RefusalNumber = keyof typeof refusals;

/** The stable code of a refusal, the same as in logs and in the error table. */
export type RefusalCode = (typeof refusals)[RefusalNumber]['code'];

const numbers: readonly RefusalNumber[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/** The refusal of a number from the wire; undefined for one that this version does not know. */
export const refusalOf = (number: number): (typeof refusals)[RefusalNumber] | undefined => {
  const known = numbers.find((each) => each === number);
  return known && refusals[known];
};

/** The number of a code. */
export function refusalNumber(code: RefusalCode): RefusalNumber {
  const number = numbers.find((each) => refusals[each].code === code);
  if (number === undefined) throw new Error(`${code} is not a refusal`);
  return number;
}
