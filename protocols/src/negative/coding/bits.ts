/** Writes bits, most significant first, into a buffer that grows. */
export class BitWriter {
  #view = new DataView(new ArrayBuffer(1024));
  #length = 0;
  #held = 0;
  #heldBits = 0;

  /** Whole bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Writes the `bits` (0-53) low bits of a whole number. */
  write(value: number, bits: number): void {
    if (bits > 24) {
      const high = Math.floor(value / 0x1000000);
      this.write(high, bits - 24);
      this.#put(value - high * 0x1000000, 24);
    } else if (bits > 0) this.#put(value, bits);
  }

  /** Writes `count` ones and a zero. */
  unary(count: number): void {
    if (count < 24) return this.#put((1 << (count + 1)) - 2, count + 1);
    this.ones(count);
    this.#put(0, 1);
  }

  /** Writes `count` ones. */
  ones(count: number): void {
    let left = count;
    for (; left > 24; left -= 24) this.#put(0xffffff, 24);
    if (left > 0) this.#put((1 << left) - 1, left);
  }

  /** Fills the last byte with ones. */
  align(): void {
    if (this.#heldBits > 0) this.ones(8 - this.#heldBits);
  }

  /** What was written; call `align` before. */
  take(): Uint8Array {
    return new Uint8Array(this.#view.buffer.slice(0, this.#length));
  }

  /** Up to 24 bits behind the seven at most that are held: a whole word is written each time, and counts as far as it is full. */
  #put(value: number, bits: number): void {
    const held = (this.#held << bits) | value;
    const heldBits = this.#heldBits + bits;
    if (this.#length + 4 > this.#view.byteLength) this.#widen();
    this.#view.setUint32(this.#length, held << (32 - heldBits));
    this.#length += heldBits >>> 3;
    this.#heldBits = heldBits & 7;
    this.#held = held & ((1 << this.#heldBits) - 1);
  }

  #widen(): void {
    const wider = new Uint8Array(this.#view.byteLength * 2);
    wider.set(new Uint8Array(this.#view.buffer));
    this.#view = new DataView(wider.buffer);
  }
}

/** Bytes that must follow the last bit that a `BitReader` may read: it loads whole words. */
export const readAhead = 4;

/**
 * Reads bits, most significant first, between two positions. Nothing is thrown: past its end it reads what is there and
 * `overran` says so. The bytes must go on for `readAhead` bytes after the end.
 */
export class BitReader {
  readonly #view: DataView;
  position = 0;
  end = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Goes to bytes `from` up to and without `to`. */
  seek(from: number, to: number): void {
    this.position = from * 8;
    this.end = to * 8;
  }

  get overran(): boolean {
    return this.position > this.end;
  }

  /** Up to 25 bits. */
  read(bits: number): number {
    if (bits === 0) return 0;
    const value = this.#window() >>> (32 - bits);
    this.position += bits;
    return value;
  }

  /** The next bits, up to 25, without reading them. */
  peek(bits: number): number {
    return this.#window() >>> (32 - bits);
  }

  /** Up to 53 bits. */
  readLong(bits: number): number {
    let value = 0;
    for (let left = bits; left > 0; left -= 24) value = value * 2 ** Math.min(left, 24) + this.read(Math.min(left, 24));
    return value;
  }

  /** Ones up to a zero, which is read too; -1 when only ones are left, and then nothing was read. */
  unary(): number {
    let count = 0;
    let at = this.position;
    while (at < this.end) {
      const ones = Math.clz32(~this.#windowAt(at));
      if (ones < 25) {
        if (at + ones >= this.end) return -1;
        this.position = at + ones + 1;
        return count + ones;
      }
      count += 25;
      at += 25;
    }
    return -1;
  }

  /** The next 25 bits or more at the top of a word, without reading them. */
  #window(): number {
    return this.#windowAt(Math.min(this.position, this.end));
  }

  #windowAt(position: number): number {
    return this.#view.getUint32(position >>> 3) << (position & 7);
  }
}
