import type { Serial, UpTopic } from '@tsunagu/protocols/fleet';

/** What the broker tells the house. */
export interface BrokerHandlers {
  /** A message from a terminal's own subtree. The terminal gets its acknowledgement when this resolves. */
  received(serial: Serial, topic: UpTopic, payload: Uint8Array): Promise<void>;
  connected(serial: Serial): void;
  disconnected(serial: Serial): void;
  /** A connection, message or subscription was refused; `code` is of the error table. */
  refused(code: string): void;
  /** A second connection came with the certificate of a connected terminal. */
  cloneSuspected(serial: Serial, addresses: { readonly before: string; readonly now: string }): void;
}

/** W1 below the messages. The truth is in the store: a broker may lose everything at any time. */
export interface Broker {
  /** Sends to one terminal, if it is there, in its own small window; what it cannot take in time is dropped. */
  send(serial: Serial, topic: string, payload: Uint8Array): void;
  /** Sends to every terminal that subscribes to the topic, now and whenever one subscribes later. */
  retain(topic: string, payload: Uint8Array): void;
  isConnected(serial: Serial): boolean;
  readonly connections: number;
  /** Who is connected. */
  serials(): readonly Serial[];
  /** Ends a terminal's connection. */
  disconnect(serial: Serial): void;
  close(): Promise<void>;
}
