import type { ClassDescriptor, PinOperation } from '@tsunagu/protocols/ccid';
import { encodePinOperation, exchangeLevelOf } from '@tsunagu/protocols/ccid';
import {
  type Epilogue,
  type Reception,
  received,
  T1Host,
  type T1Send,
  type T1Settings,
  type T0Send,
  t0Characters,
  t0Exchange,
  t1BlockBytes,
} from '@tsunagu/protocols/iso7816';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import { padRefusal } from './refusal.ts';
import { converse } from '../converse.ts';
import { type Answer, answerMs } from './channel.ts';
import type { CcidSlot } from './slot.ts';

/** How APDUs travel to a card at one exchange level. */
export interface ApduExchange {
  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>>;
  /** The same with a PIN that the reader puts into the command; the template is `operation.apdu`. */
  secure(operation: PinOperation): Promise<Result<Uint8Array, ReaderCode>>;
}

type Response = Promise<Result<Uint8Array, ReaderCode>>;
type Block = Result<Answer<'dataBlock'>, ReaderCode>;

const pinMessage = (operation: PinOperation) =>
  ({ type: 'secure', bwi: 0, level: 0, data: encodePinOperation(operation) }) as const;
/** A person types for a while: the reader's own time limit comes first. */
const pinWaitMs = ({ timeoutSeconds }: PinOperation): number => timeoutSeconds * 1_000 + 2 * answerMs;

/** APDU level: the reader does everything, in one message or, at extended level, in several. CCID 1.1, 6.1.4 and 6.2.1. */
export class ApduLevel implements ApduExchange {
  readonly #slot: CcidSlot;
  readonly #dataBytesMax: number;
  readonly #canChain: boolean;

  constructor(slot: CcidSlot, { features, messageBytesMax }: ClassDescriptor) {
    this.#slot = slot;
    this.#canChain = exchangeLevelOf(features) === 'extendedApdu';
    this.#dataBytesMax = Math.max(1, messageBytesMax - 10);
  }

