import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shrink } from './shrink.ts';

interface AnyScript {
  readonly seed: number;
  readonly steps: readonly unknown[];
}
interface AnyRun {
  readonly trace: readonly string[];
}

/** A simulation that is run by seeds. */
export interface Simulation<Script extends AnyScript, Run extends AnyRun> {
  /** The file that is run: for each further process it is started again. */
  readonly url: string;
  /** How it is called: `npm run NAME`. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly what: string;
  /** What a seed stands for, where it is not the fleet: follows "seeds". */
  readonly of?: string;
  scriptOf(seed: number): Script;
  /** Reads what `--shrink` wrote. */
  read(json: unknown): Script;
  simulate(script: Script): Promise<Run>;
  broken(run: Run): readonly { readonly name: string; readonly what: string }[];
  /** A run in a line, after its seed and the number of its steps. */
  tell(run: Run): string;
}

/** The command of a simulation: many seeds on several processes, one of them, or a script that broke something. Ends the process. */
export async function runCommand<Script extends AnyScript, Run extends AnyRun>(
  simulation: Simulation<Script, Run>,
): Promise<never> {
  const { url, name, what, of = '', scriptOf, read, simulate, broken } = simulation;
  const usage = `usage: npm run ${name} -- [--seeds 1000] [--from 1] [--workers 2]
       npm run ${name} -- --seed N [--shrink] [--trace]
       npm run ${name} -- --replay FILE [--shrink] [--trace]
${what}`;
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

  function count(text: string, option: string): number {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= 0) return number;
    console.error(`--${option} wants a whole number\n${usage}`);
    process.exit(2);
  }

  const breaks = async (script: Script, invariant: string): Promise<boolean> =>
    broken(await simulate(script)).some((one) => one.name === invariant);

  /** Says what a run broke, and the one command that shows it again. @returns whether it broke nothing */
  function tell(run: Run, command: string): boolean {
    const found = broken(run);
    for (const { name: invariant, what: why } of found) console.log(`  BROKEN ${invariant}: ${why}`);
    if (found.length > 0) console.log(`  see it again: npm run ${name} -- ${command}`);
    return found.length === 0;
  }

  async function one(script: Script, command: string): Promise<boolean> {
    const run = await simulate(script);
    if (values.trace) console.log(run.trace.join('\n'));
    console.log(`seed ${script.seed}: ${script.steps.length} steps, ${simulation.tell(run)}`);
    const isWell = tell(run, command);
    const first = broken(run)[0];
    if (!first || !values.shrink) return isWell;
    const least = await shrink(script, first.name, breaks);
    const path = `${name.replace('simulate', 'simulation').replace(':', '-')}-${script.seed}-${first.name}.json`;
    writeFileSync(path, `${JSON.stringify(least, null, 1)}\n`);
    console.log(`  shrunk to ${least.steps.length} steps: npm run ${name} -- --replay ${path}`);
    return isWell;
  }

  /** Runs every `step`-th seed, and prints what broke. */
  async function some(from: number, seeds: number, part: number, step: number): Promise<boolean> {
    let isWell = true;
    for (let seed = from + part; seed < from + seeds; seed += step) {
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
      const args = ['--from', String(from), '--seeds', String(seeds), '--part', `${part}/${workers}`];
      const child = fork(fileURLToPath(url), args);
      return new Promise<boolean>((resolve) => child.once('exit', (code) => resolve(code === 0)));
    });
    const isWell = (await Promise.all(ended)).every(Boolean);
    const seconds = (performance.now() - startedMs) / 1_000;
    console.log(
      `${seeds} seeds${of} on ${workers} processes in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(1)} seeds/s, ${isWell ? 'nothing broke' : 'BROKEN, see above'}`,
    );
    return isWell;
  }

  async function asked(): Promise<boolean> {
    if (values.replay !== undefined)
      return one(read(JSON.parse(readFileSync(values.replay, 'utf8'))), `--replay ${values.replay}`);
    if (values.seed !== undefined) return one(scriptOf(count(values.seed, 'seed')), `--seed ${values.seed} --shrink`);
    const [from, seeds] = [count(values.from, 'from'), count(values.seeds, 'seeds')];
    const [part, step] = (values.part ?? '').split('/').map(Number);
    return part !== undefined && step !== undefined && values.part !== undefined
      ? some(from, seeds, part, step)
      : many(from, seeds, Math.max(1, count(values.workers, 'workers')));
  }

  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  process.exit((await asked()) ? 0 : 1);
}
