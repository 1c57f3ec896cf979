import type { Link } from '@tsunagu/protocols/acquiring';
import { type Message, textOf } from '@tsunagu/protocols/iso8583';

/** What an answer and its request have in common: message class and the link's match elements, absent ones as nothing. */
export function matchKey(link: Pick<Link, 'profile'>, { mti, fields }: Message): string {
  const values = link.profile.matchKeys.map((number) => textOf({ fields }, number) ?? '');
  return [mti[1], ...values].join('/');
}

/** Whether an MTI answers something: its function digit is 1 or 3. */
export const isAnswer = (mti: string): boolean => /^1\d[13]\d$/.test(mti);

/** Why an answer found no request: which of the requests that wait is nearest to it, and where the two differ. */
export interface Mismatch {
  /** Requests of this link that waited. */
  readonly waiting: number;
  /** Match elements that differ from the nearest one; 0 stands for the class of the message. Empty where none waited. */
  readonly differs: readonly number[];
}

/** Compares the key of an answer with the keys of all that waits. */
export function whyUnmatched(link: Pick<Link, 'profile'>, answer: Message, keys: Iterable<string>): Mismatch {
  const own = matchKey(link, answer).split('/');
  const places = [0, ...link.profile.matchKeys];
  let waiting = 0;
  let differs: readonly number[] | undefined;
  for (const key of keys) {
    waiting += 1;
    const other = key.split('/');
    const found = places.filter((_, index) => own[index] !== other[index]);
    if (differs === undefined || found.length < differs.length) differs = found;
  }
  return { waiting, differs: differs ?? [] };
}

/** What an answer that matched no request calls itself: DE11 and DE37, so that its transaction can be looked up. */
export interface Unmatched {
  readonly mti: string;
  readonly stan: string | null;
  readonly rrn: string | null;
}

export const unmatchedOf = (answer: Message): Unmatched => ({
  mti: answer.mti,
  stan: textOf(answer, 11) ?? null,
  rrn: textOf(answer, 37)?.trim() ?? null,
});

/** The mismatch in words for a log line: "3 waiting, nearest differs in DE11". */
export const mismatchText = ({ waiting, differs }: Mismatch): string =>
  waiting === 0
    ? 'none waiting'
    : `${waiting} waiting, nearest differs in ${differs.map((number) => (number === 0 ? 'class' : `DE${number}`)).join(' ')}`;

/** Remembers why answers matched no request. */
export interface MismatchBook {
  noteMismatch(link: string, answer: Unmatched, why: Mismatch): void;
}
