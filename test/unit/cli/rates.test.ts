import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemWorld } from '@tsunagu/protocols/world';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { importRates, showRates } from '../../../cli/src/commands/switch-rates.ts';
import { listVersions } from '../../../cli/src/commands/switch-rules.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { emulatedRates, emulateRateProvider } from '../../../cli/src/house/rates.ts';
import { newFolder, patientMs, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
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

const clientNow = () => {
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  return openClient({ url: house.house.managementUrl, token }, world, patientMs);
};

async function run(work: (context: Context) => Promise<number>, { json = false, lang = 'en' } = {}) {
  const { console, printed } = keptConsole(lang);
  const code = await work({ world, console, client: clientNow(), json });
  return { code, ...printed() };
}

const put = (text: string, options: Partial<Parameters<typeof importRates>[2]> = {}, lang = 'en') => {
  const path = join(dataDir, 'rates.csv');
  writeFileSync(path, text);
  return run((context) => importRates(context, path, { reason: 'of today', ...options }), { lang });
};
const show = (lang = 'en', version?: number) => run((context) => showRates(context, version), { lang });

test('rates of a file come into force, are shown in both languages, and the versions before stay', async () => {
  expect(await show()).toMatchObject({ code: exit.otherOutcome, out: 'There are no rates: nothing is offered.\n' });
  expect((await show('ja')).out).toContain('レートがないため');
  const taken = await put('currency,yen\n# of the bank\nUSD,152.34\n978;164.82\n\n', { source: 'a bank', markUp: 3.5 });
  expect(taken).toMatchObject({ code: exit.ok, out: 'rates: version 2 is in force\n' });
  const shown = await show();
  expect(shown.code).toBe(exit.ok);
  expect(shown.out).toMatch(/Rates of a bank, .*, version 2\nmark-up 3\.50%, an offer stands 10 min\n/);
  expect(shown.out).toMatch(/USD +US dollar +152\.34/);
  expect((await show('ja')).out).toMatch(/EUR +ユーロ +164\.82/);
  // What is not told stays.
  expect((await put('USD,151\n')).code).toBe(exit.ok);
  expect((await show()).out).toMatch(/Rates of rates\.csv, [\s\S]*mark-up 3\.50%/);
  expect((await show('en', 2)).out).toContain('164.82');
  const versions = await run((context) => listVersions(context, 'rates'));
  expect(versions.out.match(/of today/g)).toHaveLength(2);
});

test('rates that are too old are said to be stale, and offer nothing', async () => {
  expect((await put('USD,150\n', { at: '2026-01-01T00:00:00Z', validMinutes: 60 })).code).toBe(exit.ok);
  const shown = await show();
  expect(shown.code).toBe(exit.otherOutcome);
  expect(shown.out).toContain('STALE since 2026-01-01T01:00:00.000Z: nothing is offered');
  expect((await show('ja')).out).toContain('期限切れ');
});

test.each([
  ['a word for a number', 'USD,152.34\nEUR,many\n', 'SWITCH_RATES_UNREADABLE', 'line 2'],
  ['a comma in a number of thousands', 'KRW,0.11\nKWD,1,234.50\n', 'SWITCH_RATES_UNREADABLE', 'line 2'],
  ['a comma for a decimal point', 'USD,152,34\n', 'SWITCH_RATES_UNREADABLE', 'line 1'],
  ['no rates', 'currency,yen\n', 'SWITCH_RATES_UNREADABLE', 'rates'],
  ['a currency that is none', 'XXX,1\n', 'SWITCH_RATES_UNREADABLE', 'line 1'],
  ['a currency twice', 'USD,1\nUSD,2\n', 'SWITCH_RULES_INVALID', 'rates.1.currency'],
  ['the yen', 'JPY,1\n', 'SWITCH_RULES_INVALID', 'rates.0.currency'],
  ['nothing for a unit', 'USD,0\n', 'SWITCH_RULES_INVALID', 'rates.0.yen'],
])('a file with %s is refused whole, by its place', async (_what, text, code, place) => {
  const before = unwrap(await clientNow().switchRules('rates')).version;
  for (const lang of ['en', 'ja']) {
    const refused = await put(text, {}, lang);
    expect(refused.code).not.toBe(exit.ok);
    expect(refused.err).toContain(code);
    expect(refused.err).toContain(place);
  }
  expect(unwrap(await clientNow().switchRules('rates')).version).toBe(before);
});

test('rates of a day to come are refused: they would not be stale for as long', async () => {
  const before = unwrap(await clientNow().switchRules('rates')).version;
  const refused = await put('USD,150\n', { at: '2999-01-01T00:00:00Z' });
  expect(refused.code).not.toBe(exit.ok);
  expect(refused.err).toMatch(/SWITCH_RULES_INVALID.*\(at/);
  expect(unwrap(await clientNow().switchRules('rates')).version).toBe(before);
});

test('the emulated provider keeps its own rates fresh, and leaves those of others alone', async () => {
  const sourceNow = async () => {
    const { rules, version } = unwrap(await clientNow().switchRules('rates'));
    return { source: 'source' in rules ? rules.source : '', version };
  };
  const others = await sourceNow();
  unwrap(await emulateRateProvider(world, clientNow())).cancel();
  expect(await sourceNow()).toEqual(others);
  const old = emulatedRates(world.clock.now() - 20 * 3_600_000);
  unwrap(await clientNow().changeSwitchRules('rates', others.version, old, 'a day ago'));
  unwrap(await emulateRateProvider(world, clientNow())).cancel();
  expect(await sourceNow()).toEqual({ source: old.source, version: others.version + 2 });
  // Fresh ones are not set again.
  unwrap(await emulateRateProvider(world, clientNow())).cancel();
  expect((await sourceNow()).version).toBe(others.version + 2);
  expect((await show()).out).toMatch(/USD +US dollar +152\.34 +47617390011/);
});
