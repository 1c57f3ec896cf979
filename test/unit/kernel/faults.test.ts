import { modelOf } from '@tsunagu/protocols/catalogue';
import { errorTable } from '@tsunagu/protocols/errors';
import { type PaymentOrder, type SaleResult, saleResult } from '@tsunagu/protocols/fleet';
import { decodeTlv, encodeTlv, primitivesOf, type Tlv, type TlvInput } from '@tsunagu/protocols/tlv';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import type { CcidFault } from '@tsunagu/firmware-bridge/readers/emulated/faults';
import { type EmulatedStation, openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastWorld } from '../bridge/support/fast-world.ts';
import { type LoopbackSwitch, loopbackSwitch } from '../bridge/support/loopback-switch.ts';
import { type MemoryPorts, memoryPorts } from '../bridge/support/memory-ports.ts';

let centre: LoopbackSwitch;
beforeAll(async () => {
  centre = await loopbackSwitch();
});
afterAll(() => centre.close());

/** A till whose card can be made to lie. */
interface Till {
  readonly side: TerminalCardSide;
  readonly station: EmulatedStation;
  readonly memory: MemoryPorts;
  /** What becomes of the card that is presented next. */
  bend: (card: ChipCard) => ChipCard;
}

async function openTill(): Promise<Till> {
  // Slower than elsewhere: on a busy machine a wait must not run out before the answer is there.
  const { world } = fastWorld(10);
  const model = modelOf('CT-5100');
  if (model === undefined) throw new Error('no such model');
  const memory = await memoryPorts(centre.acquirer);
  memory.configuration = { ...memory.configuration, answerTimeoutMs: 60_000 };
  const station = openEmulatedStation(world, model);
  const side = await TerminalCardSide.open({ world, model, ports: memory.ports }, station);
  const till: Till = { side, station, memory, bend: (card) => card };
  for (const reader of [station.emulated.contact, station.emulated.contactless]) {
    if (reader === undefined) continue;
    const insert = reader.insert.bind(reader);
    reader.insert = (card: ChipCard) => insert(till.bend(card));
  }
  return till;
}

const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 4_000 && !isSo(); tries++) await new Promise((done) => setTimeout(done, 5));
  expect(isSo()).toBe(true);
};

/**
 * What must hold after any payment: it came to one of the known ends, with a code of the table where it is due; the issuer was asked at most
 * once, in messages that are sound; what the issuer approved is either approved here or reversed there; what was approved without it the
 * issuer was told, once; and nothing is left open.
 */
async function expectSettled(till: Till, from: number, result: SaleResult): Promise<void> {
  const { kind, outcome, reason, actionCode } = saleResult.parse(result);
  if (outcome !== 'approved' && outcome !== 'declined')
    expect(Object.hasOwn(errorTable, reason ?? ''), `${outcome} ${reason}`).toBe(true);
  // A card cannot make the terminal ask for what it cannot write.
  expect(reason).not.toBe('REQUEST_UNWRITABLE');
  await until(() => till.memory.kept.size === 0 && till.memory.ports.advices.entries().length === 0);
  expect(centre.complaints).toEqual([]);
  const own = centre.received.slice(from);
  const asked = own.filter(({ mti }) => mti === '1100' || mti === '1200');
  const told = own.filter(({ mti }) => mti.startsWith('122'));
  const reversals = own.filter(({ mti }) => mti.startsWith('142'));
  expect(asked.length).toBeLessThanOrEqual(1);
  const isAlone = outcome === 'approved' && actionCode === undefined;
  expect(told).toHaveLength(isAlone ? 1 : 0);
  // What an inquiry learns moves nothing. What was approved alone may have been asked before, and that is taken back.
  if (kind === 'balance') expect(reversals).toEqual([]);
  else if (isAlone) expect(asked.length === 0 || reversals.length > 0).toBe(true);
  else if (outcome === 'approved') expect([asked.length, reversals.length]).toEqual([1, 0]);
  else if (outcome === 'reversed') expect(reversals.length).toBeGreaterThanOrEqual(1);
  else if (outcome !== 'declined') expect(asked.length === 0 || reversals.length > 0).toBe(true);
}

describe('a fault of reader, cable or card at every command of a sale', () => {
  const faults = [
    'unplug',
    'mute',
    'removed',
    'timeExtensionStorm',
    'lengthTooLong',
    'lengthTooShort',
    'emptyAnswer',
    'garbage',
    'wrongSequence',
  ] as const satisfies readonly CcidFault[];

  it.each(faults)('leaves no sale open: %s', async (fault) => {
    const till = await openTill();
    const reader = till.station.emulated.contact;
    if (reader === undefined) throw new Error('this model has contacts');
    expect(await till.side.sell({ card: 'jcb-contact', amountMinor: 1_280 })).toMatchObject({ outcome: 'approved' });
    // This card judges the PIN itself, so that every command of a sale is there. Power-on comes before the commands of the trace.
    const commands = till.side.trace().length + 1;
    expect(commands).toBeGreaterThan(15);
    const ends = new Set<string>();
    for (let at = 0; at < commands; at++) {
      const from = centre.received.length;
      // Split answers are sound: they count the commands up to the one that breaks.
      reader.inject(...Array.from({ length: at }, (): CcidFault => 'split'), fault);
      const result = await till.side.sell({ card: 'jcb-contact', amountMinor: 1_280 });
      ends.add(result.outcome);
      await expectSettled(till, from, result);
      if (fault === 'unplug') till.station.bus.plug(reader);
    }
    // Before the issuer's yes it fails, after it it is reversed.
    expect([...ends].sort()).toEqual(expect.arrayContaining(['failed', 'reversed']));
    expect(await till.side.sell({ card: 'jcb-contact', amountMinor: 500 })).toMatchObject({ outcome: 'approved' });
    await till.side.close();
  });
});

