import { type ClassDescriptor, encodeParameters, exchangeLevelOf } from '@tsunagu/protocols/ccid';
import { chooseTransmission, ppsRequest, readPpsResponse, type Transmission } from '@tsunagu/protocols/iso7816';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Atr, parseAtr } from '@tsunagu/protocols/pcsc';
import type { ReaderCode } from '../codes.ts';
import { type ApduExchange, ApduLevel, T0Level, T1Level } from './levels.ts';
import type { CcidSlot } from './slot.ts';

/** Bits of dwFeatures. CCID 1.1, 5.1. */
const does = {
  parameters: 0x02,
  negotiation: 0x40,
  pps: 0x80,
  ifsd: 0x400,
} as const;

/**
 * Brings card and reader to the same protocol and speed after a reset, as far as the reader does not do it by itself: PPS,
 * SetParameters, IFS. The result is the way in which APDUs go from here on.
 *
 * PPS_REFUSED from the card leaves it undefined: power it again, and ask with `mayPps` false for the speed it began with.
 *
 * @see ISO/IEC 7816-3:2006, 6.3 and 9; CCID 1.1, 6.1.7
 */
export async function negotiate(
  slot: CcidSlot,
  descriptor: ClassDescriptor,
  atrBytes: Uint8Array,
  mayPps: boolean,
): Promise<Result<ApduExchange, ReaderCode>> {
  const { features } = descriptor;
  const level = exchangeLevelOf(features);
  const isApdu = level === 'shortApdu' || level === 'extendedApdu';
  const isAutomatic = (features & (does.negotiation | does.pps)) !== 0;
  // Nothing is left to do where whole APDUs go to a reader that reads the ATR itself.
  if (isApdu && (isAutomatic || (features & does.parameters) !== 0)) return ok(new ApduLevel(slot, descriptor));
  const atr = parseAtr(atrBytes);
  if (!atr.ok) return atr;
  const chosen = chooseTransmission(atr.value, {
    protocols: descriptor.protocols,
    clockKhz: descriptor.defaultClockKhz,
    bitsPerSecondMax: mayPps && !isAutomatic ? descriptor.dataRateBpsMax : descriptor.dataRateBps,
  });
  if (!chosen.ok) return chosen;
  let transmission = chosen.value;
  let hasNegotiated = false;
  if (transmission.needsPps && !isAutomatic && !isApdu) {
    const agreed = await pps(slot, transmission, level === 'character');
    if (!agreed.ok) return agreed;
    transmission = agreed.value;
    hasNegotiated = true;
  }
  if (hasNegotiated || (features & does.parameters) === 0) {
    const set = await setParameters(slot, atr.value, transmission, isAutomatic);
    if (!set.ok) return set;
  }
  if (level === 'shortApdu' || level === 'extendedApdu') return ok(new ApduLevel(slot, descriptor));
  if (transmission.protocol === 'T=0') return ok(new T0Level(slot, level));
  const { usesCrc, ifsc } = atr.value;
  const exchange = new T1Level(slot, level, { epilogue: usesCrc ? 'crc' : 'lrc', ifsc });
  if ((features & does.ifsd) !== 0) return ok(exchange);
  const announced = await exchange.announceIfsd(Math.min(Math.max(descriptor.ifsdMax, 1), 254));
  return announced.ok ? ok(exchange) : announced;
}

async function pps(
  slot: CcidSlot,
  wanted: Transmission,
  isByCharacter: boolean,
): Promise<Result<Transmission, ReaderCode>> {
  const request = ppsRequest(wanted);
  const answer = await slot.transfer(request, isByCharacter ? request.length : 0);
  if (!answer.ok) return answer;
  if (answer.value.type !== 'bytes') return fail('PPS_REFUSED', { facts: { answer: answer.value.type } });
  return readPpsResponse(wanted, answer.value.bytes);
}

async function setParameters(
  slot: CcidSlot,
  atr: Atr,
  { protocol, fiDi }: Transmission,
  isAutomatic: boolean,
): Promise<Result<void, ReaderCode>> {
  const { convention, guardTime, waitingInteger, waitingIntegers, usesCrc, ifsc } = atr;
  const common = { fiDi: isAutomatic ? atr.fiDi : fiDi, convention, guardTime, clockStop: 'notAllowed' } as const;
  const checksum = usesCrc ? 'crc' : 'lrc';
  const data = encodeParameters(
    protocol === 'T=0'
      ? { protocol, ...common, waitingInteger }
      : { protocol, ...common, checksum, waitingIntegers, ifsc: Math.min(Math.max(ifsc, 1), 254), nad: 0 },
  );
  const answer = await slot.command({ type: 'setParameters', protocol, data }, 'parameters');
  if (answer.ok) return ok(undefined);
  // A reader that does not know the command sets its parameters by itself, whatever its descriptor says.
  return answer.fault.facts?.error === 'CMD_NOT_SUPPORTED' ? ok(undefined) : answer;
}
