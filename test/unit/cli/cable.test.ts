import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cableFiles, type CableOrder } from '@tsunagu/protocols/workshop';
import { moveCable } from 'tsunagu/commands/cable';
import { keptConsole } from './kept-console.ts';
import { afterAll, expect, it } from 'vitest';
import { newFolder, removeFolder } from '../core/support.ts';

const data = newFolder();
const folder = join(data, 'terminals', 'CATS240-0001');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'claim.json'), '{}');
afterAll(() => removeFolder(data));

/** Moves a cable in a house where nobody runs the terminal. @returns whether an order lay there while it waited, too. */
async function move(wanted: Omit<CableOrder, 'id'>, lang: 'en' | 'ja') {
  let lay = false;
  const { console, printed } = keptConsole(lang);
  const timers = {
    after: () => ({ cancel: () => undefined }),
    every: () => ({ cancel: () => undefined }),
    sleep: () => {
      lay ||= existsSync(join(folder, cableFiles.order));
      return Promise.resolve();
    },
  };
  const code = await moveCable(console, { id: () => 'one', timers }, data, 'CATS240-0001', wanted, false);
  return { code, err: printed().err, lay };
}

it('a cable is plugged in now, not at a transfer, and nothing is ordered then', async () => {
  for (const lang of ['en', 'ja'] as const) {
    const moved = await move({ does: 'plug', reader: 'contact', atTransfer: 3 }, lang);
    expect(moved).toMatchObject({ code: 2, lay: false });
    expect(moved.err).toContain('--at-transfer');
  }
});

it('what was refused because nobody answers is not done by whoever comes later', async () => {
  const moved = await move({ does: 'pull', reader: 'contact' }, 'en');
  expect(moved).toMatchObject({ code: 1, lay: true });
  expect(moved.err).toContain('CABLE_NOT_MOVED');
  expect(readdirSync(folder)).toEqual(['claim.json']);
});
