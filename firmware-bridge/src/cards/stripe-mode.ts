import { dynamicCvc3 } from '@tsunagu/protocols/emv';
import { tlv } from '@tsunagu/protocols/tlv';
import { atcBytes } from './cryptogram.ts';
import { recall } from './state.ts';
import { sw } from './status.ts';
import { give, type Handler, refuse } from './step.ts';

/** COMPUTE CRYPTOGRAPHIC CHECKSUM: the dynamic codes of both tracks over the reader's number (9F6A, numeric). EMV Book C-2, 5.2. */
export const computeChecksum: Handler = ({ checksumKey, image }, state, { p1, p2, data }) => {
  if (checksumKey === undefined || image.track1 === undefined) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0x8e || p2 !== 0x80) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'initiated') return refuse(state, sw.conditionsNotSatisfied);
  // The card has no list of its own (9F69): the reader's default asks for its number alone.
  if (data.length !== 4) return refuse(state, sw.wrongLength);
  const atc = atcBytes(recall(state).atc);
  const answer = tlv(
    0x77,
    tlv(0x9f61, dynamicCvc3(checksumKey, image.track2, data, atc)),
    tlv(0x9f60, dynamicCvc3(checksumKey, image.track1, data, atc)),
    tlv(0x9f36, atc),
  );
  return give({ ...state, phase: 'ended' }, answer);
};
