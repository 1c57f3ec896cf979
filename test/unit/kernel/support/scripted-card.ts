import { hex, toHex } from '@tsunagu/protocols/kit';
import { expect } from 'vitest';

/** One exchange of a script: the command that must come (hexadecimal; a dot stands for any digit, `*` at the end for any rest), the reply, and why. */
export type Exchange = readonly [
  command: string,
  reply: string | ((command: Uint8Array) => string | Uint8Array),
  why: string,
];

/** A card that plays a script and nothing else. */
export class ScriptedCard {
  readonly #script: readonly Exchange[];
  #at = 0;

  constructor(script: readonly Exchange[]) {
    this.#script = script;
  }

  transmit(apdu: Uint8Array): Uint8Array {
    const sent = toHex(apdu);
    const exchange = this.#script[this.#at];
    if (exchange === undefined) throw new Error(`nothing was to come, and ${sent} came`);
    const [command, reply, why] = exchange;
    this.#at += 1;
    const pattern = new RegExp(`^${command.replaceAll(' ', '').replace(/\*$/, '.*')}$`);
    expect(sent, `exchange ${this.#at}: ${why}`).toMatch(pattern);
    const answer = typeof reply === 'function' ? reply(apdu) : reply.replaceAll(' ', '');
    return typeof answer === 'string' ? hex(answer) : answer;
  }

  /** What of the script was not asked for. */
  get left(): readonly string[] {
    return this.#script.slice(this.#at).map(([command, , why]) => `${command} (${why})`);
  }
}
