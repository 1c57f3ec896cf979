import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, type Fault } from '@tsunagu/protocols/kit';

/** A value of the command line that a schema refused: which option, and what it wants there. */
export function optionFault({ field, facts }: Fault<ErrorCode>, otherwise = ''): Fault<'OPTION_INVALID'> {
  const wants = facts?.['wants'];
  return fail('OPTION_INVALID', {
    field: field === undefined || field === '' ? otherwise : field,
    ...(wants !== undefined && { facts: { wants } }),
  }).fault;
}
