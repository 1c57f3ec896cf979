import type { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';

/**
 * Runs a schema over something from outside. The fault names the property, never its value; one that the schema has not only with `namesUnknown`, for files
 * of whoever is told: it is the input's own.
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  input: unknown,
  { namesUnknown = false } = {},
): Result<z.output<S>, 'INPUT_INVALID'> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const wants = issue && wantedBy(issue);
  const unknown = namesUnknown && issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  return fail('INPUT_INVALID', {
    field: [...(issue?.path ?? []), ...unknown].join('.'),
    facts: { expected: issue?.code ?? 'unknown', ...(wants !== undefined && { wants }) },
  });
}

/** What a value has to look like, out of the schema and never out of the input: one of these words, a pattern, a bound of it or of its length. */
export function wantedBy(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_value') return cutShort(issue.values.map(String).join(' | '));
  if (issue.code === 'too_small') return bound(issue, issue.inclusive === false ? '>' : '>=', issue.minimum);
  if (issue.code === 'too_big') return bound(issue, issue.inclusive === false ? '<' : '<=', issue.maximum);
  if (issue.code !== 'invalid_format') return undefined;
  return formats.get(issue.format) ?? (issue.pattern === undefined ? undefined : cutShort(issue.pattern));
}
/** Formats whose pattern nobody reads. RFC 3339, 5.6. */
const formats = new Map([
  ['date', 'YYYY-MM-DD'],
  ['datetime', 'YYYY-MM-DDThh:mm:ssZ'],
]);
const counted: ReadonlySet<string> = new Set(['string', 'array', 'set', 'map']);
/** Digits in threes, as both languages write them: a long run of them looks like what nobody may see. */
const bound = (
  { origin, exact = false }: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  sign: string,
  most: number | bigint,
): string =>
  `${counted.has(origin) ? 'length ' : ''}${exact ? '=' : sign} ${most.toLocaleString('en', { maximumFractionDigits: 20 })}`;
const cutShort = (text: string): string => (text.length > 240 ? `${text.slice(0, 240)}…` : text);

/** Only such text can hold a number beyond the range of a double; looking at every value takes several times as long. */
const mayOverflow = /\d[eE]\+?\d{2}|\d{309}/;

/** A number beyond the range reads as infinity, which no JSON can say (RFC 8259, 6): what is relayed would change. */
function finite(_: string, value: unknown): unknown {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) throw new RangeError('infinite');
  return value;
}

/** Reads JSON text or bytes up to `lengthMax` and runs a schema over it. */
export function parseJson<S extends z.ZodType>(
  schema: S,
  input: string | Uint8Array,
  lengthMax = 65_536,
  how: { readonly namesUnknown?: boolean } = {},
): Result<z.output<S>, 'INPUT_INVALID'> {
  if (input.length > lengthMax)
    return fail('INPUT_INVALID', { facts: { expected: 'size', length: input.length, lengthMax } });
  let value: unknown;
  try {
    const text = typeof input === 'string' ? input : Buffer.from(input).toString('utf8');
    value = mayOverflow.test(text) ? JSON.parse(text, finite) : JSON.parse(text);
  } catch {
    return fail('INPUT_INVALID', { facts: { expected: 'json', length: input.length } });
  }
  return parseWith(schema, value, how);
}
