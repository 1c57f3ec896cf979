import type { World } from '@tsunagu/protocols/world';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import type { BenchReader } from './bench-readers.ts';
import type { Hand } from './session.ts';
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
export const emulatedHand = (reader: BenchReader, card: ChipCard): Hand => ({
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
export const replayedHand = (kind: Hand['kind']): Hand => ({
  kind,
  insert: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  ...(kind === 'emulated' ? { inject: () => true } : {}),
  pause: () => Promise.resolve(),
});
