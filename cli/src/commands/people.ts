import {
  accessPaths,
  type ApiTokenView,
  createdToken,
  type createToken,
  type PersonView,
  type Role,
  session,
} from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { type Console, exit, type ExitCode, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu people`: who may sign in, and as what. */
export async function listPeople({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.people();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, ended } = console.texts.people;
    printTable(
      console,
      [
        { head: columns.id, cell: (each: PersonView) => each.id },
        { head: columns.name, cell: (each) => each.name },
        { head: columns.roles, cell: (each) => each.roles.join(' ') },
        { head: columns.state, cell: (each) => (each.endedAt === null ? '' : `${ended} ${each.endedAt}`) },
      ],
      answer.value,
    );
  }
  return exit.ok;
}

/** `tsunagu people add NAME --role ROLE`: adds somebody, and prints the link that signs them in. */
export async function addPerson(
  { client, console, json }: Context,
  name: string,
  roles: readonly Role[],
): Promise<ExitCode> {
  const made = await client.addPerson({ name, roles: [...roles] });
  if (!made.ok) return refuse(console, made.fault, json);
  const link = await client.signInLinkFor(made.value.id);
  if (!link.ok) return refuse(console, link.fault, json);
  if (json) console.out(JSON.stringify({ ...made.value, signInUrl: link.value.url }));
  else console.out(console.texts.people.added(name, link.value.url));
  return exit.ok;
}

/** How long a token lives that a sign-in link was spent on. */
const linkTokenMs = 12 * 3_600_000;

/** `tsunagu people sign-in LINK`: spends a sign-in link on a token of that person for half a day, and prints it. */
export async function signInByLink(console: Console, world: World, link: string, json: boolean): Promise<ExitCode> {
  const [address = '', secret = ''] = link.split('#');
  if (!URL.canParse(address) || secret === '') return refuse(console, { code: 'OPTION_INVALID', field: 'link' }, json);
  const { origin } = new URL(address);
  const post = (path: string, body: object, cookie = '') =>
    fetch(new URL(path, origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, cookie },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(linkTimeoutMs),
    });
  try {
    const signed = await post(accessPaths.sessions, { token: secret });
    const who = session.safeParse(await signed.json());
    if (!who.success) return refuse(console, { code: 'SIGN_IN_TOKEN_INVALID' }, json);
    const cookie = (signed.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
    const expiresAt = new Date(world.clock.now() + linkTokenMs).toISOString();
    const made = await post(accessPaths.tokens, { name: 'cli', roles: who.data.roles, expiresAt }, cookie);
    const token = createdToken.parse(await made.json());
    console.out(json ? JSON.stringify(token) : token.token);
    if (!json) console.err(console.texts.people.signedIn(who.data.subject));
    return exit.ok;
  } catch (cause) {
    return refuse(console, { code: 'SERVER_UNREACHABLE', facts: { url: origin }, cause }, json);
  }
}
const linkTimeoutMs = 15_000;

/** `tsunagu tokens`: the tokens of whoever asks, or all. */
export async function listTokens({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.tokens();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, revoked, never } = console.texts.tokens;
    printTable(
      console,
      [
        { head: columns.id, cell: (each: ApiTokenView) => each.id },
        { head: columns.name, cell: (each) => each.name },
        { head: columns.roles, cell: (each) => (each.permissions ?? each.roles).join(' ') },
        { head: columns.places, cell: (each) => (each.places ?? []).join(', ') },
        { head: columns.used, cell: (each) => each.lastUsedAt ?? never },
        { head: columns.ends, cell: (each) => (each.revokedAt ? revoked : (each.expiresAt ?? never)) },
      ],
      answer.value,
    );
  }
  return exit.ok;
}

/** `tsunagu tokens add NAME --role ROLE`: makes a token and prints it, this once. */
export async function addToken(
  { client, console, json }: Context,
  wanted: z.infer<typeof createToken>,
): Promise<ExitCode> {
  const made = await client.addToken(wanted);
  if (!made.ok) return refuse(console, made.fault, json);
  if (json) console.out(JSON.stringify(made.value));
  else {
    console.out(made.value.token);
    console.err(console.texts.tokens.shownOnce);
  }
  return exit.ok;
}

/** `tsunagu tokens revoke ID`: ends a token at once. */
export async function revokeToken({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const answer = await client.revokeToken(id);
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify(answer.value) : console.texts.tokens.ended(answer.value.name));
  return exit.ok;
}
