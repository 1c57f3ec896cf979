import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type {
  Configuration,
  PaymentOrder,
  SaleMethod,
  SaleResult,
  SaleStep,
  SlipDocument,
  SlipOrder,
  TerminalTotals,
} from '@tsunagu/protocols/fleet';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { KernelTraceLine, TraceOrder } from '@tsunagu/protocols/kernel-trace';
import type { Result } from '@tsunagu/protocols/kit';
import type { OfflineAllowance } from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import type { CardWallet } from '../cards/index.ts';
import type { AdviceStore, SaleStore, TraceStore } from '../sales/index.ts';
import type {
  Acquirer,
  CardAuthorities,
  CardVault,
  NegativeFile,
  PinHabit,
  ReaderCheck,
  ReaderPlace,
  SaleTimings,
  Stopwatch,
} from '../secure/index.ts';
import type { ReversalImage } from './reversal-image.ts';

/**
 * Where images of reversals are kept. Each call resolves only when the change would survive a power loss (fsync); a failed
 * write is REVERSAL_NOT_STORED and leaves the store as it was. At most `reversalsMax` images are due.
 */
export interface ReversalQueue {
  /** Inserts the reversal, or replaces the one with the same `id`. */
  put(reversal: ReversalImage): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
  /** Forgets a reversal; one that is not there is no fault. */
  remove(id: string): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
  /** Gives up one that can never be settled; why: an action code, or the code of a fault. */
  putAside(id: string, why: string): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
  /** All that are due, oldest first. */
  list(): Promise<readonly ReversalImage[]>;
  /** Those that were put aside, the last `reversalsMax` of them. */
  aside(): readonly ReversalImage[];
  /** Whether they were lost with their record, which was damaged, and nothing has been written since. */
  readonly isLost: boolean;
  /** Keeps reversals that were made anew, in one write. */
  restore(reversals: readonly ReversalImage[]): Promise<Result<void, 'REVERSAL_NOT_STORED'>>;
}

/** The most reversals that may be due; with so many waiting the terminal makes no further sale. */
export const reversalsMax = 64;

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

/** What the negative file in force lets the terminal approve alone, and the count of it. */
export interface OfflineCounter {
  allowance(): OfflineAllowance;
  /** Counts an approval, on the medium before it stands. */
  approvedOffline(amountMinor: number): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/** Whether the switch lets this terminal in, as it said last. */
export interface AcquirerStanding {
  readonly isTurnedAway: boolean;
  /** Keeps what it said now, on the medium before it resolves; a write that fails is logged. */
  keep(isTurnedAway: boolean): Promise<void>;
}

/** What the payment application needs of the terminal that it is part of. There is no card number in it, and no way to one. */
export interface PaymentPorts {
  readonly reversals: ReversalQueue;
  readonly advices: AdviceStore;
  readonly offline: OfflineCounter;
  readonly standing: AcquirerStanding;
  readonly sales: SaleStore;
  readonly traces: TraceStore;
  readonly stan: StanCounter;
  /** The configuration in force, asked at each sale. */
  readonly configuration: () => Configuration;
  readonly identity: () => TerminalIdentity;
  /** Tells the server what became of a payment that nobody waits for any more. */
  readonly report: (result: SaleResult) => Promise<void>;
}

/** One payment under way. */
export interface PaymentRun {
  readonly watch: Stopwatch;
  readonly onStep: OnSaleStep;
  readonly onTrace: (line: KernelTraceLine) => void;
  /** How the cardholder pays; undefined: at once. */
  readonly method?: SaleMethod | undefined;
  /** The cardholder is to pay in the own currency. */
  readonly wantsOwnCurrency?: boolean;
  /** Its request leaves: from now on it may stand at the issuer. */
  readonly onSent: (of: Pick<SaleResult, 'stan' | 'entry' | 'amountMinor'>) => void;
}

/** What the card side needs: the payment application's part and the secure part's. */
export interface CardSidePorts extends PaymentPorts {
  readonly acquirer: Acquirer;
  readonly negative: NegativeFile;
  readonly vault: CardVault;
}

/** What opens the card side of one terminal. */
export interface CardSideOptions {
  readonly world: World;
  /** Model of the catalogue: it decides which readers there are. */
  readonly model: TerminalModel;
  readonly ports: CardSidePorts;
  /** CA keys, withdrawn certificates and action codes; those of the test CA unless told. */
  readonly authorities?: CardAuthorities | undefined;
  /** Where emulated transit cards are kept between two contacts. */
  readonly wallet?: CardWallet | undefined;
  /** Where real readers are; without it they and their cards are emulated. */
  readonly readers?: ReaderPlace | undefined;
}

/** A sale to make. */
export interface SaleOrder {
  /** Yen. */
  readonly amountMinor: number;
  /** Name of the emulated card to present (`CardSide.cards`). */
  readonly card: string;
  /** What the emulated cardholder does when a PIN is asked for. */
  readonly pin?: PinHabit | undefined;
}

/** Called at each step of a payment as it is taken. `atMs` counts from its start; `detail` holds no secret. */
export type OnSaleStep = (step: SaleStep, atMs: number, detail?: string) => void;

/** The card side of one terminal: its readers, the cards in them, the kernel and the payment application. */
export interface CardSide {
  /**
   * Names of the emulated cards that this model can read. Any other emulated card may be presented too, and is refused with
   * MODEL_HAS_NO_READER.
   */
  readonly cards: readonly string[];
  /**
   * Makes one payment, one at a time: a second call while one runs is refused with SALE_IN_PROGRESS. Never rejects: whatever
   * goes wrong is in the result's `outcome` and `reason`.
   */
  run(order: PaymentOrder, onStep?: OnSaleStep, pin?: PinHabit): Promise<SaleResult>;
  /** A sale: `run` with kind `sale`. */
  sell(order: SaleOrder, onStep?: OnSaleStep): Promise<SaleResult>;
  /** Daily totals; `close` ends the business day. */
  totals(close: boolean): Promise<Result<TerminalTotals, ErrorCode>>;
  /** Totals of the business day that was closed last. DAY_NOT_CLOSED: none was. */
  lastTotals(): Result<TerminalTotals, 'DAY_NOT_CLOSED'>;
  /** Closes the business day where its configuration ends it (`businessDayEnd`) or nothing more can be kept; undefined: it goes on. */
  endDay(): Promise<Result<TerminalTotals | undefined, ErrorCode>>;
  /** Prints a slip, or the totals, once more. */
  print(order: SlipOrder): Promise<Result<SlipDocument, ErrorCode>>;
  /** What the kernel did in the last payment, or in that of a STAN, as a document for `explainTrace`; TRACE_UNKNOWN when it is not kept. */
  traceOf(order: TraceOrder): Result<SlipDocument, ErrorCode>;
  /** Opens every reader of the model, without a card: a fault for each that does not answer. */
  checkReaders(): Promise<readonly ReaderCheck[]>;
  /** How many reversals are not yet acknowledged by the switch. They are sent by themselves, with growing pauses. */
  reversalsPending(): Promise<number>;
  /** Where the time of the last payment went, milliseconds; undefined before the first. */
  timings(): SaleTimings | undefined;
  /** The link came back: tries what waits now instead of after the pause. */
  wake(): void;
  /** Ends the running payment first; then closes the readers. */
  close(): Promise<void>;
}
