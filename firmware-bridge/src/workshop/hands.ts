import type { TraceHeader } from '@tsunagu/protocols/trace';
import type { World } from '@tsunagu/protocols/world';
import type { BenchReader } from './bench-readers.ts';
import type { NamedCard } from './cards.ts';
import type { Hand } from './bench.ts';
import type { Shell } from './shell.ts';

const pauseMs = 500;

/** Nobody moves the card. */
export const noHand = (world: World): Hand => ({
  kind: 'none',
  insert: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  pause: () => world.timers.sleep(pauseMs),
});

/** A person is asked. */
export const personsHand = (shell: Shell): Hand => ({
  kind: 'person',
  insert: () => {
    shell.say({ event: 'askedOfPerson', ask: 'insertCard' });
    return Promise.resolve();
  },
  remove: () => {
    shell.say({ event: 'askedOfPerson', ask: 'removeCard' });
    return Promise.resolve();
  },
  pause: () => shell.world.timers.sleep(pauseMs),
});

/** The emulator's own hand. */
export const emulatedHand = (reader: BenchReader, card: NamedCard): Hand => ({
  kind: 'emulated',
  insert: () => {
    reader.insert(card);
    return Promise.resolve();
  },
  remove: (when) => {
    if (when === 'now' || !reader.inject('removed')) reader.remove();
    return Promise.resolve();
  },
  inject: (fault) => reader.inject(fault),
  pause: () => Promise.resolve(),
});

/** On replay everything that was asked for happens in the trace. */
export const replayedHand = ({ hand, faults }: Pick<TraceHeader, 'hand' | 'faults'>): Hand => ({
  kind: hand,
  insert: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  ...(hand === 'emulated' ? { inject: (fault: string) => faults.includes(fault) } : {}),
  pause: () => Promise.resolve(),
});
