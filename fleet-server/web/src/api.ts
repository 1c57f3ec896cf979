import { problem } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { language, t } from './text/index.ts';

// The page's own rules forbid making code out of text, which zod would otherwise try.
z.config({ jitless: true });

/** A refused or failed request, with what to tell the person. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Which property or header is at fault; empty where none is named. */
  readonly field: string;
  constructor(status: number, code: string, message: string, field = '') {
    super(message);
    this.field = field;
    this.status = status;
    this.code = code;
  }
}

/** What went wrong, in the reader's language. */
export const faultText = (error: unknown): string =>
  error instanceof ApiError && error.message !== '' ? error.message : t('error.network');

/** What a refusal says, what can be done, and where the fault is, and what is wanted there: it is named, or nobody finds it. */
const wordsOf = ({ title, detail, field, facts: { wants } = {} }: z.output<typeof problem>): string =>
  [title, detail, field !== undefined && `(${[field, wants].filter(Boolean).join(': ')})`].filter(Boolean).join(' ');

/** Asks the management API and parses what comes back. */
export async function ask<S extends z.ZodType>(
  schema: S,
  path: string,
  init: { readonly method?: string; readonly body?: unknown; readonly key?: string; readonly match?: string } = {},
): Promise<z.output<S>> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: init.method ?? 'GET',
      headers: {
        accept: 'application/json',
        'accept-language': language.value,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.key === undefined ? {} : { 'idempotency-key': init.key }),
        ...(init.match === undefined ? {} : { 'if-match': init.match }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw new ApiError(0, 'NETWORK', '');
  }
  const text = await response.text();
  const value: unknown = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) {
    const told = problem.safeParse(value);
    throw told.success
      ? new ApiError(response.status, told.data.code, wordsOf(told.data), told.data.field)
      : new ApiError(response.status, 'INTERNAL', '');
  }
  return schema.parse(value);
}
