import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `usage: npm run simulate:year -- [--terminals 10000] [--seed 1] [--seeds 1] [--houses CORES]
A year in the life of a fleet, in virtual time, on the server's own rooms and store, under faults that follow from the seed. The fleet is
parted among so many houses, each a server with its own store, vault and people, on a core of its own; a year of a house follows from its own
seed, which it prints: see it again with --houses 1.`;

const { values } = parseArgs({
  options: {
    terminals: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    houses: { type: 'string', default: String(availableParallelism()) },
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
  // Only a process that lives a year loads the server's rooms: whoever sends it on its way has no use for them.
  const [{ brokenIn, yearInvariants }, { liveAYear, yearOf }] = await Promise.all([
    import('./invariants.ts'),
    import('./year.ts'),
  ]);
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
  else console.log(`  see it again: npm run simulate:year -- --houses 1 --seed ${seed} --terminals ${terminals}`);
  console.log(`  took ${seconds(tookMs)}, of a processor ${seconds((cpu.user + cpu.system) / 1_000)}`);
  return found.length === 0;
}

/** A house of its own process, on a core of its own where the system can bind one: its loop and its store's thread then take turns. */
function houseOn(core: number, seed: number, terminals: number): Promise<boolean> {
  const own = [...process.execArgv, fileURLToPath(import.meta.url), '--houses', '1'];
  const asked = [...own, '--seed', String(seed), '--terminals', String(terminals)];
  const binds = process.platform === 'linux' && spawnSync('taskset', ['-c', String(core), 'true']).status === 0;
  // One thread for the store: where loop and store share a core, more of them are only woken in turn.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const [command, args]: [string, string[]] = binds
    ? ['taskset', ['-c', String(core), process.execPath, ...asked]]
    : [process.execPath, asked];
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (part: Buffer) => (said += part.toString()));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => {
      process.stdout.write(said);
      resolve(code === 0);
    });
  });
}

/** A year of a fleet that is parted among houses. */
async function parted(seed: number, terminals: number, houses: number): Promise<boolean> {
  const started = performance.now();
  const share = (house: number): number =>
    Math.floor(((house + 1) * terminals) / houses) - Math.floor((house * terminals) / houses);
  const ends = await Promise.all(
    Array.from({ length: houses }, (_, house) => houseOn(house, seed * seedsApart + house, share(house))),
  );
  const isWell = ends.every(Boolean);
  console.log(
    `${terminals} terminals in ${houses} houses, a year: ${isWell ? 'every invariant held' : 'BROKEN'}, in ${seconds(performance.now() - started)}`,
  );
  return isWell;
}

/** Seeds of the houses of one fleet are not those of the next one's. */
const seedsApart = 1_000;

if (values.help) console.log(usage);
else {
  const [first, seeds] = [count(values.seed, 'seed'), count(values.seeds, 'seeds')];
  const terminals = count(values.terminals, 'terminals');
  // A house of a few is not worth a process.
  const houses = Math.min(count(values.houses, 'houses'), Math.ceil(terminals / 500));
  let isWell = true;
  for (let seed = first; seed < first + seeds; seed++)
    isWell = (await (houses === 1 ? one(seed, terminals) : parted(seed, terminals, houses))) && isWell;
  process.exit(isWell ? 0 : 1);
}
