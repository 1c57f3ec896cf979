import { copyFileSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import { type Clock, systemWorld } from '@tsunagu/protocols/world';

let made: Promise<string> | undefined;

/** A database with every table and nothing in it. All migrations run once a process, not once a house: they are a seventh of a second of work. */
const emptyDatabase = (): Promise<string> =>
  (made ??= (async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'tsunagu-empty-')), 'store.sqlite');
    await unwrap(await openStore(path, migrations, systemWorld(() => undefined).clock)).close();
    return path;
  })());

/** Puts an empty database where a store is about to be opened for the first time; what is there already stays. */
export async function layEmptyStore(path: string): Promise<void> {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  copyFileSync(await emptyDatabase(), path);
}

/** The real store of a folder, as `openStore` leaves it, with its tables at hand already. */
export async function openQuickly(path: string, clock: Clock): Promise<Store> {
  await layEmptyStore(path);
  return unwrap(await openStore(path, migrations, clock));
}
