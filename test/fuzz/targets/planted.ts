import { endless, greedy, laborious, planted } from '../planted.ts';
import type { Target } from '../target.ts';

/** For the tests of the fuzzer itself; not among the targets of `npm run fuzz`. */
export const targets: readonly Target[] = [
  { name: 'planted', seeds: () => [new Uint8Array(8)], run: (input) => planted(input) > 2 },
  { name: 'endless', seeds: () => [new Uint8Array(4)], run: (input) => endless(input) === 0 },
  { name: 'work', seeds: () => [new Uint8Array(2)], run: (input) => laborious(input) >= 0 },
  { name: 'memory', seeds: () => [new Uint8Array(2)], run: (input) => greedy(input).length >= 0 },
];
