import type { Timer, World } from '@tsunagu/protocols/world';

/** Says now and then that the terminal is there, and soon after something changed. */
export interface Heartbeat {
  start(): void;
  pause(): void;
  /** Beats once within a moment; several changes in a row are one beat. */
  soon(): void;
}

/** Long enough for the changes of one moment, short enough for whoever watches. */
const soonMs = 150;

export function heartbeat(options: {
  readonly world: World;
  readonly signal: AbortSignal;
  readonly periodMs: () => number;
  readonly beat: () => void;
}): Heartbeat {
  const { world, signal } = options;
  let next: Timer | undefined;
  let soon: Timer | undefined;
  const schedule = (): void => {
    next?.cancel();
    if (signal.aborted) return;
    next = world.timers.after(options.periodMs(), () => {
      options.beat();
      schedule();
    });
  };
  return {
    start: schedule,
    pause() {
      next?.cancel();
      soon?.cancel();
      soon = undefined;
    },
    soon() {
      if (signal.aborted) return;
      soon ??= world.timers.after(soonMs, () => {
        soon = undefined;
        options.beat();
      });
    },
  };
}
