import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { Configuration, SaleResult, SaleStep } from '@tsunagu/protocols/fleet';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import type { AcquirerMessage } from './acquirer-message.ts';
import type { ReversalImage } from './reversal-image.ts';

/** Why an exchange with the switch gave no usable answer. */
export type AcquirerFault =
  /** Certainly no byte of the request left the terminal: nothing has to be undone. */
  | 'ACQUIRER_UNREACHABLE'
  /** The request may have left and no answer came in time. */
  | 'ACQUIRER_TIMEOUT'
  /** Something came that is not an authentic, readable answer to this request, or the switch refused the frame. */
  | 'ACQUIRER_ANSWER_UNUSABLE';

/**
 * The way to the switch (W3): encrypts, sends, waits, checks and decrypts. It never tries twice by itself, since a second
 * 1200 would be a second sale; a late answer to an earlier request is dropped, never given to a later one.
 */
export interface Acquirer {
  /** @returns the decoded answer; matching it with the request (MTI, STAN, terminal) is the caller's work. */
  exchange(
    message: AcquirerMessage,
    options: { readonly timeoutMs: number },
  ): Promise<Result<AcquirerMessage, AcquirerFault>>;
}

/** A kept reversal: its facts, which anybody may see, and the card it is about, which must be sealed. */
export interface StoredReversal {
  readonly image: ReversalImage;
  readonly pan: Secret<'pan'>;
}

/**
 * Where images of reversals are kept. Each call resolves only when the change would survive a power loss (fsync); a failed
 * write is REVERSAL_NOT_STORED and leaves the store as it was. At most `reversalsMax` images are kept.
 */
export interface ReversalQueue {
  /** Inserts the reversal, or replaces the one with the same `image.id`. The PAN is copied, and sealed at rest. */
  put(reversal: StoredReversal): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
  /** Forgets a reversal; one that is not there is no fault. */
  remove(id: string): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
  /** All that are kept, oldest first. The receiver owns the PANs and wipes them. */
  list(): Promise<readonly StoredReversal[]>;
}

/** The most images that a terminal keeps; with so many waiting it makes no further sale. */
export const reversalsMax = 64;

/** The terminal's negative list. Asked in memory, so that it answers at once. */
export interface NegativeFile {
  check(pan: Secret<'pan'>): NegativeAnswer;
}

/** How the terminal is named in messages to the switch. */
export interface TerminalIdentity {
  /** DE41, 8 characters. */
  readonly terminalId: string;
  /** DE42, up to 15 characters. */
  readonly merchantId: string;
  /** DE32, up to 11 digits. */
  readonly acquirerId: string;
}

/** System trace audit numbers, 1 to 999999, then 1 again. A number is never given twice, power loss included. */
export interface StanCounter {
  next(): Promise<Result<number, 'STAN_NOT_STORED'>>;
}

/** Everything the card side needs of the terminal that it is part of. */
export interface CardSidePorts {
  readonly acquirer: Acquirer;
  readonly reversals: ReversalQueue;
  readonly negative: NegativeFile;
  readonly stan: StanCounter;
  /** The configuration in force, asked at each sale. */
  readonly configuration: () => Configuration;
  readonly identity: () => TerminalIdentity;
}

/** What opens the card side of one terminal. */
export interface CardSideOptions {
  readonly world: World;
  /** Model of the catalogue: it decides which readers there are. */
  readonly model: TerminalModel;
  readonly ports: CardSidePorts;
}

/** The parts of the terminal that a sale passes through, and everything outside of it. */
export const saleRooms = ['reader', 'card', 'kernel', 'payment', 'storage', 'acquirer'] as const;
export type SaleRoom = (typeof saleRooms)[number];

/**
 * Milliseconds that one sale spent in each room, each counted once: `reader` is the CCID driver, its frames and the transport
 * without the card; `acquirer` is encryption, line and everything behind it.
 */
export type SaleTimings = Readonly<Record<SaleRoom | 'total', number>>;

/** A sale to make. */
export interface SaleOrder {
  /** Yen. */
  readonly amountMinor: number;
  /** Name of the emulated card to present (`CardSide.cards`). */
  readonly card: string;
  /** What the emulated cardholder does when a PIN is asked for. Default `right`. */
  readonly pin?: PinHabit;
}

/** How an emulated cardholder takes to a PIN pad: types the right PIN, a wrong one (and again), leaves it out, or walks away. */
export type PinHabit = 'right' | 'wrong' | 'wrongOnce' | 'bypass' | 'cancel' | 'timeout';

/** Called at each step of a sale as it is taken. `atMs` counts from the start of the sale; `detail` holds no secret. */
export type OnSaleStep = (step: SaleStep, atMs: number, detail?: string) => void;

/** The card side of one terminal: its readers, the cards in them, the kernel and the payment application. */
export interface CardSide {
  /**
   * Names of the emulated cards that this model can read. Any other emulated card may be presented too, and is refused with
   * MODEL_HAS_NO_READER.
   */
  readonly cards: readonly string[];
  /**
   * Makes one sale, one at a time: a second call while one runs is refused with SALE_IN_PROGRESS. Never rejects: whatever
   * goes wrong is in the result's `outcome` and `reason`.
   */
  sell(order: SaleOrder, onStep?: OnSaleStep): Promise<SaleResult>;
  /** How many reversals are not yet acknowledged by the switch. They are sent by themselves, with growing pauses. */
  reversalsPending(): Promise<number>;
  /** Where the time of the last sale went, milliseconds; undefined before the first. */
  timings(): SaleTimings | undefined;
  /** The link came back: tries the waiting reversals now instead of after the pause. */
  wake(): void;
  /** Ends the running sale first; then closes the readers. */
  close(): Promise<void>;
}
