import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { cardCompanyLink } from '@tsunagu/protocols/acquiring';
import { defaultPortBase, portOf } from '@tsunagu/protocols/fleet';
import { fail, fromHex, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import { isStripeAccountName, isTestCardName } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { readCredentials } from './card-company/credentials-file.ts';
import { pairFiles } from './emulation/pair.ts';
import { openProgramLog, runEmulator, say } from './emulation/program.ts';
import { seeded } from './emulation/seeded.ts';
import { openTap } from './emulation/tap.ts';
import { CentreBooks } from './merchant-centre/books.ts';
import { CentreLine } from './merchant-centre/centre-line.ts';
import { MerchantCentre, switchAcquirerId } from './merchant-centre/merchant-centre.ts';
import { linkCredentialsPath } from './switch/link/credentials.ts';
import { readLinksByName } from './switch/link/link-files.ts';
import { readCentreProfile } from './merchant-centre/profile.ts';

/**
 * The emulated merchant centre as a process of its own. JSON lines on stdout: `ready` or `failed`, `counts` every second, `ended`; this one says also how long
 * the centre itself stood still since the first request that counts, at the longest (`stoodStillMs`), and how long for the collection of garbage (`collectedMs`).
 */
const program = new Command('merchant-centre')
  .requiredOption('--data <folder>', 'where its log is kept, and where the credentials of an emulated line are')
  .option('--port-base <port>', 'first port of the house', String(defaultPortBase))
  .option('--host <address>', 'where it dials', '127.0.0.1')
  .option('--port <port>', 'port it dials; the card company of the house unless told')
  .option('--credentials <file>', 'what it shows; `line/acquirer.json` of the folder unless told')
  .option('--profile <name>', 'how it behaves: a name, or a JSON file', 'pos')
  .option(
    '--link <id>',
    'the acquirer link of a house that it is: its credentials, its port, its acquirer; or the issuer link whose dialect, frame and MAC it speaks to an emulated issuer',
  )
  .option('--acquirer <id>', 'DE32 of its requests; that of its link unless told')
  .option('--seed <number>', 'seed of its cards, amounts and faults', '1')
  .option('--requests <count>', 'how many it sends; until it is stopped unless told')
  .option('--rate <perSecond>', 'another rate than the profile says')
  .option(
    '--uncounted <count>',
    'the first so many do not count in how long they took and how many there are a second',
    '0',
  )
  .option('--reconcile', 'at the end, compare its business days with the far side', false)
  .option('--tap <port>', 'show each message to the ledger oracle on this port')
  .parse();
const options = program.opts<{
  data: string;
  portBase: string;
  host: string;
  port?: string;
  credentials?: string;
  profile: string;
  acquirer?: string;
  link?: string;
  seed: string;
  requests?: string;
  rate?: string;
  uncounted: string;
  reconcile: boolean;
  tap?: string;
}>();

const world = systemWorld(await openProgramLog(options.data, 'merchant-centre'));

interface Started {
  readonly centre: MerchantCentre;
  readonly line: CentreLine;
  /** Sends nothing new; what is open is brought to its end. */
  close(): Promise<void>;
}

async function start(): Promise<Result<Started>> {
  const read = await readCentreProfile(options.profile);
  if (!read.ok) return read;
  const profile = { ...read.value, ...(options.rate !== undefined && { ratePerSecond: Number(options.rate) }) };
  const { cards } = profile;
  const unknown =
    'names' in cards ? cards.names.find((name) => !isTestCardName(name) && !isStripeAccountName(name)) : undefined;
  if (unknown !== undefined)
    return fail('EMULATOR_PROFILE_INVALID', { field: 'cards.names', facts: { profile: options.profile } });
  const told = options.link === undefined ? ok(undefined) : (await readLinksByName(world, options.data))(options.link);
  if (!told.ok) return told;
  const link = told.value;
  const ofHouse = link?.side === 'acquirer' ? link : undefined;
  const pair = join(options.data, 'line', pairFiles.acquirer);
  const handed = options.credentials ?? (ofHouse && linkCredentialsPath(options.data, ofHouse.id));
  const credentials = await readCredentials(handed ?? pair);
  if (!credentials.ok && handed === undefined) return fail('EMULATOR_CREDENTIALS_MISSING', { facts: { path: pair } });
  if (!credentials.ok) return credentials;
  const zone = fromHex(credentials.value.zoneKbpk);
  if (!zone.ok) return zone;
  const spoken = link ?? cardCompanyLink;
  const seed = Number(options.seed);
  const acquirerId = options.acquirer ?? ofHouse?.parties.acquirers[0] ?? switchAcquirerId;
  const line = new CentreLine(
    world,
    {
      host: options.host,
      port:
        options.port === undefined
          ? portOf(Number(options.portBase), ofHouse ? 'centres' : 'cardCompany')
          : Number(options.port),
      credentials: credentials.value,
      acquirerId,
      ...(link && { link }),
      faults: profile.faults,
      nextFault: seeded(seed + 1),
      ...(options.tap !== undefined && {
        tap: openTap('acquirer', spoken.profile, Number(options.tap)),
      }),
    },
    Secret.take('key', zone.value),
  );
  const books = new CentreBooks(
    world,
    profile.books === 'none' ? undefined : join(options.data, 'merchant-centre', `${spoken.id}.jsonl`),
  );
  const centre = new MerchantCentre(world, line, profile, acquirerId, seeded(seed), books);
  return ok({
    centre,
    line,
    close() {
      centre.stop();
      return Promise.resolve();
    },
  });
}

const started = await runEmulator(world, start, () => ({ profile: options.profile }));
if (started) {
  const { centre, line } = started;
  const every = world.timers.every(1_000, () => {
    say({ event: 'counts', ...centre.counts() });
    // What the far side refuses, its own log and `tsunagu switch links` know better.
    if (line.trouble) say({ event: 'lineDown', ...line.trouble });
  });
  const spent = process.cpuUsage();
  const stops = monitorEventLoopDelay({ resolution: 1 });
  let collectedMs = 0;
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectedMs = Math.max(collectedMs, duration);
  });
  collections.observe({ entryTypes: ['gc'] });
  stops.enable();
  const requests = options.requests === undefined ? undefined : Number(options.requests);
  await centre.run(requests, Number(options.uncounted), () => {
    stops.reset();
    collectedMs = 0;
  });
  stops.disable();
  collections.disconnect();
  every.cancel();
  const { user, system } = process.cpuUsage(spent);
  const days = options.reconcile ? await centre.reconcile() : [];
  for (const day of days) say({ event: 'reconciled', ...day });
  line.close();
  say({
    event: 'ended',
    ...centre.counts(),
    cpuMs: Math.round((user + system) / 1_000),
    stoodStillMs: stops.max / 1e6,
    collectedMs,
  });
  const off = days.find(({ actionCode }) => actionCode !== '500');
  if (off) {
    const { day, actionCode = '', differences } = off;
    say({
      event: 'failed',
      code: 'EMULATOR_NOT_BALANCED',
      facts: { day, actionCode, differences: differences.length },
    });
    process.exitCode = 1;
  }
  process.stdin.destroy();
}
