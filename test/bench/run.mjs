// `npm run bench -- NAME [--json] [--only=PART]`: runs a benchmark and prints every figure, and each ratio to its named peer or bound.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const suites = { protocols: ['iso8583', 'keys', 'emv'], sale: ['sale'] };
const built = ['bridge'];
const [name, ...flags] = process.argv.slice(2);
const json = flags.includes('--json');

if (process.env.TSUNAGU_BENCH !== '1') {
  // The benchmarks are TypeScript on the sources; tsx and the condition that leads there are set for this one process.
  // What is measured in its own surroundings is measured as it is built.
  const args = [
    ...(built.includes(name) ? [] : ['--conditions=tsunagu-source']),
    '--import',
    'tsx',
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ];
  process.exit(
    spawnSync(process.execPath, args, {
      stdio: 'inherit',
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, TSUNAGU_BENCH: '1' },
    }).status ?? 1,
  );
}

const files = (suites[name] ?? [name]).map((file) => new URL(`${file}.bench.ts`, import.meta.url));
if (!name || !files.every((file) => existsSync(file))) {
  console.error(`usage: npm run bench -- NAME [--json]; NAME is one of ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
/** Figures of TLS and of memory are those of the engine under them. */
const { node, v8, openssl } = process.versions;
const results = [];
for (const file of files) {
  const { default: run } = await import(file);
  const result = { ...(await run(flags)), engine: { node, v8, openssl } };
  results.push(result);
  if (json) continue;
  console.log(`\n${result.name}\n  on Node ${node} (V8 ${v8}, OpenSSL ${openssl})`);
  for (const [figure, value] of Object.entries(result.figures))
    console.log(
      `  ${figure.padEnd(58)} ${String(round(value)).padEnd(8)}${limited(value, result.limits?.[figure])}`.trimEnd(),
    );
  for (const [ratio, value] of Object.entries(result.ratios))
    console.log(
      `  ${`ratio: ${ratio}`.padEnd(58)} ${String(round(value)).padEnd(8)}${judged(value, result.goals?.[ratio])}${limited(value, result.limits?.[ratio])}`,
    );
  for (const [peer, what] of Object.entries(result.peers ?? {})) console.log(`  peer: ${peer}: ${what}`);
}
if (json) console.log(JSON.stringify(results.length === 1 ? results[0] : { name, results }));

function round(value) {
  // A ratio next to 1 is about its distance from 1.
  if (Math.abs(value - 1) < 0.1) return Number(value.toFixed(4));
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(3));
}

function judged(value, least) {
  if (least === undefined) return '';
  return `goal: at least ${least}, ${value >= least ? 'met' : 'missed'}`;
}

function limited(value, most) {
  if (most === undefined) return '';
  return `goal: at most ${most}, ${value <= most ? 'met' : 'missed'}`;
}
