import type { CardKeys } from '@tsunagu/protocols/emv';
import { hex } from '@tsunagu/protocols/kit';
import { type CardImage, cardKeysOf, personalise, type TestCard } from '@tsunagu/protocols/test-cards';
import { type DolEntry, parseDol } from '@tsunagu/protocols/tlv';

/** A card as it comes from personalisation: its files, keys and rules. It never changes; `CardState` does. */
export interface CardProgram {
  readonly card: TestCard;
  readonly image: CardImage;
  readonly keys: CardKeys;
  readonly pdol: readonly DolEntry[];
  readonly cdol1: readonly DolEntry[];
  readonly cdol2: readonly DolEntry[];
}

/** Personalises a card. */
export const programOf = (card: TestCard): CardProgram => ({
  card,
  image: personalise(card),
  keys: cardKeysOf(card),
  pdol: listOf(card.pdol),
  cdol1: listOf(card.cdol1),
  cdol2: listOf(card.cdol2),
});

/** The entries of a data object list in our own card data; absent lists are empty. */
function listOf(text: string | undefined): readonly DolEntry[] {
  const entries = parseDol(hex(text ?? ''));
  if (!entries.ok) throw new Error('the card data hold a malformed data object list');
  return entries.value;
}
