import { decodeResponse, encodeCommand } from '@tsunagu/protocols/apdu';
import { encodeFelicaCommand } from '@tsunagu/protocols/felica';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  encodePseudoCommand,
  endSession,
  type ExchangeResult,
  parseAtr,
  type PseudoCommand,
  readExchange,
  readStorageCardAtr,
  startSession,
  switchTo,
  transceive,
} from '@tsunagu/protocols/pcsc';
import type { Antenna, FoundCard } from '../antenna/antenna.ts';
import { felicaTargetOf } from '../antenna/felica-target.ts';
import type { CcidSlot } from '../ccid/slot.ts';
import type { FelicaTarget, ReaderCode } from '../port.ts';

const pollMs = 20;
/** Nothing came back from the card. PC/SC part 3, amendment 1, 3.2.3.1. */
const noAnswer = 0x6401;

/**
 * The antenna of an RC-S300: chip cards as any CCID reader has them, FeliCa by a transparent session of PC/SC part 3.
 *
 * UNPROVEN: nobody here has had one. What stands here is the standard's spelling (FF C2); the maker's own (FF 50 in Escape) was read
 * in other programs and is not used. Anti-collision is the reader's, so several cards of type A are not seen as such.
 */
export class Rcs300Antenna implements Antenna {
  readonly name: string;
  readonly #slot: CcidSlot;
  #isInSession = false;

  constructor(slot: CcidSlot, name: string) {
    this.#slot = slot;
    this.name = name;
  }

  async findTypeA(): Promise<Result<FoundCard, ReaderCode>> {
    const released = await this.release();
    if (!released.ok) return released;
    const powered = await this.#slot.command({ type: 'iccPowerOn', power: 'automatic' }, 'dataBlock');
    if (!powered.ok)
      return powered.fault.code === 'READER_CARD_MUTE' ? fail('READER_CARD_ABSENT', { cause: powered.fault }) : powered;
    const atr = parseAtr(Uint8Array.from(powered.value.data));
    if (!atr.ok) return atr;
    const storage = readStorageCardAtr(atr.value);
    // A FeliCa card is not of type A: it is polled for.
    if (storage?.standard === 0x11) return fail('READER_CARD_ABSENT');
    const uid = await this.#pseudo({ type: 'getUid' });
    if (!uid.ok) return uid;
    // What kind of storage card it is stands in the ATR alone: SAK by the names of the standard.
    if (storage !== undefined) return ok({ uid: uid.value, sak: [0, 0x08, 0x18, 0x00][storage.name] ?? 0 });
    return ok({ uid: uid.value, sak: 0x20, historicalBytes: Uint8Array.from(atr.value.historicalBytes) });
  }

  async transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    const answer = await this.#slot.command({ type: 'xfrBlock', bwi: 0, level: 0, data: apdu }, 'dataBlock');
    if (!answer.ok) return answer;
    const { data, chain } = answer.value;
    if (data.length < 2 || chain !== 0) return fail('CCID_LENGTH_WRONG', { facts: { length: data.length, chain } });
    return ok(Uint8Array.from(data));
  }

  async isPresent(): Promise<Result<boolean, ReaderCode>> {
    const state = await this.#slot.command({ type: 'getSlotStatus' }, 'slotStatus');
    if (state.ok) return ok(state.value.icc === 'active');
    return state.fault.code === 'READER_CARD_ABSENT' ? ok(false) : state;
  }

  async pollFelica(systemCode: number): Promise<Result<FelicaTarget, ReaderCode>> {
    const session = await this.#session();
    if (!session.ok) return session;
    const poll = encodeFelicaCommand({ type: 'polling', systemCode, request: 'systemCode', slots: 0 });
    const answer = await this.exchangeFelica(poll, pollMs);
    if (!answer.ok)
      return answer.fault.code === 'READER_CARD_MUTE' ? fail('READER_CARD_ABSENT', { cause: answer.fault }) : answer;
    return felicaTargetOf(answer.value);
  }

  async exchangeFelica(frame: Uint8Array, timeoutMs: number): Promise<Result<Uint8Array, ReaderCode>> {
    if (!this.#isInSession) return fail('READER_CARD_ABSENT');
    const objects = transceive(frame, Math.ceil(timeoutMs * 1_000));
    const answer = await this.#objects({ type: 'transparentExchange', objects });
    if (!answer.ok) return answer;
    const { frame: back, sw } = answer.value;
    if (back !== undefined && back.length > 0) return ok(Uint8Array.from(back));
    return sw === 0x9000 || sw === noAnswer
      ? fail('READER_CARD_MUTE', { facts: { protocol: 'FeliCa' } })
      : fail('READER_REFUSED', { facts: { error: sw.toString(16) } });
  }

  async release(): Promise<Result<void, ReaderCode>> {
    if (this.#isInSession) {
      this.#isInSession = false;
      const ended = await this.#objects({ type: 'manageSession', objects: endSession() });
      if (!ended.ok) return ended;
    }
    const off = await this.#slot.command({ type: 'iccPowerOff' }, 'slotStatus');
    return off.ok || off.fault.code === 'READER_CARD_ABSENT' ? ok(undefined) : off;
  }

  close(): Promise<void> {
    return this.#slot.channel.close();
  }

  /** Begins a transparent session for FeliCa, layer 3. */
  async #session(): Promise<Result<void, ReaderCode>> {
    const released = await this.release();
    if (!released.ok) return released;
    const started = await this.#objects({ type: 'manageSession', objects: startSession() });
    if (!started.ok) return started;
    this.#isInSession = true;
    const switched = await this.#objects({ type: 'switchProtocol', objects: switchTo('felica', 3) });
    return switched.ok ? ok(undefined) : switched;
  }

  async #objects(pseudo: PseudoCommand): Promise<Result<ExchangeResult, ReaderCode>> {
    const answer = await this.#pseudo(pseudo);
    return answer.ok ? readExchange(answer.value) : answer;
  }

  /** A pseudo-APDU, over Escape: it needs no card there. */
  async #pseudo(pseudo: PseudoCommand): Promise<Result<Uint8Array, ReaderCode>> {
    const bytes = encodeCommand(encodePseudoCommand(pseudo));
    if (!bytes.ok) return fail('PCSC_INVALID', { cause: bytes.fault });
    const answer = await this.#slot.command({ type: 'escape', data: bytes.value }, 'escape');
    if (!answer.ok) return answer;
    const decoded = decodeResponse(answer.value.data);
    if (!decoded.ok) return fail('PCSC_INVALID', { cause: decoded.fault });
    const { sw, data } = decoded.value;
    return sw === 0x9000 ? ok(data) : fail('READER_REFUSED', { facts: { error: sw.toString(16) } });
  }
}
