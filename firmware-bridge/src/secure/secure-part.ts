import { cardholderRuleOf, isRateLookUp, type OpenMessage, withCard } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { ReaderKind, TerminalModel } from '@tsunagu/protocols/catalogue';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import type { KernelTraceLine } from '@tsunagu/protocols/kernel-trace';
import type { ChipReader } from '../readers/port.ts';
import { type CardVault, wipeCard } from './card-vault.ts';
import { type ChipHands, type ChipReading, type ChipTransaction, type ReadingParts, readChip } from './chip-reading.ts';
import type { Cardholder, CardHand, CardInHand } from './hand.ts';
import type { HolderHabits } from './holder-habits.ts';
import type { CardAuthorities } from './card-authorities.ts';
import type { Acquirer, AcquirerFault, NegativeFile } from './ports.ts';
import { askForPin } from './pin-asking.ts';
import type { SealedCard } from './sealed-card.ts';
import type { Stopwatch } from './stopwatch.ts';
import { pinDemand, stripeRefusal } from './stripe-reading.ts';
import { readTransit, type TransitReading } from './transit-reading.ts';

/** A stripe as payment hears of it. */
export interface StripeReading {
  readonly card: SealedCard;
  readonly negative: NegativeAnswer;
  /** Whether a PIN was entered; it goes along with the request that the reader of this makes. */
  readonly hasPin: boolean;
  /** Why the card is refused before anybody is asked. */
  readonly refusal: ErrorCode | undefined;
  /** As in `OnlineQuestion`. */
  readonly chooseCurrency: Cardholder['chooseCurrency'];
}

/** What the secure part is built of. */
export interface SecurePartOptions {
  readonly world: World;
  readonly model: TerminalModel;
  readonly vault: CardVault;
  readonly acquirer: Acquirer;
  readonly negative: NegativeFile;
  /** Those of the test CA unless told. */
  readonly authorities?: CardAuthorities | undefined;
  /** Readers, and whoever brings cards to them. */
  readonly hand: CardHand;
}

/**
 * The secure part of a terminal: readers, kernel, the look-up in the negative file, and the way to the switch. Card numbers, tracks and
 * PINs live in here and nowhere else; what leaves is a `SealedCard` or a message that was enciphered under a DUKPT key.
 * On a real terminal this is the part that SRED names (PCI PTS POI 6.2, module 4: encryption of account data).
 */
export interface SecurePart {
  /** Lets a card be presented; an emulated holder takes to PIN pad and screen as `habits` say. */
  present(
    card: string,
    watch: Stopwatch,
    habits?: HolderHabits,
  ): Promise<Result<Pick<CardInHand, 'entry' | 'isTransit' | 'remove'>, ErrorCode>>;
  /** Asks the cardholder for the same card at another interface; false when it has none there. */
  presentElsewhere(entry: 'contact' | 'stripe'): boolean;
  /** Runs a transaction with a chip. A fault: no reader, or no card in time. */
  chip(
    entry: 'contact' | 'contactless',
    transaction: ChipTransaction,
    watch: Stopwatch,
    onPresent: () => void,
    hands: ChipHands,
  ): Promise<Result<ChipReading, ErrorCode>>;
  /**
   * Reads a stripe, asks for the PIN where its service code wants one, and keeps it for the request made in `work`.
   * @param today YYMM @param hasChipFailed see `stripeRefusal`
   */
  stripe<T>(
    swipe: { readonly today: string; readonly hasChipFailed: boolean; readonly amountMinor: number },
    watch: Stopwatch,
    work: (reading: StripeReading) => Promise<T>,
  ): Promise<Result<T, ErrorCode>>;
  /** Waits for a transit card at the FeliCa antenna. A fault: no antenna, or no card in time. */
  transit(
    watch: Stopwatch,
    onPresent: () => void,
    trace: (line: KernelTraceLine) => void,
  ): Promise<Result<TransitReading, ErrorCode>>;
  /** Puts the card into a message, enciphers it, sends it and reads the answer, which holds no card. CARD_BOX_BROKEN: it can never be sent. */
  exchange(
    message: OpenMessage,
    card: SealedCard | undefined,
    options: { readonly timeoutMs: number },
  ): Promise<Result<OpenMessage, AcquirerFault | 'CARD_BOX_BROKEN'>>;
  /** Opens every reader of the model, without a card. */
  checkReaders(): Promise<readonly ReaderCheck[]>;
  close(): Promise<void>;
}

