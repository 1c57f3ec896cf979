import { fail, ok, type Result } from '../kit/index.ts';

/** Transport protocol data unit of terminal lines: an identifier (60) and two addresses of two bytes. */
export interface Tpdu {
  readonly id: number;
  readonly destination: number;
  readonly originator: number;
}

/** Reads the five bytes in front of the MTI. */
export function parseTpdu(header: Uint8Array): Result<Tpdu, 'FRAME_LENGTH'> {
  const [id, ...rest] = header;
  const [d1, d2, o1, o2] = rest;
  if (
    header.length !== 5 ||
    id === undefined ||
    d1 === undefined ||
    d2 === undefined ||
    o1 === undefined ||
    o2 === undefined
  )
    return fail('FRAME_LENGTH', { facts: { expectedBytes: 5, lengthBytes: header.length } });
  return ok({ id, destination: d1 * 256 + d2, originator: o1 * 256 + o2 });
}

/** Writes a TPDU. */
export const formatTpdu = ({ id, destination, originator }: Tpdu): Uint8Array =>
  Uint8Array.of(id, destination >> 8, destination & 255, originator >> 8, originator & 255);

/** The header of an answer: a TPDU with its addresses swapped, any other header as it came. */
export function answerHeader(kind: 'none' | 'tpdu' | 'opaque', header: Uint8Array): Uint8Array {
  const tpdu = kind === 'tpdu' ? parseTpdu(header) : undefined;
  if (!tpdu?.ok) return header;
  const { id, destination, originator } = tpdu.value;
  return formatTpdu({ id, destination: originator, originator: destination });
}
