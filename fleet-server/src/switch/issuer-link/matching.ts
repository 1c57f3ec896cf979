import { issuerLink } from '@tsunagu/protocols/acquiring';
import type { Message } from '@tsunagu/protocols/iso8583';

/**
 * What an answer and its request have in common: message class and the link's match elements. Network management has no
 * acquirer (DE32), so there it is STAN and time alone.
 */
export function matchKey({ mti, fields }: Message): string {
  const values = issuerLink.matchElements.map((number) => {
    const value = fields[number];
    return typeof value === 'string' ? value : '';
  });
  return [mti[1], ...values].join('/');
}

/** Whether an MTI answers something: its function digit is 1 or 3. */
export const isAnswer = (mti: string): boolean => mti[2] === '1' || mti[2] === '3';