/** Whether a reader of the model answers; `fault` when it does not. */
export interface ReaderCheck {
  readonly reader: ReaderKind;
  readonly fault: ErrorCode | undefined;
}

/** Opens the secure part of a terminal. */
export const openSecurePart = (options: SecurePartOptions): SecurePart => new TerminalSecurePart(options);

class TerminalSecurePart implements SecurePart {
  readonly #options: SecurePartOptions;
  /** The card that is presented. */
  #inHand: CardInHand | undefined;
  /** The PIN that the request under way takes along. */
  #pin: { readonly token: string; readonly pin: Secret<'pin'> } | undefined;

  constructor(options: SecurePartOptions) {
    this.#options = options;
  }

  async present(
    card: string,
    watch: Stopwatch,
    habits: HolderHabits = {},
  ): Promise<Result<Pick<CardInHand, 'entry' | 'isTransit' | 'remove'>, ErrorCode>> {
    const presented = await this.#options.hand.present(card, watch, habits);
    if (!presented.ok) return presented;
    const { entry, isTransit } = presented.value;
    this.#inHand = presented.value;
    return ok({
      entry,
      isTransit,
      remove: () => {
        this.#inHand?.remove();
        this.#inHand = undefined;
      },
    });
  }

  async checkReaders(): Promise<readonly ReaderCheck[]> {
    const { readers } = this.#options.hand;
    const checks: ReaderCheck[] = [];
    for (const reader of this.#options.model.readers) {
      const opened =
        reader === 'stripe'
          ? await readers.stripe()
          : reader === 'felica'
            ? await readers.felica()
            : await readers.chip(reader);
      checks.push({ reader, fault: opened.ok ? undefined : opened.fault.code });
    }
    return checks;
  }

  presentElsewhere(entry: 'contact' | 'stripe'): boolean {
    // Without one nothing is in a reader any more.
    this.#inHand = this.#inHand?.elsewhere(entry);
    return this.#inHand !== undefined;
  }

