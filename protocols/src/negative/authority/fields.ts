import { fail, ok, type Result } from '../../kit/index.ts';
import { type DocumentType, documentTypes } from './signed-bytes.ts';

/** Writes the payload of a document: big-endian numbers, names with their length before. */
export class FieldWriter {
  readonly #parts: number[];
  constructor(type: DocumentType) {
    this.#parts = [documentTypes[type]];
  }
  number(value: number, lengthBytes: number): this {
    for (let at = lengthBytes - 1; at >= 0; at -= 1) this.#parts.push(Math.floor(value / 256 ** at) % 256);
    return this;
  }
  name(text: string): this {
    return this.number(text.length, 1).bytes(Buffer.from(text, 'latin1'));
  }
  bytes(bytes: Uint8Array): this {
    this.#parts.push(...bytes);
    return this;
  }
  take(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

const namePattern = /^[a-z0-9-]{1,32}$/;

/** Reads a payload field by field; what is missing or too much shows at `end`. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isSound = true;
  constructor(bytes: Uint8Array, type: DocumentType) {
    this.#bytes = bytes;
    if (this.number(1) !== documentTypes[type]) this.#isSound = false;
  }
  number(lengthBytes: number): number {
    return this.bytes(lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  bytes(lengthBytes: number): Uint8Array {
    if (this.#at + lengthBytes > this.#bytes.length) {
      this.#isSound = false;
      return new Uint8Array(lengthBytes);
    }
    this.#at += lengthBytes;
    return this.#bytes.slice(this.#at - lengthBytes, this.#at);
  }
  /** A list's name; `mayBeEmpty` for "all lists". */
  name(mayBeEmpty = false): string {
    const text = Buffer.from(this.bytes(Math.min(32, this.number(1)))).toString('latin1');
    if (!namePattern.test(text) && !(mayBeEmpty && text === '')) this.#isSound = false;
    return text;
  }
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }
  end<T>(value: T): Result<T, 'NEGATIVE_DOCUMENT_INVALID'> {
    return this.#isSound && this.#at === this.#bytes.length
      ? ok(value)
      : fail('NEGATIVE_DOCUMENT_INVALID', { offset: this.#at });
  }
}
