import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../../docs/negative-failures.md', import.meta.url), 'utf8');
const rows = page.split('\n').flatMap((line) => {
  const [, what, file, title] = /^\| (.+) \| `([\w/.-]+\.test\.ts)` \| (.+) \|$/.exec(line) ?? [];
  return what !== undefined && file !== undefined && title !== undefined ? [{ what, file, title }] : [];
});

test('every way in which the negative file may fail names a test that is there, and that runs', () => {
  const sections = page.split('\n## ').slice(1);
  expect(sections.map((section) => section.slice(0, 2))).toEqual(['1.', '2.', '3.', '4.', '5.', '6.', '7.', '8.']);
  const lines = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| what happens'));
  expect(rows).toHaveLength(lines.length);
  for (const { file, title } of rows) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    const quoted = ["'", '"'].map((mark) => `${mark}${title.replaceAll("'", mark === "'" ? "\\'" : "'")}${mark}`);
    const at = quoted.map((each) => source.indexOf(each)).find((each) => each >= 0);
    expect(at, `${file}: ${title}`).toBeDefined();
    expect(source.slice(Math.max(0, (at ?? 0) - 60), at)).not.toMatch(/skip|todo|only/);
  }
});
