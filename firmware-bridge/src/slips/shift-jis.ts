import iconv from 'iconv-lite';

/** What a printer shows for a character that JIS X 0208 does not have: the geta mark. */
const unknown = '〓';

/**
 * Text as a Japanese printer takes it: Shift_JIS, JIS X 0201 and JIS X 0208. Everything that has no place there becomes a geta mark, so that nothing
 * in a merchant's name can turn into a command: control characters are no text either.
 */
export function shiftJis(text: string): Uint8Array {
  const parts = [...text].map((character) => {
    const bytes = iconv.encode(character, 'Shift_JIS');
    const isText = bytes.length === 2 ? isJisX0208(bytes) : bytes.length === 1 && isHalfWidth(bytes[0] ?? 0);
    return isText && (character === '?' || bytes[0] !== 0x3f || bytes.length === 2)
      ? bytes
      : iconv.encode(unknown, 'Shift_JIS');
  });
  return Uint8Array.from(Buffer.concat(parts));
}

/** Rows 1 to 84; the vendors' rows behind them are not in every printer. */
const isJisX0208 = (bytes: Uint8Array): boolean => {
  const lead = bytes[0] ?? 0;
  return (lead >= 0x81 && lead <= 0x9f) || (lead >= 0xe0 && lead <= 0xea);
};

/** ASCII without controls, and half-width katakana. */
const isHalfWidth = (byte: number): boolean => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xdf);

/** Columns of a text on paper: a half-width character has one, a full-width one two, as many as it has bytes. */
export const columnsOf = (text: string): number => shiftJis(text).length;
