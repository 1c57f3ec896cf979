import type { ReaderKind, TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { realCard, realStripe } from '@tsunagu/protocols/fleet';
import { fail, hex, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { PinAnswer, PinQuestion } from '../kernel/index.ts';
import type { ChipReader, PinPad, Readers } from '../readers/port.ts';
import type { Cardholder, CardHand, CardInHand } from './hand.ts';
import type { Stopwatch } from './stopwatch.ts';

/** A person needs longer than an emulated one. */
const cardWaitMs = 30_000;
/** How often readers are asked whether a card has come. */
const pollMs = 100;
/** EMV 4.3 Book 3, 6.5.12: VERIFY with a plaintext PIN block, which the pad fills in (ISO 9564-1, format 2). */
const verifyTemplate = hex('002000800820FFFFFFFFFFFFFF');
const pinTimeoutSeconds = 30;

/**
 * A person with a card at real readers. Cards have no names here: `reader` is whatever comes to any of them. There is no screen to ask on,
 * and no keys but those of the reader itself, so the kernel is told so: it asks for no online or enciphered PIN, and takes the card's own
 * order of applications (EMV 4.3 Book 1, 12.4).
 */
export class PersonAtReader implements CardHand {
  readonly readers: Readers;
  readonly isPerson = true;
  readonly cardWaitMs = cardWaitMs;
  readonly cards: readonly string[] = [];
  readonly #world: World;
  readonly #model: TerminalModel;

  constructor(world: World, model: TerminalModel, readers: Readers) {
    this.#world = world;
    this.#model = model;
    this.readers = readers;
  }

  async present(card: string, watch: Stopwatch): Promise<Result<CardInHand, ErrorCode>> {
    if (card === realStripe)
      return this.#has('stripe') ? ok(this.#inHand('stripe', false)) : fail('MODEL_HAS_NO_READER');
    if (card !== realCard) return fail('CARD_NOT_EMULATED');
    return await watch.during('reader', () => this.#await());
  }

  #has(kind: ReaderKind): boolean {
    return this.#model.readers.includes(kind);
  }

  /** The first card that comes to any reader of the model. */
  async #await(): Promise<Result<CardInHand, ErrorCode>> {
    const { clock, timers } = this.#world;
    const end = clock.monotonicMs() + cardWaitMs;
    for (;;) {
      const seen = await this.#look();
      if (!seen.ok) return seen;
      if (seen.value !== undefined) return ok(seen.value);
      if (clock.monotonicMs() >= end) return fail('READER_CARD_ABSENT');
      await timers.sleep(pollMs);
    }
  }

  /** Looks once at each reader; a fault when none can be used at all. */
  async #look(): Promise<Result<CardInHand | undefined, ErrorCode>> {
    let worst: ErrorCode = 'MODEL_HAS_NO_READER';
    let hasReader = false;
    for (const kind of ['contact', 'contactless'] as const) {
      if (!this.#has(kind)) continue;
      const reader = await this.readers.chip(kind);
      const state = reader.ok ? await reader.value.state() : reader;
      if (!state.ok) {
        worst = state.fault.code;
        continue;
      }
      hasReader = true;
      if (state.value !== 'absent') return ok(this.#inHand(kind, false));
    }
    if (this.#has('felica')) {
      const antenna = await this.readers.felica();
      if (antenna.ok) {
        hasReader = true;
        const polled = await antenna.value.poll(0xffff);
        if (polled.ok) return ok(this.#inHand('contactless', true));
      }
    }
    return hasReader ? ok(undefined) : fail(worst);
  }

  #inHand(entry: CardInHand['entry'], isTransit: boolean): CardInHand {
    return {
      entry,
      isTransit,
      holder: (reader) => this.#holder(reader),
      // The person still holds it there: it is asked for again.
      again: () => undefined,
      // Whoever stands there reads what the screen of the till says; the reader waits for the card.
      elsewhere: (other) => (this.#has(other) ? this.#inHand(other, false) : undefined),
      remove: () => undefined,
    };
  }

  #holder(reader: ChipReader | undefined): Cardholder {
    const pad = reader?.pinPad;
    return {
      abilities: {
        pinPad: pad === undefined ? 'none' : 'working',
        pins: { offline: pad === undefined ? false : 'plain', online: false },
        canChooseApplication: false,
      },
      askPin: (question) => (pad === undefined ? { type: 'noPad' } : askOnPad(pad, question)),
      choose: () => undefined,
      presentAgain: () => (reader === undefined ? undefined : this.#untilAway(reader)),
    };
  }

  async #untilAway(reader: ChipReader): Promise<void> {
    const { clock, timers } = this.#world;
    const end = clock.monotonicMs() + cardWaitMs;
    while (clock.monotonicMs() < end) {
      const state = await reader.state();
      if (!state.ok || state.value === 'absent') return;
      await timers.sleep(pollMs);
    }
  }
}

/** The PIN is typed on the reader and goes from there to the card. */
async function askOnPad(pad: PinPad, { kind, language, mayBypass, digitsLeast }: PinQuestion): Promise<PinAnswer> {
  if (kind !== 'offlinePlain') return { type: 'noPad' };
  const verified = await pad.verifyPin({
    apdu: verifyTemplate,
    format: 'iso9564-2',
    digitsMin: digitsLeast,
    digitsMax: 12,
    timeoutSeconds: pinTimeoutSeconds,
    language: language === 'en' ? 'en' : 'ja',
  });
  if (verified.ok) {
    const [sw1 = 0, sw2 = 0] = verified.value;
    return { type: 'verifiedByPad', sw: (sw1 << 8) | sw2 };
  }
  switch (verified.fault.code) {
    case 'PIN_PAD_CANCELLED':
      // An empty entry, where leaving it out is allowed.
      return mayBypass ? { type: 'bypassed' } : { type: 'cancelled' };
    case 'PIN_PAD_TIMEOUT':
      return { type: 'timeout' };
    default:
      return { type: 'noPad' };
  }
}
