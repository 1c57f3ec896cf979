import type { DiagnosticsReport, Hello, SelfTestReport } from '@tsunagu/protocols/fleet';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { TerminalKeys } from '../keys/index.ts';
import type { Link } from '../link/index.ts';
import type { TerminalNegativeFile } from '../negative/index.ts';
import type { CardSide } from '../payment/index.ts';
import { type Files, type SealedStore, sealedRecord } from '../sealed-store/index.ts';

/** What a device can measure of itself. */
export interface Vitals {
  readonly memory: DiagnosticsReport['memory'];
  readonly temperatureMilliC: number | null;
  /** Charge of its battery; absent without one, or where nothing measures it. */
  readonly batteryPercent?: number | undefined;
}

/** What diagnostics and self-test look at. */
export interface DiagnosticParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly boot: number;
  readonly software: Hello['software'];
  readonly bootedAtMs: number;
  readonly files: Files;
  readonly store: SealedStore;
  readonly link: Pick<Link, 'ask' | 'dropped'>;
  readonly keys: Pick<TerminalKeys, 'slots' | 'check'>;
  readonly negative: Pick<TerminalNegativeFile, 'report' | 'scrub'>;
  readonly cardSide: Pick<CardSide, 'checkReaders' | 'print'>;
  readonly queues: () => Promise<DiagnosticsReport['queues']>;
  readonly vitals: () => Vitals;
}

/** A terminal about itself: figures, and nothing of what it keeps for others. */
export async function diagnose(parts: DiagnosticParts): Promise<DiagnosticsReport> {
  const { world, files } = parts;
  const clockSkewMs = await clockSkew(parts);
  const storage = { files: 0, bytes: 0 };
  for (const name of await files.list().catch(() => [])) {
    storage.files += 1;
    storage.bytes += (await files.read(name).catch(() => undefined))?.length ?? 0;
  }
  const { memory, temperatureMilliC } = parts.vitals();
  return {
    at: Math.max(0, Math.round(world.clock.now())),
    uptimeMs: Math.round(world.clock.monotonicMs() - parts.bootedAtMs),
    boot: parts.boot,
    software: parts.software,
    clockSkewMs,
    readers: [...parts.model.readers],
    storage,
    queues: await parts.queues(),
    keys: [...parts.keys.slots()],
    dropped: { ...parts.link.dropped },
    memory,
    temperatureMilliC,
  };
}

/** How far the terminal's clock is before the server's. */
async function clockSkew({ world, link }: Pick<DiagnosticParts, 'world' | 'link'>): Promise<number | null> {
  const askedMs = world.clock.monotonicMs();
  const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'time' });
  if (!answer.ok || answer.value.kind !== 'time') return null;
  const halfMs = (world.clock.monotonicMs() - askedMs) / 2;
  return Math.round(world.clock.now() - halfMs - answer.value.now);
}

const probeRecord = sealedRecord('probe', z.object({ nonce: z.string() }));

/** Tests every part without a card. */
export async function selfTest(parts: DiagnosticParts): Promise<SelfTestReport> {
  return [
    { part: 'store', ...(await testStore(parts)) },
    { part: 'keys', ...(await testKeys(parts)) },
    { part: 'negative', ...(await testNegative(parts)) },
    { part: 'readers', ...(await testReaders(parts)) },
    { part: 'printer', ...(await testPrinter(parts)) },
  ];
}

type Finding = Omit<SelfTestReport[number], 'part'>;
const found = (isWell: boolean, detail?: string): Finding => ({
  result: isWell ? 'passed' : 'failed',
  ...(detail !== undefined && detail !== '' && { detail: detail.slice(0, 120) }),
});

/** Writes a record, reads it back and removes it. */
async function testStore({ world, store }: DiagnosticParts): Promise<Finding> {
  const nonce = world.id();
  const written = await store.write(probeRecord, { nonce });
  if (!written.ok) return found(false, written.fault.code);
  const read = await store.read(probeRecord);
  const removed = await store.remove(probeRecord);
  if (!read.ok) return found(false, read.fault.code);
  return found(read.value?.facts.nonce === nonce && removed.ok);
}

/** What lies on the medium is what is in use, and each check value is that of its key. */
async function testKeys({ keys }: DiagnosticParts): Promise<Finding> {
  if (keys.slots().length === 0) return { result: 'absent' };
  const checked = await keys.check();
  return checked.ok
    ? found(true, checked.value.map(({ slot, kcv }) => `${slot} ${kcv}`).join(' '))
    : found(false, checked.fault.code);
}

/** Compares the list with what was signed. */
async function testNegative({ negative }: DiagnosticParts): Promise<Finding> {
  const lists = negative.report();
  if (lists.length === 0) return { result: 'absent' };
  const mendedBytes = await negative.scrub();
  return found(
    mendedBytes === 0,
    lists.map(({ list, version, overlaySeq }) => `${list} ${version}/${overlaySeq}`).join(' '),
  );
}

/** Every reader of the model answers. */
async function testReaders({ cardSide }: DiagnosticParts): Promise<Finding> {
  const checks = await cardSide.checkReaders();
  if (checks.length === 0) return { result: 'absent' };
  return found(
    checks.every(({ fault }) => fault === undefined),
    checks.map(({ reader, fault }) => `${reader} ${fault ?? 'ok'}`).join(' '),
  );
}

/** A page of totals goes to the printer; its bytes stay here. */
async function testPrinter({ model, cardSide }: DiagnosticParts): Promise<Finding> {
  if (model.printer === 'none') return { result: 'absent' };
  const printed = await cardSide.print({ what: 'totals', format: 'escpos', copy: 'merchant', columns: 32 });
  return printed.ok ? found(true) : found(false, printed.fault.code);
}
