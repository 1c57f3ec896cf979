import { command, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { parseAfl } from '@tsunagu/protocols/emv';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { tlv } from '@tsunagu/protocols/tlv';
import { templateOf } from './answers.ts';
import { type Dialogue, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { fillList, type Knowledge } from './terminal-objects.ts';

/** Records of one transaction: a locator that asks for more is a faulty card. */
const recordsMax = 64;

/** Starts the transaction on the card: GET PROCESSING OPTIONS with the values that its PDOL asks for. EMV 4.3 Book 3, 10.1. */
export function* startOnCard(
  pdol: Uint8Array | undefined,
  knowledge: Knowledge,
): Dialogue<Result<ResponseApdu, KernelCode>> {
  const values = pdol === undefined ? ok(new Uint8Array(0)) : fillList(pdol, knowledge);
  if (!values.ok) return values;
  return ok(yield* transmit(command(0x80, 0xa8, 0x00, 0x00, tlv(0x83, values.value), 256)));
}

/** Reads every record that the locator (94) names. EMV 4.3 Book 3, 10.2. */
export function* readRecords(knowledge: Knowledge): Dialogue<Result<void, KernelCode>> {
  const { card } = knowledge;
  const locator = card.get(0x94);
  if (locator === undefined) return fail('EMV_DATA_MISSING', { field: '94' });
  const entries = parseAfl(locator);
  if (!entries.ok) return entries;
  let records = 0;
  for (const { sfi, first, last } of entries.value) {
    for (let record = first; record <= last; record++) {
      if (++records > recordsMax) return fail('EMV_AFL_INVALID', { field: '94', facts: { recordsMax } });
      const answer = yield* transmit(command(0x00, 0xb2, record, (sfi << 3) | 4, undefined, 256));
      // Files above 10 belong to the issuer, and need not hold data objects.
      const template = templateOf(answer, 0x70);
      if (!template.ok) {
        if (sfi > 10 && answer.sw === 0x9000) continue;
        return template;
      }
      const taken = card.take(template.value.children);
      if (!taken.ok) return taken;
    }
  }
  return ok(undefined);
}
