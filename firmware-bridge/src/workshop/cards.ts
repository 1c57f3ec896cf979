import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parseAtr } from '@tsunagu/protocols/pcsc';
import { isTestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { EmvCard } from '../cards/index.ts';
import { contactAtr, contactlessAtr } from '../readers/emulated/atr.ts';
import type { ChipCard } from '../readers/emulated/chip-card.ts';

/** An emulated chip card and how a reader of its kind announces it. */
export interface NamedCard {
  readonly name: string;
  readonly card: ChipCard;
  readonly atr: Uint8Array;
}

/** Makes an emulated chip card by its name. */
export function chipCardNamed(name: string): Result<NamedCard, 'CARD_UNKNOWN'> {
  if (!isTestCardName(name)) return fail('CARD_UNKNOWN', { field: name });
  const data = testCard(name);
  const card = new EmvCard(data);
  const atr = data.isContactless ? contactlessAtr(card.historicalBytes) : contactAtr(card.historicalBytes);
  return ok({ name, card, atr });
}

/** "TSUNAGU": the historical bytes of every fictional card, with contacts or without. */
const fictionalHistoricalBytes = 'TSUNAGU';

/** Whether an answer to reset is that of a fictional card, whose data is no secret. */
export function isFictionalAtr(atr: Uint8Array): boolean {
  const read = parseAtr(atr);
  return read.ok && Buffer.from(read.value.historicalBytes).toString('latin1') === fictionalHistoricalBytes;
}
