import type { Fault } from '../kit/index.ts';

/** The time of day, and a clock that never steps. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump: never measure a wait with it. */
  now(): number;
  /** Milliseconds since some fixed moment. Never goes back: deadlines are measured with it. */
  monotonicMs(): number;
}

/** A running timer. */
export interface Timer {
  cancel(): void;
}

/** Work that is done later, once or again and again. */
export interface Timers {
  /**
   * Runs `work` once after `delayMs`. Where that is late, because the process stood still, what waits in its sockets is read first: an answer that came in
   * time finds its deadline still running. (Of two timers that are late the one that was due last may then run first.)
   */
  after(delayMs: number, work: () => void): Timer;
  /** Runs `work` again and again, `periodMs` after the last start. */
  every(periodMs: number, work: () => void): Timer;
  /** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** How loud a log line is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One log line is an event in the past tense, its facts, and a stable code when something went wrong. */
export interface Log {
  (level: LogLevel, event: string, facts?: LogFacts): void;
  /** A log whose lines all carry these facts. */
  with(facts: LogFacts): Log;
}

/** What a log line may carry. Secrets print as their kind; inputs of others do not belong here. */
export type LogFacts = Readonly<
  Record<string, string | number | boolean | null | undefined | Fault | readonly string[]>
>;

/** Everything a room needs from outside itself. Built once in each `main.ts`, simulated in tests. */
export interface World {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Cryptographically strong random bytes. Key material draws on this, which only `test/` replaces. */
  entropy(lengthBytes: number): Uint8Array;
  /** A fresh unique id (UUID v4 text). */
  id(): string;
  readonly log: Log;
}
