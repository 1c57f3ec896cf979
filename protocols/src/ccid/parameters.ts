import { fail, ok, type Result } from '../kit/index.ts';
import type { CcidCode } from './header.ts';

/** Transmission protocols. */
export type Protocol = 'T=0' | 'T=1';

/** The protocol of a bProtocolNum. */
export const protocolOf = (code: number): Protocol | undefined => (code === 0 ? 'T=0' : code === 1 ? 'T=1' : undefined);

/** What reader and card have agreed on. CCID 1.1, 6.1.7. */
export type SlotParameters =
  | {
      readonly protocol: 'T=0';
      /** FI in the high nibble, DI in the low one. */
      readonly fiDi: number;
      readonly convention: 'direct' | 'inverse';
      /** Extra guard time in etu; 255 stands for the least. */
      readonly guardTime: number;
      /** WI of ISO/IEC 7816-3. */
      readonly waitingInteger: number;
      readonly clockStop: ClockStop;
    }
  | {
      readonly protocol: 'T=1';
      readonly fiDi: number;
      readonly convention: 'direct' | 'inverse';
      readonly checksum: 'lrc' | 'crc';
      readonly guardTime: number;
      /** BWI in the high nibble, CWI in the low one. */
      readonly waitingIntegers: number;
      readonly clockStop: ClockStop;
      /** Information field size of the card, 1 to 254. */
      readonly ifsc: number;
      readonly nad: number;
    };

const clockStops = ['notAllowed', 'low', 'high', 'either'] as const;

/** In which state the card lets its clock be stopped. */
export type ClockStop = (typeof clockStops)[number];

/** Reads abProtocolDataStructure: 5 bytes for T=0, 7 for T=1. */
export function decodeParameters(protocol: Protocol, data: Uint8Array): Result<SlotParameters, CcidCode> {
  if (data.length !== (protocol === 'T=0' ? 5 : 7)) return fail('CCID_LENGTH_WRONG', { offset: data.length });
  const fiDi = data[0] ?? 0;
  const tcckst = data[1] ?? 0;
  const guardTime = data[2] ?? 0;
  const clockStop = clockStops[data[4] ?? 0];
  if (clockStop === undefined) return fail('CCID_FIELD_INVALID', { offset: 4, field: 'bClockStop' });
  const convention = (tcckst & 2) !== 0 ? 'inverse' : 'direct';
  if (protocol === 'T=0') {
    if ((tcckst & ~2) !== 0) return fail('CCID_FIELD_INVALID', { offset: 1, field: 'bmTCCKST0' });
    return ok({ protocol, fiDi, convention, guardTime, waitingInteger: data[3] ?? 0, clockStop });
  }
  if ((tcckst & ~3) !== 0x10) return fail('CCID_FIELD_INVALID', { offset: 1, field: 'bmTCCKST1' });
  const ifsc = data[5] ?? 0;
  if (ifsc === 0 || ifsc === 255) return fail('CCID_FIELD_INVALID', { offset: 5, field: 'bIFSC' });
  const checksum = (tcckst & 1) !== 0 ? 'crc' : 'lrc';
  const nad = data[6] ?? 0;
  return ok({ protocol, fiDi, convention, checksum, guardTime, waitingIntegers: data[3] ?? 0, clockStop, ifsc, nad });
}

/** Writes abProtocolDataStructure. */
export function encodeParameters(parameters: SlotParameters): Uint8Array {
  const { fiDi, guardTime } = parameters;
  const convention = parameters.convention === 'inverse' ? 2 : 0;
  const clockStop = clockStops.indexOf(parameters.clockStop);
  if (parameters.protocol === 'T=0')
    return Uint8Array.of(fiDi, convention, guardTime, parameters.waitingInteger, clockStop);
  const tcckst = 0x10 | convention | (parameters.checksum === 'crc' ? 1 : 0);
  return Uint8Array.of(fiDi, tcckst, guardTime, parameters.waitingIntegers, clockStop, parameters.ifsc, parameters.nad);
}
