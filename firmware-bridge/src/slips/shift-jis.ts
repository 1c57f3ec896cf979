import iconv from 'iconv-lite';

/** What a printer shows for a character that JIS X 0208 does not have: the geta mark. */
const unknown = Uint8Array.of(0x81, 0xac);

/** Characters of one column: ASCII without controls, the yen sign, half-width katakana. JIS X 0201. */
const halfWidth = /^[\u0020-\u007e\u00a5\uff61-\uff9f]$/u;

/**
 * Text as a Japanese printer takes it: Shift_JIS, JIS X 0201 and JIS X 0208. Everything that has no place there becomes a geta mark, so that nothing
 * in a merchant's name can turn into a command: control characters are no text either.
 */
export function shiftJis(text: string): Uint8Array {
  const parts = [...text].map((character) => {
    const bytes = iconv.encode(character, 'Shift_JIS');
    if (halfWidth.test(character)) return bytes;
    return bytes.length === 2 && isJisX0208(bytes) ? bytes : unknown;
  });
  return Uint8Array.from(Buffer.concat(parts));
}

/** Rows 1 to 84; the vendors' rows behind them are not in every printer. */
const isJisX0208 = (bytes: Uint8Array): boolean => {
  const lead = bytes[0] ?? 0;
  return (lead >= 0x81 && lead <= 0x9f && lead !== 0x87) || (lead >= 0xe0 && lead <= 0xea);
};

/** Columns of a text on paper: a half-width character has one, all others two, as many as they have bytes. */
export const columnsOf = (text: string): number =>
  [...text].reduce((sum, character) => sum + (halfWidth.test(character) ? 1 : 2), 0);
