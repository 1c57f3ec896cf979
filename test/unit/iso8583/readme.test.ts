import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

const room = new URL('../../../protocols/src/iso8583/', import.meta.url);
const readme = readFileSync(new URL('README.md', room), 'utf8');
const example = readFileSync(new URL('example.ts', import.meta.url), 'utf8');

test('the example of the README is the one that runs here', () => {
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
});

test('the example prints what its comments say', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
  await import('./example.ts');
  const printed = log.mock.calls.map((parts) => parts.join(' '));
  log.mockRestore();
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  expect(promised.length).toBeGreaterThan(4);
  expect(printed).toEqual(promised);
});

test('the README names every file of the room', () => {
  const files = readdirSync(room).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
  expect(files.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
