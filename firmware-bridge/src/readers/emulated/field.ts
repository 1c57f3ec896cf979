import type { ChipCard } from './chip-card.ts';
import type { FelicaCard } from './felica-card.ts';

/** Cards that an emulated antenna takes at once; a wallet holds no more. */
const cardsMax = 8;

/** What lies in the field of an emulated antenna: chip cards of type A and FeliCa cards, of either kind one or several. */
export class EmulatedField {
  readonly #chips: ChipCard[] = [];
  readonly #felica: FelicaCard[] = [];

  get chips(): readonly ChipCard[] {
    return this.#chips;
  }

  get felica(): readonly FelicaCard[] {
    return this.#felica;
  }

  get isEmpty(): boolean {
    return this.#chips.length + this.#felica.length === 0;
  }

  add(card: ChipCard): void {
    if (this.#chips.length < cardsMax) this.#chips.push(card);
  }

  addFelica(card: FelicaCard): void {
    if (this.#felica.length < cardsMax) this.#felica.push(card);
  }

  clear(): void {
    this.#chips.length = 0;
    this.#felica.length = 0;
  }

  /** The field goes off: all cards forget. */
  reset(): void {
    for (const card of this.#chips) card.reset();
    for (const card of this.#felica) card.reset();
  }

  /** The answers of all FeliCa cards to one frame. */
  answersOfFelica(frame: Uint8Array): readonly Uint8Array[] {
    return this.#felica.map((card) => card.transmit(frame)).filter((answer) => answer !== undefined);
  }
}

/** UID of the card at this place in the field, 7 bytes: NXP's manufacturer byte, then ours. */
export const uidAt = (place: number): Uint8Array => Uint8Array.of(0x04, 0x54, 0x53, 0x55, 0x4e, 0x41, 0x47 + place);
