import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { houseIssuers, issuerPort } from '@tsunagu/protocols/acquiring';
import { isErrorCode } from '@tsunagu/protocols/errors';
import { modelFaults } from '@tsunagu/protocols/catalogue';
import {
  type ClaimBundle,
  claimBundle,
  parseJson,
  portOf,
  type RegisterTerminal,
  serverProcess,
} from '@tsunagu/protocols/fleet';
import { type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { findAccess, openClient } from '../client/index.ts';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import { type Child, type Patience, type ProcessStart, startChild } from './child.ts';
import { draftFirst, openKeyring, readPublished } from '../signing/index.ts';
import { type KeyHere, keysOnMachine } from './keys-here.ts';
import { lockFolder } from './lock.ts';
import { planFleet, saleToTry } from './plan.ts';
import { emulateRateProvider } from './rates.ts';
import { checkReaders, pcscReaders, terminalsToRun } from './readers.ts';
import { keepRunning, type Part } from './watch.ts';

/** What somebody in front of a running house wants to know. */
interface RaisedHouse {
  readonly signInUrl: string;
  readonly managementUrl: string;
  /** How many terminals run: all of the data folder, also those of an earlier, larger fleet. */
  readonly terminals: number;
  /** Terminals that do not run, and why. */
  readonly unwell: readonly { readonly serial: string; readonly fault: Fault }[];
  readonly keysHere: readonly KeyHere[];
}

/** What `npm start` can be told. */
export interface StartOptions {
  readonly data: string;
  readonly portBase: number;
  readonly terminals: number;
  readonly seed: number;
  readonly saleEverySeconds: number;
  readonly fresh: boolean;
  /** Terminals with real readers: `SERIAL=usb`, `SERIAL=pcsc` or `SERIAL=pcsc:NAME`. */
  readonly readers: readonly string[];
  /** An MQTT broker that stands in for the server's own. */
  readonly broker?: string;
  /** Terminals get their first keys in authorised injection runs only. */
  readonly keyInRuns?: boolean;
  /** A PKCS #11 token that holds the keys (RFC 7512). */
  readonly vault?: string;
  /** Networks that webhooks may reach although they are not public. */
  readonly webhookAllow?: readonly string[];
  /** PostgreSQL servers that keep the tables of the switch, and which node of it this is. */
  readonly switchStore?: readonly string[];
  readonly node?: string;
}

const program = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const silentMs = 600_000;
const sayEveryMs = 15_000;
const stopGraceMs = 10_000;

/**
 * Runs the whole house: fleet server with its switch, a card company, an emulated fleet. Each is a process of its own that
 * meets the others on sockets only; terminals are registered through the management API, as an operator would. A part that dies is
 * started again, and the others go on meanwhile. Ends with `signal`, or when a part dies again and again.
 */
export async function startHouse(
  world: World,
  console: Console,
  options: StartOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  for (const fault of modelFaults) printFault(console, fault, false);
  const plan = planFleet(options.terminals, options.portBase);
  const readers = await checkReaders(options.readers, terminalsToRun(options.data, plan, options.fresh), () =>
    pcscReaders(world, signal),
  );
  if (!readers.ok) {
    printFault(console, readers.fault, false);
    return exit.usage;
  }
  const lock = lockFolder(options.data, process.pid);
  if (!lock.ok) {
    printFault(console, lock.fault, false);
    return exit.failed;
  }
  if (options.fresh) forgetRuns(options.data);
  const parts: Part[] = [];
  const over = new AbortController();
  try {
    const raised = await raise(world, console, options, parts, AbortSignal.any([signal, over.signal]));
    if (!raised.ok) {
      if (!signal.aborted) printFault(console, raised.fault, false);
      return signal.aborted ? exit.ok : exit.failed;
    }
    showHouse(console, options, raised.value);
    const logs = relative(process.cwd(), join(options.data, 'logs'));
    const { died: says, returned: saysBack, signIn } = console.texts.start;
    const died = await keepRunning(
      world,
      parts,
      {
        died: ({ child }, pauseMs) => console.err(says(child.name, Math.round(pauseMs / 1_000), logs)),
        returned: ({ child: { name, ready } }) =>
          console.err(`${saysBack(name)}${ready.signInUrl === undefined ? '' : `  ${signIn} ${ready.signInUrl}`}`),
      },
      signal,
    );
    if (died) {
      printFault(
        console,
        { code: 'PROCESS_DIED', facts: { name: died.child.name, logs: join(options.data, 'logs') } },
        false,
      );
      return exit.failed;
    }
    return exit.ok;
  } finally {
    console.err(`\n${console.texts.start.stopping}`);
    // Terminals first, so that they can say good-bye; the server last, so that nothing is left unheard.
    for (const { child } of parts.toReversed()) await child.stop(stopGraceMs);
    over.abort();
    lock.value();
    console.err(console.texts.start.stopped);
  }
}

/** Forgets what earlier runs made. Link files are what a person wrote about a counter-party, and stay; what the ends of links were handed goes. */
function forgetRuns(data: string): void {
  const made = ['server', 'terminals', 'card-company', 'merchant-centre', 'logs', 'access.json'];
  const links = existsSync(join(data, 'links')) ? readdirSync(join(data, 'links'), { withFileTypes: true }) : [];
  const handed = links.filter((entry) => entry.isDirectory()).map(({ name }) => join('links', name));
  for (const part of [...made, ...handed]) rmSync(join(data, part), { recursive: true, force: true });
}

async function raise(
  world: World,
  console: Console,
  options: StartOptions,
  running: Part[],
  signal: AbortSignal,
): Promise<Result<RaisedHouse>> {
  const { data, portBase } = options;
  const { parts, preparing, standingBy, waiting } = console.texts.start;
  const common = ['--data', data, '--port-base', String(portBase)];
  const run = async (
    name: string,
    path: string,
    args: readonly string[],
    how: Partial<ProcessStart> = {},
  ): Promise<Result<Child>> => {
    console.err(preparing(name));
    const stillWaiting: Patience['stillWaiting'] = (waitedMs, progress) =>
      console.err(waiting(name, Math.round(waitedMs / 1_000), progress, relative(process.cwd(), join(data, 'logs'))));
    const patience = { silentMs, sayEveryMs, stillWaiting, standingBy: () => console.err(standingBy(name)) };
    const start = () => startChild(world, name, program(path), args, patience, signal, how);
    const child = await start();
    if (child.ok) running.push({ child: child.value, start });
    return signal.aborted ? { ok: false, fault: { code: 'PROCESS_DIED' } } : child;
  };

  const server = await run(
    parts.server,
    'fleet-server/dist/main.js',
    [
      ...common,
      ...(options.broker === undefined ? [] : ['--broker', options.broker]),
      ...(options.keyInRuns ? ['--key-in-runs'] : []),
      ...(options.vault === undefined ? [] : ['--vault', options.vault]),
      ...(options.webhookAllow === undefined ? [] : ['--webhook-allow', ...options.webhookAllow]),
      ...(options.switchStore === undefined ? [] : ['--switch-store', ...options.switchStore]),
      ...(options.node === undefined ? [] : ['--node', options.node]),
    ],
    serverProcess,
  );
  if (!server.ok) return server;
  const cardCompany = await run(parts.cardCompany, 'fleet-server/dist/card-company.js', [
    ...common,
    '--seed',
    String(options.seed),
    '--link',
    ...houseIssuers.map(({ id }) => id),
  ]);
  if (!cardCompany.ok) return cardCompany;
  const repository = await raiseRepository(world, data);
  if (!repository.ok) return repository;
  const rates = await raiseRates(world, data, signal);
  if (!rates.ok) return rates;
  const claimed = await registerFleet(
    world,
    data,
    planFleet(options.terminals, portBase, options.keyInRuns ? 'warehouse' : undefined),
  );
  if (!claimed.ok) return claimed;
  const found = followPorts(data, portBase);
  const fleet = [
    'fleet',
    '--data',
    join(data, 'terminals'),
    '--seed',
    String(options.seed),
    '--sale-every-seconds',
    String(options.saleEverySeconds),
    ...options.readers.flatMap((reader) => ['--readers', reader]),
  ];
  const terminals = await run(parts.terminals(found), 'firmware-bridge/dist/main.js', fleet);
  if (!terminals.ok) return terminals;
  const keysHere = await keysOnMachine(world, data);
  if (!keysHere.ok) return keysHere;
  const { signInUrl = '', managementUrl = '' } = server.value.ready;
  const unwell = (terminals.value.ready.unwell ?? []).map(({ serial, code, facts }) => ({
    serial,
    fault: { code: isErrorCode(code) ? code : ('PROCESS_DIED' as const), facts },
  }));
  await tellServer(world, data, unwell);
  return ok({ signInUrl, managementUrl, terminals: found, unwell, keysHere: keysHere.value });
}

/** A terminal that does not run cannot say so: `tsunagu terminals` and the dashboard hear it from here. */
async function tellServer(world: World, data: string, unwell: RaisedHouse['unwell']): Promise<void> {
  const access = findAccess({}, { data, cwd: data });
  if (!access.ok) return;
  const client = openClient(access.value, world);
  for (const { serial, fault } of unwell) {
    const record = fault.facts?.['record'];
    const told = await client.reportTrouble(serial, {
      code: fault.code,
      ...(typeof record === 'string' && /^[a-z0-9.-]{1,64}$/.test(record) && { record }),
    });
    // The house runs without it; a folder may hold terminals that this server does not know.
    if (!told.ok) world.log('warn', 'troubleNotTold', { serial, fault: told.fault });
  }
}

/** Every terminal of the data folder finds the house where it listens now, which may not be where it did when it was claimed. */
function followPorts(data: string, portBase: number): number {
  const folders = readdirSync(join(data, 'terminals'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(data, 'terminals', entry.name))
    .filter((folder) => existsSync(join(folder, 'claim.json')));
  for (const folder of folders) {
    const read = parseJson(claimBundle, readFileSync(join(folder, 'claim.json'), 'utf8'));
    // The terminal says so itself.
    if (!read.ok) continue;
    const { endpoints, parent } = read.value;
    const moved = portOf(portBase, 'fleet') - endpoints.fleet;
    if (moved === 0) continue;
    writeClaim(folder, {
      ...read.value,
      endpoints: {
        ...endpoints,
        fleet: endpoints.fleet + moved,
        device: endpoints.device + moved,
        acquiring: endpoints.acquiring + moved,
      },
      ...(parent && { parent: { ...parent, port: parent.port + moved } }),
    });
  }
  return folders.length;
}

/** Puts the planned terminals on the inventory and their claims into their folders; what is there already stays. */
async function registerFleet(world: World, data: string, fleet: readonly RegisterTerminal[]): Promise<Result<void>> {
  const access = findAccess({}, { data, cwd: data });
  if (!access.ok) return access;
  const client = openClient(access.value, world);
  for (const terminal of fleet) {
    const folder = join(data, 'terminals', terminal.serial);
    if (existsSync(join(folder, 'claim.json'))) continue;
    const claim = await client.register(terminal);
    if (!claim.ok) return claim;
    writeClaim(folder, claim.value);
  }
  return ok(undefined);
}

/** Rates at which foreign cards may be offered their own currency, as long as the house stands. */
async function raiseRates(world: World, data: string, signal: AbortSignal): Promise<Result<void>> {
  const access = findAccess({}, { data, cwd: data });
  if (!access.ok) return access;
  const provider = await emulateRateProvider(world, openClient(access.value, world));
  if (!provider.ok) return provider;
  signal.addEventListener('abort', () => provider.value.cancel(), { once: true });
  return ok(undefined);
}

/** Makes the software repository of a new house, by keys beside its data folder's server: `tsunagu software init`. */
async function raiseRepository(world: World, data: string): Promise<Result<void>> {
  const access = findAccess({}, { data, cwd: data });
  if (!access.ok) return access;
  const client = openClient(access.value, world);
  const known = await readPublished(client);
  if (known.ok || known.fault.code !== 'SOFTWARE_REPOSITORY_MISSING') return known.ok ? ok(undefined) : known;
  const keyring = await openKeyring(world, join(data, 'signing'), process.env);
  if (!keyring.ok) return keyring;
  const draft = await draftFirst(world, client, keyring.value, { rootKeys: 1, rootThreshold: 1 });
  if (!draft.ok) return draft;
  const published = await client.publishSoftware(draft.value);
  return published.ok ? ok(undefined) : published;
}

function writeClaim(folder: string, claim: ClaimBundle): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Beside, then renamed: a claim is good once, half a claim is none.
  writeFileSync(join(folder, 'claim.json.new'), `${JSON.stringify(claim, null, 2)}\n`, { mode: 0o600 });
  renameSync(join(folder, 'claim.json.new'), join(folder, 'claim.json'));
}

function showHouse(console: Console, options: StartOptions, house: RaisedHouse): void {
  const { data, keyInRuns, portBase, readers, terminals } = options;
  const { start } = console.texts;
  const { line } = start;
  const port = (name: Parameters<typeof portOf>[1]): number => portOf(portBase, name);
  console.out(`\n${console.paint('bold', start.title)}  ${start.running}\n`);
  for (const text of [
    line.fleet(port('fleet'), port('fleetWebSocket')),
    line.device(port('device')),
    line.acquiring(port('acquiring')),
    line.issuers(houseIssuers.map(({ id }) => `${id} ${issuerPort(portBase, id)}`).join(', ')),
    line.metrics(`http://127.0.0.1:${port('metrics')}/metrics`),
    line.terminals(house.terminals),
    line.data(relative(process.cwd(), data) || data),
  ]) {
    console.out(`  ${text}`);
  }
  if (house.unwell.length > 0) {
    console.out(`\n  ${console.paint('error', start.notWell(house.unwell.length))}`);
    for (const { serial, fault } of house.unwell) printFault(console, { ...fault, field: serial }, false);
  }
  if (house.keysHere.length > 0) {
    console.out(`\n  ${console.paint('bold', start.keysHere.title)}`);
    for (const { kind, command } of house.keysHere) console.out(`    ${start.keysHere[kind]}  ${command}`);
  }
  console.out(`\n  ${start.dashboard} ${console.paint('accent', house.managementUrl)}`);
  console.out(`  ${start.signIn} ${console.paint('accent', house.signInUrl)}`);
  console.out(`\n  ${start.tryNext}`);
  const sale = saleToTry(planFleet(terminals, portBase), readers);
  for (const command of [
    'npx tsunagu',
    // Nothing in the warehouse sells: its keys come first.
    ...(keyInRuns
      ? ['npx tsunagu keys run begin --help']
      : sale === undefined
        ? []
        : [`npx tsunagu sale ${sale.serial} --amount 1280 --card ${sale.card}`]),
    'npx tsunagu terminals',
  ]) {
    console.out(`    ${console.paint('bold', command)}`);
  }
  console.out(`\n  ${start.stop}`);
}
