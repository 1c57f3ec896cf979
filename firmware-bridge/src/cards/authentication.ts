import { signDda } from '@tsunagu/protocols/emv';
import { concat } from '@tsunagu/protocols/kit';
import { dolDataLength, tlv } from '@tsunagu/protocols/tlv';
import { drawDynamicNumber } from './cryptogram.ts';
import { hasFault } from './program.ts';
import { draw } from './random.ts';
import { sw } from './status.ts';
import { give, type Handler, refuse } from './step.ts';

/** INTERNAL AUTHENTICATE: signs a number of the card's and the terminal's list (DDA). EMV 4.3 Book 3, 6.5.9; Book 2, 6.5.1. */
export const internalAuthenticate: Handler = (program, state, { p1, p2, data }) => {
  const { signer, card } = program;
  if (signer === undefined || !program.hasDda) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'initiated') return refuse(state, sw.conditionsNotSatisfied);
  if (data.length !== dolDataLength(program.ddol)) return refuse(state, sw.wrongLength);
  const signed = hasFault(program, 'ignoresUnpredictableNumber')
    ? new Uint8Array(data.length)
    : hasFault(program, 'wrongDynamicHash')
      ? concat(data, Uint8Array.of(0))
      : data;
  const drawn = drawDynamicNumber(program, state);
  const signature = signDda(signer, drawn.number, signed);
  const next = { ...drawn.state, signed: { ...state.signed, dda: true } };
  return give(next, card.answerFormat === 1 ? tlv(0x80, signature) : tlv(0x77, tlv(0x9f4b, signature)));
};

/** GET CHALLENGE: eight bytes, good for the very next command. EMV 4.3 Book 3, 6.5.6. */
export const getChallenge: Handler = (program, state, { p1, p2, data }) => {
  if (program.pinSigner === undefined) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (data.length > 0) return refuse(state, sw.wrongLength);
  const drawn = draw(program, state, 8);
  return give({ ...drawn.state, challenge: drawn.number }, drawn.number);
};

/** Exchanges that one transaction may have. EMV Book C-2 (relay resistance protocol, attempts). */
const relaysMax = 3;

/** EXCHANGE RELAY RESISTANCE DATA: the card's entropy and times, at once. EMV Book C-2, 5.3. */
export const exchangeRelayResistanceData: Handler = (program, state, { p1, p2, data }) => {
  const { relay } = program.card;
  if (relay === undefined) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'initiated' || state.relayCount >= relaysMax) return refuse(state, sw.conditionsNotSatisfied);
  if (data.length !== 4) return refuse(state, sw.wrongLength);
  const drawn = draw(program, state, 4);
  const times = [relay.min, relay.max, relay.transmission].flatMap((time) => [time >> 8, time & 0xff]);
  const told = concat(drawn.number, Uint8Array.from(times));
  const next = { ...drawn.state, relay: concat(data, told), relayCount: state.relayCount + 1 };
  return give(next, tlv(0x80, told));
};