  async transmit(apdu: Uint8Array): Response {
    if (apdu.length <= this.#dataBytesMax) return this.#collect(await this.#send(apdu, 0x00));
    if (!this.#canChain)
      return fail('CCID_TOO_LONG', { facts: { length: apdu.length, messageBytesMax: this.#dataBytesMax } });
    for (let at = 0; ; at += this.#dataBytesMax) {
      const part = apdu.subarray(at, at + this.#dataBytesMax);
      const isLast = at + part.length >= apdu.length;
      const answer = await this.#send(part, at === 0 ? 0x01 : isLast ? 0x02 : 0x03);
      if (isLast || !answer.ok) return this.#collect(answer);
      // The reader asks for the next part. An answer in its place is an answer to half a command.
      if (answer.value.chain !== 0x10 || answer.value.data.length > 0)
        return this.#broken({ chain: answer.value.chain });
    }
  }

  async secure(operation: PinOperation): Response {
    const answer = await this.#slot.command(pinMessage(operation), 'dataBlock', pinWaitMs(operation));
    return this.#collect(padRefusal(answer));
  }

  #send(data: Uint8Array, level: number): Promise<Block> {
    return this.#slot.command({ type: 'xfrBlock', bwi: 0, level, data }, 'dataBlock');
  }

  /** Takes the parts of a response. */
  async #collect(first: Block): Response {
    let answer = first;
    if (answer.ok && answer.value.chain === 0) {
      const { data } = answer.value;
      return data.length >= 2 ? ok(data) : this.#broken({ length: data.length });
    }
    let whole: Uint8Array = new Uint8Array(0);
    for (let turn = 0; turn < 4_096; turn++) {
      if (!answer.ok) return answer;
      const { chain, data } = answer.value;
      // First and middle parts announce more, the last one ends.
      const isExpected = turn === 0 ? chain === 0x01 : chain === 0x02 || chain === 0x03;
      if (!isExpected || data.length === 0 || whole.length + data.length > 65_538) return this.#broken({ chain });
      whole = concat(whole, data);
      if (chain === 0x02) return whole.length >= 2 ? ok(whole) : this.#broken({ length: whole.length });
      answer = await this.#send(data.subarray(data.length), 0x10);
    }
    return this.#broken({ parts: 4_096 });
  }

  async #broken(facts: Readonly<Record<string, number>>): Response {
    await this.#slot.channel.recover(this.#slot.index);
    return fail('CCID_LENGTH_WRONG', { offset: 1, field: 'dwLength', facts });
  }
}

/** Powers the slot off after a card broke its protocol. */
async function orOff(slot: CcidSlot, result: Result<Uint8Array, ReaderCode>): Response {
  if (!result.ok && !isOfThePad(result.fault.code)) await slot.channel.recover(slot.index);
  return result;
}
const isOfThePad = (code: ReaderCode): boolean =>
  code === 'PIN_PAD_CANCELLED' ||
  code === 'PIN_PAD_TIMEOUT' ||
  code === 'PIN_PAD_REFUSED' ||
  code === 'APDU_LENGTH_INVALID';

/** T=0 by us: whole TPDUs where the reader does the procedure bytes, else characters. ISO/IEC 7816-3:2006, 10.3 and 12.2. */
export class T0Level implements ApduExchange {
  readonly #slot: CcidSlot;
  readonly #isByCharacter: boolean;

  constructor(slot: CcidSlot, level: 'tpdu' | 'character') {
    this.#slot = slot;
    this.#isByCharacter = level === 'character';
  }

  async transmit(apdu: Uint8Array): Response {
    return orOff(this.#slot, await converse(t0Exchange(apdu), (tpdu) => this.#tpdu(tpdu)));
  }

  /** The first TPDU is written by the reader; a card that asks for it again asks for a PIN that nobody has. */
  async secure(operation: PinOperation): Response {
    let turn = 0;
    const result = await converse(t0Exchange(operation.apdu), (tpdu) => {
      if (turn++ > 0) return this.#tpdu(tpdu);
      const withTpdu = { ...operation, apdu: tpdu.bytes };
      return this.#slot.receive(pinMessage(withTpdu), pinWaitMs(operation)).then(padRefusal);
    });
    return orOff(this.#slot, result);
  }

  async #tpdu(tpdu: T0Send): Promise<Result<Reception, ReaderCode>> {
    if (!this.#isByCharacter) return this.#slot.transfer(tpdu.bytes);
    const answer = await converse(t0Characters(tpdu), ({ bytes, expected }) => this.#slot.transfer(bytes, expected));
    return answer.ok ? ok(received(answer.value)) : answer;
  }
}

/** T=1 by us, block by block. ISO/IEC 7816-3:2006, 11. */
export class T1Level implements ApduExchange {
  readonly #slot: CcidSlot;
  readonly #host: T1Host;
  readonly #epilogue: Epilogue;
  readonly #isByCharacter: boolean;

  constructor(slot: CcidSlot, level: 'tpdu' | 'character', settings: T1Settings) {
    this.#slot = slot;
    this.#host = new T1Host(settings);
    this.#epilogue = settings.epilogue;
    this.#isByCharacter = level === 'character';
  }

  /** Announces how long the card's blocks may be. */
  async announceIfsd(ifsd: number): Promise<Result<void, ReaderCode>> {
    return converse(this.#host.exchangeIfs(ifsd), (block) => this.#block(block));
  }

  async transmit(apdu: Uint8Array): Response {
    return orOff(this.#slot, await converse(this.#host.exchange(apdu), (block) => this.#block(block)));
  }

  /** The first block is written by the reader around the PIN: only its prologue is ours (bTeoPrologue). */
  async secure(operation: PinOperation): Response {
    let first: Uint8Array | undefined;
    const result = await converse(this.#host.exchange(operation.apdu), (block) => {
      if (first === undefined) {
        first = block.bytes;
        const [nad = 0, pcb = 0, length = 0] = block.bytes;
        const withPrologue: PinOperation = { ...operation, prologue: [nad, pcb, length] };
        return this.#slot.receive(pinMessage(withPrologue), pinWaitMs(operation)).then(padRefusal);
      }
      // To send the template again would be to send a PIN that is none.
      const isTemplate = Buffer.compare(first, block.bytes) === 0;
      return isTemplate ? Promise.resolve(ok({ type: 'garbled' } as const)) : this.#block(block);
    });
    return orOff(this.#slot, result);
  }

  async #block({ bytes, waitingTimes }: T1Send): Promise<Result<Reception, ReaderCode>> {
    const bwi = waitingTimes > 1 ? Math.min(waitingTimes, 255) : 0;
    if (!this.#isByCharacter) return this.#slot.transfer(bytes, 0, bwi);
    const head = await this.#slot.transfer(bytes, 3, bwi);
    if (!head.ok || head.value.type !== 'bytes' || head.value.bytes.length !== 3) return head;
    const length = t1BlockBytes(head.value.bytes, this.#epilogue);
    if (!length.ok) return ok({ type: 'garbled' });
    const prologue = Uint8Array.from(head.value.bytes);
    const rest = await this.#slot.transfer(bytes.subarray(bytes.length), length.value - 3);
    if (!rest.ok || rest.value.type !== 'bytes') return rest;
    return ok(received(concat(prologue, rest.value.bytes)));
  }
}