/** How a card bends one of its answers. */
type Bend =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'cut'; readonly left: number }
  /** The value of one object of the answer, as it likes; all lengths are right. */
  | { readonly kind: 'value'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'again' }
  | { readonly kind: 'mute' };

const bends: fc.Arbitrary<Bend> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes): Bend => ({ kind: 'bytes', bytes })),
  fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 255 })).map(([at, mask]): Bend => ({ kind: 'flip', at, mask })),
  fc.nat(40).map((left): Bend => ({ kind: 'cut', left })),
  fc
    .tuple(fc.nat(30), fc.oneof(fc.uint8Array({ maxLength: 16 }), fc.uint8Array({ maxLength: 240 })))
    .map(([at, bytes]): Bend => ({ kind: 'value', at, bytes })),
  fc.constant<Bend>({ kind: 'again' }),
  fc.constant<Bend>({ kind: 'mute' }),
);

/** A card that bends the answers to some of its commands. */
function bent(card: ChipCard, plan: ReadonlyMap<number, Bend>): ChipCard {
  let count = 0;
  let before: Uint8Array | undefined;
  return {
    historicalBytes: card.historicalBytes,
    reset: () => card.reset(),
    transmit(apdu) {
      const answer = card.transmit(apdu);
      const bend = plan.get(count++);
      const given = answer === undefined ? undefined : bending(answer, bend, before);
      before = answer;
      return given;
    },
  };
}

function bending(answer: Uint8Array, bend: Bend | undefined, before: Uint8Array | undefined): Uint8Array | undefined {
  switch (bend?.kind) {
    case undefined:
      return answer;
    case 'bytes':
      return bend.bytes;
    case 'flip':
      return answer.map((byte, at) => (at === bend.at % answer.length ? byte ^ bend.mask : byte));
    case 'cut':
      return answer.slice(0, Math.min(bend.left, answer.length));
    case 'value':
      return withValue(answer, bend.at, bend.bytes);
    case 'again':
      return before ?? answer;
    case 'mute':
      return undefined;
  }
}

/** The answer with another value in one of its objects; as it is where it holds none, or would be longer than an answer can be. */
function withValue(answer: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const read = decodeTlv(answer.subarray(0, -2));
  const count = read.ok ? [...primitivesOf(read.value)].length : 0;
  if (!read.ok || count === 0) return answer;
  let left = at % count;
  const changed = (objects: readonly Tlv[]): TlvInput[] =>
    objects.map(({ tag, value, children, isConstructed }) =>
      isConstructed ? { tag, value: changed(children) } : { tag, value: left-- === 0 ? bytes : value },
    );
  const given = Uint8Array.of(...encodeTlv(changed(read.value)), ...answer.subarray(-2));
  return given.length > 258 ? answer : given;
}

describe('a card that answers as it likes', () => {
  it('never leaves a sale open, whatever it says (random behaviour)', async () => {
    const till = await openTill();
    // Sales without the issuer are among them.
    till.memory.configuration = { ...till.memory.configuration, floorLimitMinor: 10_000 };
    const from = centre.received.length;
    const alone = await till.side.sell({ card: 'visa-offline', amountMinor: 1_280 });
    expect([alone.outcome, alone.actionCode]).toEqual(['approved', undefined]);
    await expectSettled(till, from, alone);
    const cards = [
      'visa-contact',
      'mastercard-contact',
      'unionpay-contact',
      'visa-offline',
      'mastercard-and-maestro',
      'visa-contactless',
      'visa-contactless-offline',
      'mastercard-contactless',
      'jcb-contactless',
      'amex-contactless',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cards),
        fc.constantFrom('sale', 'sale', 'preauth', 'balance'),
        fc.constantFrom(0, 10_000),
        fc.uniqueArray(fc.tuple(fc.nat(24), bends), { minLength: 0, maxLength: 3, selector: ([at]) => at }),
        async (card, kind, floorLimitMinor, plan) => {
          till.memory.configuration = { ...till.memory.configuration, floorLimitMinor };
          till.bend = (sound) => bent(sound, new Map(plan));
          const from = centre.received.length;
          const order: PaymentOrder = kind === 'balance' ? { kind, card } : { kind, card, amountMinor: 1_280 };
          await expectSettled(till, from, await till.side.run(order));
        },
      ),
      {
        numRuns: 150,
        // An expiry of letters instead of digits: once it went as far as a reversal and an advice that nobody could write.
        examples: [['visa-contactless', 'sale', 10_000, [[3, { kind: 'flip', at: 180, mask: 124 }]]]],
      },
    );
    till.bend = (sound) => sound;
    till.memory.configuration = { ...till.memory.configuration, floorLimitMinor: 0 };
    expect(await till.side.sell({ card: 'visa-contact', amountMinor: 500 })).toMatchObject({ outcome: 'approved' });
    await till.side.close();
  }, 120_000);
});
