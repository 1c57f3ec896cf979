import type { Serial, UpTopic } from '@tsunagu/protocols/fleet';

/** What the broker tells the house. */
export interface BrokerHandlers {
  /**
   * A message from a terminal's own subtree. The terminal gets its acknowledgement when this resolves.
   * @param fingerprint of the certificate of its connection, SHA-256, lower-case hexadecimal; undefined where another broker looked at it
   */
  received(serial: Serial, topic: UpTopic, payload: Uint8Array, fingerprint?: string): Promise<void>;
  connected(serial: Serial): void;
  disconnected(serial: Serial): void;
  /** A connection, message or subscription was refused, or `count` of them; `code` is of the error table. */
  refused(code: string, count?: number): void;
  /** A message to a terminal was dropped: its queue was full. */
  dropped(): void;
  /** Two devices act as one terminal: a connection came that does not go on where the one before it was. Not for a mere reconnect. */
  cloneSuspected(serial: Serial, addresses: { readonly before: string; readonly now: string }): void;
}

/** What a broker can do, and what is different without us inside it. */
export interface BrokerAbilities {
  /** Where a second device with one key is noticed: when it connects, or when it says hello. */
  readonly clonesSeenAt: 'connect' | 'hello';
  /** What an acknowledgement to a terminal means: its message took effect and is on disk, or the broker holds it for us. */
  readonly acknowledged: 'effective' | 'queued';
}

/** W1 below the messages. The truth is in the store: a broker may lose everything at any time. */
export interface Broker {
  readonly abilities: BrokerAbilities;
  /** Sends to one terminal, if it is there, in its own small window; what it cannot take in time is dropped. */
  send(serial: Serial, topic: string, payload: Uint8Array): void;
  /** Sends to every terminal that subscribes to the topic, now and whenever one subscribes later. */
  retain(topic: string, payload: Uint8Array): void;
  isConnected(serial: Serial): boolean;
  readonly connections: number;
  /** How many messages wait for terminals that have not taken those before them. */
  readonly waiting: number;
  /** Who is connected. */
  serials(): readonly Serial[];
  /** Ends a terminal's connection, within a second. Whoever no longer counts is not let in again, or is cut off again. */
  disconnect(serial: Serial): void;
  close(): Promise<void>;
}
