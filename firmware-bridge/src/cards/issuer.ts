import { hasBit, verifyIssuerAuthenticationData } from '@tsunagu/protocols/emv';
import { valuesOf } from './cryptogram.ts';
import { pinTryLimit } from './memory.ts';
import type { CardProgram } from './program.ts';
import { issuerApplicationData } from './results.ts';
import { type CardState, recall, remember } from './state.ts';
import { sw } from './status.ts';
import { type Handler, refuse } from './step.ts';

/** EXTERNAL AUTHENTICATE: once in a transaction, after the ARQC. EMV 4.3 Book 3, 6.5.4. */
export const externalAuthenticate: Handler = (program, state, { p1, p2, data }) => {
  if (!hasBit(program.image.aip, 1, 3)) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'awaitingIssuer' || state.issuerAuthentication !== 'none')
    return refuse(state, sw.conditionsNotSatisfied);
  if (data.length < 8 || data.length > 16) return refuse(state, sw.wrongLength);
  const next = authenticateIssuer(program, state, data);
  return refuse(next, next.issuerAuthentication === 'passed' ? sw.done : sw.authenticationFailed);
};

/** Checks the issuer's answer by method 1 or 2. EMV 4.3 Book 2, 8.2. */
export function authenticateIssuer(program: CardProgram, state: CardState, data: Uint8Array): CardState {
  const { first } = state;
  if (first === undefined) return { ...state, issuerAuthentication: 'failed' };
  // The key of the answer hangs on the transaction, not on the results: those of the first cryptogram do.
  const values = valuesOf(program, state, issuerApplicationData(program, state, { first: first.kind }));
  // A list pads a short answer with zeros: method 1 has ten bytes.
  const answer = program.card.profile.arpc.method === 1 ? data.subarray(0, 10) : data;
  const checked = verifyIssuerAuthenticationData(program.card.profile, program.keys, values, first.cryptogram, answer);
  if (!checked.ok) return { ...state, issuerAuthentication: 'failed' };
  const passed: CardState = { ...state, issuerAuthentication: 'passed' };
  return 'cardStatusUpdate' in checked.value ? update(program, passed, checked.value.cardStatusUpdate) : passed;
}

/**
 * Obeys a card status update: block, PIN tries, go online next time. An issuer that does not approve gets a decline.
 * EMV 4.3 Book 3, annex C10 (common core definitions).
 */
function update(program: CardProgram, state: CardState, [tries = 0, orders = 0]: Uint8Array): CardState {
  let next = state;
  if ((orders & 0x40) !== 0) next = { ...next, memory: { ...next.memory, isBlocked: true } };
  if ((orders & 0x20) !== 0) next = remember(next, { isBlocked: true });
  if ((orders & 0x10) !== 0) next = remember(next, { pinTriesLeft: Math.min(tries & 0x0f, pinTryLimit(program.card)) });
  if ((orders & 0x08) !== 0) next = remember(next, { mustGoOnline: true });
  const isApproved = (orders & 0x80) !== 0;
  return isApproved && !recall(next).isBlocked && !next.memory.isBlocked ? next : { ...next, isDeclinedByIssuer: true };
}
