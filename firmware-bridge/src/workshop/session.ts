import { fail, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import type { StepResult } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import { openReader } from '../readers/families.ts';
import type { ChipReader } from '../readers/port.ts';
import type { UsbDeviceInfo } from '../usb/port.ts';
import { isFelicaAtr, isFictionalAtr } from './cards.ts';
import { type ScriptName, scripts } from './certification.ts';
import { type Finding, type ScriptStep, skipped } from './findings.ts';
import { Recorder, RecordingTransport } from './trace/recorder.ts';
import type { Bench, Hand } from './bench.ts';
import type { Source } from './source.ts';

/** What came of a script. */
export interface ScriptRun {
  readonly script: ScriptName;
  readonly name: string;
  readonly results: readonly StepResult[];
  /** TRACE_USB_ONLY where another program drives the reader: what goes over USB is not ours to see. */
  readonly trace: ReturnType<Recorder['finish']> | Result<never, 'TRACE_USB_ONLY'>;
}

/** How many of the steps ended how. */
export const countsOf = (
  results: readonly StepResult[],
): { readonly passed: number; readonly failed: number; readonly skipped: number } => ({
  passed: results.filter(({ verdict }) => verdict === 'passed').length,
  failed: results.filter(({ verdict }) => verdict === 'failed').length,
  skipped: results.filter(({ verdict }) => verdict === 'skipped').length,
});

/** What a script is run on. */
export interface ScriptTask {
  readonly world: World;
  readonly source: Pick<Source, 'bus' | 'transport'>;
  readonly info: UsbDeviceInfo;
  readonly script: ScriptName;
  readonly hand: Hand;
  readonly sealKey?: Secret<'key'>;
  readonly onStep: (result: StepResult) => void;
}

/** Runs a script against one reader and records all that went over it. A reader that cannot be opened is the fault. */
export async function runScript(task: ScriptTask): Promise<Result<ScriptRun>> {
  const { world, info, script } = task;
  const faults = new Set<string>();
  const hand = noting(task.hand, faults);
  const recorder = new Recorder(world);
  const { bus } = task.source;
  const transport = task.source.transport && new RecordingTransport(task.source.transport, recorder);
  try {
    const steps: readonly ScriptStep[] = scripts[script];
    const results: StepResult[] = [];
    let name = '';
    let field: Field = 'unknown';
    for (const step of steps) {
      const startedMs = world.clock.monotonicMs();
      // A reader of its own for each step: one that broke its reader does not spoil the next.
      const opened = await (transport === undefined ? bus.open(info) : openReader(world, transport, info));
      if (!opened.ok) return opened;
      if (opened.value.kind === 'stripe') {
        await opened.value.close();
        return { ok: false, fault: { code: 'READER_UNKNOWN' } };
      }
      name = opened.value.name;
      const reader = observed(opened.value, (atr) => {
        recorder.cardSeen(isFictionalAtr(atr));
        field = isFelicaAtr(atr) ? 'felica' : 'chip';
      });
      const bench: Bench = { transport, info, reader, hand, isFictional: () => recorder.isFictional };
      const why = whySkipped(step, hand, field, transport !== undefined);
      const finding: Finding = why === undefined ? await step.run(bench) : skipped(why);
      // It is said once: the steps after it need not find it out again.
      if (step.card !== 'reader' && field === 'unknown' && finding.code === 'READER_CARD_ABSENT') field = 'empty';
      await reader.close();
      const { id, en, ja, clause } = step;
      const tookMs = Math.round(world.clock.monotonicMs() - startedMs);
      const result: StepResult = { step: id, title: { en, ja }, clause, ...finding, tookMs };
      results.push(result);
      task.onStep(result);
    }
    const { vendorId, productId } = info;
    const about = { script, hand: hand.kind, faults: [...faults], device: { vendorId, productId } };
    return ok({
      script,
      name,
      results,
      trace: transport === undefined ? fail('TRACE_USB_ONLY') : recorder.finish(about, task.sealKey),
    });
  } finally {
    recorder.wipe();
  }
}

/** A hand whose faults are noted: on replay those are known and no others. */
function noting(hand: Hand, faults: Set<string>): Hand {
  if (hand.inject === undefined) return hand;
  return {
    ...hand,
    inject: (fault) => {
      const isKnown = hand.inject?.(fault) ?? false;
      if (isKnown) faults.add(fault);
      return isKnown;
    },
  };
}

/** What lies in the reader, as far as the steps so far have seen. */
type Field = 'unknown' | 'empty' | 'chip' | 'felica';

/** Why a step is not run; undefined when it is. */
function whySkipped(
  { card, needs }: ScriptStep,
  hand: Hand,
  field: Field,
  isUsb: boolean,
): Parameters<typeof skipped>[0] | undefined {
  if (needs === 'usb' && !isUsb) return 'otherProgram';
  if (card !== 'reader' && field === 'empty') return 'noCard';
  if (card === 'chip' && field === 'felica') return 'noApdus';
  if (card === 'felica' && field !== 'felica') return 'noFelicaCard';
  if (needs === 'faults' && hand.inject === undefined) return needs;
  return needs === 'hand' && hand.kind === 'none' ? needs : undefined;
}

/** A reader whose answers to reset somebody looks at. */
const observed = (reader: ChipReader, onAtr: (atr: Uint8Array) => void): ChipReader => ({
  kind: reader.kind,
  name: reader.name,
  state: () => reader.state(),
  powerOn: async () => {
    const atr = await reader.powerOn();
    if (atr.ok) onAtr(atr.value);
    return atr;
  },
  powerOff: () => reader.powerOff(),
  transmit: (apdu) => reader.transmit(apdu),
  waitForCard: (timeoutMs) => reader.waitForCard(timeoutMs),
  ...(reader.felica && { felica: reader.felica }),
  close: () => reader.close(),
});
