import { decodeCommand, encodeResponse, response } from '@tsunagu/protocols/apdu';
import { applicationsOf, type CardFault, type TestCard } from '@tsunagu/protocols/test-cards';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import { obey } from './commands.ts';
import { type CardMemory, freshMemory } from './memory.ts';
import { type ChipProgram, programOf } from './program.ts';
import { atRest, type CardState } from './state.ts';
import { sw } from './status.ts';

/** An emulated EMV card: the shell around `obey`. */
export class EmvCard implements ChipCard {
  /** "TSUNAGU". */
  readonly historicalBytes = Uint8Array.of(0x54, 0x53, 0x55, 0x4e, 0x41, 0x47, 0x55);
  readonly extensions: number;
  readonly #program: ChipProgram;
  readonly #faults: readonly CardFault[];
  /** Faults that have shown themselves. */
  readonly #spent = new Set<CardFault>();
  #state: CardState;
  /** Commands since the last reset. */
  #count = 0;

  /**
   * @param memory what the card remembered when it was last seen
   * @param program what its personalisation made of it, where that is at hand
   */
  constructor(
    card: TestCard,
    memory: CardMemory = freshMemory(applicationsOf(card)),
    program: ChipProgram = programOf(card),
  ) {
    this.#program = program;
    this.#faults = card.faults ?? [];
    this.#state = atRest(memory);
    this.extensions = this.#faults.reduce((sum, fault) => sum + (fault.kind === 'slow' ? fault.extensions : 0), 0);
  }

  /** What the card keeps without power: give it to the next `EmvCard` of the same card. */
  get memory(): CardMemory {
    return this.#state.memory;
  }

  /** Application transaction counter of the first application. */
  get atc(): number {
    return this.memory.applications[0]?.atc ?? 0;
  }

  reset(): void {
    this.#count = 0;
    this.#state = atRest(this.#state.memory);
  }

  transmit(apdu: Uint8Array): Uint8Array | undefined {
    this.#count += 1;
    const count = this.#count;
    if (this.#faults.some((fault) => fault.kind === 'muteFrom' && count >= fault.command)) return undefined;
    for (const fault of this.#faults)
      if (fault.kind === 'statusAt' && fault.command === count && !(fault.isOnce && this.#spent.has(fault))) {
        this.#spent.add(fault);
        return encodeResponse(response(fault.sw));
      }
    const answer = this.#obey(apdu);
    for (const fault of this.#faults)
      if (fault.kind === 'cutAt' && fault.command === count) return answer.slice(0, fault.bytes);
    return answer;
  }

  #obey(apdu: Uint8Array): Uint8Array {
    const command = decodeCommand(apdu);
    if (!command.ok) return encodeResponse(response(sw.wrongLength));
    const step = obey(this.#program, this.#state, command.value);
    this.#state = step.state;
    return encodeResponse(step.answer);
  }
}
