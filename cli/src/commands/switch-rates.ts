import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { currencies, currencyNumber } from '@tsunagu/protocols/acquiring';
import { rateRules, type RateRules } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type ExitCode, exit, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

const kind = 'rates';
const minuteMs = 60_000;

/** What is told with a file of rates. */
export interface ImportOptions {
  /** The file's name unless told: whoever set those before did not set these. */
  readonly source?: string;
  /** RFC 3339; now unless told. */
  readonly at?: string | undefined;
  /** Per cent; that of the version before unless told. */
  readonly markUp?: number;
  readonly validMinutes?: number;
  readonly offerMinutes?: number;
  readonly reason: string;
}

/** `tsunagu switch rates import FILE`: lines `USD,152.34` (yen for one unit) become the version that is in force; cards and what is not told stay as they were. */
export async function importRates(
  { client, console, json, world }: Context,
  file: string,
  options: ImportOptions,
): Promise<ExitCode> {
  const text = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return refuse(console, fail('FILE_UNREADABLE', { facts: { path: file } }).fault, json);
  const rates = readRates(text);
  if (!rates.ok) return refuse(console, rates.fault, json);
  const newest = await client.switchRules(kind);
  if (!newest.ok) return refuse(console, newest.fault, json);
  const before = rateRules.parse(newest.value.rules);
  const {
    source = file === '-' ? 'standard input' : basename(file).slice(0, 60),
    at,
    markUp,
    validMinutes,
    offerMinutes,
    reason,
  } = options;
  // Those of a fresh house are for nothing.
  const isFirst = before.rates.length === 0;
  const rules: RateRules = {
    ...before,
    source,
    at: at === undefined ? new Date(world.clock.now()).toISOString() : new Date(at).toISOString(),
    validMinutes: validMinutes ?? (isFirst ? 1_440 : before.validMinutes),
    offerMinutes: offerMinutes ?? before.offerMinutes,
    markUpBasisPoints: markUp === undefined ? before.markUpBasisPoints : Math.round(markUp * 100),
    rates: [...rates.value],
  };
  const changed = await client.changeSwitchRules(kind, newest.value.version, rules, reason);
  if (!changed.ok) return refuse(console, changed.fault, json);
  const { version } = changed.value;
  console.out(json ? JSON.stringify(changed.value) : console.texts.switchRules.changed(kind, version));
  return exit.ok;
}

/**
 * Lines of currency and yen for one unit, and no third cell: in "1,234.50" the comma is no part of a number. Empty lines, those that begin with `#`, and a head are
 * left out; a file without any rate is none, so that one that was cut off does not end all offers.
 */
function readRates(text: string): Result<RateRules['rates'], 'SWITCH_RATES_UNREADABLE'> {
  const rates: RateRules['rates'] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const bare = line.trim();
    if (bare === '' || bare.startsWith('#') || /^currency\b/i.test(bare)) continue;
    const [name = '', yen = '', ...more] = bare.split(/[,;\t]/).map((part) => part.trim());
    const currency = currencyNumber(name.toUpperCase()) ?? name;
    if (more.length > 0 || currencies[currency] === undefined || !/^\d{1,7}(\.\d{1,6})?$/.test(yen))
      return fail('SWITCH_RATES_UNREADABLE', { field: `line ${index + 1}` });
    rates.push({ currency, yen });
  }
  return rates.length === 0 ? fail('SWITCH_RATES_UNREADABLE', { field: 'rates' }) : ok(rates);
}

/** `tsunagu switch rates show`: what is offered, and until when. Exit 5 when nothing is. */
export async function showRates(context: Context, version: number | undefined): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const answer = await client.switchRules(kind, version);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { source, at, validMinutes, offerMinutes, markUpBasisPoints, rates, cards } = rateRules.parse(
    answer.value.rules,
  );
  const end = Date.parse(at) + validMinutes * minuteMs;
  const isStale = rates.length === 0 || end <= world.clock.now();
  if (json) {
    console.out(JSON.stringify({ ...answer.value, isStale }));
    return isStale ? exit.otherOutcome : exit.ok;
  }
  const texts = console.texts.switchRates;
  if (rates.length === 0) {
    console.out(texts.none);
    return exit.otherOutcome;
  }
  console.out(texts.from(source, at, answer.value.version));
  console.out(texts.markUp((markUpBasisPoints / 100).toFixed(2), offerMinutes));
  printTable(
    console,
    [
      {
        head: texts.columns.currency,
        cell: ({ currency }: RateRules['rates'][number]) => currencies[currency]?.alpha ?? currency,
      },
      { head: texts.columns.name, cell: ({ currency }) => currencies[currency]?.[console.language] ?? '' },
      { head: texts.columns.yen, cell: ({ yen }) => yen, right: true },
      {
        head: texts.columns.digits,
        cell: ({ currency }) =>
          cards
            .filter((card) => card.currency === currency)
            .map(({ prefix }) => prefix)
            .join(' '),
      },
    ],
    rates,
  );
  const until = new Date(end).toISOString();
  console.out(isStale ? console.paint('warn', texts.stale(until)) : texts.valid(until));
  return isStale ? exit.otherOutcome : exit.ok;
}
