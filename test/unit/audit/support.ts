import type { Role } from '@tsunagu/protocols/fleet';
import { expect } from 'vitest';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, never> & {
    code?: string;
    id?: string;
    token?: string;
    items?: Record<string, never>[];
  };
  readonly headers: Headers;
}

/** An API, and the token of its owner. */
interface Reached {
  readonly api: { readonly url: string };
  readonly token: string;
}

/** JSON to and from the API: as the owner of the machine, with a token, or in a session. */
export const callOn =
  (house: Reached, as: { token?: string; cookie?: string } = {}) =>
  async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const answer = await fetch(`${house.api.url}/api/v1${path}`, {
      method,
      headers: {
        ...(as.cookie
          ? { cookie: as.cookie, origin: house.api.url }
          : { authorization: `Bearer ${as.token ?? house.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text), headers: answer.headers };
  };

/** Somebody new, let in by the owner of the machine unless somebody else does, and signed in. */
export async function signedIn(house: Reached, name: string, roles: readonly Role[], by = callOn(house)) {
  const made = await by('POST', '/people', { name, roles });
  expect(made.status).toBe(201);
  const link = await by('POST', `/people/${made.body.id}/sign-ins`, undefined);
  const token = String(link.body['url']).split('#')[1];
  const session = await fetch(`${house.api.url}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  expect(session.status).toBe(201);
  const cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { id: String(made.body.id), cookie, call: callOn(house, { cookie }) };
}
