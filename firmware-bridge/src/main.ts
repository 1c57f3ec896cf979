#!/usr/bin/env node
import { join, resolve } from 'node:path';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command, InvalidArgumentError } from 'commander';
import {
  logLine,
  type NotWell,
  openLogFile,
  planFleet,
  planTerminal,
  runTerminals,
  scavengeAlone,
  startFleetHost,
  type TerminalPlan,
} from './host/index.ts';
import { isReaderPlace, type ReaderPlace } from './readers/real.ts';
import { addWorkshopCommands } from './workshop/commands.ts';

/** Something that runs until it is told to end. */
interface Running {
  readonly ready: Promise<readonly NotWell[]>;
  /** How many terminals are waited for no more. */
  readonly settled?: number;
  stop(): Promise<void>;
}

interface Options {
  readonly data: string;
  readonly seed: string;
  readonly saleEverySeconds: number;
}

const place = (text: string): ReaderPlace => {
  if (!isReaderPlace(text))
    throw new InvalidArgumentError('usb, pcsc, or pcsc:NAME with the name that pcscd has for a reader');
  return text;
};

const placeOfSerial = (
  text: string,
  sofar: Readonly<Record<string, ReaderPlace>> = {},
): Readonly<Record<string, ReaderPlace>> => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('SERIAL=usb, SERIAL=pcsc or SERIAL=pcsc:NAME');
  return { ...sofar, [text.slice(0, at)]: place(text.slice(at + 1)) };
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number of seconds above 0');
  return value;
};

const program = new Command('tsunagu-bridge').description('Emulated and real terminals').version('0.1.0');
const withCommon = (name: string, description: string, data: string): Command =>
  program
    .command(name)
    .description(description)
    .requiredOption('--data <folder>', data)
    .option('--seed <text>', 'the same seed makes the same sales', '1')
    .option('--sale-every-seconds <seconds>', 'mean pause between the sales of one terminal', seconds, 20);

withCommon('fleet', 'run every terminal of a folder', 'a folder with one folder per terminal')
  .option(
    '--readers <serial=place>',
    'this terminal has real readers: SERIAL=usb, or SERIAL=pcsc[:NAME]',
    placeOfSerial,
  )
  .action(async (options: Options & { readonly readers?: Readonly<Record<string, ReaderPlace>> }) => {
    const data = resolve(options.data);
    const plans = (await planFleet(data)).map((plan) => withReaders(plan, options.readers?.[plan.serial]));
    const strange = Object.keys(options.readers ?? {}).find((serial) => !plans.some((plan) => plan.serial === serial));
    if (strange !== undefined) {
      process.stdout.write(
        `${JSON.stringify({ event: 'failed', code: 'TERMINAL_UNKNOWN', facts: { serial: strange } })}\n`,
      );
      process.exitCode = 1;
      return;
    }
    // A house with a damaged terminal is a house; one whose terminals all run elsewhere is none.
    const isElsewhere = ({ code }: NotWell): boolean => code === 'TERMINAL_IN_USE';
    await runUntilTold(data, join(data, '..', 'logs', 'bridge.log'), plans, isElsewhere, (world, known, log) =>
      startFleetHost({ world, plans: known, seed: options.seed, saleEverySeconds: options.saleEverySeconds, log }),
    );
  });

withCommon('terminal', 'run one terminal in this process', 'the terminal’s own folder')
  .option('--readers <place>', 'real readers: usb, or pcsc[:NAME] for those that pcscd drives', place)
  .action(async (options: Options & { readonly readers?: ReaderPlace }) => {
    const folder = resolve(options.data);
    const found = await planTerminal(folder);
    const plan = found && withReaders(found, options.readers);
    const isOver = (one: NotWell): boolean => one.isOver;
    const log = join(folder, '..', '..', 'logs', 'bridge.log');
    await runUntilTold(folder, log, plan ? [plan] : [], isOver, (world, plans) => {
      let settle: (unwell: readonly NotWell[]) => void = () => undefined;
      const ready = new Promise<readonly NotWell[]>((done) => {
        settle = done;
      });
      const task = { plans, seed: options.seed, saleEverySeconds: options.saleEverySeconds };
      const terminals = runTerminals(world, task, (says) => {
        if (says.kind === 'connected') settle([]);
        if (says.kind !== 'failed' && says.kind !== 'refused') return;
        const { kind, serial, code, facts } = says;
        settle([{ serial, code, facts, isOver: kind === 'failed' }]);
      });
      return { ready, stop: () => terminals.stop(plans.map((one) => one.serial)) };
    });
  });

function withReaders(plan: TerminalPlan, readers: ReaderPlace | undefined): TerminalPlan {
  return readers === undefined ? plan : { ...plan, readers };
}

/** While many terminals start, whoever started them is told so often how far that is. */
const tellEveryMs = 5_000;

/** Starts, says in a line of JSON that it is ready or why not, and ends on SIGTERM, SIGINT or with its lifeline. */
async function runUntilTold(
  data: string,
  logPath: string,
  plans: readonly TerminalPlan[],
  isHopeless: (one: NotWell) => boolean,
  start: (
    world: ReturnType<typeof systemWorld>,
    plans: readonly TerminalPlan[],
    log: (line: string) => void,
  ) => Running,
): Promise<void> {
  scavengeAlone();
  const log = openLogFile(logPath);
  const world = systemWorld((level, event, facts) => log.write(logLine(world.clock.now(), level, event, facts)));
  const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
  if (plans.length === 0) {
    say({ event: 'failed', code: 'TERMINALS_MISSING', facts: { folder: data } });
    await log.close();
    process.exitCode = 1;
    return;
  }
  const told = new Promise<void>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => done());
    // Whoever started us holds the other end of our input: when it dies, so do we.
    if (process.env['TSUNAGU_LIFELINE']) process.stdin.once('end', done).once('error', done).resume();
  });
  const running = start(world, plans, (line) => log.write(line));
  const telling = world.timers.every(tellEveryMs, () => {
    if (running.settled !== undefined) say({ event: 'starting', count: running.settled, of: plans.length });
  });
  const outcome = await Promise.race([running.ready, told.then(() => 'told' as const)]);
  telling.cancel();
  const first = outcome === 'told' || outcome.length < plans.length ? undefined : outcome[0];
  if (first && outcome !== 'told' && outcome.every(isHopeless)) {
    say({ event: 'failed', code: first.code, facts: { serial: first.serial, ...first.facts } });
    process.exitCode = 1;
  } else if (outcome !== 'told') {
    say({ event: 'ready', terminals: plans.length, ...(outcome.length > 0 && { unwell: outcome }) });
    await told;
  }
  await running.stop();
  await log.close();
  // Handles of third parties (USB hot plug) may still be open: the work is done.
  process.exit();
}

addWorkshopCommands(program);

await program.parseAsync();
