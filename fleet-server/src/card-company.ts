import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPortBase, portOf } from '@tsunagu/protocols/fleet';
import { type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import { transitMasterKey } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { pino } from 'pino';
import { type CardCompany, openCardCompany } from './card-company/card-company.ts';
import { followCredentials, readCredentials } from './card-company/credentials-file.ts';
import { Ledger } from './card-company/ledger.ts';
import { seeded } from './card-company/seeded.ts';
import { TransitBooks } from './card-company/transit-books.ts';
import { TransitCentre } from './card-company/transit-centre.ts';
import { linkCredentialsPath } from './switch/link/credentials.ts';

/** The emulated card company as a process of its own. One JSON line on stdout says that it listens, or why it does not. */
const program = new Command('card-company')
  .requiredOption('--data <folder>', 'data folder of the house')
  .option('--port-base <port>', 'first port of the house', String(defaultPortBase))
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--seed <number>', 'seed of its delays', '1')
  .parse();
const options = program.opts<{ data: string; portBase: string; host: string; seed: string }>();

await mkdir(join(options.data, 'logs'), { recursive: true, mode: 0o700 });
const logger = pino(
  { base: { process: 'card-company' } },
  pino.destination({ dest: join(options.data, 'logs', 'card-company.log'), mkdir: true, sync: false }),
);
const world = systemWorld((level, event, facts) => logger[level](readable(facts), event));

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function start(): Promise<Result<CardCompany>> {
  const path = linkCredentialsPath(options.data);
  const credentials = await readCredentials(path);
  if (!credentials.ok) return credentials;
  const folder = join(options.data, 'card-company');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ledger = await Ledger.open(join(folder, 'ledger.jsonl'));
  if (!ledger.ok) return ledger;
  const books = await TransitBooks.open(join(folder, 'transit.jsonl'));
  if (!books.ok) return books;
  const next = seeded(Number(options.seed));
  const company = await openCardCompany(world, {
    host: options.host,
    port: portOf(Number(options.portBase), 'cardCompany'),
    credentials: credentials.value,
    ledger: ledger.value,
    transit: new TransitCentre(world, books.value, transitMasterKey()),
    delayMs: () => 15 + Math.floor(next() * 60),
  });
  if (!company.ok) return company;
  const following = followCredentials(world, path, credentials.value, (next) => company.value.renew(next));
  return ok({
    ...company.value,
    close() {
      following.cancel();
      return company.value.close();
    },
  });
}

const started = await start();
if (!started.ok) {
  const { code, facts = {} } = started.fault;
  world.log('error', 'startFailed', { fault: started.fault });
  say({ event: 'failed', code, facts });
  process.exitCode = 1;
} else {
  const company = started.value;
  world.log('info', 'started', { port: company.port });
  say({ event: 'ready', ports: { cardCompany: company.port } });
  const stop = (): void => {
    process.stdin.destroy();
    company
      .close()
      .then(() => world.log('info', 'stopped'))
      .catch((cause: unknown) => world.log('error', 'stopFailed', { fault: { code: 'INTERNAL', cause } }));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Whoever started us holds the other end of our input: when it dies, so do we.
  if (process.env['TSUNAGU_LIFELINE']) process.stdin.once('end', stop).once('error', stop).resume();
}

/** Faults keep their code and place; of what caused them only its own code. */
function readable(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { fault, ...others } = facts;
  return isFault(fault) ? { ...others, fault: { ...fault, cause: causeOf(fault.cause) } } : { ...others };
}

function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'code' in value;
}

function causeOf(cause: unknown): unknown {
  if (isFault(cause)) return { code: cause.code };
  return cause instanceof Error ? cause.name : undefined;
}
