import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import type { Log, LogFacts, LogLevel, World } from './world.ts';

/** Takes one finished log line. */
export type LogSink = (level: LogLevel, event: string, facts: LogFacts) => void;

/** A log that writes to `sink`, with `facts` on every line. */
export function logTo(sink: LogSink, facts: LogFacts = {}): Log {
  const log = (level: LogLevel, event: string, more: LogFacts = {}): void =>
    sink(level, event, Object.assign({}, facts, more));
  return Object.assign(log, { with: (more: LogFacts): Log => logTo(sink, { ...facts, ...more }) });
}

/** The real world: the machine's clock, timers and random numbers. The only place of the house that touches them. */
export const systemWorld = (sink: LogSink): World => ({
  clock: { now: () => Date.now(), monotonicMs: () => performance.now() },
  timers: {
    after(delayMs, work) {
      const dueMs = performance.now() + delayMs;
      let reading: NodeJS.Immediate | undefined;
      const timer = setTimeout(() => {
        // This process stood still. What came in time is in its sockets, and whoever reads it cancels a deadline.
        if (performance.now() > dueMs + lateMs) reading = setImmediate(work);
        else work();
      }, delayMs);
      return {
        cancel() {
          clearTimeout(timer);
          clearImmediate(reading);
        },
      };
    },
    every(periodMs, work) {
      const timer = setInterval(work, periodMs);
      return { cancel: () => clearInterval(timer) };
    },
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, delayMs);
        function stop(): void {
          clearTimeout(timer);
          reject(signal?.reason);
        }
        signal?.addEventListener('abort', stop, { once: true });
      }),
  },
  entropy: drawn(),
  id: () => randomUUID(),
  log: logTo(sink),
});

/** A timer that is later than this was kept from running: by whoever stopped this process, by a long collection, by all else on the machine. */
const lateMs = 20;

/** Random bytes are fetched this many at a time: a call for a few of them costs as much. */
const poolBytes = 4_096;

/** Each byte is handed out once, and none stays behind. */
function drawn(): World['entropy'] {
  const pool = new Uint8Array(poolBytes);
  let at = poolBytes;
  return (lengthBytes) => {
    if (lengthBytes > poolBytes) return new Uint8Array(randomBytes(lengthBytes));
    if (at + lengthBytes > poolBytes) {
      randomFillSync(pool);
      at = 0;
    }
    const bytes = pool.slice(at, at + lengthBytes);
    pool.fill(0, at, at + lengthBytes);
    at += lengthBytes;
    return bytes;
  };
}
