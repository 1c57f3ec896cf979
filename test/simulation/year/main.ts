import { parseArgs } from 'node:util';
import { brokenIn, yearInvariants } from './invariants.ts';
import { liveAYear, yearOf } from './year.ts';

const usage = `usage: npm run simulate:year -- [--terminals 10000] [--seed 1] [--seeds 1]
A year in the life of a fleet, in virtual time, on the server's own rooms and store, under faults that follow from the seed.`;

const { values } = parseArgs({
  options: {
    terminals: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function count(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  console.error(`--${name} wants a whole number above 0\n${usage}`);
  process.exit(2);
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

async function one(seed: number, terminals: number): Promise<boolean> {
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()];
  const year = await liveAYear(yearOf(seed, terminals));
  const cpu = process.cpuUsage(startedCpu);
  const tookMs = performance.now() - startedMs;
  const steps = [...year.steps.values()].reduce((sum, each) => sum + each.length, 0);
  console.log(`seed ${seed}: ${year.terminals.length} terminals, a year, hash ${year.hash.slice(0, 16)}`);
  console.log(
    `  ${steps} steps of lives, ${year.handovers} hand-overs, ${year.audit.entries} entries of the audit log, ${year.statements} statements, ${year.cuts} power cuts of the server`,
  );
  const states = new Map<string, number>();
  for (const { lifecycle } of year.terminals) states.set(lifecycle, (states.get(lifecycle) ?? 0) + 1);
  console.log(`  at its end: ${[...states].map(([state, all]) => `${all} ${state}`).join(', ')}`);
  console.log('  faults that came up:');
  for (const [what, { tried, refused }] of [...year.fleet.crew.faults].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(
      `    ${String(tried).padStart(5)} × ${what}${refused < tried ? `, ${tried - refused} NOT NOTICED` : ''}`,
    );
  const found = brokenIn(year);
  for (const { name, what } of found.slice(0, 20)) console.log(`  BROKEN ${name}: ${what}`);
  if (found.length === 0) console.log(`  every invariant held: ${Object.keys(yearInvariants).join(', ')}`);
  else console.log(`  see it again: npm run simulate:year -- --seed ${seed} --terminals ${terminals}`);
  console.log(`  took ${seconds(tookMs)}, of a processor ${seconds((cpu.user + cpu.system) / 1_000)}`);
  return found.length === 0;
}

if (values.help) console.log(usage);
else {
  const [first, seeds] = [count(values.seed, 'seed'), count(values.seeds, 'seeds')];
  let isWell = true;
  for (let seed = first; seed < first + seeds; seed++)
    isWell = (await one(seed, count(values.terminals, 'terminals'))) && isWell;
  process.exit(isWell ? 0 : 1);
}
