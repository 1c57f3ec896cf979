import type { Secret } from '@tsunagu/protocols/kit';

/** A message to or from the switch. Digits and text are strings, binary elements bytes, card data and PIN blocks secrets. */
export interface AcquirerMessage {
  /** Four digits. */
  readonly mti: string;
  /** Data elements by number, 2 to 128. */
  readonly fields: { readonly [element: number]: string | Uint8Array | Secret };
}
