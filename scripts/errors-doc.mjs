// Writes docs/errors.md out of the error table: `node scripts/errors-doc.mjs`. A test keeps the two equal.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The document for a table of rooms → codes → entries. */
export const renderErrors = (rooms) =>
  [
    '# Errors',
    '',
    'Every error has one code, the same in logs, HTTP bodies (`code` of problem+json), the CLI and here. The texts below are what a',
    'person reads, in English and Japanese: what happened, and what to do next. Generated from `protocols/src/errors`.',
    ...Object.entries(rooms).flatMap(([room, entries]) =>
      Object.keys(entries).length === 0
        ? []
        : [
            '',
            `## ${room}`,
            '',
            '| code | what it says | what to do next |',
            '|---|---|---|',
            ...Object.entries(entries).map(
              ([code, { en, ja }]) => `| \`${code}\` | ${en.says}<br>${ja.says} | ${en.next}<br>${ja.next} |`,
            ),
          ],
    ),
    '',
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { errorsByRoom } = await import('../protocols/dist/errors/index.js');
  writeFileSync(new URL('../docs/errors.md', import.meta.url), renderErrors(errorsByRoom));
}
