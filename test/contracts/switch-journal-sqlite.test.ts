import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll } from 'vitest';
import { switchJournalContract } from './switch-journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));

switchJournalContract({
  name: 'SQLite',
  open: async () =>
    unwrap(await openStore(join(folder, 'switch.sqlite'), migrations, systemWorld(() => undefined).clock)),
});
