import { concat, fail, ok, type Result } from '../kit/index.ts';
import { decodeTlv, findTlv, tlv } from '../tlv/index.ts';

// What terminal and centre tell each other of a transit card, inside DE55 of both links. The tags are ours, of the private class.

const tags = { idm: 0xdf61, frame: 0xdf62, settleFirst: 0xdf63 } as const;

/** What DE55 says of a transit card. */
export interface TransitData {
  /** The card, 8 bytes; in every request. */
  readonly idm?: Uint8Array | undefined;
  /** A frame of the card session, length byte first: from the card in a request, for the card in an answer. */
  readonly frame?: Uint8Array | undefined;
  /** In the answer to an opening: something of before has to be settled first. */
  readonly isSettleFirst?: boolean | undefined;
}

/** Writes DE55. */
export const encodeTransitData = ({ idm, frame, isSettleFirst = false }: TransitData): Uint8Array =>
  concat(
    ...(idm === undefined ? [] : [tlv(tags.idm, idm)]),
    ...(frame === undefined ? [] : [tlv(tags.frame, frame)]),
    ...(isSettleFirst ? [tlv(tags.settleFirst, Uint8Array.of(1))] : []),
  );

/** Reads DE55. FELICA_INVALID: it is no TLV, an IDm has not 8 bytes, or a frame's length byte lies. */
export function decodeTransitData(bytes: Uint8Array): Result<TransitData, 'FELICA_INVALID'> {
  const objects = decodeTlv(bytes);
  if (!objects.ok) return fail('FELICA_INVALID', { field: 'DE55', cause: objects.fault });
  const valueOf = (tag: number): Uint8Array | undefined => findTlv(objects.value, tag)?.value;
  const [idm, frame] = [valueOf(tags.idm), valueOf(tags.frame)];
  if (idm !== undefined && idm.length !== 8) return fail('FELICA_INVALID', { field: 'idm' });
  if (frame !== undefined && (frame.length < 2 || frame[0] !== frame.length))
    return fail('FELICA_INVALID', { field: 'frame' });
  return ok({
    idm: idm && Uint8Array.from(idm),
    frame: frame && Uint8Array.from(frame),
    isSettleFirst: valueOf(tags.settleFirst) !== undefined,
  });
}

/**
 * Action codes (DE39) of the centre that are not in ISO 8583:1993, A.1, which leaves 191 to 199 to private use: the card did not take the
 * order; what the card said proves nothing, and it has to be opened anew; something has to be settled first.
 */
export const transitActionCodes = { notTaken: '191', proveAgain: '192', settleFirst: '193' } as const;
