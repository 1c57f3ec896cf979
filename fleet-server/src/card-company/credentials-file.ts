import { readFile } from 'node:fs/promises';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { type LinkCredentials, linkCredentials } from '../switch/link/credentials.ts';

/** How often the file is looked at; the house makes it anew weeks before its end. */
const lookEveryMs = 5_000;

/** Reads what a card company was handed. */
export async function readCredentials(path: string): Promise<Result<LinkCredentials, 'ISSUER_CREDENTIALS_INVALID'>> {
  const text = await readFile(path).catch(() => undefined);
  const read = text && parseJson(linkCredentials, text);
  return read?.ok ? ok(read.value) : fail('ISSUER_CREDENTIALS_INVALID', { facts: { path } });
}

/** Hands on what the file says whenever it says something else. A file that says nothing is logged, and the last good one counts. */
export function followCredentials(
  world: Pick<World, 'timers' | 'log'>,
  path: string,
  first: LinkCredentials,
  take: (next: LinkCredentials) => void,
): Timer {
  let known = JSON.stringify(first);
  let isBad = false;
  return world.timers.every(lookEveryMs, () => {
    void readCredentials(path).then((read) => {
      if (!read.ok) {
        if (!isBad) world.log('warn', 'credentialsNotRead', { fault: read.fault });
        isBad = true;
        return;
      }
      isBad = false;
      const text = JSON.stringify(read.value);
      if (text === known) return;
      known = text;
      take(read.value);
      world.log('info', 'credentialsRenewed', {});
    });
  });
}
