import { runCommand } from './command.ts';
import { broken } from './invariants.ts';
import { script, scriptOf } from './script.ts';
import { simulate } from './simulate.ts';

await runCommand({
  url: import.meta.url,
  name: 'simulate',
  what: "Runs the terminal agent and the server's rooms in virtual time, under faults that follow from a seed, and checks every invariant.",
  scriptOf,
  read: (json) => script.parse(json),
  simulate: (of) => simulate(of),
  broken,
  tell: ({ jobs, endedMs, hash }) => `${jobs.length} jobs, ${endedMs} ms of virtual time, trace ${hash.slice(0, 16)}`,
});
