import type { ReaderKind } from '@tsunagu/protocols/catalogue';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import {
  everydayCardNames,
  faultyCardNames,
  isTestCardName,
  isTransitCardName,
  stripeAccountNames,
  testCard,
  testCardNames,
  transitCard,
  transitCardData,
} from '@tsunagu/protocols/test-cards';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import type { EmulatedReaders } from '../readers/emulated/set.ts';
import { EmvCard } from './emv-card.ts';
import { TransitCard } from './felica/transit-card.ts';
import type { CardMemory } from './memory.ts';
import { programNamed } from './program.ts';
import { chipStripes, isStripeCardName, pinOf, stripeCards, trackOf, trackOfAccount } from './stripe-cards.ts';
import { type CardWallet, pocket } from './wallet.ts';

/** How a card is read. */
export type Entry = 'stripe' | 'contact' | 'contactless';

/** A card that lies in a reader. */
export interface Presented {
  readonly entry: Entry;
  /** It is a transit card, at the FeliCa antenna. */
  readonly isTransit: boolean;
  /** The PIN that its holder knows, a copy; undefined where there is none to type. */
  readonly pin: () => Secret<'pin'> | undefined;
  /** Takes the card away and presents it once more. */
  readonly again: () => void;
  /** Takes the card away. */
  readonly remove: () => void;
}

/** How a named card is presented; undefined when there is none of that name. */
export function entryOf(name: string): Entry | undefined {
  if (isStripeCardName(name)) return 'stripe';
  if (isTransitCardName(name)) return 'contactless';
  if (!isTestCardName(name)) return undefined;
  return testCard(name).isContactless ? 'contactless' : 'contact';
}

/** Names of all emulated cards, the faulty ones last. */
export const cardNames = (): readonly string[] => [
  ...testCardNames,
  ...Object.keys(stripeCards),
  ...Object.keys(chipStripes),
  ...stripeAccountNames,
  ...transitCardData.map(({ name }) => name),
  ...faultyCardNames,
];

/** Names of the cards that one of these readers can read and whose issuers answer: everyday cards first, then transit cards, then gift, points and cash cards. */
export const readableCards = (readers: readonly ReaderKind[]): readonly string[] => [
  ...[...everydayCardNames, ...Object.keys(stripeCards)].filter((name) =>
    readers.some((kind) => kind === entryOf(name)),
  ),
  ...(readers.includes('felica') ? transitCardData.map(({ name }) => name) : []),
  ...(readers.includes('stripe') ? stripeAccountNames : []),
];

/** A card that was drawn is in the holder's hand already. */
const drawn = (pin: Secret<'pin'>): Presented => ({
  entry: 'stripe',
  isTransit: false,
  pin: () => pin.use((digits) => Secret.copy('pin', digits)),
  again: () => undefined,
  remove: () => undefined,
});

/** The cardholder in front of one emulated terminal: has all cards in the pocket, and presents them by name. */
export class EmulatedHand {
  readonly #readers: EmulatedReaders;
  /** What cards remember between two presentations. */
  readonly #memories = new Map<string, CardMemory>();
  readonly #wallet: CardWallet;

  /** @param wallet where transit cards are between two contacts */
  constructor(readers: EmulatedReaders, wallet: CardWallet = pocket()) {
    this.#readers = readers;
    this.#wallet = wallet;
  }

  /**
   * Presents a card: inserts it, holds it to the antenna, or draws it through the head.
   * @param watched lets the caller look at the card while it is in the reader (to take its time, say)
   */
  present(
    name: string,
    watched: (card: ChipCard) => ChipCard = (card) => card,
  ): Result<Presented, 'CARD_UNKNOWN' | 'MODEL_HAS_NO_READER' | 'CARD_ELSEWHERE'> {
    if (isTransitCardName(name)) return this.hold(name);
    const { contact, contactless, stripe, felica } = this.#readers;
    if (isStripeCardName(name)) {
      if (stripe === undefined) return fail('MODEL_HAS_NO_READER');
      const track = trackOf(name);
      stripe.swipe(track);
      track.wipe();
      return ok(drawn(pinOf(name)));
    }
    if (!isTestCardName(name)) return fail('CARD_UNKNOWN');
    const card = testCard(name);
    // A terminal whose antenna for chip cards hangs loose asks for them at that for FeliCa, which takes them too.
    const antenna = contactless?.isPlugged === false && felica?.isPlugged ? felica : contactless;
    const reader = card.isContactless ? antenna : contact;
    if (reader === undefined) return fail('MODEL_HAS_NO_READER');
    const chip = new EmvCard(card, this.#memories.get(name), programNamed(name));
    const inserted = watched(chip);
    reader.insert(inserted);
    return ok({
      entry: card.isContactless ? 'contactless' : 'contact',
      isTransit: false,
      // The issuer may have changed it since.
      pin: () => (chip.memory.applications[0]?.pin ?? card.pin).use((digits) => Secret.copy('pin', digits)),
      again: () => {
        reader.remove();
        reader.insert(inserted);
      },
      remove: () => {
        reader.remove();
        this.#memories.set(name, chip.memory);
      },
    });
  }

  /**
   * The same plastic at another interface: the chip behind the contacts, or the stripe. CARD_UNKNOWN: it has none there. The card has to be
   * taken away from where it was before.
   */
  presentElsewhere(
    name: string,
    entry: 'contact' | 'stripe',
    watched?: (card: ChipCard) => ChipCard,
  ): Result<Presented & { readonly name: string }, 'CARD_UNKNOWN' | 'MODEL_HAS_NO_READER' | 'CARD_ELSEWHERE'> {
    if (!isTestCardName(name)) return fail('CARD_UNKNOWN');
    const card = testCard(name);
    if (entry === 'contact') {
      if (card.contacts === undefined) return fail('CARD_UNKNOWN');
      const presented = this.present(card.contacts, watched);
      return presented.ok ? ok({ ...presented.value, name: card.contacts }) : presented;
    }
    // The stripe of a card without contacts is that of the chip behind them.
    if (card.isContactless) return fail('CARD_UNKNOWN');
    const { stripe } = this.#readers;
    if (stripe === undefined) return fail('MODEL_HAS_NO_READER');
    const track = trackOfAccount(card);
    stripe.swipe(track);
    track.wipe();
    return ok({ ...drawn(card.pin), name });
  }

  /** Holds a transit card to the FeliCa antenna. What is on it outlives its being taken away. CARD_ELSEWHERE: another terminal has it. */
  hold(name: string): Result<Presented, 'CARD_UNKNOWN' | 'MODEL_HAS_NO_READER' | 'CARD_ELSEWHERE'> {
    if (!isTransitCardName(name)) return fail('CARD_UNKNOWN');
    const { felica } = this.#readers;
    if (felica === undefined) return fail('MODEL_HAS_NO_READER');
    const taken = this.#wallet.take(name);
    if (!taken.ok) return taken;
    const card = new TransitCard(transitCard(name), taken.value, (pages) => this.#wallet.keep(name, pages));
    felica.insertFelica(card);
    return ok({
      entry: 'contactless',
      isTransit: true,
      pin: () => undefined,
      again: () => {
        felica.remove();
        card.reset();
        felica.insertFelica(card);
      },
      remove: () => {
        felica.remove();
        this.#wallet.giveBack(name);
      },
    });
  }
}
