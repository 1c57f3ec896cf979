import { concat, fail, ok, type Result } from '../kit/index.ts';
import { type CommandApdu, command } from './command.ts';
import type { ResponseApdu } from './response.ts';

/** Bit 5 of an interindustry class byte: the command is not the last of its chain. ISO/IEC 7816-4:2020, 5.4.1. */
const moreFollows = 0x10;

/** Splits a command with long data into a chain of commands of at most `dataMax` bytes; Le stays with the last. */
export function chainCommand(whole: CommandApdu, dataMax = 255): readonly CommandApdu[] {
  if (!(Number.isInteger(dataMax) && dataMax >= 1)) throw new Error('a chained command carries at least one byte');
  const { cla, ins, p1, p2, data, le } = whole;
  if (data.length <= dataMax) return [whole];
  const chain: CommandApdu[] = [];
  for (let at = 0; at < data.length; at += dataMax) {
    const part = data.subarray(at, at + dataMax);
    const isLast = at + dataMax >= data.length;
    chain.push(isLast ? command(cla, ins, p1, p2, part, le) : command(cla | moreFollows, ins, p1, p2, part));
  }
  return chain;
}

/** What a card has received of a chain so far. */
export interface ChainState {
  readonly first?: CommandApdu;
  readonly parts: readonly Uint8Array[];
  readonly lengthBytes: number;
}

/** No chain under way. */
export const noChain: ChainState = { parts: [], lengthBytes: 0 };

/** The state that follows a command, and the whole command once its last part is there. */
export interface ChainStep {
  readonly state: ChainState;
  readonly complete?: CommandApdu;
}

/**
 * Takes one command into a chain, card side. Commands of one chain share CLA (but for the chaining bit), INS, P1 and P2;
 * another command in between breaks the chain (SW 6883 is the usual answer).
 */
export function continueChain(
  state: ChainState,
  next: CommandApdu,
  lengthBytesMax = 65535,
): Result<ChainStep, 'APDU_CHAIN_BROKEN'> {
  const { first } = state;
  const isChained = (next.cla & 0x80) === 0 && (next.cla & moreFollows) !== 0;
  if (first === undefined && !isChained) return ok({ state: noChain, complete: next });
  const cla = next.cla & ~moreFollows;
  if (
    first !== undefined &&
    (cla !== first.cla || next.ins !== first.ins || next.p1 !== first.p1 || next.p2 !== first.p2)
  )
    return fail('APDU_CHAIN_BROKEN');
  const lengthBytes = state.lengthBytes + next.data.length;
  if (lengthBytes > lengthBytesMax) return fail('APDU_CHAIN_BROKEN', { facts: { lengthBytes } });
  // A command without data adds none: a chain of them must not grow what a card keeps.
  const parts = next.data.length === 0 ? state.parts : [...state.parts, Uint8Array.from(next.data)];
  if (isChained) return ok({ state: { first: first ?? { ...next, cla }, parts, lengthBytes } });
  return ok({ state: noChain, complete: command(cla, next.ins, next.p1, next.p2, concat(...parts), next.le) });
}

/**
 * The command that a status word asks for next: GET RESPONSE after 61xx, the same command with another Le after 6Cxx;
 * undefined when the answer is final.
 *
 * @see ISO/IEC 7816-4:2020, 5.3.4; EMV 4.3 Book 1, 9.3.1.1
 */
export function nextAfter(sent: CommandApdu, answer: ResponseApdu): CommandApdu | undefined {
  const sw1 = answer.sw >> 8;
  const count = (answer.sw & 0xff) === 0 ? 256 : answer.sw & 0xff;
  // The logical channel and secure messaging of the first command are kept, its chaining bit is not.
  if (sw1 === 0x61) return command(sent.cla & 0x80 ? 0x00 : sent.cla & ~moreFollows, 0xc0, 0, 0, undefined, count);
  if (sw1 === 0x6c) return { ...sent, le: count };
  return undefined;
}
