import { concat, fail, ok, type Result } from '../kit/index.ts';
import type { Dialogue, Reception, TransmissionCode } from '../iso7816/index.ts';

/** One frame to the card, without CRC, and how many frame waiting times its answer may take. */
export interface IsoDepSend {
  readonly bytes: Uint8Array;
  readonly waitingTimes: number;
}

/** Sends in succession before the card is given up. ISO/IEC 14443-4:2018, 7.5.5.2 leaves the number to the reader. */
const attemptsMax = 3;
/** Waiting time extensions within one exchange. */
const extensionsMax = 64;
const responseBytesMax = 65_538;
/** Frames received in one exchange, of whatever kind. */
const framesMax = 8_192;

type Fault = Extract<Result<never, TransmissionCode>, { readonly ok: false }>;
interface Information {
  readonly more: boolean;
  readonly data: Uint8Array;
}

/**
 * The reader's side of the block protocol of contactless cards (half duplex, PCB without CID and NAD): chaining both ways,
 * waiting time extension, error recovery by R-blocks, DESELECT.
 *
 * @see ISO/IEC 14443-4:2018, 7
 */
export class IsoDepReader {
  readonly #dataBytesMax: number;
  #number: 0 | 1 = 0;
  #extensions = 0;
  #frames = 0;

  /** @param frameBytesMax FSC: the longest frame that the card takes, CRC included */
  constructor(frameBytesMax: number) {
    // PCB and two bytes of CRC.
    this.#dataBytesMax = Math.max(1, frameBytesMax - 3);
  }

  /** One command APDU and its response. */
  *exchange(apdu: Uint8Array): Dialogue<IsoDepSend, Uint8Array> {
    this.#extensions = 0;
    this.#frames = 0;
    let at = 0;
    for (;;) {
      const data = apdu.subarray(at, at + this.#dataBytesMax);
      const more = at + data.length < apdu.length;
      const answer = yield* this.#sendInformation(data, more);
      if (!answer.ok) return answer;
      at += data.length;
      if (answer.value !== undefined) return yield* this.#receive(answer.value);
    }
  }

  /**
   * Asks between two exchanges whether the card is still there: R(NAK), which a card answers with R(ACK) and forgets.
   * ISO/IEC 14443-4:2018, 7.5.6 (presence check, method 2).
   */
  *isPresent(): Dialogue<IsoDepSend, boolean> {
    const reception = yield { bytes: Uint8Array.of(0xb2 | this.#number), waitingTimes: 1 };
    return ok(reception.type !== 'silence');
  }

  /** Lets the card go. S(DESELECT), 7.5.5.2 rule 8: its failure is the caller's to ignore. */
  *deselect(): Dialogue<IsoDepSend, void> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const reception = yield { bytes: Uint8Array.of(0xc2), waitingTimes: 1 };
      if (reception.type === 'bytes' && reception.bytes[0] === 0xc2) return ok(undefined);
    }
    return fail('READER_CARD_MUTE');
  }

  /** Sends one I-block until it is acknowledged: by R(ACK) while chaining (undefined), by an I-block at the end. */
  *#sendInformation(
    data: Uint8Array,
    more: boolean,
  ): Generator<IsoDepSend, { readonly ok: true; readonly value: Information | undefined } | Fault, Reception> {
    const information = concat(Uint8Array.of(0x02 | (more ? 0x10 : 0) | this.#number), data);
    let out: IsoDepSend = { bytes: information, waitingTimes: 1 };
    let failures = 0;
    let silences = 0;
    for (;;) {
      const reception = yield out;
      if (++this.#frames > framesMax) return broken('too many frames');
      const pcb = pcbOf(reception);
      if (reception.type === 'bytes' && pcb !== undefined) {
        const { bytes } = reception;
        if (isInformation(pcb) && (pcb & 1) === this.#number && !more) {
          this.#toggle();
          return ok({ more: (pcb & 0x10) !== 0, data: bytes.subarray(1) });
        }
        if (isAcknowledgement(pcb)) {
          if ((pcb & 1) === this.#number && more) {
            this.#toggle();
            return ok(undefined);
          }
          // Rule 6: the card has not taken the block.
          if ((pcb & 1) !== this.#number) {
            if (++failures >= attemptsMax) return broken('the card does not take the block');
            out = { bytes: information, waitingTimes: 1 };
            continue;
          }
        }
        const extension = this.#extension(bytes);
        if (extension !== undefined) {
          if ('ok' in extension) return extension;
          out = extension;
          continue;
        }
      }
      if (reception.type === 'silence') silences++;
      if (++failures >= attemptsMax)
        return silences === failures ? fail('READER_CARD_MUTE') : broken('too many repetitions');
      // Rule 4: R(NAK) with our number.
      out = { bytes: Uint8Array.of(0xb2 | this.#number), waitingTimes: 1 };
    }
  }

  /** Takes the card's chain, of which the first block is there. Rules 2 and 5. */
  *#receive(first: Information): Dialogue<IsoDepSend, Uint8Array> {
    const parts = [first.data];
    let length = first.data.length;
    let { more } = first;
    let failures = 0;
    let out: IsoDepSend = { bytes: Uint8Array.of(0xa2 | this.#number), waitingTimes: 1 };
    while (more) {
      const reception = yield out;
      if (++this.#frames > framesMax) return broken('too many frames');
      const pcb = pcbOf(reception);
      if (reception.type === 'bytes' && pcb !== undefined) {
        if (isInformation(pcb) && (pcb & 1) === this.#number) {
          this.#toggle();
          const data = reception.bytes.subarray(1);
          parts.push(data);
          length += data.length;
          if (length > responseBytesMax) return broken('the response is too long');
          more = (pcb & 0x10) !== 0;
          failures = 0;
          out = { bytes: Uint8Array.of(0xa2 | this.#number), waitingTimes: 1 };
          continue;
        }
        const extension = this.#extension(reception.bytes);
        if (extension !== undefined) {
          if ('ok' in extension) return extension;
          out = extension;
          continue;
        }
      }
      // Rule 5: R(ACK) again.
      if (++failures >= attemptsMax) return broken('too many repetitions');
      out = { bytes: Uint8Array.of(0xa2 | this.#number), waitingTimes: 1 };
    }
    if (length < 2) return broken('the response has no status word');
    return ok(parts.length === 1 ? first.data : concat(...parts));
  }

  /** The answer to S(WTX): the same WTXM, 1 to 59. 7.3. */
  #extension(bytes: Uint8Array): IsoDepSend | Fault | undefined {
    if ((bytes[0] ?? 0) !== 0xf2 || bytes.length !== 2) return undefined;
    if (++this.#extensions > extensionsMax) return broken('too many waiting time extensions');
    const factor = (bytes[1] ?? 0) & 0x3f;
    if (factor === 0 || factor > 59) return undefined;
    return { bytes: Uint8Array.of(0xf2, factor), waitingTimes: factor };
  }

  #toggle(): void {
    this.#number = this.#number === 0 ? 1 : 0;
  }
}

const pcbOf = (reception: Reception): number | undefined =>
  reception.type === 'bytes' ? reception.bytes[0] : undefined;

/** 000x0x1x without CID and NAD. ISO/IEC 14443-4:2018, 7.1.2.2. */
const isInformation = (pcb: number): boolean => (pcb & 0xee) === 0x02;
const isAcknowledgement = (pcb: number): boolean => (pcb & 0xfe) === 0xa2;

const broken = (reason: string): Fault =>
  fail('TRANSMISSION_BROKEN', { facts: { protocol: 'ISO/IEC 14443-4', reason } });
