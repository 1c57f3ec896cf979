import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orderWipes, writeWipeCertificates } from 'tsunagu/commands/wipes';
import { openClient } from 'tsunagu/client/index';
import { openConsole } from 'tsunagu/console/index';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signedIn } from '../audit/support.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse } from '../core/support.ts';

const folder = newFolder();
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(folder);
});
afterAll(async () => {
  await house?.house.close();
  removeFolder(folder);
});

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
async function run(work: typeof orderWipes | typeof writeWipeCertificates, token: string, path: string, out = '') {
  const said: string[] = [];
  const write = (text: string) => said.push(text);
  const console = openConsole({ env: {}, stdout: { write }, stderr: { write } });
  const client = openClient({ url: house.house.managementUrl, token }, house.world, patientMs);
  const context = { world: house.world, console, client, json: false };
  return { code: await work(context, path, { out }), said: said.join('') };
}

it('orders the wipes of a CSV file, and says of each terminal whether it swore to its wipe', async () => {
  const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
  const api = { api: { url: house.house.managementUrl }, token };
  const person = await signedIn(api, 'mori', ['operator']);
  const made = await person.call('POST', '/tokens', { name: 'cli', roles: ['operator'] });
  const own = String(made.body['token']);
  for (const serial of ['WIPE-0001', 'WIPE-0002']) await house.register(serial);
  // As spreadsheets write it: a mark in front, quoted cells with commas, blank lines, one serial twice.
  const list = file(
    'list.csv',
    '\uFEFFserial,"where, and why"\r\n"WIPE-0001","shelf 1, ""old"""\r\n\r\nWIPE-0002\r\nWIPE-0001,again\r\n',
  );
  const ordered = await run(orderWipes, own, list);
  expect(ordered.said).toMatch(/WIPE-0001 {2}held[^]+WIPE-0002 {2}held[^]+2 wipes are ordered/);
  expect(ordered.code).toBe(0);
  const some = await run(orderWipes, own, file('some.csv', 'WIPE-0002\nNOBODY-01\n'));
  expect([some.code, some.said]).toEqual([5, expect.stringContaining('NOBODY-01  TERMINAL_UNKNOWN')]);
  for (const [name, text] of [
    ['empty', ''],
    ['head', 'serial\n'],
    ['other', 'WIPE-0001\nno serial at all\n'],
    ['torn', '"WIPE-0001\n'],
  ] as const) {
    const refused = await run(orderWipes, own, file(`${name}.csv`, text));
    expect(refused.said, name).toContain('OPTION_INVALID');
  }
  expect((await run(orderWipes, own, join(folder, 'nothing.csv'))).said).toContain('FILE_UNREADABLE');

  const out = join(folder, 'certificates');
  const none = await run(writeWipeCertificates, own, list, out);
  expect([none.code, none.said]).toEqual([5, expect.stringContaining('2 have not sworn')]);
  expect(readFileSync(join(out, 'list.csv'), 'utf8')).toContain('WIPE-0001,,,,,WIPE_UNKNOWN\r\n');
  expect(existsSync(join(out, 'WIPE-0001.json'))).toBe(false);
  expect((await run(writeWipeCertificates, own, list, out)).said).toContain('OPTION_INVALID');
}, 120_000);
