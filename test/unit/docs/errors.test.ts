import { readFileSync } from 'node:fs';
import { errorsByRoom, errorTable } from '@tsunagu/protocols/errors';
import { expect, test } from 'vitest';

const { renderErrors } = await import('../../../scripts/errors-doc.mjs' as string);

test('docs/errors.md says what the error table says (mend: node scripts/errors-doc.mjs)', () => {
  expect(readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')).toBe(renderErrors(errorsByRoom));
});

test('every error says what happened and what to do next, in both languages', () => {
  for (const [code, { en, ja }] of Object.entries(errorTable)) {
    for (const text of [en.says, en.next, ja.says, ja.next]) expect(text.trim().length, code).toBeGreaterThan(3);
    expect(`${ja.says}${ja.next}`, code).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
  }
});

test('no code stands in two rooms', () => {
  const codes = Object.values(errorsByRoom).flatMap((room) => Object.keys(room));
  expect(codes.length).toBe(new Set(codes).size);
});

test('a next step is a command, where there is one: no address of the API', () => {
  // What a model can do has no command of its own.
  const { MODEL_CANNOT: _, ...others } = errorTable;
  for (const [code, { en, ja }] of Object.entries(others))
    for (const { next } of [en, ja]) expect(next, code).not.toContain('/api/');
});
