import { featuresOf } from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { ChipReader, PinPad, ReaderCode, SlotState } from '../port.ts';
import type { CcidChannel } from './channel.ts';
import type { ApduExchange } from './levels.ts';
import { negotiate } from './negotiate.ts';
import { CcidPinPad } from './pin-pad.ts';
import { Turns } from '../turns.ts';
import { CcidSlot } from './slot.ts';
import { type CardWatch, waitForCard } from '../wait-for-card.ts';

const pollMs = 250;
const notPowered: Result<never, ReaderCode> = fail('READER_REFUSED', { facts: { error: 'NOT_POWERED' } });

/** One slot of a CCID reader, at whatever exchange level the reader has. */
export class CcidReader implements ChipReader {
  readonly kind: 'contact' | 'contactless';
  readonly name: string;
  readonly pinPad?: PinPad;
  readonly #world: World;
  readonly #channel: CcidChannel;
  readonly #slot: CcidSlot;
  readonly #onClose: () => Promise<void>;
  /** A call is several messages, which those of another call must not come between. */
  readonly #turns = new Turns();
  /** How APDUs travel; undefined while the card is not powered. */
  #exchange: ApduExchange | undefined;
  #isClosed = false;

  constructor(
    world: World,
    channel: CcidChannel,
    options: {
      readonly kind: 'contact' | 'contactless';
      readonly name: string;
      readonly slot: number;
      /** Called once, when this slot is given up. */
      readonly onClose: () => Promise<void>;
    },
  ) {
    this.#world = world;
    this.#channel = channel;
    this.#slot = new CcidSlot(channel, options.slot);
    this.#onClose = options.onClose;
    this.kind = options.kind;
    this.name = options.name;
    const { pinSupport } = channel.ccid.descriptor;
    if (pinSupport.length > 0)
      this.pinPad = new CcidPinPad(pinSupport, (work) =>
        this.#turns.take(async () =>
          this.#exchange === undefined ? notPowered : this.#guarded(this.#exchange, await work(this.#exchange)),
        ),
      );
  }

  state(): Promise<Result<SlotState, ReaderCode>> {
    return this.#turns.take(() => this.#state());
  }

  powerOn(): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(() => this.#powerOn());
  }

  powerOff(): Promise<Result<void, ReaderCode>> {
    return this.#turns.take(() => this.#powerOff());
  }

  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(() => this.#transmit(apdu));
  }

  async #state(): Promise<Result<SlotState, ReaderCode>> {
    const answer = await this.#slot.command({ type: 'getSlotStatus' }, 'slotStatus');
    if (!answer.ok) {
      // The reader says so itself when the slot is empty, in the same message.
      if (answer.fault.code === 'READER_CARD_ABSENT') return ok('absent');
      this.#exchange = undefined;
      return answer;
    }
    const { icc } = answer.value;
    if (icc !== 'active') this.#exchange = undefined;
    return ok(icc === 'active' ? 'active' : icc === 'inactive' ? 'present' : 'absent');
  }

  async #powerOn(): Promise<Result<Uint8Array, ReaderCode>> {
    const { descriptor } = this.#channel.ccid;
    for (const mayPps of [true, false]) {
      this.#exchange = undefined;
      const atr = await this.#reset();
      if (!atr.ok) return atr;
      const exchange = await negotiate(this.#slot, descriptor, atr.value, mayPps);
      if (exchange.ok) {
        this.#exchange = exchange.value;
        return atr;
      }
      if (exchange.fault.code !== 'PPS_REFUSED' || !mayPps) {
        await this.#powerOff();
        return exchange;
      }
    }
    return fail('PPS_REFUSED');
  }

  async #powerOff(): Promise<Result<void, ReaderCode>> {
    this.#exchange = undefined;
    const answer = await this.#slot.command({ type: 'iccPowerOff' }, 'slotStatus');
    return answer.ok ? ok(undefined) : answer;
  }

  async #transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    if (this.#exchange === undefined) {
      // Whether it is the card that is missing, or its power.
      const state = await this.#state();
      if (!state.ok) return state;
      return state.value === 'absent' ? fail('READER_CARD_ABSENT') : notPowered;
    }
    const exchange = this.#exchange;
    return this.#guarded(exchange, await exchange.transmit(apdu));
  }

  waitForCard(timeoutMs: number): Promise<Result<void, ReaderCode>> {
    const watch: CardWatch = {
      state: () => this.state(),
      isClosed: () => this.#isClosed,
      // A notification is a hint alone: the state is asked again after it, and after a while anyhow.
      pause: (ms) => this.#channel.change(Math.min(ms, pollMs)),
    };
    return waitForCard(this.#world.clock, watch, timeoutMs);
  }

  escape(data: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(async () => {
      const answer = await this.#slot.command({ type: 'escape', data }, 'escape');
      return answer.ok ? ok(answer.value.data) : answer;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turns.idle();
    await this.#onClose();
  }

  /** Cold reset, with the voltages that the reader does not choose by itself. ISO/IEC 7816-3:2006, 6.2.3. */
  async #reset(): Promise<Result<Uint8Array, ReaderCode>> {
    const { features, voltages } = this.#channel.ccid.descriptor;
    const isAutomatic = featuresOf(features).includes('automaticVoltage') || voltages.length === 0;
    let last: Result<Uint8Array, ReaderCode> = notPowered;
    for (const power of isAutomatic ? (['automatic'] as const) : voltages) {
      const answer = await this.#slot.command({ type: 'iccPowerOn', power }, 'dataBlock');
      if (answer.ok) return ok(Uint8Array.from(answer.value.data));
      last = answer;
      if (answer.fault.code !== 'READER_CARD_MUTE') break;
    }
    return last;
  }

  /** After a fault the card counts as not powered. */
  #guarded(exchange: ApduExchange, result: Result<Uint8Array, ReaderCode>): Result<Uint8Array, ReaderCode> {
    if (!result.ok && !keepsPower.has(result.fault.code) && this.#exchange === exchange) this.#exchange = undefined;
    return result;
  }
}

/** Faults after which nothing has reached the card. */
const keepsPower: ReadonlySet<ReaderCode> = new Set<ReaderCode>([
  'PIN_PAD_CANCELLED',
  'PIN_PAD_TIMEOUT',
  'PIN_PAD_REFUSED',
  'CCID_TOO_LONG',
  'APDU_LENGTH_INVALID',
]);
