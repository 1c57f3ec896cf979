import { concat, type Fault, fail, ok, type Result } from '../kit/index.ts';

/** How a message is told from the next on a stream. */
export interface FrameFormat {
  /** Two bytes big-endian, four packed digits in two bytes, or four ASCII digits. */
  readonly prefix: 'bin2be' | 'bcd2' | 'ascii4';
  /** Whether the length counts the prefix itself. */
  readonly inclusive?: boolean;
  /** Bytes between prefix and MTI that we carry but do not read: a TPDU (5) or a network header. */
  readonly headerBytes?: number;
  /** Longest frame that is taken, in bytes without the prefix. The prefix's own limit when absent. */
  readonly maxLengthBytes?: number;
  /** A frame of no bytes is a sign of life and is dropped, instead of being handed on as an empty message. */
  readonly keepAlive?: boolean;
}

const prefixLength = { bin2be: 2, bcd2: 2, ascii4: 4 } as const;
const prefixMax = { bin2be: 0xffff, bcd2: 9999, ascii4: 9999 } as const;

/** What a frame holds: the opaque header, and the message from its MTI on. Both are views. */
export interface Frame {
  readonly header: Uint8Array;
  readonly message: Uint8Array;
}

/** What came out of some bytes: whole frames, and the fault that ended the stream, if one did. */
export interface FrameBatch {
  readonly frames: readonly Frame[];
  readonly fault?: Fault<'FRAME_LENGTH'>;
}

/** Puts prefix and header in front of a message. FRAME_LENGTH when it is longer than the link takes. */
export function encodeFrame(
  format: FrameFormat,
  message: Uint8Array,
  header: Uint8Array = new Uint8Array(format.headerBytes ?? 0),
): Result<Uint8Array, 'FRAME_LENGTH'> {
  const body = header.length + message.length;
  const length = body + (format.inclusive ? prefixLength[format.prefix] : 0);
  if (header.length !== (format.headerBytes ?? 0) || body > bodyMax(format) || length > prefixMax[format.prefix])
    return fail('FRAME_LENGTH', { facts: { lengthBytes: body, maxLengthBytes: bodyMax(format) } });
  return ok(concat(writePrefix(format.prefix, length), header, message));
}

function writePrefix(prefix: FrameFormat['prefix'], length: number): Uint8Array {
  const digits = String(length).padStart(4, '0');
  if (prefix === 'bin2be') return Uint8Array.of(length >> 8, length & 255);
  return Uint8Array.from(Buffer.from(digits, prefix === 'bcd2' ? 'hex' : 'latin1'));
}

/** The greatest length that a frame may have without its prefix. */
function bodyMax({ prefix, inclusive, maxLengthBytes }: FrameFormat): number {
  const most = prefixMax[prefix] - (inclusive ? prefixLength[prefix] : 0);
  return Math.min(maxLengthBytes ?? most, most);
}

/** The number that a whole prefix says, or -1. */
function readPrefix(prefix: FrameFormat['prefix'], bytes: Uint8Array): number {
  let length = 0;
  for (const byte of bytes) {
    const digits = prefix === 'ascii4' ? byte - 0x30 : (byte >> 4) * 10 + (byte & 15);
    if (prefix === 'bin2be') length = length * 256 + byte;
    else if (prefix === 'ascii4' ? digits < 0 || digits > 9 : byte >> 4 > 9 || (byte & 15) > 9) return -1;
    else length = length * (prefix === 'ascii4' ? 10 : 100) + digits;
  }
  return length;
}

const nothing = new Uint8Array(0);

/**
 * Cuts a stream into frames as its bytes arrive. A frame that came in one piece is a view of that piece; others are put
 * together once, in a buffer that grows with what has arrived and never with what was only promised. After a fault the
 * stream has lost its place: nothing more is read, and the connection is to be closed.
 */
export class FrameReader {
  readonly #format: FrameFormat;
  readonly #prefix: Uint8Array;
  #prefixCount = 0;
  #body = nothing;
  #bodyCount = 0;
  /** Bytes of the frame under way; -1 while its prefix is being read. */
  #expected = -1;
  #fault: Fault<'FRAME_LENGTH'> | undefined;

  constructor(format: FrameFormat) {
    this.#format = format;
    this.#prefix = new Uint8Array(prefixLength[format.prefix]);
  }

  /** Bytes that wait for the rest of their frame. An idle timer of the shell should watch it. */
  get pendingBytes(): number {
    return this.#prefixCount + this.#bodyCount;
  }

  /** Takes the next bytes of the stream. They must not be overwritten while frames made of them are in use. */
  push(chunk: Uint8Array): FrameBatch {
    const frames: Frame[] = [];
    let at = 0;
    while (!this.#fault) {
      if (this.#expected < 0) {
        at = this.#takePrefix(chunk, at);
        if (this.#expected < 0) break;
      }
      const wanted = this.#expected - this.#bodyCount;
      const taken = Math.min(wanted, chunk.length - at);
      const piece = chunk.subarray(at, at + taken);
      at += taken;
      if (taken < wanted) {
        this.#keep(piece);
        break;
      }
      this.#finish(piece, frames);
    }
    return this.#fault ? { frames, fault: this.#fault } : { frames };
  }

  /** Says whether the stream may end here. FRAME_INCOMPLETE when a frame is under way. */
  end(): Result<undefined, 'FRAME_INCOMPLETE' | 'FRAME_LENGTH'> {
    if (this.#fault) return { ok: false, fault: this.#fault };
    if (this.pendingBytes === 0) return ok(undefined);
    const facts = { arrivedBytes: this.pendingBytes, expectedBytes: Math.max(this.#expected, 0) };
    return fail('FRAME_INCOMPLETE', { offset: this.pendingBytes, facts });
  }

  #takePrefix(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#prefixCount < this.#prefix.length)
      this.#prefix[this.#prefixCount++] = chunk[at++] ?? 0;
    if (this.#prefixCount < this.#prefix.length) return at;
    const { prefix, inclusive, headerBytes = 0, keepAlive } = this.#format;
    const said = readPrefix(prefix, this.#prefix);
    const body = inclusive ? said - this.#prefix.length : said;
    const max = bodyMax(this.#format);
    const isAlive = keepAlive === true && body === 0;
    if (said < 0 || body < 0 || body > max || (body < headerBytes && !isAlive))
      this.#fault = fail('FRAME_LENGTH', { offset: 0, facts: { lengthBytes: body, maxLengthBytes: max } }).fault;
    else this.#expected = body;
    return at;
  }

  #keep(piece: Uint8Array): void {
    const needed = this.#bodyCount + piece.length;
    if (needed > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#expected, Math.max(needed, this.#body.length * 2)));
      grown.set(this.#body.subarray(0, this.#bodyCount));
      this.#body = grown;
    }
    this.#body.set(piece, this.#bodyCount);
    this.#bodyCount = needed;
  }

  #finish(piece: Uint8Array, frames: Frame[]): void {
    const isWhole = this.#bodyCount === 0;
    if (!isWhole) this.#keep(piece);
    const body = isWhole ? piece : this.#body.subarray(0, this.#expected);
    this.#prefixCount = 0;
    this.#body = nothing;
    this.#bodyCount = 0;
    this.#expected = -1;
    if (body.length === 0 && this.#format.keepAlive) return;
    const { headerBytes = 0 } = this.#format;
    frames.push({ header: body.subarray(0, headerBytes), message: body.subarray(headerBytes) });
  }
}
