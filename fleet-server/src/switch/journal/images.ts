import { issuerCodec, wideIssuerCodec } from '@tsunagu/protocols/acquiring';
import { type FieldValue, type Message, textOf } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import type { SwitchVault } from '../ports.ts';
import { wipe } from '../terminal-link/request.ts';
import type { ReversalRow } from './tables.ts';
import type { SaleRow } from './written.ts';

/** Messages for issuers as they lie in the journal: sealed by the vault, since they hold card numbers. */
export class Images {
  readonly #vault: Pick<SwitchVault, 'seal' | 'open'>;

  constructor(vault: Pick<SwitchVault, 'seal' | 'open'>) {
    this.#vault = vault;
  }

  /** Seals what a reversal of a sale needs. */
  ofSale(id: string, message: Message): Uint8Array {
    return this.#seal(`sale/${id}`, message);
  }

  /** Seals an advice. */
  ofAdvice(id: string, message: Message): Uint8Array {
    return this.#seal(`reversal/${id}`, message);
  }

  /** What was kept of a sale for its reversal. */
  sale(row: Pick<SaleRow, 'id' | 'image'>): Message {
    return this.#open(`sale/${row.id}`, row.image);
  }

  /** A queued advice. */
  advice(row: Pick<ReversalRow, 'id' | 'image'>): Message {
    return this.#open(`reversal/${row.id}`, row.image);
  }

  /** The business day that a queued advice tells (DE28), on which its issuer counts it however late it comes; undefined on a link without. */
  dayOf(row: Pick<ReversalRow, 'id' | 'image'>): string | undefined {
    const advice = this.advice(row);
    const day = textOf(advice, 28);
    wipe(advice);
    return day;
  }

  #seal(context: string, message: Message): Uint8Array {
    const plain = issuerCodec.encode(message);
    const bytes = plain.ok ? plain.value : unwrap(wideIssuerCodec.encode(message));
    const sealed = this.#vault.seal(`switch/${context}`, bytes);
    bytes.fill(0);
    return sealed;
  }

  #open(context: string, sealed: Uint8Array | null): Message {
    if (sealed === null) throw new Error(`${context} has no image`);
    const bytes = unwrap(this.#vault.open(`switch/${context}`, sealed));
    const decoded = wideIssuerCodec.decode(bytes);
    if (!decoded.ok) throw new Error(`the image of ${context} is not a message`);
    const { mti } = decoded.value;
    const fields: { [element: number]: FieldValue } = {};
    // Binary values are views of the bytes, which are wiped.
    for (const number of decoded.value.elements) {
      const value = decoded.value.value(number);
      if (value !== undefined) fields[number] = value instanceof Uint8Array ? Uint8Array.from(value) : value;
    }
    bytes.fill(0);
    return { mti, fields };
  }
}
