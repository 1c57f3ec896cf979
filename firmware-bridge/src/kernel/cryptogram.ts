import { command } from '@tsunagu/protocols/apdu';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { takeAnswer } from './answers.ts';
import { CardObjects } from './card-objects.ts';
import { type Dialogue, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { fillList, type Knowledge } from './terminal-objects.ts';

/** Kinds of application cryptogram. EMV 4.3 Book 3, table 15. */
export type CryptogramKind = 'AAC' | 'TC' | 'ARQC';

const asked = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
/** What a card may answer: what was asked, or less. EMV 4.3 Book 3, 10.7, table 28. */
const allowed = { AAC: ['AAC'], ARQC: ['ARQC', 'AAC'], TC: ['TC', 'ARQC', 'AAC'] } as const;
/** Cryptogram, its kind, the counter and the issuer's data: what an answer must hold, and how format 1 lays it out. */
const layout = [
  { tag: 0x9f27, length: 1 },
  { tag: 0x9f36, length: 2 },
  { tag: 0x9f26, length: 8 },
  { tag: 0x9f10, length: 32 },
] as const;

/** Asks for a cryptogram; its objects (9F26, 9F27, 9F36, 9F10) replace those that the card gave before. EMV 4.3 Book 3, 6.5.5. */
export function* generateAc(
  kind: CryptogramKind,
  list: Uint8Array,
  knowledge: Knowledge,
): Dialogue<Result<CryptogramKind, KernelCode>> {
  const data = fillList(list, knowledge);
  if (!data.ok) return data;
  const answer = yield* transmit(command(0x80, 0xae, asked[kind], 0x00, data.value, 256));
  const given = new CardObjects();
  const taken = takeAnswer(answer, given, layout);
  if (!taken.ok) return taken;
  for (const { tag } of layout) {
    const value = given.get(tag);
    if (value !== undefined) knowledge.card.set(tag, value);
    else if (tag !== 0x9f10) return fail('CARD_ANSWER_WRONG', { field: tag.toString(16).toUpperCase() });
  }
  const made = kindOf(given.get(0x9f27));
  const may: readonly (CryptogramKind | undefined)[] = allowed[kind];
  if (made === undefined || !may.includes(made)) return fail('CARD_ANSWER_WRONG', { field: '9F27' });
  return ok(made);
}

/** The kind in cryptogram information data (9F27). */
export const kindOf = (information: Uint8Array | undefined): CryptogramKind | undefined =>
  information === undefined ? undefined : (['AAC', 'TC', 'ARQC'] as const)[(information[0] ?? 0xff) >> 6];
