import { command, decodeResponse, encodeCommand, nextAfter, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { fail, type Result } from '@tsunagu/protocols/kit';
import { decodeTlv, type Tlv } from '@tsunagu/protocols/tlv';
import type { ChipReader } from '../readers/port.ts';

/** GET RESPONSE and corrected lengths for one command, at most. */
const followUpsMax = 8;

/** A command and all that 61xx and 6Cxx make of it. EMV 4.3 Book 1, 9.3.1. */
export async function ask(
  reader: Pick<ChipReader, 'transmit'>,
  cla: number,
  ins: number,
  p1: number,
  p2: number,
  data?: Uint8Array,
): Promise<Result<ResponseApdu>> {
  let sent = command(cla, ins, p1, p2, data, 256);
  for (let followUps = 0; ; followUps++) {
    const bytes = encodeCommand(sent);
    if (!bytes.ok) return bytes;
    const answer = await reader.transmit(bytes.value);
    if (!answer.ok) return answer;
    const response = decodeResponse(answer.value);
    if (!response.ok) return response;
    const next = followUps < followUpsMax ? nextAfter(sent, response.value) : undefined;
    if (next === undefined) return response;
    sent = next;
  }
}

/** The objects of a response that succeeded; CARD_REFUSED_COMMAND with the status word for another. */
export function objectsOf({ data, sw }: ResponseApdu): Result<readonly Tlv[]> {
  if (sw !== 0x9000)
    return fail('CARD_REFUSED_COMMAND', { facts: { sw: sw.toString(16).toUpperCase().padStart(4, '0') } });
  return decodeTlv(data);
}
