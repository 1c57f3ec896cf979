import { cpSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openSqlite3, type SqlConnection } from '@tsunagu/fleet-server/store/index';

/**
 * Copies the folder of a house that runs as a power cut would leave it, write-ahead logs included. Nobody writes its databases meanwhile: a file and its
 * log are two files, and no disk ever holds them as they were at two moments. For houses of this process: the copying lets its locks of the files go.
 */
export async function cutPower(folder: string, image: string): Promise<void> {
  // A store comes before the files beside it: whoever writes it may have to wait for one of these, and never the other way round.
  const databases = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^store.*\.sqlite$/.test(basename(name)))
    .toSorted((one, other) => one.length - other.length);
  const held: SqlConnection[] = [];
  try {
    for (const name of databases) {
      const connection = await openSqlite3(join(folder, name));
      held.push(connection);
      await connection.all('PRAGMA busy_timeout = 60000', []);
      await connection.run('BEGIN IMMEDIATE', []);
    }
    cpSync(folder, image, { recursive: true });
    for (const connection of held) await connection.run('ROLLBACK', []);
  } finally {
    for (const connection of held) await connection.close();
  }
}
