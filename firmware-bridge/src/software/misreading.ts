import type { Acquirer } from '../secure/index.ts';

/** The trace number as a software with this fault reads it: never the one that was sent. */
const misread = '999999';

/**
 * The acquirer as a software sees it that misreads answers: none to a request (1210) seems to belong to it, so each sale is reversed.
 * The image header's `misreads` asks for it, so that a bad release can be had without one.
 */
export const misreading = (acquirer: Acquirer): Acquirer => ({
  async exchange(message, options) {
    const answer = await acquirer.exchange(message, options);
    if (!answer.ok || answer.value.mti !== '1210') return answer;
    return { ...answer, value: { ...answer.value, fields: { ...answer.value.fields, 11: misread } } };
  },
});
