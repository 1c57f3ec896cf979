import { signal } from '@preact/signals';
import { accessPaths, type Permission, session, type Session } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import { ask } from './api.ts';

/** Who is signed in; undefined until the server said so. */
export const me = signal<Session | undefined>(undefined);

/** Whether a control is shown. The server decides all the same. */
export const may = (permission: Permission): boolean => me.value?.permissions.includes(permission) ?? false;

export async function askWhoIAm(): Promise<void> {
  me.value = await ask(session, `${accessPaths.sessions}/current`);
}

/** Ends the session here and at the server; the page begins anew, so that nothing of it stays in the window. */
export async function signOut(): Promise<void> {
  await ask(z.undefined(), `${accessPaths.sessions}/current`, { method: 'DELETE' });
  location.assign('/sign-in');
}
