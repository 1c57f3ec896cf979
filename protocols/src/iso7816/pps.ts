import { fail, ok, type Result } from '../kit/index.ts';
import type { Atr } from '../pcsc/index.ts';

/** What is agreed on after the reset: the protocol, and the transmission factors. */
export interface Transmission {
  readonly protocol: 'T=0' | 'T=1';
  /** FI in the high nibble, DI in the low one, as in TA1. */
  readonly fiDi: number;
  /** Whether a PPS exchange is needed to get there. */
  readonly needsPps: boolean;
}

/** Fd and Dd: what holds after a reset. ISO/IEC 7816-3:2006, 8.1. */
export const defaultFiDi = 0x11;

/** Clock rate conversion F by FI. ISO/IEC 7816-3:2006, table 7; 0 is reserved. */
export const clockRates: readonly number[] = [
  372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0,
];

/** Baud rate adjustment D by DI. ISO/IEC 7816-3:2006, table 8; 0 is reserved. */
export const baudRates: readonly number[] = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0];

/** What a reader can do, as far as the choice depends on it. */
export interface LineLimits {
  readonly protocols: readonly ('T=0' | 'T=1')[];
  readonly clockKhz: number;
  readonly bitsPerSecondMax: number;
}

/**
 * Chooses protocol and speed from an ATR. In specific mode (TA2) the card has chosen, and no PPS is done; in negotiable mode
 * the card's first protocol is taken (another one of its offers when the reader lacks it), and TA1 when the reader is fast enough.
 * PPS_REFUSED when the reader has none of the card's protocols.
 *
 * @see ISO/IEC 7816-3:2006, 6.3.1 and 9
 */
export function chooseTransmission(atr: Atr, limits: LineLimits): Result<Transmission, 'PPS_REFUSED'> {
  const specific = atr.specificProtocol;
  const offered = (specific === undefined ? atr.protocols : [specific]).map((protocol) => names[protocol]);
  const protocol = offered.find((name) => name !== undefined && limits.protocols.includes(name));
  if (protocol === undefined) return fail('PPS_REFUSED', { facts: { offered: atr.protocols.join(' ') } });
  const isFit = isWithin(atr.fiDi, limits);
  if (specific !== undefined) {
    // Bit 5 of TA2: the parameters are the card's implicit ones, not those of TA1.
    const isImplicit = ((atr.groups[1]?.ta ?? 0) & 0x10) !== 0;
    if (!isImplicit && !isFit) return fail('PPS_REFUSED', { field: 'TA1' });
    return ok({ protocol, fiDi: isImplicit ? defaultFiDi : atr.fiDi, needsPps: false });
  }
  const fiDi = isFit ? atr.fiDi : defaultFiDi;
  return ok({ protocol, fiDi, needsPps: fiDi !== defaultFiDi || protocol !== offered[0] });
}

const names: readonly (('T=0' | 'T=1') | undefined)[] = ['T=0', 'T=1'];

function isWithin(fiDi: number, { clockKhz, bitsPerSecondMax }: LineLimits): boolean {
  const f = clockRates[fiDi >> 4] ?? 0;
  const d = baudRates[fiDi & 0x0f] ?? 0;
  return f !== 0 && d !== 0 && (clockKhz * 1_000 * d) / f <= bitsPerSecondMax;
}

/** The PPS request: PPSS, PPS0, PPS1 where the factors are not the default ones, PCK. ISO/IEC 7816-3:2006, 9.2. */
export function ppsRequest({ protocol, fiDi }: Transmission): Uint8Array {
  const code = protocol === 'T=1' ? 1 : 0;
  const body = fiDi === defaultFiDi ? [0xff, code] : [0xff, 0x10 | code, fiDi];
  return Uint8Array.of(
    ...body,
    body.reduce((sum, byte) => sum ^ byte, 0),
  );
}

/**
 * What holds after the card's PPS response: the request echoed, or without PPS1, which leaves the default factors. Anything
 * else is PPS_REFUSED, and the card must be reset. ISO/IEC 7816-3:2006, 9.3.
 */
export function readPpsResponse(wanted: Transmission, response: Uint8Array): Result<Transmission, 'PPS_REFUSED'> {
  const request = ppsRequest(wanted);
  if (equal(request, response)) return ok(wanted);
  if (equal(ppsRequest({ ...wanted, fiDi: defaultFiDi }), response)) return ok({ ...wanted, fiDi: defaultFiDi });
  return fail('PPS_REFUSED', { facts: { length: response.length } });
}

/** The card's answer to a PPS request that it understands: an echo; undefined for one with a wrong PCK or protocol. */
export function answerPps(request: Uint8Array, protocols: readonly number[]): Uint8Array | undefined {
  const isSound = request.length >= 3 && request[0] === 0xff && request.reduce((sum, byte) => sum ^ byte, 0) === 0;
  return isSound && protocols.includes((request[1] ?? 0) & 0x0f) ? Uint8Array.from(request) : undefined;
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
