import { fail, ok, type Result } from '../kit/index.ts';
import type { Dialogue, Reception, TransmissionCode } from './dialogue.ts';
import { decodeT1Block, type Epilogue, encodeT1Block, informationBytesMax, type T1Block } from './t1-block.ts';

/** One block to send, and how many block waiting times its answer may take (more than one after a WTX). */
export interface T1Send {
  readonly bytes: Uint8Array;
  readonly waitingTimes: number;
}

/** What is known of a card that speaks T=1, from its ATR. */
export interface T1Settings {
  readonly epilogue: Epilogue;
  /** Information field size of the card. */
  readonly ifsc: number;
}

/** Sends of one block in succession before it is given up: the first and two more. ISO/IEC 7816-3:2006, 11.6.3.3, rule 7.4. */
const attemptsMax = 3;
/** Waiting time extensions within one exchange; more are a card that never answers. */
const extensionsMax = 64;
/** A response APDU is never longer. */
const responseBytesMax = 65_538;
/** Blocks received in one exchange, of whatever kind: chained ones of one byte each would be 65538. */
const blocksMax = 4_096;

type Next =
  | { readonly type: 'block'; readonly block: T1Block }
  | { readonly type: 'defect'; readonly error: 'edc' | 'other' }
  | { readonly type: 'silence' };

/**
 * The interface device's side of T=1: I-blocks with chaining both ways, R-blocks and repetition, and S-blocks for IFS, WTX,
 * ABORT and RESYNCH.
 *
 * A command is sent again after RESYNCH only when the card said that it had not taken its first block: a command that may
 * have been carried out ends in a fault instead, so that nothing is done twice.
 *
 * @see ISO/IEC 7816-3:2006, 11.6.3
 */
export class T1Host {
  readonly #epilogue: Epilogue;
  readonly #ifscAtFirst: number;
  #ifsc: number;
  /** N(S) of our next I-block, and of the card's next one. */
  #sendSeq: 0 | 1 = 0;
  #receiveSeq: 0 | 1 = 0;
  #extensions = 0;
  #blocks = 0;

  constructor({ epilogue, ifsc }: T1Settings) {
    this.#epilogue = epilogue;
    this.#ifscAtFirst = Math.min(Math.max(ifsc, 1), informationBytesMax);
    this.#ifsc = this.#ifscAtFirst;
  }

  /** Information field size of the card, as it stands. */
  get ifsc(): number {
    return this.#ifsc;
  }

