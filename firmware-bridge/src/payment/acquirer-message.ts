/**
 * A message to or from the switch: the MTI and its data elements, as the `iso8583` room codes them.
 * Digits and text are strings; binary elements (55, 64) are bytes.
 */
export interface AcquirerMessage {
  readonly mti: string;
  readonly fields: Readonly<Record<number, string | Uint8Array>>;
}
