import { runCommand } from '../command.ts';
import { broken } from './invariants.ts';
import { script, scriptOf } from './script.ts';
import { simulate } from './simulate.ts';

await runCommand({
  url: import.meta.url,
  name: 'simulate:switch',
  what: 'Runs the rooms of the switch on a real SQLite in virtual time, under faults that follow from a seed, and asks the ledger oracle.',
  of: ' of the switch',
  scriptOf,
  read: (json) => script.parse(json),
  simulate: (of) => simulate(of),
  broken,
  tell: ({ boots, statements, endedMs, verdict: { acquirer, issuer }, byHand, hash }) =>
    `${boots} boots, ${statements} statements, ${endedMs} ms of virtual time; acquirers ${acquirer.standingMinor}, issuer ${issuer.standingMinor}; ${byHand.settled} settled by hand, ${byHand.underWay} times under way; trace ${hash.slice(0, 16)}`,
});
