import { concat } from '../kit/index.ts';
import { decodeT1Block, type Epilogue, encodeT1Block, type T1Block } from './t1-block.ts';

/** How a card speaks T=1. */
export interface T1CardSettings {
  readonly epilogue: Epilogue;
  /** Information field size of the card: what it takes in one block. */
  readonly ifsc: number;
  /** Waiting time extensions that it asks for before each answer. */
  readonly extensions?: number;
}

const nothing = new Uint8Array(0);

/** A command APDU is never longer. */
const commandBytesMax = 65_544;

/**
 * The card's side of T=1, for emulated cards: it takes one block and gives one, or stays silent where its application does.
 *
 * @see ISO/IEC 7816-3:2006, 11.6.3
 */
export class T1Card {
  readonly #settings: T1CardSettings;
  readonly #application: (apdu: Uint8Array) => Uint8Array | undefined;
  #ifsd = 32;
  #sendSeq: 0 | 1 = 0;
  #receiveSeq: 0 | 1 = 0;
  #command: Uint8Array = nothing;
  #response: Uint8Array = nothing;
  #extensionsLeft = 0;
  #last: T1Block | undefined;

  constructor(settings: T1CardSettings, application: (apdu: Uint8Array) => Uint8Array | undefined) {
    this.#settings = settings;
    this.#application = application;
  }

  /** The block that answers a block; undefined when the card is mute. */
  receive(bytes: Uint8Array): Uint8Array | undefined {
    const read = decodeT1Block(bytes, this.#settings.epilogue);
    const answer = 'block' in read ? this.#answer(read.block) : this.#askAgain(read.defect);
    if (answer === undefined) return undefined;
    // What is repeated on request is a block that carried something: R-blocks of errors and S-responses do not.
    if (answer.type === 'I' || (answer.type === 'R' && answer.error === 'none') || isRequest(answer))
      this.#last = answer;
    else if (answer.type === 'S') this.#last = undefined;
    return encodeT1Block(answer, this.#settings.epilogue);
  }

  #answer(block: T1Block): T1Block | undefined {
    switch (block.type) {
      case 'I':
        return this.#take(block);
      case 'R':
        return this.#repeatOrGoOn(block.seq);
      case 'S':
        return block.direction === 'request' ? this.#supervised(block) : this.#granted(block);
    }
  }

  #take({ seq, more, data }: Extract<T1Block, { readonly type: 'I' }>): T1Block | undefined {
    if (seq !== this.#receiveSeq || data.length > this.#settings.ifsc) return this.#askAgain('other');
    if (this.#command.length + data.length > commandBytesMax) return undefined;
    this.#receiveSeq = seq === 0 ? 1 : 0;
    this.#command = concat(this.#command, data);
    this.#response = nothing;
    if (more) return { type: 'R', seq: this.#receiveSeq, error: 'none' };
    const answer = this.#application(this.#command);
    this.#command = nothing;
    if (answer === undefined) return undefined;
    this.#response = answer;
    this.#extensionsLeft = this.#settings.extensions ?? 0;
    return this.#extendOrSend();
  }

  #extendOrSend(): T1Block {
    if (this.#extensionsLeft > 0) {
      this.#extensionsLeft--;
      return { type: 'S', about: 'wtx', direction: 'request', data: Uint8Array.of(2) };
    }
    return this.#sendNext();
  }

  #sendNext(): T1Block {
    const data = this.#response.subarray(0, this.#ifsd);
    this.#response = this.#response.subarray(data.length);
    const block = { type: 'I', seq: this.#sendSeq, more: this.#response.length > 0, data } as const;
    this.#sendSeq = this.#sendSeq === 0 ? 1 : 0;
    return block;
  }

  /** N(R) is the number of the block that the far side awaits: the next of the chain, or the last one again. */
  #repeatOrGoOn(awaited: 0 | 1): T1Block | undefined {
    const last = this.#last;
    if (last?.type === 'I' && awaited === this.#sendSeq)
      return last.more ? this.#sendNext() : { type: 'R', seq: this.#receiveSeq, error: 'other' };
    return last ?? { type: 'R', seq: this.#receiveSeq, error: 'other' };
  }

  #supervised({ about, data }: Extract<T1Block, { readonly type: 'S' }>): T1Block {
    if (about === 'ifs') this.#ifsd = data[0] ?? this.#ifsd;
    if (about === 'resynch') {
      this.#sendSeq = 0;
      this.#receiveSeq = 0;
      this.#command = nothing;
      this.#response = nothing;
      this.#ifsd = 32;
    }
    if (about === 'abort') this.#command = nothing;
    return { type: 'S', about, direction: 'response', data };
  }

  #granted({ about }: Extract<T1Block, { readonly type: 'S' }>): T1Block | undefined {
    const isAwaited = this.#last?.type === 'S' && this.#last.direction === 'request' && this.#last.about === about;
    return isAwaited ? this.#extendOrSend() : this.#askAgain('other');
  }

  #askAgain(error: 'edc' | 'other'): T1Block {
    return { type: 'R', seq: this.#receiveSeq, error };
  }
}

const isRequest = (block: T1Block): boolean => block.type === 'S' && block.direction === 'request';
