import { createHmac } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cardCompanyLink, issuerPort, type Link } from '@tsunagu/protocols/acquiring';
import { defaultPortBase } from '@tsunagu/protocols/fleet';
import { fail, fromHex, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import { transitMasterKey } from '@tsunagu/protocols/test-cards';
import { issuerOutageFile } from '@tsunagu/protocols/workshop';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { type CardCompanyOptions } from './card-company/card-company.ts';
import { readCredentials } from './card-company/credentials-file.ts';
import { openIssuerCards } from './card-company/issuer-cards.ts';
import { type Doorway, openDoorway } from './card-company/doorway.ts';
import { Ledger } from './card-company/ledger.ts';
import { readIssuerProfile } from './card-company/profile.ts';
import { TransitBooks } from './card-company/transit-books.ts';
import { TransitCentre } from './card-company/transit-centre.ts';
import { preparePair } from './emulation/pair.ts';
import { openProgramLog, runEmulator } from './emulation/program.ts';
import { seeded } from './emulation/seeded.ts';
import { openTap } from './emulation/tap.ts';
import { linkCredentialsPath } from './switch/link/credentials.ts';
import { readLinksByName } from './switch/link/link-files.ts';

/** Emulated issuers as a process of their own, one a link. One JSON line on stdout says that they listen, or why they do not. */
const program = new Command('card-company')
  .requiredOption('--data <folder>', 'where books and log are kept: of a house, or its own')
  .option('--port-base <port>', 'first port of the house', String(defaultPortBase))
  .option('--port <port>', 'port to listen on, whatever the house says; of one link alone')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option(
    '--link <id...>',
    'the issuer links that it is the far end of: shipped ones, and those of link files of the folder',
    [cardCompanyLink.id],
  )
  .option('--profile <name>', 'how it behaves: a name, or a JSON file; by the kind of the link unless told')
  .option('--seed <number>', 'seed of its delays, refusals and faults', '1')
  .option('--alone', 'make credentials of its own where the folder has none', false)
  .option('--tap <port>', 'show each message to the ledger oracle on this port')
  .parse();
const options = program.opts<{
  data: string;
  portBase: string;
  port?: string;
  host: string;
  link: readonly string[];
  profile?: string;
  seed: string;
  alone: boolean;
  tap?: string;
}>();

const world = systemWorld(await openProgramLog(options.data, 'card-company'));

/** The books of the first link stand where those of a house with one issuer did. */
const folderOf = (link: Link): string =>
  link.id === cardCompanyLink.id ? join(options.data, 'card-company') : join(options.data, 'card-company', link.id);

async function openIssuer(link: Link): Promise<Result<Doorway & { readonly profile: string }>> {
  const read = await readIssuerProfile(options.profile ?? (link.kind === 'credit' ? 'card-company' : link.kind));
  if (!read.ok) return read;
  const profile = read.value;
  const path = options.alone
    ? (await preparePair(world, join(options.data, 'line'))).issuer
    : linkCredentialsPath(options.data, link.id);
  const credentials = await readCredentials(path);
  if (!credentials.ok) return credentials;
  const zone = fromHex(credentials.value.zoneKbpk);
  if (!zone.ok) return zone;
  const tagKey = Secret.take('key', Uint8Array.from(createHmac('sha256', zone.value).update('accounts').digest()));
  zone.value.fill(0);
  const folder = folderOf(link);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ledger = profile.books === 'memory' ? ok(Ledger.inMemory()) : await Ledger.open(join(folder, 'ledger.jsonl'));
  if (!ledger.ok) return ledger;
  // One centre has the cards' keys: that of e-money, where the house has a link to it.
  const isTransit = profile.hasTestCards && (profile.testCardsOf?.includes('transit') ?? true);
  const isCentre = isTransit && (options.alone || link.kind === 'e-money');
  const books = isCentre ? await TransitBooks.open(join(options.data, 'card-company', 'transit.jsonl')) : undefined;
  if (books && !books.ok) return books;
  const seed = Number(options.seed);
  const nextDelay = seeded(seed);
  const { least, most } = profile.delayMs;
  const opening: Omit<CardCompanyOptions, 'credentials'> = {
    host: options.host,
    port:
      options.port === undefined
        ? (link.address?.port ?? issuerPort(Number(options.portBase), link.id) ?? 0)
        : Number(options.port),
    link,
    ledger: ledger.value,
    ...(books && { transit: new TransitCentre(world, books.value, transitMasterKey()) }),
    delayMs: () => least + Math.floor(nextDelay() * Math.max(0, most - least)),
    issuer: { cards: openIssuerCards(profile, tagKey), profile, next: seeded(seed + 1) },
    faults: profile.faults,
    nextFault: seeded(seed + 2),
    ...(options.tap !== undefined && { tap: openTap('issuer', link.profile, Number(options.tap)) }),
  };
  const door = await openDoorway(world, opening, { path, first: credentials.value }, () =>
    access(join(options.data, issuerOutageFile(link.id))).then(
      () => true,
      () => false,
    ),
  );
  return door.ok ? ok({ ...door.value, profile: profile.name }) : door;
}

async function start(): Promise<
  Result<{ readonly ports: Record<string, number>; readonly profile: string; close(): Promise<void> }>
> {
  const opened: (Doorway & { readonly profile: string })[] = [];
  const ports: Record<string, number> = {};
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((door) => door.close()));
  };
  const linkOf = await readLinksByName(world, options.data);
  for (const id of options.link) {
    const link = linkOf(id);
    const door =
      link.ok && link.value.side !== 'issuer'
        ? fail('LINK_OTHER_SIDE', { facts: { link: id, side: link.value.side, wants: 'issuer' } })
        : link.ok
          ? await openIssuer(link.value)
          : link;
    if (!door.ok) {
      await close();
      return door;
    }
    opened.push(door.value);
    ports[id === cardCompanyLink.id ? 'cardCompany' : id] = door.value.port;
  }
  return ok({ ports, profile: opened.map(({ profile }) => profile).join(' '), close });
}

await runEmulator(world, start, ({ ports, profile }) => ({ ports, profile }));
