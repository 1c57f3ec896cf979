import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLinks } from '@tsunagu/protocols/acquiring';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import {
  fetchValidity,
  handInValidity,
  listValidity,
  openValidity,
  sealValidity,
  showValidity,
} from '../../../cli/src/commands/validity.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse, until } from '../core/support.ts';
import { keptConsole } from './kept-console.ts';

const dataDir = newFolder();
const world = systemWorld(() => undefined);
let house: TestHouse;
beforeAll(async () => {
  house = await testHouse(dataDir);
});
afterAll(async () => {
  await house.house.close();
  removeFolder(dataDir);
});

async function run(work: (context: Context) => Promise<number>, { json = false, lang = 'en' } = {}) {
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const { console, printed } = keptConsole(lang);
  const code = await work({
    world,
    console,
    client: openClient({ url: house.house.managementUrl, token }, world, patientMs),
    json,
  });
  return { code, ...printed() };
}

const acquirer = defaultLinks.find(({ id }) => id === 'ec-centre-1')?.parties.far ?? '';
const credentials = join(dataDir, 'links', 'ec-centre-1', 'credentials.json');
const pathOf = (name: string): string => join(dataDir, name);
const seal = (name: string, list: string, file: string, lang = 'en') => {
  writeFileSync(pathOf(`${name}.csv`), list);
  const options = { credentials, acquirer, merchant: 'SHOP', file, out: pathOf(`${name}.validity`) };
  return run((context) => sealValidity(context, pathOf(`${name}.csv`), options), { lang });
};

test('a list without a card is not sealed, and what is missing is said in both languages', async () => {
  for (const [lang, said] of [
    ['en', 'no card in this list'],
    ['ja', 'カードがありません'],
  ] as const)
    for (const list of ['', '\n# nothing yet\n', 'reference,pan,expiry\n']) {
      const { code, err } = await seal('none', list, '6', lang);
      expect([code, err]).toEqual([exit.failed, expect.stringContaining('VALIDITY_FILE_EMPTY')]);
      expect(err).toContain(said);
      expect(existsSync(pathOf('none.validity'))).toBe(false);
    }
});

test('a list is sealed, handed in, followed and answered; what came back names each card, in both languages', async () => {
  // No table has a route for these: nobody has to be asked.
  const list = '\uFEFFreference,pan,expiry\nSUB-1,9900000000000002,3012\nSUB-2,9900000000000010,\n';
  expect(await seal('few', list, '7')).toMatchObject({ code: exit.ok });
  expect(readFileSync(pathOf('few.validity'), 'latin1')).not.toContain('9900000000000002');
  const taken = await run((context) => handInValidity(context, pathOf('few.validity'), 'ec-centre-1'), { json: true });
  expect(taken.code).toBe(exit.ok);
  const { id } = JSON.parse(taken.out) as { id: string };
  await until('the answers', async () => (await run((context) => showValidity(context, id))).code === exit.ok);
  expect((await run((context) => listValidity(context, 10))).out).toMatch(/ec-centre-1 +000000000007 +done +2 +0 +0/);
  expect((await run((context) => showValidity(context, id), { lang: 'ja' })).out).toContain('2  判定なし');
  const answers = pathOf('few.answers');
  expect((await run((context) => fetchValidity(context, id, answers))).out).toContain('answers to 2 cards');
  // One that everybody could read is there already.
  writeFileSync(pathOf('out.csv'), 'old\n', { mode: 0o644 });
  const opened = await run((context) => openValidity(context, answers, { credentials, out: pathOf('out.csv') }));
  expect(opened.out).toMatch(/SUB-1 +not judged +908/);
  expect(readFileSync(pathOf('out.csv'), 'utf8')).toBe(
    'reference,verdict,code,expiry,pan\n"SUB-1",notJudged,908,,\n"SUB-2",notJudged,908,,\n',
  );
  expect(statSync(pathOf('out.csv')).mode & 0o777).toBe(0o600);
  // The answers of one link say nothing to another.
  const others = join(dataDir, 'links', 'pos-centre-1', 'credentials.json');
  const refused = await run((context) => openValidity(context, answers, { credentials: others }));
  expect([refused.code, refused.err]).toEqual([exit.failed, expect.stringContaining('VALIDITY_FILE_REFUSED')]);
});

test('cards wait for an issuer that is not there, and a spoilt line is named with what to do', async () => {
  expect(await seal('waits', 'W-1,4761739001010010,3012\nW-2,9900000000000002\n', '8')).toMatchObject({
    code: exit.ok,
  });
  const lines = readFileSync(pathOf('waits.validity'), 'latin1').split('\n');
  writeFileSync(pathOf('waits.validity'), lines.with(2, lines[2]?.slice(0, 40) ?? '').join('\n'));
  const taken = await run((context) => handInValidity(context, pathOf('waits.validity'), 'ec-centre-1'));
  expect(taken.code).toBe(exit.otherOutcome);
  expect(taken.err).toMatch(/line 3 VALIDITY_LINE_FORM: [\s\S]*record 2 VALIDITY_LINE_MISSING: /);
  const id = /File (\S+):/.exec(taken.out)?.[1] ?? '';
  const shown = await run((context) => showValidity(context, id), { lang: 'ja' });
  expect([shown.code, shown.out]).toEqual([exit.otherOutcome, expect.stringContaining('回答待ち 1件(停止中)')]);
  expect(shown.err).toContain('3行目 VALIDITY_LINE_FORM: レコードとして読めない行があります。');
  const early = await run((context) => fetchValidity(context, id, undefined));
  expect([early.code, early.err]).toEqual([exit.failed, expect.stringContaining('VALIDITY_FILE_OPEN')]);
});

test('every line that is not right is named at once, by what is wrong with it', async () => {
  const list = 'A,4761739001010010\nB\nC,4761739001010011\nD\nE,4761739001010012';
  const refused = await seal('bad', list, '9');
  expect(refused.code).toBe(exit.failed);
  expect(refused.err).toMatch(/VALIDITY_LINE_FORM: .*lines=2 4\)/);
  expect(refused.err).toMatch(/VALIDITY_CARD_INVALID: .*lines=3 5\)/);
  expect(refused.err).not.toContain('47617390');
});

test('a list with a line that is not right is not sealed: its line is named, and its number is not', async () => {
  for (const [list, code] of [
    ['A,4761739001010010\nB,4761739001010011', 'VALIDITY_CARD_INVALID'],
    ['A,4761739001010010\nB,4761739001010010,1399', 'VALIDITY_CARD_INVALID'],
    ['A,4761739001010010\n4761739001010010,4761739001010010', 'VALIDITY_REFERENCE_REFUSED'],
    ['A,4761739001010010\n4761.7390/0101_0010,4761739001010010', 'VALIDITY_REFERENCE_REFUSED'],
    ['A,4761739001010010\nB', 'VALIDITY_LINE_FORM'],
  ] as const) {
    const refused = await seal('bad', list, '9');
    expect([refused.code === exit.ok, refused.err]).toEqual([false, expect.stringContaining(code)]);
    expect(refused.err).toMatch(/\b2\b/);
    if (code !== 'VALIDITY_REFERENCE_REFUSED')
      expect(refused.err).toContain('A list is sealed when all of its lines are right.');
    expect(refused.err).not.toContain('47617390');
  }
});
