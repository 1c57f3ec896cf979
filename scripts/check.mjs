// Types, lint (which also holds the directions of imports and forbids stray clocks), format. `npm run check`.
import { spawnSync } from 'node:child_process';

const steps = [
  ['types', 'tsc', ['-b']],
  ['types of the dashboard', 'tsc', ['-p', 'fleet-server/web']],
  ['types of the tests', 'tsc', ['-p', 'test']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'biome', ['format', '.']],
];
const failed = steps.filter(([name, command, args]) => {
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' });
  console.log(`${name}: ${status === 0 ? 'ok' : 'failed'}`);
  return status !== 0;
});
process.exit(failed.length ? 1 : 0);
