import type { Serial } from '@tsunagu/protocols/fleet';
import type { Timer, World } from '@tsunagu/protocols/world';
import { contactPolicy } from './contact.ts';

const secondMs = 1_000;

/** Has terminals say hello before their time, no more of them a second than the server takes back without strain; the others come by their own rhythm if that is sooner. */
export interface Asking {
  /** These as well: at once those that this second has room for. Who is asked already is asked once. */
  ask(serials: readonly Serial[]): void;
  close(): void;
}

/** @param tell one terminal, if it is there */
export function openAsking(
  world: Pick<World, 'timers'>,
  tell: (serial: Serial) => void,
  perSecond: number = contactPolicy.returnsPerSecond,
): Asking {
  const waiting = new Set<Serial>();
  let room = perSecond;
  let second: Timer | undefined;
  function drain(): void {
    for (const serial of waiting) {
      if (room === 0) break;
      room -= 1;
      waiting.delete(serial);
      tell(serial);
    }
    if (room < perSecond)
      second ??= world.timers.after(secondMs, () => {
        second = undefined;
        room = perSecond;
        drain();
      });
  }
  return {
    ask(serials) {
      for (const serial of serials) waiting.add(serial);
      drain();
    },
    close() {
      waiting.clear();
      second?.cancel();
    },
  };
}
