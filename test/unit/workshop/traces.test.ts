import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { noHand } from '@tsunagu/firmware-bridge/workshop/hands';
import { replay } from '@tsunagu/firmware-bridge/workshop/replay-trace';
import { usbSource } from '@tsunagu/firmware-bridge/workshop/source';
import { runScript } from '@tsunagu/firmware-bridge/workshop/session';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { decodeTrace, encodeTrace } from '@tsunagu/protocols/trace';
import { describe, expect, it } from 'vitest';
import { fastWorld } from '../bridge/support/fast-world.ts';

const folder = fileURLToPath(new URL('../../traces/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.trace'));
const textOf = (name: string): string => readFileSync(`${folder}${name}`, 'utf8');
const { world } = fastWorld();

describe('recorded sessions', () => {
  it.each(files)('%s: the bridge does what it did then, and nothing fails', async (name) => {
    const results = unwrap(await replay(world, unwrap(decodeTrace(textOf(name))), undefined, () => undefined));
    expect(results.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    expect(results.filter(({ verdict }) => verdict === 'passed').length).toBeGreaterThan(10);
  });

  it('another answer of the card leads to another result, and another command is a divergence', async () => {
    const trace = unwrap(decodeTrace(textOf('ccid.trace')));
    // The first ATR loses its last byte: the step that looks at it fails, and the trace is played no further.
    const changed = trace.steps.map((step) =>
      step.op === 'bulkIn' && step.in?.endsWith('5453554E414755') === true
        ? { ...step, in: `${step.in.slice(0, -14)}5453554E414758` }
        : step,
    );
    const again = unwrap(decodeTrace(unwrap(encodeTrace(trace.header, changed, trace.atMs)).text));
    expect(again.hash).not.toBe(trace.hash);
    const results = await replay(world, again, undefined, () => undefined);
    // A card that is none of ours is not rehearsed with: the bridge does less than was recorded.
    expect(results).toMatchObject({ ok: false, fault: { code: 'TRACE_DIVERGED' } });
    const shorter = unwrap(encodeTrace(trace.header, trace.steps.slice(0, -40), trace.atMs.slice(0, -40)));
    expect(await replay(world, unwrap(decodeTrace(shorter.text)), undefined, () => undefined)).toMatchObject({
      ok: false,
      fault: { code: 'TRACE_DIVERGED' },
    });
  });
});

describe('the format', () => {
  const text = textOf('ccid.trace');
  const lines = text.split('\n');
  it.each([
    ['a step is left out', lines.toSpliced(5, 1).join('\n'), 'TRACE_INVALID'],
    [
      'two steps change places',
      [...lines.slice(0, 5), lines[6], lines[5], ...lines.slice(7)].join('\n'),
      'TRACE_INVALID',
    ],
    ['a byte is another', text.replace('6500', '6501'), 'TRACE_INVALID'],
    ['the end is missing', `${lines.slice(0, -2).join('\n')}\n`, 'TRACE_INVALID'],
    ['the last line is not ended', text.slice(0, -1), 'TRACE_INVALID'],
    ['another version', text.replace('"version":1', '"version":2'), 'TRACE_INVALID'],
    ['nothing at all', '', 'TRACE_INVALID'],
    ['too long', 'x'.repeat(9 * 1024 * 1024), 'TRACE_TOO_LONG'],
  ])('%s', (_name, damaged, code) => {
    expect(decodeTrace(damaged)).toMatchObject({ ok: false, fault: { code } });
  });

  it('refuses sealed data in a clear trace, and clear data in a sealed one', () => {
    const trace = unwrap(decodeTrace(text));
    const sealed = { ...trace.header, card: 'sealed' as const, salt: '00'.repeat(16) };
    const mixed = unwrap(encodeTrace(sealed, trace.steps, trace.atMs));
    expect(decodeTrace(mixed.text)).toMatchObject({ ok: false, fault: { code: 'TRACE_INVALID' } });
    const steps = [{ op: 'bulkOut' as const, endpoint: 1, sealedOut: 'AAAA' }];
    const other = unwrap(encodeTrace(trace.header, steps, [0]));
    expect(decodeTrace(other.text)).toMatchObject({ ok: false, fault: { code: 'TRACE_INVALID' } });
  });
});

/** A card like a customer's: its ATR is not that of the fictional ones. */
class OtherCard extends EmvCard {
  override readonly historicalBytes = Uint8Array.of(0x4a, 0x43, 0x4f, 0x50);
}

const record = async (card: EmvCard, sealKey?: Secret<'key'>) => {
  const bus = new EmulatedBus(world);
  const reader = new EmulatedCcidReader('contact');
  const info = bus.plug(reader);
  reader.insert(card);
  const run = await runScript({
    world,
    source: usbSource(world, bus),
    info,
    script: 'certify',
    hand: noHand(world),
    onStep: () => undefined,
    ...(sealKey === undefined ? {} : { sealKey }),
  });
  await bus.close();
  return unwrap(run);
};

const key = (): Secret<'key'> => Secret.take('key', new Uint8Array(32).fill(7));

describe('card data', () => {
  const card = testCard('visa-contact');
  const pan = card.pan.use((digits) => Buffer.from(digits).toString('latin1'));

  it('of a card that is not fictional is refused without a key', async () => {
    const { trace } = await record(new OtherCard(card));
    expect(trace).toMatchObject({ ok: false, fault: { code: 'TRACE_NEEDS_KEY' } });
  });

  it('of such a card is sealed: no transfer is readable, and it replays with its key alone', async () => {
    const run = await record(new OtherCard(card), key());
    const { text, isSealed } = unwrap(run.trace);
    expect(isSealed).toBe(true);
    for (const secret of [pan, 'A0000000031010', '4A434F50', '31504159']) expect(text).not.toContain(secret);
    const trace = unwrap(decodeTrace(text));
    expect(
      trace.steps.some((step) => (step.op === 'bulkIn' && 'in' in step) || (step.op === 'bulkOut' && 'out' in step)),
    ).toBe(false);
    const again = unwrap(await replay(world, trace, key(), () => undefined));
    expect(again.map(({ verdict }) => verdict)).toEqual(run.results.map(({ verdict }) => verdict));
    expect(await replay(world, trace, undefined, () => undefined)).toMatchObject({
      fault: { code: 'TRACE_NEEDS_KEY' },
    });
    const wrong = Secret.take('key', new Uint8Array(32).fill(8));
    expect(await replay(world, trace, wrong, () => undefined)).toMatchObject({
      fault: { code: 'TRACE_NOT_AUTHENTIC' },
    });
  });

  it('of a sealed trace fits its own place alone', async () => {
    const trace = unwrap(decodeTrace(unwrap((await record(new OtherCard(card), key())).trace).text));
    const places = trace.steps.flatMap((step, index) =>
      step.op === 'bulkIn' && step.sealedIn !== undefined ? [index] : [],
    );
    const [a = 0, b = 0] = places.slice(-2);
    const steps = [...trace.steps];
    [steps[a], steps[b]] = [trace.steps[b] ?? { op: 'close' }, trace.steps[a] ?? { op: 'close' }];
    const swapped = unwrap(decodeTrace(unwrap(encodeTrace(trace.header, steps, trace.atMs)).text));
    expect(await replay(world, swapped, key(), () => undefined)).toMatchObject({
      fault: { code: 'TRACE_NOT_AUTHENTIC' },
    });
  });

  it('of a fictional card is in the clear, and the same session has the same hash', async () => {
    const [first, second] = [await record(new EmvCard(card)), await record(new EmvCard(testCard('visa-contact')))];
    expect(unwrap(first.trace)).toMatchObject({ isSealed: false });
    expect(unwrap(first.trace).hash).toBe(unwrap(second.trace).hash);
    const { hash } = unwrap((await record(new EmvCard(testCard('jcb-contact')))).trace);
    expect(hash).not.toBe(unwrap(first.trace).hash);
    expect(toHex(hex(hash)).length).toBe(64);
  });
});
