const rules = new Intl.PluralRules('en');

/**
 * How many there are of something, in English: `counted(1, 'terminal')` is "1 terminal", `counted(2, 'terminal')` is "2 terminals".
 *
 * @param one what follows the figure where it is one; may go on with the verb
 * @param other what follows it otherwise, where that is not `one` with an s
 */
export const counted = (count: number, one: string, other = `${one}s`): string =>
  `${count} ${rules.select(count) === 'one' ? one : other}`;
