import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './build.ts';
import type { Find } from './engine.ts';
import { replayTarget, runTarget } from './run-target.ts';
import { allTargets } from './targets/index.ts';

const usage = `usage: npm run fuzz -- [TARGET ...] [--seconds 60] [--runs N] [--seed N]
       npm run fuzz -- --list
       npm run fuzz -- TARGET --replay FILE
Targets share the seconds. Without a target all are run; TARGET may be the beginning of several names.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
    replay: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function numberOf(text: string, name: string): number {
  const number = Number(text);
  return Number.isFinite(number) && number >= 0 ? number : fail(`--${name} wants a number`);
}

const crashers = fileURLToPath(new URL('crashers/', import.meta.url));

/** Keeps an input that broke the contract, and says how to see it again. */
function keep(target: string, { input, message }: Find): void {
  const folder = join(crashers, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
  writeFileSync(path, input);
  console.log(`  FOUND in ${target}: ${message}`);
  console.log(`        ${input.length} bytes: npm run fuzz -- ${target} --replay ${relative(process.cwd(), path)}`);
}

const all = await allTargets();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (values.list) {
  for (const { file, target } of all) console.log(`${target.name.padEnd(36)} ${file}`);
  process.exit(0);
}
const chosen = all.filter(
  ({ target: { name } }) => positionals.length === 0 || positionals.some((each) => name.startsWith(each)),
);
if (chosen.length === 0) fail(`no target is called ${positionals.join(', ')}`);

const bundles = new Map<string, string>();
const bundleOf = async (file: string): Promise<string> => {
  const path = bundles.get(file) ?? (await bundle(`targets/${file}.ts`));
  bundles.set(file, path);
  return path;
};

if (values.replay !== undefined) {
  const [only, ...others] = chosen.filter(({ target }) => positionals.includes(target.name));
  if (!only || others.length > 0) fail('--replay wants one target');
  const failure = await replayTarget(await bundleOf(only.file), only.target.name, values.replay);
  console.log(failure ?? 'the contract holds');
  process.exit(failure === undefined ? 0 : 1);
}

const seed = numberOf(values.seed, 'seed');
const executionsMax = values.runs === undefined ? Number.POSITIVE_INFINITY : numberOf(values.runs, 'runs');
const forMs = (numberOf(values.seconds, 'seconds') * 1_000) / chosen.length;
let executions = 0;
let found = 0;
console.log(`seed ${seed}, ${chosen.length} targets, ${(forMs / 1_000).toFixed(1)} s each`);
for (const { file, target } of chosen) {
  const { name } = target;
  const outcome = await runTarget(await bundleOf(file), {
    target: name,
    seed,
    executionsMax,
    forMs,
    isGuided: true,
    findsMax: 8,
  });
  executions += outcome.executions;
  const finds = 'find' in outcome ? [outcome.find] : outcome.finds;
  if (!('find' in outcome)) {
    const { elapsedMs, reached, total, corpus, accepted, workPerByte, memoryPerByte } = outcome;
    const rate = Math.round((outcome.executions * 1_000) / Math.max(1, elapsedMs));
    console.log(
      [
        name.padEnd(34),
        `${outcome.executions} executions`.padStart(18),
        `${rate}/s`.padStart(9),
        `covered ${reached}/${total}`.padStart(18),
        `corpus ${corpus}`.padStart(12),
        `${Math.round((accepted * 100) / Math.max(1, outcome.executions))} % values`.padStart(13),
        `work ${Math.round(workPerByte)}, memory ${Math.round(memoryPerByte)} a byte`,
      ].join(' '),
    );
  }
  found += finds.length;
  for (const find of finds) keep(name, find);
}
console.log(`${executions} executions, ${found} finds`);
process.exit(found > 0 ? 1 : 0);
