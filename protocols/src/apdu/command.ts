import { fail, ok, type Result } from '../kit/index.ts';

/** A command to a card. ISO/IEC 7816-4:2020, 5.2. */
export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** The command data; empty when there is none. */
  readonly data: Uint8Array;
  /** Most bytes wanted back, 1 to 65536 (a coded 00 is read as 256 or 65536); absent when no data is expected. */
  readonly le?: number;
  /** Whether the lengths are coded in extended form. Encoding chooses it by itself where a length needs it. */
  readonly extended?: boolean;
}

const nothing: Uint8Array = new Uint8Array(0);

/** A command with the parts that most have left to their defaults: no data, no Le. */
export const command = (
  cla: number,
  ins: number,
  p1: number,
  p2: number,
  data: Uint8Array = nothing,
  le?: number,
): CommandApdu => (le === undefined ? { cla, ins, p1, p2, data } : { cla, ins, p1, p2, data, le });

/**
 * Reads a command APDU of any of the seven cases (1, 2S, 3S, 4S, 2E, 3E, 4E). `data` is a view.
 *
 * @see ISO/IEC 7816-3:2006, 12.1.3
 */
export function decodeCommand(bytes: Uint8Array): Result<CommandApdu, 'APDU_LENGTH_INVALID'> {
  const length = bytes.length;
  if (length < 4) return fail('APDU_LENGTH_INVALID', { offset: length });
  const cla = bytes[0] ?? 0;
  const ins = bytes[1] ?? 0;
  const p1 = bytes[2] ?? 0;
  const p2 = bytes[3] ?? 0;
  if (length === 4) return ok({ cla, ins, p1, p2, data: nothing, extended: false });
  const first = bytes[4] ?? 0;
  if (length === 5) return ok({ cla, ins, p1, p2, data: nothing, le: first === 0 ? 256 : first, extended: false });
  if (first !== 0) {
    if (length === 5 + first) return ok({ cla, ins, p1, p2, data: bytes.subarray(5), extended: false });
    if (length !== 6 + first) return fail('APDU_LENGTH_INVALID', { offset: 4, field: 'Lc' });
    const le = bytes[length - 1] ?? 0;
    const data = bytes.subarray(5, 5 + first);
    return ok({ cla, ins, p1, p2, data, le: le === 0 ? 256 : le, extended: false });
  }
  if (length < 7) return fail('APDU_LENGTH_INVALID', { offset: 4, field: 'Lc' });
  const long = ((bytes[5] ?? 0) << 8) | (bytes[6] ?? 0);
  if (length === 7) return ok({ cla, ins, p1, p2, data: nothing, le: long === 0 ? 65536 : long, extended: true });
  if (long === 0) return fail('APDU_LENGTH_INVALID', { offset: 5, field: 'Lc' });
  if (length === 7 + long) return ok({ cla, ins, p1, p2, data: bytes.subarray(7), extended: true });
  if (length !== 9 + long) return fail('APDU_LENGTH_INVALID', { offset: 5, field: 'Lc' });
  const le = ((bytes[length - 2] ?? 0) << 8) | (bytes[length - 1] ?? 0);
  const data = bytes.subarray(7, 7 + long);
  return ok({ cla, ins, p1, p2, data, le: le === 0 ? 65536 : le, extended: true });
}

/** Writes a command APDU, short unless `extended` is set or a length needs it. */
export function encodeCommand(apdu: CommandApdu): Result<Uint8Array, 'APDU_VALUE_INVALID'> {
  const { cla, ins, p1, p2, data, le } = apdu;
  if (!isByte(cla)) return fail('APDU_VALUE_INVALID', { field: 'CLA' });
  if (!isByte(ins)) return fail('APDU_VALUE_INVALID', { field: 'INS' });
  if (!isByte(p1)) return fail('APDU_VALUE_INVALID', { field: 'P1' });
  if (!isByte(p2)) return fail('APDU_VALUE_INVALID', { field: 'P2' });
  if (data.length > 65535) return fail('APDU_VALUE_INVALID', { field: 'Lc' });
  if (le !== undefined && !(Number.isInteger(le) && le >= 1 && le <= 65536))
    return fail('APDU_VALUE_INVALID', { field: 'Le' });
  const extended = needsExtended(apdu) || (apdu.extended === true && (data.length > 0 || le !== undefined));
  const lcBytes = data.length === 0 ? 0 : extended ? 3 : 1;
  const leBytes = le === undefined ? 0 : !extended ? 1 : data.length === 0 ? 3 : 2;
  const bytes = new Uint8Array(4 + lcBytes + data.length + leBytes);
  bytes[0] = cla;
  bytes[1] = ins;
  bytes[2] = p1;
  bytes[3] = p2;
  if (lcBytes > 0) {
    if (extended) {
      bytes[5] = data.length >> 8;
      bytes[6] = data.length & 0xff;
    } else bytes[4] = data.length;
    bytes.set(data, 4 + lcBytes);
  }
  if (le !== undefined) {
    // 256 and 65536 are both coded as zeros, which the low bytes of the number are.
    bytes[bytes.length - 1] = le & 0xff;
    if (extended) bytes[bytes.length - 2] = (le >> 8) & 0xff;
  }
  return ok(bytes);
}

/** Whether a command does not fit the short form. */
export const needsExtended = ({ data, le }: CommandApdu): boolean => data.length > 255 || (le ?? 0) > 256;

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xff;
