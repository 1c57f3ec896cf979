import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveColumns } from '@tsunagu/fleet-server/api/lifecycle-csv';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { verifyCustodyFile } from 'tsunagu/commands/custody';
import { addLifeCommands } from 'tsunagu/commands/life-commands';
import { expect, test } from 'vitest';
import { keptConsole } from './kept-console.ts';

test('the help of an import names every column that the server takes', () => {
  const program = new Command();
  let said = '';
  addLifeCommands(program, {
    world: systemWorld(() => undefined),
    withServer: () => Promise.reject(new Error('nobody asks')),
    open: () => keptConsole('en').console,
    json: () => false,
    lang: () => 'en',
    data: () => '.',
  });
  const command = program.commands
    .find((one) => one.name() === 'lifecycle')
    ?.commands.find((one) => one.name() === 'import');
  command?.configureOutput({ writeOut: (text) => (said += text) }).outputHelp();
  for (const column of moveColumns) expect(said).toContain(column);
});

test('a file without a hand-over is not said to be without a fault', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-empty-'));
  try {
    writeFileSync(join(folder, 'none.jsonl'), '');
    const { console, printed } = keptConsole('en');
    const world = systemWorld(() => undefined);
    expect(await verifyCustodyFile({ world, console, json: false }, join(folder, 'none.jsonl'))).toBe(1);
    expect(printed().out).toContain('nothing to verify');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
