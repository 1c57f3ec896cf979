import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findAccess } from '../../../cli/src/client/index.ts';

const data = mkdtempSync(join(tmpdir(), 'tsunagu-access-'));
writeFileSync(join(data, 'access.json'), JSON.stringify({ url: 'http://127.0.0.1:8880', token: 'mine' }));
afterAll(() => rmSync(data, { recursive: true, force: true }));

test('the token of the file goes to the server of the file only', () => {
  expect(findAccess({}, { data, cwd: data })).toEqual({
    ok: true,
    value: { url: 'http://127.0.0.1:8880', token: 'mine' },
  });
  expect(findAccess({}, { data, cwd: data, server: 'http://elsewhere.example:8880' })).toMatchObject({
    ok: false,
    fault: { code: 'ACCESS_MISSING' },
  });
  expect(findAccess({ TSUNAGU_TOKEN: 'given' }, { data, cwd: data, server: 'http://elsewhere.example:8880' })).toEqual({
    ok: true,
    value: { url: 'http://elsewhere.example:8880', token: 'given' },
  });
});

test('a variable that is set to nothing is not set', () => {
  expect(findAccess({ TSUNAGU_TOKEN: '', TSUNAGU_URL: '' }, { data, cwd: data })).toEqual({
    ok: true,
    value: { url: 'http://127.0.0.1:8880', token: 'mine' },
  });
  // Nor does it let the token of the file go elsewhere.
  expect(findAccess({ TSUNAGU_TOKEN: '' }, { data, cwd: data, server: 'http://elsewhere.example:8880' })).toMatchObject(
    { fault: { code: 'ACCESS_MISSING' } },
  );
});

test('a token with more in it than one is named, not taken for a server that is away', () => {
  for (const token of ['tsu_abc\nIt is valid for a day.', 'tsu_abc\r', 'tsu abc', 'つなぐ'])
    expect(findAccess({ TSUNAGU_TOKEN: token }, { data, cwd: data })).toMatchObject({
      ok: false,
      fault: { code: 'OPTION_INVALID', field: 'TSUNAGU_TOKEN' },
    });
});

test('an address that is none is named as such', () => {
  expect(findAccess({}, { data, cwd: data, server: 'nonsense' })).toMatchObject({
    ok: false,
    fault: { code: 'OPTION_INVALID', field: 'server' },
  });
});
