import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClient } from 'tsunagu/client/index';
import { deliverHandovers } from 'tsunagu/commands/custody';
import { deliverInspections } from 'tsunagu/commands/inspect';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, expect, test } from 'vitest';
import { newFolder, removeFolder } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

const folder = newFolder();
afterAll(() => removeFolder(folder));

test.each([
  ['INSPECTION_INVALID', deliverInspections],
  ['CUSTODY_INVALID', deliverHandovers],
] as const)('a file that is not there is called unreadable, and one of something else %s', async (code, deliver) => {
  const other = join(folder, 'other.json');
  writeFileSync(other, '{}');
  const { console, printed } = keptConsole('en');
  const world = systemWorld(() => undefined);
  const client = openClient({ url: 'http://127.0.0.1:1', token: '' }, world);
  expect(await deliver({ world, console, client, json: false }, [join(folder, 'none.json'), other])).toBe(1);
  const { err } = printed();
  expect(err).toMatch(/^FILE_UNREADABLE: /);
  expect(err).toContain(`\n${code}: `);
});
