import type { ErrorCode } from '@tsunagu/protocols/errors';
import { typedOf } from './typed.ts';
import { fail, type Fault } from '@tsunagu/protocols/kit';

/** A value of the command line that a schema refused: which option, and what it wants there. */
export function optionFault({ field, facts }: Fault<ErrorCode>, otherwise = ''): Fault<'OPTION_INVALID'> {
  const wants = facts?.['wants'];
  const name = field === undefined || field === '' ? otherwise : String(field);
  const typed = typedOf(name);
  // A pattern is for programs: an example says it where there is one.
  const isPattern = typeof wants === 'string' && /[\\^$[\]]/.test(wants);
  const told = {
    ...(wants !== undefined && !(isPattern && typed) && { wants }),
    ...(typed && { example: typed.example }),
  };
  return fail('OPTION_INVALID', {
    field: typed?.typed ?? name,
    ...(Object.keys(told).length > 0 && { facts: told }),
  }).fault;
}
