import type { AcquirerKeyReference } from '@tsunagu/protocols/acquiring';
import type { LiveEvent, Serial } from '@tsunagu/protocols/fleet';
import type { Fault, Result, Secret } from '@tsunagu/protocols/kit';
import type { ShownCertificate } from '../identity/index.ts';
import type { KeyFinding } from '../keys/index.ts';
import type { Negative } from '../negative/index.ts';
import type { Store } from '../store/index.ts';
import type { DukptWorkingKeys, Vault } from '../vault/index.ts';

/** What the switch needs of the vault: tokens for cards, sealing for what a reversal needs, and PIN blocks from zone to zone. */
export type SwitchVault = Pick<Vault, 'panToken' | 'seal' | 'open' | 'translatePin'>;

/** What the switch needs of the key ledger. */
export interface SwitchKeys {
  /** The working keys of the transaction with this KSN (12 bytes, or 10 for TDES), and the terminal that holds its initial key. */
  forTransaction(
    ksn: Uint8Array,
    under?: AcquirerKeyReference,
  ): Promise<
    Result<{
      readonly serial: Serial;
      readonly keys: DukptWorkingKeys;
      /** The terminal swore to have destroyed them. */
      readonly areDestroyed?: boolean;
    }>
  >;
  /** Whether a terminal has proven all keys of a card company; none does where no card company has keys. */
  holdsAcquirer?(serial: Serial, acquirer: string): Promise<boolean>;
  /**
   * A PIN block of that transaction, enciphered anew under the PIN key `to` of a link; the PIN itself stays in the vault.
   * PINBLOCK_UNREADABLE whatever is wrong with the block.
   */
  translatePin(
    ksn: Uint8Array,
    to: string,
    block: Uint8Array,
    pan: Secret<'pan'>,
    under?: AcquirerKeyReference,
  ): Promise<Result<Uint8Array>>;
}

/** Tells who is at the other end of a TLS connection whose chain was verified already. */
export type Admit = (certificate: ShownCertificate | undefined) => Promise<Result<Serial>>;

/** Counters of the switch. The metrics room gives them names and labels. */
export interface SwitchMetrics {
  /** A request was answered; `outcome` as in a sale line, `by` who decided. */
  saleAnswered(outcome: 'approved' | 'declined', by: 'issuer' | 'switch', actionCode: string, durationMs: number): void;
  /** An issuer answered a request over its link; `durationMs`: from the moment it was handed to the line, monotonic clock. */
  issuerAnswered(link: string, actionCode: string, durationMs: number): void;
  /** A frame or message was refused without being understood. */
  frameRefused(code: string): void;
  reversalQueued(origin: 'switch' | 'terminal'): void;
  reversalDelivered(attempts: number): void;
  /** Requests that wait for the issuer now. */
  inFlight(count: number): void;
  linkChanged(link: string, state: 'up' | 'signed-on' | 'down'): void;
  connections(count: number): void;
}

/** The list of refused cards, which a card company changes over its link. */
export type SwitchNegative = Pick<Negative, 'add' | 'remove' | 'explain' | 'of'>;

/** Something that a person has to look at. */
export interface SwitchAlarm {
  /** Where it came from: a terminal's serial, a centre's link and acquirer, or an issuer link. */
  readonly place: string;
  readonly serial: Serial | undefined;
  readonly fault: Fault;
}

/** The rooms around the switch. */
export interface SwitchRooms {
  readonly store: Store;
  readonly vault: SwitchVault;
  readonly keys: SwitchKeys;
  readonly admit: Admit;
  /** Whether a terminal may sell in the state of its life; everybody may where nobody knows of lives. */
  readonly maySell?: (serial: Serial) => Promise<boolean>;
  /** Whether such a terminal is on the inventory; nobody's is where nobody keeps one. */
  readonly isTerminal?: (serial: string) => Promise<boolean>;
  /** Blocks whoever has keys that are not theirs; resolves when it is on disk. */
  readonly quarantine?: (finding: KeyFinding) => Promise<unknown>;
  readonly live: { publish(event: LiveEvent): void };
  readonly metrics: SwitchMetrics;
  readonly alarm: (alarm: SwitchAlarm) => void;
  readonly negative: SwitchNegative;
}

/** Metrics for nobody, for runs without a metrics room. */
export const noMetrics: SwitchMetrics = {
  saleAnswered: () => undefined,
  issuerAnswered: () => undefined,
  frameRefused: () => undefined,
  reversalQueued: () => undefined,
  reversalDelivered: () => undefined,
  inFlight: () => undefined,
  linkChanged: () => undefined,
  connections: () => undefined,
};