  /** Tells the card how long its blocks may be. Rule 4; EMV 4.3 Book 1, 9.2.4.2.2 asks for it first of all. */
  *exchangeIfs(ifsd: number): Dialogue<T1Send, void> {
    const request = supervise('ifs', 'request', Uint8Array.of(ifsd));
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const next = this.#read(yield this.#send(request));
      if (next.type !== 'block') continue;
      const { block } = next;
      if (block.type === 'S' && block.about === 'ifs' && block.direction === 'response' && block.data[0] === ifsd)
        return ok(undefined);
    }
    return broken('IFS is not acknowledged');
  }

  /** One command APDU and its response. */
  *exchange(apdu: Uint8Array): Dialogue<T1Send, Uint8Array> {
    this.#extensions = 0;
    this.#blocks = 0;
    const first = yield* this.#converse(apdu);
    if (first !== 'notTaken') return first;
    const resynchronised = yield* this.#resynchronise();
    if (!resynchronised.ok) return resynchronised;
    const second = yield* this.#converse(apdu);
    return second === 'notTaken' ? broken('the card does not take the block') : second;
  }

  *#converse(apdu: Uint8Array): Generator<T1Send, ReturnOf | 'notTaken', Reception> {
    let at = 0;
    for (;;) {
      const data = apdu.subarray(at, at + this.#ifsc);
      const more = at + data.length < apdu.length;
      const answer = yield* this.#sendInformation({ type: 'I', seq: this.#sendSeq, more, data });
      if (answer === 'notTaken') {
        if (at === 0) return 'notTaken';
        return broken('the card does not take a block of the chain');
      }
      if (!answer.ok) return answer;
      this.#sendSeq = this.#sendSeq === 0 ? 1 : 0;
      at += data.length;
      if (more) {
        if (answer.value !== undefined) return broken('the card answers within a chain');
        continue;
      }
      if (answer.value === undefined) return broken('the card acknowledges the last block');
      return yield* this.#receive(answer.value);
    }
  }

  /**
   * Sends one I-block until it is acknowledged: by an R-block with the next number while chaining (undefined), by the card's
   * own I-block at the end. Rules 2 and 5; repetition: rule 7.
   */
  *#sendInformation(
    information: Extract<T1Block, { readonly type: 'I' }>,
  ): Generator<T1Send, Acknowledged | 'notTaken', Reception> {
    const other = information.seq === 0 ? 1 : 0;
    let out: T1Block = information;
    let times = 1;
    let failures = 0;
    let silences = 0;
    let asksAgain = 0;
    for (;;) {
      const next = this.#read(yield this.#send(out, times));
      times = 1;
      if (++this.#blocks > blocksMax) return broken('too many blocks');
      if (next.type === 'block') {
        const { block } = next;
        if (block.type === 'I' && block.seq === this.#receiveSeq && !information.more) return ok(block);
        if (block.type === 'R') {
          if (block.seq === other && information.more) return ok(undefined);
          if (block.seq === information.seq) {
            // The card asks for this very block again: it has not taken it. Rule 7.1.
            if (++failures >= attemptsMax)
              return ++asksAgain === failures ? 'notTaken' : broken('too many repetitions');
            asksAgain++;
            out = information;
            continue;
          }
        }
        if (block.type === 'S' && block.direction === 'request') {
          const answer = this.#supervise(block);
          if (!('reply' in answer)) return answer.fault;
          out = answer.reply;
          times = answer.times;
          continue;
        }
      }
      if (next.type === 'silence') silences++;
      if (++failures >= attemptsMax)
        return silences === failures ? fail('READER_CARD_MUTE') : broken('too many repetitions');
      // Rule 7.1: an invalid block, or none, is answered by an R-block that names the block that is awaited.
      out = { type: 'R', seq: this.#receiveSeq, error: next.type === 'defect' ? next.error : 'other' };
    }
  }

  /** Takes the card's chain of I-blocks, of which the first is there. Rule 5. */
  *#receive(first: Extract<T1Block, { readonly type: 'I' }>): Generator<T1Send, ReturnOf, Reception> {
    const parts: Uint8Array[] = [];
    let length = 0;
    let block = first;
    for (;;) {
      this.#receiveSeq = this.#receiveSeq === 0 ? 1 : 0;
      parts.push(block.data);
      length += block.data.length;
      if (length > responseBytesMax) return broken('the response is too long');
      if (!block.more) break;
      const next = yield* this.#nextOfChain();
      if (!next.ok) return next;
      block = next.value;
    }
    if (length < 2) return broken('the response has no status word');
    return ok(parts.length === 1 ? first.data : joined(parts, length));
  }

  *#nextOfChain(): Generator<T1Send, ChainReturn, Reception> {
    let out: T1Block = { type: 'R', seq: this.#receiveSeq, error: 'none' };
    let times = 1;
    let failures = 0;
    for (;;) {
      const next = this.#read(yield this.#send(out, times));
      times = 1;
      if (++this.#blocks > blocksMax) return broken('too many blocks');
      if (next.type === 'block') {
        const { block } = next;
        if (block.type === 'I' && block.seq === this.#receiveSeq) return ok(block);
        if (block.type === 'S' && block.direction === 'request') {
          const answer = this.#supervise(block);
          if (!('reply' in answer)) return answer.fault;
          out = answer.reply;
          times = answer.times;
          continue;
        }
      }
      if (++failures >= attemptsMax) return broken('too many repetitions');
      out = { type: 'R', seq: this.#receiveSeq, error: next.type === 'defect' ? next.error : 'other' };
    }
  }

  /** The answer to an S-block of the card. Rules 3, 4 and 9. */
  #supervise(
    block: Extract<T1Block, { readonly type: 'S' }>,
  ): { readonly reply: T1Block; readonly times: number } | { readonly fault: Fault } {
    const reply = supervise(block.about, 'response', block.data);
    switch (block.about) {
      case 'wtx':
        if (++this.#extensions > extensionsMax) return { fault: broken('too many waiting time extensions') };
        return { reply, times: Math.max(1, block.data[0] ?? 1) };
      case 'ifs':
        if (++this.#extensions > extensionsMax) return { fault: broken('too many changes of IFS') };
        this.#ifsc = block.data[0] ?? this.#ifsc;
        return { reply, times: 1 };
      default:
        // RESYNCH is the interface device's alone (rule 6.1); an aborted chain leaves no response to wait for.
        return { fault: broken(`S(${block.about} request) of the card`) };
    }
  }

  /** Begins again with both numbers at zero. Rule 6. */
  *#resynchronise(): Dialogue<T1Send, void> {
    const request = supervise('resynch', 'request', new Uint8Array(0));
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const next = this.#read(yield this.#send(request));
      if (next.type !== 'block') continue;
      const { block } = next;
      if (block.type === 'S' && block.about === 'resynch' && block.direction === 'response') {
        this.#sendSeq = 0;
        this.#receiveSeq = 0;
        this.#ifsc = this.#ifscAtFirst;
        return ok(undefined);
      }
    }
    return broken('RESYNCH is not acknowledged');
  }

  #send(block: T1Block, waitingTimes = 1): T1Send {
    return { bytes: encodeT1Block(block, this.#epilogue), waitingTimes };
  }

  #read(reception: Reception): Next {
    if (reception.type === 'silence') return reception;
    if (reception.type === 'garbled') return { type: 'defect', error: 'edc' };
    const read = decodeT1Block(reception.bytes, this.#epilogue);
    return 'block' in read ? { type: 'block', block: read.block } : { type: 'defect', error: read.defect };
  }
}

type Information = Extract<T1Block, { readonly type: 'I' }>;
type Fault = Extract<Result<never, TransmissionCode>, { readonly ok: false }>;
type ReturnOf = { readonly ok: true; readonly value: Uint8Array } | Fault;
type Acknowledged = { readonly ok: true; readonly value: Information | undefined } | Fault;
type ChainReturn = { readonly ok: true; readonly value: Information } | Fault;

const supervise = (
  about: Extract<T1Block, { readonly type: 'S' }>['about'],
  direction: 'request' | 'response',
  data: Uint8Array,
): T1Block => ({ type: 'S', about, direction, data });

const broken = (reason: string): Fault => fail('TRANSMISSION_BROKEN', { facts: { protocol: 'T=1', reason } });

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
