import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parseAtr, readStorageCardAtr } from '@tsunagu/protocols/pcsc';
import { isTestCardName, isTransitCardName, testCard, transitCard } from '@tsunagu/protocols/test-cards';
import { EmvCard, TransitCard } from '../cards/index.ts';
import { contactAtr, contactlessAtr } from '../readers/emulated/atr.ts';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import type { FelicaCard } from '../readers/emulated/felica-card.ts';

/** An emulated chip card and how a reader of its kind announces it. */
export interface NamedChipCard {
  readonly kind: 'chip';
  readonly name: string;
  /** Where it is read. */
  readonly at: 'contact' | 'contactless';
  readonly card: ChipCard;
  readonly atr: Uint8Array;
}

/** An emulated card of any kind that readers take. */
export type NamedCard = NamedChipCard | { readonly kind: 'felica'; readonly name: string; readonly card: FelicaCard };

/** Makes an emulated card by its name. */
export function cardNamed(name: string): Result<NamedCard, 'EMULATED_CARD_UNKNOWN'> {
  if (isTransitCardName(name)) return ok({ kind: 'felica', name, card: new TransitCard(transitCard(name)) });
  return chipCardNamed(name);
}

/** Makes an emulated chip card by its name. */
export function chipCardNamed(name: string): Result<NamedChipCard, 'EMULATED_CARD_UNKNOWN'> {
  if (!isTestCardName(name)) return fail('EMULATED_CARD_UNKNOWN', { field: name });
  const data = testCard(name);
  const card = new EmvCard(data);
  const atr = data.isContactless ? contactlessAtr(card.historicalBytes) : contactAtr(card.historicalBytes);
  return ok({ kind: 'chip', name, at: data.isContactless ? 'contactless' : 'contact', card, atr });
}

/** "TSUNAGU": the historical bytes of every fictional card, with contacts or without. */
const fictionalHistoricalBytes = 'TSUNAGU';

/** Whether an answer to reset is that of a fictional card, whose data is no secret. */
export function isFictionalAtr(atr: Uint8Array): boolean {
  const read = parseAtr(atr);
  return read.ok && Buffer.from(read.value.historicalBytes).toString('latin1') === fictionalHistoricalBytes;
}

/** Whether an answer to reset is the one that a reader gives for a FeliCa card. PC/SC part 3, 3.1.3.2.3 (SS 11). */
export function isFelicaAtr(atr: Uint8Array): boolean {
  const read = parseAtr(atr);
  return read.ok && readStorageCardAtr(read.value)?.standard === 0x11;
}
