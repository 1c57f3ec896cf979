/** "VCD" with the high bits set, and version 0. RFC 3284, 4.1. */
export const vcdiffMagic = [0xd6, 0xc3, 0xc4, 0x00] as const;

/** Bits of a window's indicator. RFC 3284, 4.2; VCD_ADLER32 is an extension of xdelta3. */
export const windowBits = { source: 1, target: 2, adler32: 4 } as const;

/** What one opcode does: up to two instructions; size 0 stands in the instructions behind it. */
export interface Instruction {
  readonly kind: 'add' | 'run' | 'copy';
  readonly size: number;
  /** Of a copy: how its address is written. RFC 3284, 5.3. */
  readonly mode: number;
}

const near = 4;
const same = 3;
/** Modes of addresses: as they are, back from here, `near` of the last ones, `same` of 256 each. */
export const modesMax = 2 + near + same;

const copy = (size: number, mode: number): Instruction => ({ kind: 'copy', size, mode });
const add = (size: number): Instruction => ({ kind: 'add', size, mode: 0 });
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** The default code table. RFC 3284, 5.6. */
export const codeTable: readonly (readonly Instruction[])[] = [
  [{ kind: 'run', size: 0, mode: 0 }],
  ...range(0, 17).map((size) => [add(size)]),
  ...range(0, 8).flatMap((mode) => [0, ...range(4, 18)].map((size) => [copy(size, mode)])),
  ...range(0, 5).flatMap((mode) => range(1, 4).flatMap((size) => range(4, 6).map((of) => [add(size), copy(of, mode)]))),
  ...range(6, 8).flatMap((mode) => range(1, 4).map((size) => [add(size), copy(4, mode)])),
  ...range(0, 8).map((mode) => [copy(4, mode), add(1)]),
];

/** The opcode of an instruction whose size stands behind it. */
export const opcodes = { add: 1, copy: (mode: number): number => 19 + mode * 16 } as const;

/** The addresses of the last copies, by which later ones are written shorter. RFC 3284, 5.1. */
export class AddressCache {
  readonly #near = new Float64Array(near);
  readonly #same = new Float64Array(same * 256);
  #next = 0;

  remember(address: number): void {
    this.#near[this.#next] = address;
    this.#next = (this.#next + 1) % near;
    this.#same[address % (same * 256)] = address;
  }

  /** @param written the integer (modes 0 to 5) or byte (6 to 8) that stands in the addresses */
  read(mode: number, written: number, here: number): number {
    if (mode === 0) return written;
    if (mode === 1) return here - written;
    if (mode < 2 + near) return (this.#near[mode - 2] ?? 0) + written;
    return this.#same[(mode - 2 - near) * 256 + written] ?? 0;
  }

  /** The mode in which an address is written shortest, and what is written. */
  shortest(address: number, here: number): { readonly mode: number; readonly written: number } {
    const at = address % (same * 256);
    if (this.#same[at] === address) return { mode: 2 + near + (at >> 8), written: at & 0xff };
    let best = { mode: 0, written: address };
    if (here - address < best.written) best = { mode: 1, written: here - address };
    for (let index = 0; index < near; index++) {
      const written = address - (this.#near[index] ?? 0);
      if (written >= 0 && written < best.written) best = { mode: 2 + index, written };
    }
    return best;
  }
}

/** Whether an address of this mode is one byte. */
export const isByteMode = (mode: number): boolean => mode >= 2 + near;
