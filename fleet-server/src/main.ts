import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { modelFaults } from '@tsunagu/protocols/catalogue';
import { defaultPortBase, serverProcess, tenantSchema } from '@tsunagu/protocols/fleet';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import { openHouse } from './house.ts';
import { pinoSink } from './log/index.ts';
import { openSwitchNode, type SwitchNode } from './switch/index.ts';

/** The fleet server as a process. One JSON line on stdout says that all of it listens, or why it does not. */
const program = new Command('fleet-server')
  .requiredOption('--data <folder>', 'data folder of the house')
  .option('--port-base <port>', 'first port of the house', portBase, defaultPortBase)
  .option('--tenant <name>', 'whose fleet it is', tenant, tenantSchema.parse('demo'))
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--public-host <name>', 'where terminals reach this server, when that is another name')
  .option('--audit-heads <file>', 'file that receives every signed head of the audit log')
  .option(
    '--webhook-allow <networks...>',
    'networks, such as 127.0.0.1/32, that webhooks may reach although they are not public',
    network,
  )
  .option(
    '--vault <uri>',
    'a PKCS #11 token that holds the keys: pkcs11:token=NAME?module-path=FILE&pin-source=FILE (RFC 7512)',
    process.env['TSUNAGU_VAULT'],
  )
  .option('--timeline-days <count>', 'how long what happened to terminals is kept', days, 400)
  .option('--key-in-runs', 'give terminals their first keys in authorised injection runs only')
  .option('--broker <url>', 'mqtts://host:port of an MQTT broker that stands in for our own', brokerUrl)
  .option(
    '--switch-store <urls...>',
    'PostgreSQL servers (postgres://host/database) that keep the tables of the switch; this server works while no other node does',
    process.env['TSUNAGU_SWITCH_STORE']?.split(' '),
  )
  .option('--node <name>', 'which node of the switch this is, with --switch-store', 'main')
  .parse();

function portBase(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_500) throw new InvalidArgumentError('1 to 65500');
  return port;
}

function days(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 36_500) throw new InvalidArgumentError('1 to 36500');
  return count;
}

function brokerUrl(text: string): string {
  if (!/^mqtts:\/\/[^/]+:\d+$/.test(text)) throw new InvalidArgumentError('mqtts://host:port');
  return text;
}

function network(text: string, before: readonly string[] = []): string[] {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const isWhole = isIP(address) !== 0 && more.length === 0;
  if (!isWhole || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)))
    throw new InvalidArgumentError('an address, or a network such as 10.0.0.0/8');
  return [...before, text];
}

function tenant(text: string) {
  const read = tenantSchema.safeParse(text);
  if (!read.success) throw new InvalidArgumentError('1 to 32 of a-z, 0-9 and "-"');
  return read.data;
}

const options = program.opts<{
  data: string;
  portBase: number;
  tenant: ReturnType<typeof tenant>;
  host: string;
  publicHost?: string;
  auditHeads?: string;
  webhookAllow?: string[];
  keyInRuns?: boolean;
  timelineDays: number;
  broker?: string;
  vault?: string;
  switchStore?: string[];
  node: string;
}>();

const logs = join(options.data, 'logs');
await mkdir(logs, { recursive: true, mode: 0o700 });
const destination = pino.destination({ dest: join(logs, 'fleet-server.log'), sync: false });
const world = systemWorld(pinoSink(pino({ base: { process: 'fleet-server' } }, destination)));

for (const fault of modelFaults) world.log('error', 'modelLeftOut', { fault });

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Ends the process once what was said is out. */
function end(code: number): void {
  process.exitCode = code;
  // Whatever still holds a handle has had its chance to close, and to say why it could not.
  world.timers.after(200, () => {
    destination.flushSync();
    process.exit(code);
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (cause: unknown) => {
    world.log('error', 'processFailed', { event, fault: { code: 'INTERNAL', cause } });
    say({ event: 'failed', code: 'INTERNAL', facts: {} });
    end(1);
  });

/** The tables of the switch where they are not the house's own. Waits while another node works on them. */
async function switchNode(): Promise<SwitchNode | undefined> {
  const { switchStore: urls } = options;
  if (!urls || urls.length === 0) return undefined;
  // Whoever started us may go away while we stand by.
  const leave = (): void => end(0);
  if (process.env['TSUNAGU_LIFELINE']) process.stdin.once('end', leave).resume();
  process.once('SIGTERM', leave).once('SIGINT', leave);
  const opened = await openSwitchNode(world, {
    urls,
    node: options.node,
    standingBy: () => say({ event: 'standby', node: options.node }),
  });
  process.stdin.off('end', leave);
  process.off('SIGTERM', leave).off('SIGINT', leave);
  if (!opened.ok) {
    world.log('error', 'startFailed', { fault: opened.fault });
    say({ event: 'failed', code: opened.fault.code, facts: opened.fault.facts ?? {} });
    process.exit(1);
  }
  void opened.value.lost.then((why) => {
    // Nothing more is kept or sent; whoever looks after this process starts it again, and it stands by.
    world.log('error', 'tenureLost', { why, fault: { code: 'SWITCH_FENCED' } });
    say({ event: 'failed', code: 'SWITCH_FENCED', facts: { why } });
    end(1);
  });
  return opened.value;
}

const missing = [
  ...serverProcess.flags.filter((flag) => !process.execArgv.includes(flag)),
  ...Object.entries(serverProcess.environment).flatMap(([name, value]) =>
    process.env[name] === undefined ? [`${name}=${value}`] : [],
  ),
];
// It works so; what each connection and each sale costs is more than was measured.
if (missing.length > 0) world.log('info', 'startedWithout', { settings: missing.join(' ') });
world.log('info', 'starting', { dataDir: options.data, portBase: options.portBase, tenant: options.tenant });
const node = await switchNode();
const passphrase = process.env.TSUNAGU_VAULT_PASSPHRASE;
const house = await openHouse({
  world,
  ...(node && { switchNode: { name: options.node, store: node.store } }),
  dataDir: options.data,
  host: options.host,
  portBase: options.portBase,
  tenant: options.tenant,
  webDir: join(import.meta.dirname, '..', 'dist-web'),
  ...(options.vault !== undefined && options.vault !== 'file' && { vault: options.vault }),
  timelineKeptMs: options.timelineDays * 86_400_000,
  ...(options.keyInRuns && { keyInRuns: true }),
  ...(options.broker !== undefined && { brokerUrl: options.broker }),
  ...(options.publicHost !== undefined && { publicHost: options.publicHost }),
  ...(options.auditHeads !== undefined && { auditHeadsFile: options.auditHeads }),
  ...(options.webhookAllow !== undefined && { webhookAllow: options.webhookAllow }),
  ...(passphrase !== undefined && { passphrase }),
});
if (!house.ok) {
  const { code, facts = {} } = house.fault;
  world.log('error', 'startFailed', { fault: house.fault });
  say({ event: 'failed', code, facts });
  end(1);
} else {
  const running = house.value;
  const { managementUrl, ports } = running;
  let isClosing = false;
  const stop = (): void => {
    if (isClosing) return;
    isClosing = true;
    world.log('info', 'stopping');
    void running
      .close()
      .then(() => node?.close())
      .then(() => world.log('info', 'stopped'))
      .finally(() => end(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Whoever started us holds the other end of our input: when it dies, so do we.
  if (process.env['TSUNAGU_LIFELINE']) process.stdin.once('end', stop).once('error', stop).resume();
  world.log('info', 'started', { managementUrl });
  say({ event: 'ready', managementUrl, signInUrl: running.signInUrl(), ports });
}
