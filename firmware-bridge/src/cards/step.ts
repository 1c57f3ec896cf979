import { type CommandApdu, type ResponseApdu, response } from '@tsunagu/protocols/apdu';
import { type DolEntry, valueInDol } from '@tsunagu/protocols/tlv';
import type { CardProgram } from './program.ts';
import type { CardState } from './state.ts';
import { sw } from './status.ts';

/** What a command does to a card: its answer, and the state that follows. */
export interface CardStep {
  readonly state: CardState;
  readonly answer: ResponseApdu;
}

/** What the selected application does with a command. */
export type Handler = (program: CardProgram, state: CardState, command: CommandApdu) => CardStep;

export const refuse = (state: CardState, status: number): CardStep => ({ state, answer: response(status) });
export const give = (state: CardState, data: Uint8Array): CardStep => ({ state, answer: response(sw.done, data) });

/** Adds the objects of a built list to what the terminal told before; the newest value counts. */
export function tell(
  before: ReadonlyMap<number, Uint8Array>,
  entries: readonly DolEntry[],
  data: Uint8Array,
): ReadonlyMap<number, Uint8Array> {
  const told = new Map(before);
  for (const { tag } of entries) {
    const value = valueInDol(entries, data, tag);
    if (value !== undefined) told.set(tag, Uint8Array.from(value));
  }
  return told;
}
