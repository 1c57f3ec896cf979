import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseJson, role } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import type { Store } from '../../store/index.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** `server/access.json` of version 1, which held tokens and sessions until they moved into the store. */
const stored = z.object({
  v: z.literal(1),
  tokens: z.array(z.object({ hash, subject: z.string(), role })).max(64),
  sessions: z.array(z.object({ hash, subject: z.string(), role, expiresAt: z.number() })).max(256),
});

/**
 * Takes the tokens and sessions of the old file into the store, once, and renames it. Cut off in between, the same rows come
 * again and change nothing.
 */
export async function adoptFile(store: Store, path: string, world: { id(): string; now: number }): Promise<void> {
  if (!existsSync(path)) return;
  const read = parseJson(stored, readFileSync(path));
  if (read.ok)
    await store.write(async (tx) => {
      for (const { hash: kept, subject, role: held } of read.value.tokens)
        await tx
          .insertInto('api_tokens')
          .values({
            id: world.id(),
            name: subject,
            hash: kept,
            person: subject,
            roles: JSON.stringify([held]),
            permissions: null,
            places: null,
            created_at: world.now,
            expires_at: null,
            revoked_at: null,
            last_used_at: null,
          })
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .execute();
      for (const { hash: kept, subject, role: held, expiresAt } of read.value.sessions)
        await tx
          .insertInto('sessions')
          .values({
            id: world.id(),
            hash: kept,
            subject,
            person: null,
            roles: JSON.stringify([held]),
            created_at: world.now,
            expires_at: expiresAt,
          })
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .execute();
    });
  renameSync(path, `${path}.moved`);
}

const published = z.object({ url: z.string(), token: z.string() });

/** The clear admin token for the command line on this machine. */
export function readPublished(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  // Damaged by hand: a new one is written over it.
  const read = parseJson(published, readFileSync(path));
  return read.ok ? read.value.token : undefined;
}

/** Writes a file that only its owner reads, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}
