import { type BlockEncrypter, blockEncrypter, isKeyLength } from '../cipher/index.ts';
import { concat, fail, ok, type Result, type Secret, toHex, xor } from '../kit/index.ts';

/** How to encipher. */
export interface Ff1Parameters {
  /** AES, 16, 24 or 32 bytes. */
  readonly key: Secret<'key'>;
  /** Public, and different for each place a value stands in; up to 256 bytes. */
  readonly tweak: Uint8Array;
  /** As many different characters as the radix; character `i` is digit `i`. */
  readonly alphabet: string;
}

/** Codes that enciphering can end with. */
export type Ff1Error =
  | 'KEY_LENGTH_INVALID'
  | 'FPE_ALPHABET_INVALID'
  | 'FPE_CHARACTER_UNKNOWN'
  | 'FPE_DOMAIN_TOO_SMALL'
  | 'FPE_TOO_LONG';

/** The longest text and tweak: far above any identifier, far below what would hold a server up. */
const textMax = 1024;
const tweakMax = 256;

/** Enciphers text into text of the same length and alphabet. NIST SP 800-38G Rev. 1, algorithm 7. FF3 and FF3-1 are withdrawn. */
export const encryptFf1 = (parameters: Ff1Parameters, plaintext: string): Result<string, Ff1Error> =>
  transform(parameters, plaintext, 'encrypt');

/** The way back. NIST SP 800-38G Rev. 1, algorithm 8. */
export const decryptFf1 = (parameters: Ff1Parameters, ciphertext: string): Result<string, Ff1Error> =>
  transform(parameters, ciphertext, 'decrypt');

function transform(parameters: Ff1Parameters, input: string, way: 'encrypt' | 'decrypt'): Result<string, Ff1Error> {
  const { key, tweak, alphabet } = parameters;
  if (!isKeyLength('AES', key.length)) return fail('KEY_LENGTH_INVALID', { field: 'key' });
  const characters = [...alphabet];
  const radix = characters.length;
  const digitOf = new Map(characters.map((character, digit) => [character, digit]));
  if (radix < 2 || radix > 65536 || digitOf.size !== radix) return fail('FPE_ALPHABET_INVALID', { field: 'alphabet' });
  if (input.length > 2 * textMax || tweak.length > tweakMax) return fail('FPE_TOO_LONG');
  const digits: number[] = [];
  for (const character of input) {
    const digit = digitOf.get(character);
    if (digit === undefined) return fail('FPE_CHARACTER_UNKNOWN', { offset: digits.length });
    digits.push(digit);
  }
  if (digits.length > textMax) return fail('FPE_TOO_LONG');
  if (digits.length * Math.log2(radix) < 64 && radix ** digits.length < 1_000_000) return fail('FPE_DOMAIN_TOO_SMALL');
  const output = key.use((bytes) => feistel(blockEncrypter('AES', bytes), tweak, radix, digits, way));
  return ok(output.map((digit) => characters[digit] ?? '').join(''));
}

const rounds = Array.from({ length: 10 }, (_, round) => round);

// Ten rounds, each adding to one half a number drawn from the other. In decryption they run backwards and subtract.
function feistel(
  cipher: BlockEncrypter,
  tweak: Uint8Array,
  radix: number,
  digits: readonly number[],
  way: 'encrypt' | 'decrypt',
): number[] {
  const n = digits.length;
  const u = Math.floor(n / 2);
  const v = n - u;
  const base = BigInt(radix);
  const modulus = { even: base ** BigInt(u), odd: base ** BigInt(v) };
  const numberBytes = Math.ceil((modulus.odd - 1n).toString(2).length / 8);
  const drawnBytes = 4 * Math.ceil(numberBytes / 4) + 4;
  const head = cipher.encrypt(firstBlock(radix, u, n, tweak.length));
  const tweakPadding = (16 - ((tweak.length + numberBytes + 1) % 16)) % 16;
  let a = numberOf(digits.slice(0, u), base);
  let b = numberOf(digits.slice(u), base);
  const draw = (round: number, from: bigint): bigint => {
    const q = concat(
      tweak,
      new Uint8Array(tweakPadding),
      Uint8Array.of(round),
      Buffer.from(from.toString(16).padStart(2 * numberBytes, '0'), 'hex'),
    );
    return BigInt(`0x${toHex(stretched(cipher, chained(cipher, head, q), drawnBytes))}`);
  };
  for (const round of way === 'encrypt' ? rounds : rounds.toReversed()) {
    const m = round % 2 === 0 ? modulus.even : modulus.odd;
    if (way === 'encrypt') [a, b] = [b, (a + draw(round, b)) % m];
    else [a, b] = [(((b - draw(round, a)) % m) + m) % m, a];
  }
  return [...digitsOf(a, base, u), ...digitsOf(b, base, v)];
}

// P of algorithm 7, step 5.
function firstBlock(radix: number, u: number, n: number, tweakBytes: number): Uint8Array {
  const block = new Uint8Array(16);
  block.set([1, 2, 1, radix >> 16, (radix >> 8) & 0xff, radix & 0xff, 10, u & 0xff]);
  const view = new DataView(block.buffer);
  view.setUint32(8, n);
  view.setUint32(12, tweakBytes);
  return block;
}

function chained(cipher: BlockEncrypter, head: Uint8Array, data: Uint8Array): Uint8Array {
  let state = head;
  for (let at = 0; at < data.length; at += 16) state = cipher.encrypt(xor(state, data.subarray(at, at + 16)));
  return state;
}

// S of algorithm 7, step 6 iii: the block itself, then the block plus 1, plus 2 … enciphered, all in one call.
function stretched(cipher: BlockEncrypter, block: Uint8Array, lengthBytes: number): Uint8Array {
  const more = Math.ceil(lengthBytes / 16) - 1;
  if (more === 0) return block.subarray(0, lengthBytes);
  const counters = new Uint8Array(16 * more);
  for (let index = 0; index < more; index += 1) {
    counters.set(block, 16 * index);
    const view = new DataView(counters.buffer, 16 * index + 12);
    view.setUint32(0, view.getUint32(0) ^ (index + 1));
  }
  return concat(block, cipher.encrypt(counters)).subarray(0, lengthBytes);
}

const numberOf = (digits: readonly number[], base: bigint): bigint =>
  digits.reduce((sum, digit) => sum * base + BigInt(digit), 0n);

function digitsOf(value: bigint, base: bigint, count: number): number[] {
  const digits: number[] = [];
  for (let rest = value; digits.length < count; rest /= base) digits.unshift(Number(rest % base));
  return digits;
}
