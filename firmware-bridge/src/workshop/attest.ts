import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { keyIdOf } from '@tsunagu/protocols/fleet';
import { ok, Secret } from '@tsunagu/protocols/kit';
import { sealKeyBytes } from '@tsunagu/protocols/trace';
import {
  type Attestation,
  type AttestedRun,
  coverageOf,
  runsMax,
  signAttestation,
  totalsOf,
} from '@tsunagu/protocols/workshop';
import type { StepResult } from '@tsunagu/protocols/workshop';
import { scripts } from './certification.ts';
import { sealKeyOf, signingKeyOf } from './key-files.ts';
import { isFree, writeNew } from './run-script.ts';
import type { Hand } from './bench.ts';
import { countsOf, runScript } from './session.ts';
import { type Ending, failed, type Shell } from './shell.ts';
import { cardsOf } from './cards-in-turn.ts';
import { moveCard } from './typed-hand.ts';
import { type EmulatedPlace, isReaderFault, openSource, type Source } from './source.ts';
import type { UsbDeviceInfo } from '../usb/port.ts';

/** What `workshop attest` was asked for. */
export interface AttestOptions {
  /** `READER[=CARD[,CARD...]]` each; undefined for the readers and cards on the machine's own USB. */
  readonly emulated?: readonly string[];
  readonly hands: boolean;
  /** Readers that have to be tried in earnest, and cards at each of them: it is in the signed text. */
  readonly readersMin: number;
  readonly cardsMin: number;
  /** Cards that somebody puts into each reader, one after another. */
  readonly cards: number;
  /** How long the next card is waited for, seconds. */
  readonly waitSeconds: number;
  readonly key: string;
  readonly out: string;
  /** Folder for the recorded sessions, whose hashes are attested. */
  readonly traces?: string;
  /** Seals the sessions with cards that are not fictional; without it such a session is sealed for nobody, its hash alone remains. */
  readonly sealKey?: string;
  readonly nonce: string;
  readonly version: string;
}

/**
 * Runs the certification on every reader with each of its cards, and signs what came of it. Exit 5 when a step failed, or
 * when fewer were tried in earnest than was undertaken: the attestation is written all the same, and says so.
 */
export async function attest(shell: Shell, options: AttestOptions): Promise<Ending> {
  const free = await isFree(options.out);
  if (!free.ok) return failed(shell, free.fault);
  const signing = await signingKeyOf(options.key);
  if (!signing.ok) return failed(shell, signing.fault);
  const opened = openSource(shell.world, options);
  if (!opened.ok) return failed(shell, opened.fault);
  const source = opened.value;
  const key =
    options.sealKey === undefined
      ? ok(Secret.take('key', shell.world.entropy(sealKeyBytes)))
      : await sealKeyOf(shell.world, options.sealKey, true);
  if (!key.ok) return failed(shell, key.fault);
  // At an emulated bench whoever types is the person that is asked.
  if (options.hands && options.emulated !== undefined)
    void (async () => {
      for await (const line of shell.lines) moveCard(source, line);
    })();
  const runs = await runAll(shell, source, options, key.value);
  key.value.wipe();
  await source.bus.close();
  if (typeof runs === 'number') return runs;
  const made: Attestation = {
    v: 1,
    madeAt: new Date(shell.world.clock.now()).toISOString(),
    nonce: options.nonce,
    bridge: { version: options.version, node: process.version, platform: `${process.platform} ${process.arch}` },
    atLeast: { readers: options.readersMin, cards: options.cardsMin },
    runs,
    digest: createHash('sha256')
      .update(runs.map(({ traceHash }) => traceHash).join('\n'))
      .digest('hex'),
  };
  const { privateKey, publicKey } = signing.value;
  const signed = signAttestation(made, privateKey, publicKey);
  if (!signed.ok) return failed(shell, signed.fault);
  const written = await writeNew(options.out, signed.value);
  if (!written.ok) return failed(shell, written.fault);
  const { passed, failed: bad } = totalsOf(made);
  const { isEnough, readers, needed } = coverageOf(made);
  shell.say({
    event: 'attested',
    file: options.out,
    kid: keyIdOf(publicKey),
    runs: runs.length,
    passed,
    failed: bad,
    readers,
    readersNeeded: needed.readers,
    cardsNeeded: needed.cards,
  });
  return bad === 0 && isEnough ? 0 : 5;
}

