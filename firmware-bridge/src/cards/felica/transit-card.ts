import type { TransitSession } from '@tsunagu/protocols/felica';
import type { TransitCardData } from '@tsunagu/protocols/test-cards';
import type { FelicaCard } from '../../readers/emulated/felica-card.ts';
import { balanceOf, issuedPages } from './layout.ts';
import { obeyFelica, type TransitProgram, transitProgramOf } from './obey.ts';
import { applyWrite, type Pages, recover } from './pages.ts';

/** An emulated transit card of the Suica family: the shell around `obeyFelica`. It writes before it answers. */
export class TransitCard implements FelicaCard {
  readonly #program: TransitProgram;
  #pages: Pages;
  #session: TransitSession | undefined;
  /** Bytes that the memory still takes before power fails; endless unless a test says otherwise. */
  #powerBytes = Number.POSITIVE_INFINITY;

  readonly #written: (pages: Pages) => void;

  /**
   * @param pages what the card held when it was last seen
   * @param written is told after each command that wrote, whether power lasted or not, and before the answer leaves
   */
  constructor(
    data: TransitCardData,
    pages: Pages = issuedPages(data.balance),
    written: (pages: Pages) => void = () => undefined,
  ) {
    this.#written = written;
    this.#program = transitProgramOf(data);
    this.#pages = recover(pages);
  }

  /** What the card keeps without power: give it to the next `TransitCard` of the same card. */
  get pages(): Pages {
    return this.#pages;
  }

  /** Yen. */
  get balance(): number {
    return balanceOf(this.#pages);
  }

  /** Lets the card leave the field after so many bytes more are written; `reset` brings it back. */
  failPowerAfter(bytes: number): void {
    this.#powerBytes = bytes;
  }

  reset(): void {
    this.#powerBytes = Number.POSITIVE_INFINITY;
    this.#session = undefined;
    this.#pages = recover(this.#pages);
  }

  transmit(frame: Uint8Array): Uint8Array | undefined {
    if (this.#powerBytes < 0) return undefined;
    const step = obeyFelica(this.#program, this.#pages, this.#session, frame);
    for (const write of step.writes) {
      this.#pages = applyWrite(this.#pages, write, Math.min(write.bytes.length, this.#powerBytes));
      this.#powerBytes -= write.bytes.length;
      if (this.#powerBytes < 0) break;
    }
    if (step.writes.length > 0) this.#written(this.#pages);
    if (this.#powerBytes < 0) return undefined;
    this.#session = step.session;
    return step.answer;
  }
}
