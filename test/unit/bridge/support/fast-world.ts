import { type LogFacts, logTo, systemWorld, type Timer, type World } from '@tsunagu/protocols/world';

/** A world whose time runs faster than the machine's, and whose log is kept. */
export interface FastWorld {
  readonly world: World;
  readonly lines: { readonly level: string; readonly event: string; readonly facts: LogFacts }[];
}

/**
 * A deadline that goes by in up to twenty steps, so that a stretch in which this process did not run counts as one of them: fast deadlines are a
 * few milliseconds long, and a busy machine is no device that stays silent.
 */
export function afterSteps(timers: World['timers'], delayMs: number, work: () => void): Timer {
  const steps = Math.min(20, Math.max(1, Math.floor(delayMs)));
  let left = steps;
  const step = (): Timer =>
    timers.after(delayMs / steps, () => {
      left -= 1;
      if (left === 0) work();
      else timer = step();
    });
  let timer = step();
  return { cancel: () => timer.cancel() };
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
        after: (delayMs, work) => afterSteps(timers, delayMs / factor, work),
        every: (periodMs, work) => timers.every(periodMs / factor, work),
        sleep: (delayMs, signal) => timers.sleep(delayMs / factor, signal),
      },
      log: logTo((level, event, facts) => lines.push({ level, event, facts })),
    },
  };
}
