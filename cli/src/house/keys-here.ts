import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { findAccess, openClient } from '../client/index.ts';

/** A key that belongs with people and is on this machine still, and the commands that take it off. */
export interface KeyHere {
  readonly kind: 'ca' | 'software' | 'negative';
  readonly command: string;
}

/** Which keys of roots and lists lie on this machine, as the running server and the data folder say. */
export async function keysOnMachine(world: World, data: string): Promise<Result<readonly KeyHere[]>> {
  const access = findAccess({}, { data, cwd: data });
  if (!access.ok) return access;
  const client = openClient(access.value, world);
  const authorities = await client.authorities();
  if (!authorities.ok) return authorities;
  const negative = await client.negativeAuthority('regular');
  if (!negative.ok) return negative;
  const hasRoot = authorities.value.authorities.some(({ kind, keyIsHere }) => kind === 'root' && keyIsHere);
  const signing = join(data, 'signing');
  const hasSoftwareRoot = existsSync(signing) && readdirSync(signing).some((name) => name.startsWith('root-'));
  // Heads and emergency entries are signed by the server for good: those keys stay.
  const hasNegative = negative.value.keys.some(({ role, held }) => held && (role === 'root' || role === 'list'));
  return ok([
    ...(hasRoot
      ? [
          {
            kind: 'ca',
            command: 'tsunagu ca root export --out FILE && tsunagu ca root remove --root FILE --confirm ID',
          } as const,
        ]
      : []),
    ...(hasSoftwareRoot
      ? [
          {
            kind: 'software',
            command: `mv ${relative(process.cwd(), signing) || signing}/root-*.key.json ELSEWHERE`,
          } as const,
        ]
      : []),
    ...(hasNegative
      ? [
          {
            kind: 'negative',
            command: 'tsunagu negative key make FILE && tsunagu negative root fetch|propose|sign|countersign|publish',
          } as const,
        ]
      : []),
  ]);
}
