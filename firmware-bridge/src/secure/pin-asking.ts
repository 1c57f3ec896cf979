import type { PinAnswer, PinQuestion } from '../kernel/index.ts';
import type { Cardholder } from './hand.ts';

/** How often a PIN is asked for anew when it has too few digits. */
const askedMax = 3;

/** Asks a cardholder for a PIN until it has as many digits as its scheme wants; nobody there is as good as nobody answering. */
export async function askForPin(holder: Cardholder | undefined, question: PinQuestion): Promise<PinAnswer> {
  for (let asked = 0; asked < askedMax; asked += 1) {
    const answer = await holder?.askPin(asked === 0 ? question : { ...question, isShort: true });
    if (answer === undefined) return { type: 'timeout' };
    if (answer.type !== 'entered' || answer.pin.length >= question.digitsLeast) return answer;
    answer.pin.wipe();
  }
  return { type: 'tooShort' };
}
