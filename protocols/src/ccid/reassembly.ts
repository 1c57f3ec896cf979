import { fail, ok, type Result } from '../kit/index.ts';
import { type CcidCode, headerBytes, lengthAt, messageBytesMax } from './header.ts';

/**
 * Puts bulk-in transfers together into whole messages. The buffer never exceeds one message; zero-length packets, which
 * some readers send after an answer of n × 64 bytes, are skipped.
 *
 * After a fault the assembler is empty: the stream has no mark to find the next message by, so the reader must be reset.
 */
export class BulkInAssembler {
  readonly #messageMax: number;
  #partial: Uint8Array | undefined;
  #filled = 0;

  /** @param lengthBytesMax dwMaxCCIDMessageLength of the class descriptor. */
  constructor(lengthBytesMax: number = messageBytesMax) {
    this.#messageMax = Math.min(Math.max(lengthBytesMax, headerBytes), messageBytesMax);
  }

  /** Bytes of a message that is not complete yet. */
  get pendingBytes(): number {
    return this.#filled;
  }

  /** Forgets a message under way. */
  reset(): void {
    this.#partial = undefined;
    this.#filled = 0;
  }

  /**
   * Takes one transfer and returns the messages that it completes; a message that lies within the transfer is a view of it.
   * CCID_MESSAGE_UNKNOWN for a byte that begins no reader-to-host message, CCID_TOO_LONG for a dwLength beyond the limit.
   */
  push(transfer: Uint8Array): Result<readonly Uint8Array[], CcidCode> {
    const messages: Uint8Array[] = [];
    let at = 0;
    while (at < transfer.length) {
      if (this.#partial === undefined) {
        const type = transfer[at] ?? 0;
        if (type < 0x80 || type > 0x84) return this.#refuse('CCID_MESSAGE_UNKNOWN', at);
        if (transfer.length - at >= headerBytes) {
          const whole = headerBytes + lengthAt(transfer, at + 1);
          if (whole > this.#messageMax) return this.#refuse('CCID_TOO_LONG', at + 1);
          if (transfer.length - at >= whole) {
            messages.push(transfer.subarray(at, at + whole));
            at += whole;
            continue;
          }
          this.#partial = new Uint8Array(whole);
        } else this.#partial = new Uint8Array(headerBytes);
      }
      const room = this.#partial.length - this.#filled;
      const part = transfer.subarray(at, at + room);
      this.#partial.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#partial.length) break;
      if (this.#filled === headerBytes) {
        const whole = headerBytes + lengthAt(this.#partial, 1);
        if (whole > this.#messageMax) return this.#refuse('CCID_TOO_LONG', Math.max(0, at - headerBytes + 1));
        if (whole > headerBytes) {
          const grown = new Uint8Array(whole);
          grown.set(this.#partial);
          this.#partial = grown;
          continue;
        }
      }
      messages.push(this.#partial);
      this.reset();
    }
    return ok(messages);
  }

  /** Called where the reader ended its answer (a short packet, a silence): CCID_TRUNCATED when a message is incomplete. */
  finish(): Result<undefined, CcidCode> {
    const offset = this.#filled;
    if (offset === 0) return ok(undefined);
    this.reset();
    return fail('CCID_TRUNCATED', { offset });
  }

  #refuse(code: CcidCode, offset: number): Result<never, CcidCode> {
    this.reset();
    return fail(code, { offset });
  }
}
