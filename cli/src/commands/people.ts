import type { ApiTokenView, createToken, PersonView, Role } from '@tsunagu/protocols/fleet';
import type { z } from 'zod';
import { type ExitCode, exit, layOut, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu people`: who may sign in, and as what. */
export async function listPeople({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.people();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, ended } = console.texts.people;
    for (const line of layOut(
      [
        { head: columns.id, cell: (each: PersonView) => each.id },
        { head: columns.name, cell: (each) => each.name },
        { head: columns.roles, cell: (each) => each.roles.join(' ') },
        { head: columns.state, cell: (each) => (each.endedAt === null ? '' : `${ended} ${each.endedAt}`) },
      ],
      answer.value,
    ))
      console.out(line);
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

/** `tsunagu tokens`: the tokens of whoever asks, or all. */
export async function listTokens({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.tokens();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, revoked, never } = console.texts.tokens;
    for (const line of layOut(
      [
        { head: columns.id, cell: (each: ApiTokenView) => each.id },
        { head: columns.name, cell: (each) => each.name },
        { head: columns.roles, cell: (each) => (each.permissions ?? each.roles).join(' ') },
        { head: columns.places, cell: (each) => (each.places ?? []).join(', ') },
        { head: columns.used, cell: (each) => each.lastUsedAt ?? never },
        { head: columns.ends, cell: (each) => (each.revokedAt ? revoked : (each.expiresAt ?? never)) },
      ],
      answer.value,
    ))
      console.out(line);
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
