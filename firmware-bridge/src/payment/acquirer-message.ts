/** A message to or from the switch, as the `iso8583` room takes and gives it: card data and PIN blocks are secrets. */
export type { Message as AcquirerMessage } from '@tsunagu/protocols/iso8583';
