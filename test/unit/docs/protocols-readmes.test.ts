import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examplesOf, printedBy, promisedBy } from './examples.ts';

const source = new URL('../../../protocols/src/', import.meta.url);
const rooms = readdirSync(source, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const readmes = [
  ['protocols', new URL('../../../protocols/README.md', import.meta.url)] as const,
  ...rooms.map((room) => [room, new URL(`${room}/README.md`, source)] as const),
];

test.each(readmes)('the README of %s is there, and every example in it prints what it says', async (_, readme) => {
  expect(existsSync(readme)).toBe(true);
  const examples = examplesOf(readme);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) {
    expect(promisedBy(example).length).toBeGreaterThan(0);
    expect(await printedBy(example)).toEqual(promisedBy(example));
  }
});
