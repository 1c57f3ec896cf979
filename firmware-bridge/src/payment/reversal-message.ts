import { reversalOf } from '@tsunagu/protocols/acquiring';
import { type Message, repeatMti } from '@tsunagu/protocols/iso8583';
import type { StoredReversal } from './ports.ts';

const sixDigits = (value: number): string => String(value).padStart(6, '0');

/**
 * The advice of a kept reversal: 1420 at first, 1421 once it may have been sent before. Everything else stays the same however
 * often it is sent, so that the switch knows it again.
 */
export function reversalMessage({ image, pan }: StoredReversal, isRepeat: boolean): Message {
  const { original } = image;
  const sale: Message = {
    mti: original.mti,
    fields: {
      2: pan,
      3: '000000',
      4: String(image.amountMinor).padStart(12, '0'),
      11: sixDigits(original.stan),
      12: original.localTime,
      22: image.posDataCode,
      41: image.terminalId,
      42: image.merchantId,
      49: '392',
    },
  };
  const advice = reversalOf(sale, { stan: sixDigits(image.stan), nowMs: 0, reason: image.reason });
  const fields = { ...advice.fields, 7: image.transmissionTime };
  return { mti: isRepeat ? repeatMti(advice.mti) : advice.mti, fields };
}
