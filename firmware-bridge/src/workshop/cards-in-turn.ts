import { ok, type Result } from '@tsunagu/protocols/kit';
import type { UsbDeviceInfo } from '../usb/port.ts';
import type { Hand } from './bench.ts';
import { emulatedHand, noHand, personsHand } from './hands.ts';
import type { Shell } from './shell.ts';
import type { EmulatedPlace, Source } from './source.ts';

/** A card that lies in a reader, and who moves it. */
export interface CardInTurn {
  readonly hand: Hand;
  /** Name of the fictional card, or `other`. */
  readonly card: string;
}

/** How a reader gets its cards. */
export interface CardTurns {
  readonly hands: boolean;
  readonly cards: number;
  readonly waitSeconds: number;
}

const lookMs = 250;

/**
 * The cards of one reader, one after another: those of an emulated one by themselves; at a real one, or an empty one, a person is asked
 * for each and has so long to put it in. A reader that gets no further card is done.
 */
export async function* cardsOf(
  shell: Shell,
  source: Source,
  info: UsbDeviceInfo,
  place: EmulatedPlace | undefined,
  { hands, cards, waitSeconds }: CardTurns,
): AsyncIterable<CardInTurn> {
  if (place !== undefined && place.cards.length > 0) {
    for (const card of place.cards) {
      place.reader.remove();
      place.reader.insert(card);
      yield { hand: emulatedHand(place.reader, card), card: card.name };
    }
    return;
  }
  const nobody = { hand: noHand(shell.world), card: 'other' };
  // Without a person there is what lies in the reader, and nothing after it.
  if (!hands) return yield nobody;
  for (let turn = 0; turn < cards && !shell.signal.aborted; turn++) {
    const isFirst = turn === 0;
    const before = isFirst ? await isCardThere(source, info) : ok(false);
    // What is no reader says so when it is run.
    if (!before.ok) return yield nobody;
    if (!isFirst && !(await asked(shell, source, info, 'removeCard', waitSeconds))) return;
    if (!before.value && !(await asked(shell, source, info, 'insertCard', waitSeconds))) {
      shell.say({ event: 'cardUnread', reader: info.id, code: 'READER_CARD_ABSENT' });
      return;
    }
    yield { hand: personsHand(shell), card: 'other' };
  }
}

/** Asks a person to move the card, and looks whether it was done in time. */
async function asked(
  shell: Shell,
  source: Source,
  info: UsbDeviceInfo,
  ask: 'insertCard' | 'removeCard',
  waitSeconds: number,
): Promise<boolean> {
  const { clock, timers } = shell.world;
  const until = clock.monotonicMs() + waitSeconds * 1_000;
  shell.say({ event: 'askedOfPerson', ask });
  while (!shell.signal.aborted) {
    const there = await isCardThere(source, info);
    if (there.ok && there.value === (ask === 'insertCard')) return true;
    if (clock.monotonicMs() >= until) return false;
    await timers.sleep(lookMs);
  }
  return false;
}

async function isCardThere({ bus }: Source, info: UsbDeviceInfo): Promise<Result<boolean>> {
  const opened = await bus.open(info);
  if (!opened.ok) return opened;
  const reader = opened.value;
  const state = reader.kind === 'stripe' ? ok('absent' as const) : await reader.state();
  await reader.close();
  return state.ok ? ok(state.value !== 'absent') : state;
}
