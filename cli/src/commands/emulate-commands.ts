import { resolve } from 'node:path';
import { cardCompanyLink, houseIssuers } from '@tsunagu/protocols/acquiring';
import { defaultPortBase } from '@tsunagu/protocols/fleet';
import type { Command } from 'commander';
import { integer, type Shell } from './shell.ts';

interface Common {
  readonly folder: string;
  readonly profile?: string;
  readonly seed: number;
  readonly port?: number;
  readonly portBase: number;
  readonly tap?: number;
}

const common = (command: Command, profile?: string): Command =>
  command
    .option('--profile <name>', 'how it behaves: a name that comes with the house, or a JSON file', profile)
    .option('--folder <folder>', 'where its log, books and credentials are kept', '.tsunagu-emulators')
    .option('--port-base <port>', 'first port of the house', integer(1_024, 65_000), defaultPortBase)
    .option('--port <port>', 'port of the line, whatever the house says', integer(0, 65_535))
    .option('--seed <number>', 'seed of all that is drawn', integer(0, 2 ** 31), 1)
    .option('--tap <port>', 'show each message to the ledger oracle on this port', integer(1, 65_535));

const argsOf = ({ folder, profile, seed, port, portBase, tap }: Common): string[] => [
  '--data',
  resolve(folder),
  ...(profile === undefined ? [] : ['--profile', profile]),
  '--seed',
  String(seed),
  '--port-base',
  String(portBase),
  ...(port === undefined ? [] : ['--port', String(port)]),
  ...(tap === undefined ? [] : ['--tap', String(tap)]),
];

/** Adds `tsunagu emulate …`: each emulator of the switch's surroundings, alone. */
export function addEmulateCommands(program: Command, shell: Shell): void {
  const emulate = program.commands.find((command) => command.name() === 'emulate') ?? program.command('emulate');
  const run = async (name: 'issuer' | 'acquirer' | 'oracle', args: readonly string[]): Promise<void> => {
    const { runEmulator } = await import('./emulate.ts');
    process.exitCode = await runEmulator(shell.open(), shell.json(), name, args);
  };

  common(
    emulate
      .command('issuer')
      .description('an issuer: cards, limits, delays, refusals and faults out of a profile / 模擬カード会社'),
  )
    .option('--house', 'of a house: credentials out of its folder, which --folder names', false)
    .option(
      '--link <id>',
      `the issuer link that it is the far end of, its dialect, frame, session, MAC and codes: ${houseIssuers.map(({ id }) => id).join(', ')}, or one of a file links/NAME.json of the folder / 相手方となるリンク`,
      cardCompanyLink.id,
    )
    .action((options: Common & { house: boolean; link: string }) =>
      run('issuer', [...argsOf(options), '--link', options.link, ...(options.house ? [] : ['--alone'])]),
    );

  emulate
    .command('outage')
    .description(
      'an issuer of a running house stops answering, until --end; the others are untouched / 模擬イシュアの障害',
    )
    .argument('<link>', 'an issuer link that is emulated')
    .option('--end', 'it comes back', false)
    .action(async (link: string, options: { end: boolean }) => {
      const { emulateOutage } = await import('./outage.ts');
      process.exitCode = await emulateOutage(shell.open(), shell.data(), link, options.end, shell.json());
    });

  common(
    emulate.command('acquirer').description('a merchant centre that sends sales at a rate / 模擬加盟店センター'),
    'pos',
  )
    .option('--host <address>', 'where it dials', '127.0.0.1')
    .option('--credentials <file>', 'what it shows; those of `emulate issuer` in the same folder unless told')
    .option(
      '--link <id>',
      'the acquirer link of a house that it is (--folder names the house then), or the issuer link whose dialect, frame and MAC it speaks to `emulate issuer --link` / 話す電文仕様のリンク',
    )
    .option('--acquirer <id>', 'DE32 of its requests')
    .option('--requests <count>', 'how many it sends; until it is stopped unless told', integer(1, 1_000_000_000))
    .option('--rate <perSecond>', 'another rate than the profile says', integer(1, 100_000))
    .option(
      '--reconcile',
      'at the end compare its business days with the far side (1520), item by item where they differ / 日計照合',
      false,
    )
    .action(
      (
        options: Common & {
          host: string;
          credentials?: string;
          acquirer?: string;
          link?: string;
          requests?: number;
          rate?: number;
          reconcile: boolean;
        },
      ) =>
        run('acquirer', [
          ...argsOf(options),
          '--host',
          options.host,
          ...(options.credentials === undefined ? [] : ['--credentials', resolve(options.credentials)]),
          ...(options.link === undefined ? [] : ['--link', options.link]),
          ...(options.acquirer === undefined ? [] : ['--acquirer', options.acquirer]),
          ...(options.requests === undefined ? [] : ['--requests', String(options.requests)]),
          ...(options.rate === undefined ? [] : ['--rate', String(options.rate)]),
          ...(options.reconcile ? ['--reconcile'] : []),
        ]),
    );

  emulate
    .command('oracle')
    .description('checks the money on both sides of the switch, from the messages alone / 元帳検査')
    .option('--port <port>', 'port that emulators show their messages to', integer(0, 65_535), 0)
    .action((options: { port: number }) => run('oracle', ['--port', String(options.port)]));
}
