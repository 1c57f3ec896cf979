import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shrink } from '../shrink.ts';
import { broken, type InvariantName } from './invariants.ts';
import { type Script, script, scriptOf } from './script.ts';
import { type Run, simulate } from './simulate.ts';

const usage = `usage: npm run simulate:switch -- [--seeds 1000] [--from 1] [--workers 2]
       npm run simulate:switch -- --seed N [--shrink] [--trace]
       npm run simulate:switch -- --replay FILE [--shrink] [--trace]
Runs the rooms of the switch on a real SQLite in virtual time, under faults that follow from a seed, and asks the ledger oracle.`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(Math.min(2, cpus().length)) },
    seed: { type: 'string' },
    replay: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    part: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function count(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} wants a whole number\n${usage}`);
  process.exit(2);
}

const breaks = async (of: Script, name: InvariantName): Promise<boolean> =>
  broken(await simulate(of)).some((one) => one.name === name);

/** Says what a run broke, and the one command that shows it again. @returns whether it broke nothing */
function tell(run: Run, command: string): boolean {
  const found = broken(run);
  for (const { name, what } of found) console.log(`  BROKEN ${name}: ${what}`);
  if (found.length > 0) console.log(`  see it again: npm run simulate:switch -- ${command}`);
  return found.length === 0;
}

async function one(of: Script, command: string): Promise<boolean> {
  const run = await simulate(of);
  if (values.trace) console.log(run.trace.join('\n'));
  const { acquirer, issuer } = run.verdict;
  console.log(
    `seed ${of.seed}: ${of.steps.length} steps, ${run.boots} boots, ${run.statements} statements, ${run.endedMs} ms of virtual time; acquirers ${acquirer.standingMinor}, issuer ${issuer.standingMinor}; trace ${run.hash.slice(0, 16)}`,
  );
  const isWell = tell(run, command);
  const first = broken(run)[0];
  if (!first || !values.shrink) return isWell;
  const least = await shrink(of, first.name, breaks);
  const path = `simulation-switch-${of.seed}-${first.name}.json`;
  writeFileSync(path, `${JSON.stringify(least, null, 1)}\n`);
  console.log(`  shrunk to ${least.steps.length} steps: npm run simulate:switch -- --replay ${path}`);
  return isWell;
}

/** Runs every `of`-th seed, and prints what broke. */
async function some(from: number, seeds: number, part: number, of: number): Promise<boolean> {
  let isWell = true;
  for (let seed = from + part; seed < from + seeds; seed += of) {
    const run = await simulate(scriptOf(seed));
    if (broken(run).length === 0) continue;
    isWell = false;
    console.log(`seed ${seed}`);
    tell(run, `--seed ${seed} --shrink`);
  }
  return isWell;
}

/** Shares the seeds among processes: a run has its core for itself. */
async function many(from: number, seeds: number, workers: number): Promise<boolean> {
  const startedMs = performance.now();
  const ended = Array.from({ length: workers }, (_, part) => {
    const child = fork(fileURLToPath(import.meta.url), [
      '--from',
      String(from),
      '--seeds',
      String(seeds),
      '--part',
      `${part}/${workers}`,
    ]);
    return new Promise<boolean>((resolve) => child.once('exit', (code) => resolve(code === 0)));
  });
  const isWell = (await Promise.all(ended)).every(Boolean);
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(
    `${seeds} seeds of the switch on ${workers} processes in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(1)} seeds/s, ${isWell ? 'nothing broke' : 'BROKEN, see above'}`,
  );
  return isWell;
}

if (values.help) console.log(usage);
else {
  let isWell: boolean;
  if (values.replay !== undefined)
    isWell = await one(script.parse(JSON.parse(readFileSync(values.replay, 'utf8'))), `--replay ${values.replay}`);
  else if (values.seed !== undefined)
    isWell = await one(scriptOf(count(values.seed, 'seed')), `--seed ${values.seed} --shrink`);
  else {
    const [from, seeds] = [count(values.from, 'from'), count(values.seeds, 'seeds')];
    const [part, of] = (values.part ?? '').split('/').map(Number);
    isWell =
      part !== undefined && of !== undefined && values.part !== undefined
        ? await some(from, seeds, part, of)
        : await many(from, seeds, Math.max(1, count(values.workers, 'workers')));
  }
  process.exit(isWell ? 0 : 1);
}