  async chip(
    entry: 'contact' | 'contactless',
    transaction: ChipTransaction,
    watch: Stopwatch,
    onPresent: () => void,
    hands: ChipHands,
  ): Promise<Result<ChipReading, ErrorCode>> {
    const reader = await watch.during('reader', () => this.#awake(entry));
    if (!reader.ok) return reader;
    onPresent();
    return ok(
      await readChip(
        {
          ...this.#options,
          cardWaitMs: this.#options.hand.cardWaitMs,
          watch,
          // PINs stay in here with the pad that they are typed on.
          holder: this.#inHand?.holder(reader.value),
          withPin: this.#withPin,
        },
        reader.value,
        entry,
        transaction,
        hands,
      ),
    );
  }

  async stripe<T>(
    { today, hasChipFailed, amountMinor }: Parameters<SecurePart['stripe']>[0],
    watch: Stopwatch,
    work: (reading: StripeReading) => Promise<T>,
  ): Promise<Result<T, ErrorCode>> {
    const { vault, negative, model, hand } = this.#options;
    const swiped = await watch.during('reader', async () => {
      const reader = await hand.readers.stripe();
      return reader.ok ? reader.value.swipe(hand.cardWaitMs) : reader;
    });
    if (!swiped.ok) return swiped;
    const track = swiped.value;
    const answer = negative.check(track.pan);
    const readers: readonly string[] = model.readers;
    const refusal = stripeRefusal(track, today, answer, readers.includes('contact'), hasChipFailed);
    const card = vault.seal({ pan: track.pan, expiry: track.expiry, track2: track.track });
    track.track.wipe();
    track.pan.wipe();
    const entered: Result<Secret<'pin'> | undefined, ErrorCode> =
      refusal === undefined ? await this.#askStripePin(track.serviceCode, amountMinor, card.scheme) : ok(undefined);
    const pin = entered.ok ? entered.value : undefined;
    const reading = {
      card,
      negative: answer,
      refusal: entered.ok ? refusal : entered.fault.code,
      hasPin: pin !== undefined,
      chooseCurrency: this.#inHand?.holder().chooseCurrency,
    };
    return ok(await this.#withPin(card, pin, () => work(reading)));
  }

  /** The PIN for the issuer of a swiped card; undefined where none is wanted, or only prompted for and there is no PIN pad. */
  async #askStripePin(
    serviceCode: string,
    amountMinor: number,
    scheme: string,
  ): Promise<Result<Secret<'pin'> | undefined, ErrorCode>> {
    const demand = pinDemand(serviceCode);
    if (demand === 'none') return ok(undefined);
    const holder = this.#inHand?.holder();
    const hasPad = this.#options.model.pinPad && holder?.abilities?.pins?.online !== false;
    if (!hasPad) return demand === 'required' ? fail('CARDHOLDER_NOT_VERIFIED') : ok(undefined);
    const answer = await askForPin(holder, {
      kind: 'online',
      triesLeft: undefined,
      isAgain: false,
      digitsLeast: cardholderRuleOf(scheme).pinDigitsLeast,
      mayBypass: false,
      language: undefined,
      amountMinor,
    });
    switch (answer.type) {
      case 'tooShort':
        return fail('PIN_TOO_SHORT');
      case 'entered':
        return ok(answer.pin);
      case 'cancelled':
      case 'bypassed':
        return fail('CARDHOLDER_CANCELLED');
      case 'noPad':
        return fail('CARDHOLDER_NOT_VERIFIED');
      default:
        return fail('PIN_TIMEOUT');
    }
  }

  async transit(
    watch: Stopwatch,
    onPresent: () => void,
    trace: (line: KernelTraceLine) => void,
  ): Promise<Result<TransitReading, ErrorCode>> {
    const { readers, cardWaitMs } = this.#options.hand;
    const reader = await watch.during('reader', () => readers.felica());
    if (!reader.ok) return reader;
    const presentAgain = (): void => this.#inHand?.again();
    return await readTransit(
      { ...this.#options, reader: reader.value, watch, presentAgain, trace },
      cardWaitMs,
      onPresent,
    );
  }

  async exchange(
    message: OpenMessage,
    card: SealedCard | undefined,
    options: { readonly timeoutMs: number },
  ): Promise<Result<OpenMessage, AcquirerFault | 'CARD_BOX_BROKEN'>> {
    const { acquirer, vault } = this.#options;
    if (card === undefined) return withoutSecrets(await acquirer.exchange(message, options));
    const opened = vault.open(card);
    // Nothing has left, and nothing ever will.
    if (!opened.ok) return opened;
    // Reversals and advices may go at the same time: a PIN is for the request of its own card alone.
    const processingCode = message.fields[3];
    const isAsking =
      (message.mti === '1100' || message.mti === '1200') &&
      !isRateLookUp(typeof processingCode === 'string' ? processingCode : undefined);
    const held = isAsking && this.#pin?.token === card.token ? this.#pin.pin : undefined;
    const pin = held && { pin: held, pan: opened.value.pan };
    const answer = await acquirer.exchange(withCard(message, opened.value), { ...options, pin });
    wipeCard(opened.value);
    return withoutSecrets(answer);
  }

  readonly #withPin: ReadingParts['withPin'] = async (card, pin, work) => {
    if (pin === undefined) return await work();
    this.#pin = { token: card.token, pin };
    try {
      return await work();
    } finally {
      this.#pin = undefined;
      pin.wipe();
    }
  };

  close(): Promise<void> {
    return this.#options.hand.readers.close();
  }

  /** The reader with a powered card in it. */
  async #awake(entry: 'contact' | 'contactless'): Promise<Result<ChipReader, ErrorCode>> {
    const { readers, cardWaitMs } = this.#options.hand;
    const reader = await readers.chip(entry);
    if (!reader.ok) return reader;
    const there = await reader.value.waitForCard(cardWaitMs);
    if (!there.ok) return there;
    const atr = await reader.value.powerOn();
    return atr.ok ? ok(reader.value) : atr;
  }
}

/** An answer has no card number to tell (`terminalLink.echoElements`); should one be there all the same, it stays here. */
function withoutSecrets(answer: Awaited<ReturnType<Acquirer['exchange']>>): Result<OpenMessage, AcquirerFault> {
  if (!answer.ok) return answer;
  const fields: { [element: number]: string | Uint8Array } = {};
  for (const [number, value] of Object.entries(answer.value.fields))
    if (value instanceof Secret) value.wipe();
    else fields[Number(number)] = value instanceof Uint8Array ? Uint8Array.from(value) : value;
  return ok({ mti: answer.value.mti, fields });
}
