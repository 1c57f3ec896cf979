/**
 * A range coder (G. N. N. Martin, 1979) on 32 bits: what happens with a chance of p costs log2 1/p bits, parts of a bit included. A symbol is
 * the part `start` to `start + size` of `total` (2^16 at most); the last part takes what division leaves.
 */
export const chanceWhole = 65_536;
const renewBelow = 2 ** 24;
const wordEnd = 2 ** 32;

/** Writes symbols. */
export class RangeWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;
  #low = 0;
  #range = wordEnd - 1;

  symbol(start: number, size: number, total: number): void {
    const unit = Math.floor(this.#range / total);
    this.#low += unit * start;
    this.#range = start + size < total ? unit * size : this.#range - unit * start;
    if (this.#low >= wordEnd) this.#carry();
    while (this.#range < renewBelow) this.#shift();
  }

  /** Something that happens with a chance of `chance` in `chanceWhole`: 1 or more, and less than all. */
  event(happens: boolean, chance: number): void {
    if (happens) this.symbol(0, chance, chanceWhole);
    else this.symbol(chance, chanceWhole - chance, chanceWhole);
  }

  /** A number below `end` (2^53 at most), each as likely. */
  number(value: number, end: number): void {
    let unit = unitOf(end);
    this.symbol(Math.floor(value / unit), 1, Math.floor((end - 1) / unit) + 1);
    for (let rest = value % unit; unit > 1; rest %= unit) {
      const parts = Math.min(unit, chanceWhole);
      unit /= parts;
      this.symbol(Math.floor(rest / unit), 1, parts);
    }
  }

  /** Ends with as few bytes as tell the last symbol: behind them a reader reads zeros. */
  take(): Uint8Array {
    for (let bytes = 0; bytes <= 4; bytes += 1) {
      const unit = 2 ** (32 - 8 * bytes);
      const end = Math.ceil(this.#low / unit) * unit;
      if (end >= this.#low + this.#range) continue;
      this.#low = end;
      if (this.#low >= wordEnd) this.#carry();
      for (let left = bytes; left > 0; left -= 1) this.#shift();
      break;
    }
    return this.#bytes.slice(0, this.#length);
  }

  #carry(): void {
    this.#low -= wordEnd;
    let at = this.#length - 1;
    for (; this.#bytes[at] === 0xff; at -= 1) this.#bytes[at] = 0;
    this.#bytes[at] = (this.#bytes[at] ?? 0) + 1;
  }

  #shift(): void {
    if (this.#length === this.#bytes.length) {
      const wider = new Uint8Array(this.#bytes.length * 2);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    this.#bytes[this.#length] = Math.floor(this.#low / renewBelow);
    this.#length += 1;
    this.#low = (this.#low % renewBelow) * 256;
    this.#range *= 256;
  }
}

/** The largest power of two that leaves 2^16 of it at most below `end`. */
function unitOf(end: number): number {
  let unit = 1;
  while (Math.floor((end - 1) / unit) >= chanceWhole) unit *= 2;
  return unit;
}

/** Reads symbols. Nothing is thrown: past its end it reads zeros, and `overran` says so. */
export class RangeReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #code = 0;
  #range = wordEnd - 1;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#at = from;
    for (let left = 4; left > 0; left -= 1) this.#shift();
  }

  /** Whether it read further than a writer's last symbol can lie behind the end. */
  get overran(): boolean {
    return this.#at > this.#bytes.length + 4;
  }

  event(chance: number): boolean {
    const edge = Math.floor(this.#range / chanceWhole) * chance;
    const happens = this.#code < edge;
    if (happens) this.#range = edge;
    else {
      this.#code -= edge;
      this.#range -= edge;
    }
    this.#renew();
    return happens;
  }

  /** A number below `end`; one that is not is the caller's to notice. */
  number(end: number): number {
    let unit = unitOf(end);
    let value = this.#symbol(Math.floor((end - 1) / unit) + 1) * unit;
    while (unit > 1) {
      const parts = Math.min(unit, chanceWhole);
      unit /= parts;
      value += this.#symbol(parts) * unit;
    }
    return value;
  }

  #symbol(total: number): number {
    const unit = Math.floor(this.#range / total);
    const value = Math.min(total - 1, Math.floor(this.#code / unit));
    this.#code -= unit * value;
    this.#range = value < total - 1 ? unit : this.#range - unit * value;
    this.#renew();
    return value;
  }

  #renew(): void {
    while (this.#range < renewBelow) {
      this.#range *= 256;
      this.#shift();
    }
  }

  #shift(): void {
    this.#code = this.#code * 256 + (this.#bytes[this.#at] ?? 0);
    this.#at += 1;
  }
}