async function runAll(
  shell: Shell,
  source: Source,
  options: AttestOptions,
  sealKey: Secret<'key'>,
): Promise<AttestedRun[] | Ending> {
  const listed = await source.bus.list();
  if (!listed.ok) return failed(shell, listed.fault);
  const runs: AttestedRun[] = [];
  for (const info of listed.value.slice(0, runsMax)) {
    const place = source.emulated.find((one) => one.info.id === info.id);
    for await (const { hand, card } of cardsOf(shell, source, info, place, options)) {
      if (runs.length === runsMax) break;
      const run = await runOne(shell, source, { info, place, hand, card, traces: options.traces, sealKey });
      if (typeof run === 'number') return run;
      // What cannot be opened as a reader is none; a bus has hubs and mice on it.
      if (run === undefined) break;
      runs.push(run);
    }
  }
  return runs.length === 0 ? failed(shell, { code: 'READER_NOT_THERE' }) : runs;
}

/** One reader with one card. Undefined for what is no reader. */
async function runOne(
  shell: Shell,
  source: Source,
  at: {
    readonly info: UsbDeviceInfo;
    readonly place: EmulatedPlace | undefined;
    readonly hand: Hand;
    readonly card: string;
    readonly traces: string | undefined;
    readonly sealKey: Secret<'key'>;
  },
): Promise<AttestedRun | Ending | undefined> {
  const { info, place, hand, card, traces, sealKey } = at;
  shell.say({ event: 'scriptStarted', script: 'certify', reader: info.id, steps: scripts.certify.length });
  const startedMs = shell.world.clock.monotonicMs();
  const run = await runScript({
    world: shell.world,
    source,
    info,
    script: 'certify',
    hand,
    sealKey,
    onStep: (result) => shell.say({ event: 'step', result }),
  });
  if (!run.ok) {
    if (!isReaderFault(run.fault.code)) return undefined;
    // A reader that does not open is one that failed: it is not left out.
    shell.say({ event: 'cardUnread', reader: info.id, code: run.fault.code });
    return {
      reader: { name: '', vendorId: info.vendorId, productId: info.productId, isEmulated: place !== undefined },
      card,
      script: 'certify',
      steps: { open: `failed: ${run.fault.code}` },
      passed: 0,
      failed: 1,
      skipped: 0,
      traceHash: createHash('sha256').digest('hex'),
      tookMs: Math.round(shell.world.clock.monotonicMs() - startedMs),
    };
  }
  const { results, trace, name, script } = run.value;
  if (!trace.ok) return failed(shell, trace.fault);
  const counts = countsOf(results);
  const traceHash = trace.value.hash;
  if (traces !== undefined) {
    const written = await writeNew(join(traces, `${traceHash.slice(0, 16)}.trace`), trace.value.text, true);
    if (!written.ok) return failed(shell, written.fault);
  }
  shell.say({ event: 'scriptEnded', script, reader: info.id, ...counts, traceHash });
  return {
    reader: { name, vendorId: info.vendorId, productId: info.productId, isEmulated: place !== undefined },
    card,
    script,
    steps: Object.fromEntries(results.map((result) => [result.step, verdictOf(result)])),
    ...counts,
    traceHash,
    tookMs: Math.round(shell.world.clock.monotonicMs() - startedMs),
  };
}

const verdictOf = ({ verdict, code }: StepResult): string => (code === undefined ? verdict : `${verdict}: ${code}`);
