import type { Conversion } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { Result } from '@tsunagu/protocols/kit';
import type { KernelSettings, PinAnswer, PinQuestion } from '../kernel/index.ts';
import type { ChipReader, Readers } from '../readers/port.ts';
import type { HolderHabits } from './holder-habits.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Two amounts between which the cardholder is free to choose; neither is chosen unless the cardholder does. */
export interface CurrencyOffer {
  /** Yen. */
  readonly amountMinor: number;
  /** In the own currency, and its rate. */
  readonly conversion: Conversion;
  /** What the rate is above the provider's, hundredths of a per cent. */
  readonly markUpBasisPoints: number;
  /** Until when it stands, milliseconds since 1970. */
  readonly until: number;
}

/** Somebody in front of pad and screen. */
export interface Cardholder {
  /** What the kernel may ask here; what is left out follows from the model. */
  readonly abilities?: Pick<KernelSettings, 'pinPad' | 'pins' | 'canChooseApplication'>;
  askPin(question: PinQuestion): PinAnswer | Promise<PinAnswer>;
  /** The place of the application that is wanted; undefined for none of these. */
  choose(labels: readonly string[]): number | undefined;
  /** Whether the own currency is wanted, of the two amounts on the screen; absent where nobody can be asked. */
  readonly chooseCurrency?: (offer: CurrencyOffer) => boolean | Promise<boolean>;
  /** Takes the card away and presents it again; resolves when it is away. */
  presentAgain(): void | Promise<void>;
}

/** A card that is being presented. */
export interface CardInHand {
  readonly entry: 'stripe' | 'contact' | 'contactless';
  /** It is a transit card, at the FeliCa antenna. */
  readonly isTransit: boolean;
  /** @param reader in which its chip is; without it its stripe is drawn */
  holder(reader?: ChipReader): Cardholder;
  /** Presents it once more where it was. */
  again(): void;
  /** Asks for the same card at another interface; undefined when it has none there. What is in hand after that is what is returned. */
  elsewhere(entry: 'contact' | 'stripe'): CardInHand | undefined;
  /** Takes the card away. */
  remove(): void;
}

/** Readers, and whoever brings cards to them: an emulated customer, or a person at a real reader. */
export interface CardHand {
  readonly readers: Readers;
  /** A person with real cards, which have no names. */
  readonly isPerson: boolean;
  /** How long a card may take to appear at a reader, milliseconds. */
  readonly cardWaitMs: number;
  /** Names of the cards that it can bring; empty where cards have no names. */
  readonly cards: readonly string[];
  /** Lets a card of this name be presented. */
  present(card: string, watch: Stopwatch, habits: HolderHabits): Promise<Result<CardInHand, ErrorCode>>;
}
