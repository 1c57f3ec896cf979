import type { Log, LogLevel } from '@tsunagu/protocols/world';

const loudness: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that leaves out what is quieter than `least`, asked anew for each line. */
export function quietLog(log: Log, least: () => LogLevel): Log {
  const write = (level: LogLevel, event: string, facts?: Parameters<Log>[2]): void => {
    if (loudness[level] >= loudness[least()]) log(level, event, facts);
  };
  return Object.assign(write, { with: (facts: Parameters<Log['with']>[0]) => quietLog(log.with(facts), least) });
}
