import { parseJson, problem } from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { HttpsAnswer } from '../link/index.ts';

/** The device API said no: its status and, where it gave one, its code. */
export function refusalOf({ status, body }: Pick<HttpsAnswer, 'status' | 'body'>): Result<never, 'ENROLMENT_REFUSED'> {
  const refused = parseJson(problem, body);
  return fail('ENROLMENT_REFUSED', { facts: { status, ...(refused.ok && { code: refused.value.code }) } });
}
