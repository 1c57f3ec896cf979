import { createHmac } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPortBase, portOf } from '@tsunagu/protocols/fleet';
import { fromHex, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import { transitMasterKey } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { type CardCompany, openCardCompany } from './card-company/card-company.ts';
import { followCredentials, readCredentials } from './card-company/credentials-file.ts';
import { openIssuerCards } from './card-company/issuer-cards.ts';
import { Ledger } from './card-company/ledger.ts';
import { readIssuerProfile } from './card-company/profile.ts';
import { TransitBooks } from './card-company/transit-books.ts';
import { TransitCentre } from './card-company/transit-centre.ts';
import { preparePair } from './emulation/pair.ts';
import { openProgramLog, runEmulator } from './emulation/program.ts';
import { seeded } from './emulation/seeded.ts';
import { openTap } from './emulation/tap.ts';
import { linkCredentialsPath } from './switch/link/credentials.ts';

/** The emulated issuer as a process of its own. One JSON line on stdout says that it listens, or why it does not. */
const program = new Command('card-company')
  .requiredOption('--data <folder>', 'where books and log are kept: of a house, or its own')
  .option('--port-base <port>', 'first port of the house', String(defaultPortBase))
  .option('--port <port>', 'port to listen on, whatever the house says')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--profile <name>', 'how it behaves: a name, or a JSON file', 'card-company')
  .option('--seed <number>', 'seed of its delays, refusals and faults', '1')
  .option('--alone', 'make credentials of its own where the folder has none', false)
  .option('--tap <port>', 'show each message to the ledger oracle on this port')
  .parse();
const options = program.opts<{
  data: string;
  portBase: string;
  port?: string;
  host: string;
  profile: string;
  seed: string;
  alone: boolean;
  tap?: string;
}>();

const world = systemWorld(await openProgramLog(options.data, 'card-company'));

async function start(): Promise<Result<CardCompany & { readonly name: string }>> {
  const read = await readIssuerProfile(options.profile);
  if (!read.ok) return read;
  const profile = read.value;
  const path = options.alone
    ? (await preparePair(world, join(options.data, 'line'))).issuer
    : linkCredentialsPath(options.data);
  const credentials = await readCredentials(path);
  if (!credentials.ok) return credentials;
  const zone = fromHex(credentials.value.zoneKbpk);
  if (!zone.ok) return zone;
  const tagKey = Secret.take('key', Uint8Array.from(createHmac('sha256', zone.value).update('accounts').digest()));
  zone.value.fill(0);
  const folder = join(options.data, 'card-company');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ledger = profile.books === 'memory' ? ok(Ledger.inMemory()) : await Ledger.open(join(folder, 'ledger.jsonl'));
  if (!ledger.ok) return ledger;
  const books = profile.hasTestCards ? await TransitBooks.open(join(folder, 'transit.jsonl')) : undefined;
  if (books && !books.ok) return books;
  const seed = Number(options.seed);
  const nextDelay = seeded(seed);
  const { least, most } = profile.delayMs;
  const company = await openCardCompany(world, {
    host: options.host,
    port: options.port === undefined ? portOf(Number(options.portBase), 'cardCompany') : Number(options.port),
    credentials: credentials.value,
    ledger: ledger.value,
    ...(books && { transit: new TransitCentre(world, books.value, transitMasterKey()) }),
    delayMs: () => least + Math.floor(nextDelay() * Math.max(0, most - least)),
    issuer: { cards: openIssuerCards(profile, tagKey), profile, next: seeded(seed + 1) },
    faults: profile.faults,
    nextFault: seeded(seed + 2),
    ...(options.tap !== undefined && { tap: openTap('issuer', Number(options.tap)) }),
  });
  if (!company.ok) return company;
  const following = followCredentials(world, path, credentials.value, (next) => company.value.renew(next));
  return ok({
    ...company.value,
    name: profile.name,
    close() {
      following.cancel();
      return company.value.close();
    },
  });
}

await runEmulator(world, start, ({ port, name }) => ({ ports: { cardCompany: port }, profile: name }));
