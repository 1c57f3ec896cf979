/** Which cards are whose, in a setting: companies parted by spaces, each with leading digits of its card numbers, `jcc=35 acs=4,51`. */
export const isAcquirerCards = (text: string): boolean =>
  text === '' || /^[a-z0-9]{2,12}=\d{1,11}(,\d{1,11})*( [a-z0-9]{2,12}=\d{1,11}(,\d{1,11})*)*$/.test(text);

/**
 * The card company that a card belongs to by the setting `acquirerCards`: the longest prefix that fits. undefined: none has it.
 *
 * @param digits leading digits of the card number, ASCII; no more than 11 are looked at
 */
export function acquirerOfCard(text: string, digits: Uint8Array): string | undefined {
  const card = Buffer.from(digits.subarray(0, 11)).toString('latin1');
  let found: { readonly company: string; readonly length: number } | undefined;
  for (const part of text.split(' ')) {
    const [company = '', prefixes = ''] = part.split('=');
    for (const prefix of prefixes.split(','))
      if (prefix !== '' && card.startsWith(prefix) && prefix.length > (found?.length ?? 0))
        found = { company, length: prefix.length };
  }
  return found?.company;
}
