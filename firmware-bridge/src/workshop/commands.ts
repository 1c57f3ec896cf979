import { systemWorld } from '@tsunagu/protocols/world';
import { type Command, InvalidArgumentError } from 'commander';
import { parseAddress } from '../export/address.ts';
import { attest, type AttestOptions } from './attest.ts';
import { benchReaders, isBenchReaderName } from './bench-readers.ts';
import { isScriptName, scripts } from './certification.ts';
import { emulateCard } from './emulate-card.ts';
import { emulateReader } from './emulate-reader.ts';
import { replayTrace } from './replay-trace.ts';
import { runScriptOnReader } from './run-script.ts';
import { type Ending, failed, linesOf, type Shell } from './shell.ts';
import { watchReaders } from './watch.ts';

/**
 * Runs a command of the workshop on this process: events on standard output, a person or script on standard input. Ends
 * on a signal, or when whoever started it over an IPC channel is gone.
 */
async function run(work: (shell: Shell) => Promise<Ending>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  process.once('disconnect', () => stop.abort());
  // A reader of our output that is gone (`| head`) has seen enough.
  process.stdout.on('error', () => stop.abort());
  const shell: Shell = {
    world: systemWorld(() => undefined),
    say: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
    lines: linesOf(process.stdin),
    signal: stop.signal,
  };
  const ending = await work(shell);
  // Handles of third parties (USB hot plug) and the input may still be open: the work is done.
  process.stdout.write('', () => process.exit(ending));
}

/** `--emulated` as it is typed: alone it means the usual bench. */
type Emulated = readonly string[] | true;

const emulatedOf = (emulated: Emulated | undefined): { readonly emulated?: readonly string[] } =>
  emulated === undefined ? {} : { emulated: emulated === true ? [] : emulated };

interface ReaderOptions {
  readonly emulated?: Emulated;
  readonly pcsc?: true;
  readonly reader?: string;
  readonly hands: boolean;
  readonly record?: string;
  readonly sealKey?: string;
}

interface AttestTyped extends Omit<AttestOptions, 'emulated' | 'version'> {
  readonly emulated?: Emulated;
}

const emulatedOption = [
  '--emulated [readers...]',
  'emulated readers in this process, READER[=CARD] each; for attest READER[=CARD,CARD...]',
] as const;

const pcscOption = ['--pcsc', 'readers that pcscd drives, instead of those on USB'] as const;

/** A whole number from 1. */
const counted =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most) throw new InvalidArgumentError(`1 to ${most}`);
    return value;
  };

/** Adds what a technician runs at the bench: `emulate …` and `workshop …`. */
export function addWorkshopCommands(program: Command): void {
  addEmulate(program);
  const workshop = program.command('workshop').description('look at readers, certify, record, replay, attest');
  workshop
    .command('watch')
    .option(...emulatedOption)
    .option(...pcscOption)
    .option('--once', 'look once and end', false)
    .action(({ emulated, ...options }: { emulated?: Emulated; pcsc?: true; once: boolean }) =>
      run((shell) => watchReaders(shell, { ...emulatedOf(emulated), ...options })),
    );
  for (const script of Object.keys(scripts).filter(isScriptName))
    workshop
      .command(script)
      .option(...emulatedOption)
      .option(...pcscOption)
      .option('--reader <id>', 'which reader; the first one else')
      .option('--hands', 'somebody is there to take the card out and put it in', false)
      .option('--record <file>', 'write the session as a trace')
      .option('--seal-key <file>', 'key for traces of cards that are not fictional; made where there is none')
      .action(({ emulated, ...options }: ReaderOptions) =>
        run((shell) => runScriptOnReader(shell, { ...options, ...emulatedOf(emulated), script })),
      );
  workshop
    .command('replay <file>')
    .option('--seal-key <file>', 'the key that the trace was recorded with')
    .action((file: string, { sealKey }: { sealKey?: string }) =>
      run((shell) => replayTrace(shell, { file, ...(sealKey === undefined ? {} : { sealKey }) })),
    );
  workshop
    .command('attest')
    .option(...emulatedOption)
    .option('--hands', 'somebody is there to take the card out and put it in', false)
    .option('--cards <count>', 'cards that somebody puts into each reader, one after another', counted(16), 1)
    .option('--readers-min <count>', 'readers that have to be tried in earnest', counted(64), 1)
    .option('--cards-min <count>', 'cards that have to be tried in earnest at each of them', counted(64), 1)
    .option('--wait-seconds <seconds>', 'how long the next card is waited for', counted(600), 60)
    .requiredOption('--key <file>', 'Ed25519 key, PKCS #8 PEM; made where there is none')
    .requiredOption('--out <file>', 'where the attestation goes')
    .option('--nonce <text>', 'given by whoever demands the attestation', '')
    .option('--traces <folder>', 'keep the recorded sessions there')
    .option('--seal-key <file>', 'key for traces of cards that are not fictional')
    .action(({ emulated, ...options }: AttestTyped) =>
      run((shell) => attest(shell, { ...options, ...emulatedOf(emulated), version: program.version() ?? '' })),
    );
}

function addEmulate(program: Command): void {
  const emulate = program.command('emulate').description('lend emulated readers and cards to other programs');
  emulate
    .command('reader [kinds...]')
    .description(`over USB/IP; kinds: ${Object.keys(benchReaders).join(', ')}`)
    .option('--usbip <address>', 'where to listen', '127.0.0.1:3240')
    .option('--card <name>', 'the card that lies in the first reader')
    .action((kinds: readonly string[], { usbip, card }: { usbip: string; card?: string }) =>
      run(async (shell) => {
        const address = parseAddress(usbip);
        if (!address.ok) return failed(shell, address.fault);
        const names = kinds.length === 0 ? ['ccid'] : kinds;
        const unknown = names.find((name) => !isBenchReaderName(name));
        if (unknown !== undefined) return failed(shell, { code: 'EMULATED_READER_UNKNOWN', field: unknown });
        const readers = names.filter(isBenchReaderName);
        return emulateReader(shell, { readers, address: address.value, ...(card === undefined ? {} : { card }) });
      }),
    );
  emulate
    .command('card <name>')
    .description('in the virtual reader of pcscd, or in the reader of QEMU')
    .option('--vpcd <address>', 'where vpcd listens')
    .option('--vscard <path>', 'socket of ccid-card-passthru')
    .option('--reconnect', 'wait for the peer, again and again', false)
    .action((card: string, { vpcd, vscard, reconnect }: { vpcd?: string; vscard?: string; reconnect: boolean }) =>
      run(async (shell) => {
        if (vscard !== undefined)
          return emulateCard(shell, { card, into: 'vscard', peer: { path: vscard }, reconnect });
        const address = parseAddress(vpcd ?? '127.0.0.1:35963');
        if (!address.ok) return failed(shell, address.fault);
        return emulateCard(shell, { card, into: 'vpcd', peer: address.value, reconnect });
      }),
    );
}
