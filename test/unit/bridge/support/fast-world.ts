import { type LogFacts, logTo, systemWorld, type World } from '@tsunagu/protocols/world';

/** A world whose time runs faster than the machine's, and whose log is kept. */
export interface FastWorld {
  readonly world: World;
  readonly lines: { readonly level: string; readonly event: string; readonly facts: LogFacts }[];
}

/** @param factor how many times faster: 10 makes a wait of 3 s take 300 ms */
export function fastWorld(factor = 10): FastWorld {
  const lines: FastWorld['lines'] = [];
  const real = systemWorld(() => undefined);
  const { timers, clock } = real;
  return {
    lines,
    world: {
      ...real,
      clock: { now: () => clock.now(), monotonicMs: () => clock.monotonicMs() * factor },
      timers: {
        after: (delayMs, work) => timers.after(delayMs / factor, work),
        every: (periodMs, work) => timers.every(periodMs / factor, work),
        sleep: (delayMs, signal) => timers.sleep(delayMs / factor, signal),
      },
      log: logTo((level, event, facts) => lines.push({ level, event, facts })),
    },
  };
}
