import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file that lines are appended to. */
export interface LogFile {
  write(line: string): void;
  close(): Promise<void>;
}

/** Bytes that may wait for a slow disk; what comes then is counted and not kept. */
const waitingMax = 1_048_576;

/** Opens a log file (0600) for appending; its folder is made when it is missing. */
export function openLogFile(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  let dropped = 0;
  // A log that cannot be written must not end the terminals.
  stream.on('error', () => undefined);
  return {
    write(line) {
      if (stream.writableLength > waitingMax) {
        dropped += 1;
        return;
      }
      if (dropped > 0) stream.write(`${JSON.stringify({ level: 'warn', event: 'logLinesDropped', dropped })}\n`);
      dropped = 0;
      stream.write(line);
    },
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}
