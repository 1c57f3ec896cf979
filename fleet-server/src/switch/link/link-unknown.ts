import { fail, type Result } from '@tsunagu/protocols/kit';

/** The answer to who names a link that there is not, by the name it was asked for; not where that has digits in a row: somebody may have pasted a card number. */
export const linkUnknown = (link: string, field?: string): Result<never, 'LINK_UNKNOWN'> =>
  fail('LINK_UNKNOWN', {
    ...(field !== undefined && { field }),
    ...(/^(?!.*\d{5})[A-Za-z0-9-]{1,31}$/.test(link) && { facts: { link } }),
  });
