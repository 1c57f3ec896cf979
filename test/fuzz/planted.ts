/** A decoder with a fault that only four right bytes of the right length reach, one condition behind the other: proof that the fuzzer bites. */
export function planted(bytes: Uint8Array): number {
  if (bytes[0] !== 0x54) return 0;
  if (bytes[1] !== 0x73) return 1;
  if (bytes[2] !== bytes.length) return 2;
  if (bytes[3] !== 0xa5) return 3;
  throw new RangeError('the planted fault');
}

/** Never ends once the first byte is E. */
export function endless(bytes: Uint8Array): number {
  let turns = 0;
  while (bytes[0] === 0x45) turns = (turns + 1) & 0xff;
  return turns;
}

/** Works through a length that the bytes only promise. */
export function laborious([high = 0, low = 0]: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < high * 256 + low; index += 1) sum ^= index & low;
  return sum;
}

/** Makes room for a length that the bytes only promise. */
export const greedy = ([high = 0, low = 0]: Uint8Array): Uint8Array => new Uint8Array((high * 256 + low) * 256);
