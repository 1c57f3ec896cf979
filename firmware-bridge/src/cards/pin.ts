import { decipherOfflinePin, readOfflinePinBlock } from '@tsunagu/protocols/emv';
import { equalInConstantTime, type Secret } from '@tsunagu/protocols/kit';
import type { CardProgram } from './program.ts';
import { pinTryLimit } from './memory.ts';
import { type CardState, recall, remember } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, type Handler, refuse } from './step.ts';

/** Qualifiers of VERIFY (P2). EMV 4.3 Book 3, table 23. */
const qualifiers = { plain: 0x80, enciphered: 0x88 } as const;

/**
 * VERIFY: the PIN, plain or enciphered. A block that is malformed costs no try, since no PIN was compared; what is compared costs one
 * before it is compared, so that a card torn out of the slot has lost it. EMV 4.3 Book 3, 6.5.12; Book 2, 7.2.
 */
export const verify: Handler = (program, state, { p1, p2, data }) => {
  if (!program.card.hasOfflinePin) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || (p2 !== qualifiers.plain && p2 !== qualifiers.enciphered)) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'initiated') return refuse(state, sw.conditionsNotSatisfied);
  if (recall(state).pinTriesLeft === 0) return refuse(state, sw.pinBlocked);
  if (p2 === qualifiers.plain) {
    if (data.length !== 8) return refuse(state, sw.wrongLength);
    const pin = readOfflinePinBlock(data);
    return pin.ok ? compare(program, state, pin.value, false) : refuse(state, sw.wrongData);
  }
  const { pinSigner } = program;
  if (pinSigner === undefined) return refuse(state, sw.wrongParameters);
  if (data.length !== pinSigner.publicKey.modulus.length) return refuse(state, sw.wrongLength);
  // The challenge must come immediately before, and is good once.
  if (state.challenge === undefined) return refuse(state, sw.conditionsNotSatisfied);
  const pin = decipherOfflinePin(pinSigner, data, state.challenge);
  return pin.ok ? compare(program, state, pin.value, true) : refuse(state, sw.wrongData);
};

function compare(program: CardProgram, state: CardState, given: Secret<'pin'>, isPinEnciphered: boolean): CardStep {
  const memory = recall(state);
  const known = memory.pin ?? program.card.pin;
  const pinTriesLeft = memory.pinTriesLeft - 1;
  const isRight = given.use((a) => known.use((b) => a.length === b.length && equalInConstantTime(a, b)));
  given.wipe();
  if (isRight) {
    const passed: CardState = { ...state, pinCheck: 'passed', isPinEnciphered };
    return refuse(remember(passed, { pinTriesLeft: pinTryLimit(program.card) }), sw.done);
  }
  const failed = remember({ ...state, pinCheck: 'failed', isPinEnciphered }, { pinTriesLeft });
  return refuse(failed, sw.triesLeft | Math.min(pinTriesLeft, 15));
}
