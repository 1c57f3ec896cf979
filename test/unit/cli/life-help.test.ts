import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveColumns } from '@tsunagu/fleet-server/api/lifecycle-csv';
import { evidenceItems, lifecycleEdges } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { verifyCustodyFile } from 'tsunagu/commands/custody';
import { addLifeCommands } from 'tsunagu/commands/life-commands';
import { expect, test } from 'vitest';
import { printFault, readCsvText } from 'tsunagu/console/index';
import { evidenceOptions } from 'tsunagu/console/evidence-options';
import { keptConsole } from './kept-console.ts';

const lifecycleCommand = (name: string, lang: 'en' | 'ja' = 'en'): Command | undefined => {
  const program = new Command();
  addLifeCommands(program, {
    world: systemWorld(() => undefined),
    withServer: () => Promise.reject(new Error('nobody asks')),
    open: () => keptConsole(lang).console,
    json: () => false,
    lang: () => lang,
    data: () => '.',
  });
  return program.commands.find((one) => one.name() === 'lifecycle')?.commands.find((one) => one.name() === name);
};

test('every item of evidence is handed in by options that there are, and by columns that there are', () => {
  const options = lifecycleCommand('move')?.options.map(({ long }) => long);
  for (const { options: named, columns } of Object.values(evidenceOptions)) {
    for (const option of named.match(/--[a-z-]+/g) ?? []) expect(options).toContain(option);
    for (const column of columns.split(/[ |]+/)) expect(moveColumns).toContain(column);
  }
});

test.each(['en', 'ja'])('what an edge lacks is named with the options that hand it in: %s', (lang) => {
  const { console, printed } = keptConsole(lang);
  const facts = { item: 'nothingOwed', clause: 'x', also: 'bagNumber ghost' };
  printFault(console, { code: 'LIFECYCLE_EVIDENCE_MISSING', field: 'evidence.nothingOwed', facts }, false);
  expect(printed().err).toMatch(
    /\(--owed-job \| --owed-declared --silent-since --owed-waiting --owed-became\).+\(--bag\)/,
  );
  expect(printed().err).toContain(evidenceItems.bagNumber.title[lang === 'ja' ? 'ja' : 'en']);
});

test('a CSV file is read as spreadsheets write it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-csv-'));
  const file = join(folder, 'moves.csv');
  try {
    const text = 'serial,理由\r\n';
    const shiftJis = Buffer.from([...Buffer.from('serial,'), 0x97, 0x9d, 0x97, 0x52, 0x0d, 0x0a]);
    const marked = Buffer.from(`\ufeff${text}`);
    for (const bytes of [Buffer.from(text), marked, Buffer.from(`\ufeff${text}`, 'utf16le'), shiftJis]) {
      writeFileSync(file, bytes);
      expect(await readCsvText(file)).toEqual({ ok: true, value: text });
    }
    writeFileSync(file, Buffer.from([0x41, 0xff, 0xfd]));
    expect(await readCsvText(file)).toMatchObject({ fault: { code: 'FILE_UNREADABLE' } });
    expect(await readCsvText(join(folder, 'none'))).toMatchObject({ fault: { code: 'FILE_UNREADABLE' } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['en', 'ja'] as const)('the help of a step says which edge asks for which options: %s', (lang) => {
  let said = '';
  lifecycleCommand('move', lang)
    ?.configureOutput({ writeOut: (text) => (said += text) })
    .outputHelp();
  const lines = said.split('\n');
  for (const { from, to, evidence, ends } of lifecycleEdges) {
    const line = lines.find((each) => each.includes(evidence.length > 0 ? `  ${from} → ${to} ` : `→ ${to}`)) ?? '';
    if (evidence.includes('wipeProof')) expect(line.includes('--destroyed')).toBe(ends === true);
    for (const item of evidence.filter((each) => each !== 'wipeProof'))
      expect(line).toContain(
        item === 'secondPerson' ? evidenceItems.secondPerson.title[lang] : evidenceOptions[item].options,
      );
    const free = lines.filter((each) => each.endsWith(` → ${to}`));
    if (evidence.length === 0) expect(free.some((each) => each.includes(from))).toBe(true);
  }
  // A case that changed is settled by its investigation, where an edge takes one.
  expect(lines.filter((each) => each.includes('[--inspection --finding: '))).toEqual([
    expect.stringContaining('quarantined → inspected'),
  ]);
});

test('the help of an import names every column that the server takes', () => {
  let said = '';
  lifecycleCommand('import')
    ?.configureOutput({ writeOut: (text) => (said += text) })
    .outputHelp();
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
