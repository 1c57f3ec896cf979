import { createHmac } from 'node:crypto';
import type { CardProgram } from './program.ts';
import type { CardState } from './state.ts';

/**
 * Draws an unpredictable number of the card: a keyed hash of a counter that outlives power, so that no number comes twice and a run
 * can be repeated. Real cards have a generator; who does not know the key cannot tell the difference.
 */
export function draw(
  { masterKey }: CardProgram,
  state: CardState,
  bytes: number,
): { readonly state: CardState; readonly number: Uint8Array } {
  const { drawn } = state.memory;
  const hash = masterKey.use((key) => createHmac('sha256', key).update(`draw ${drawn} ${state.selected}`).digest());
  return {
    state: { ...state, memory: { ...state.memory, drawn: drawn + 1 } },
    number: Uint8Array.from(hash.subarray(0, bytes)),
  };
}
