import {
  type Acr122uFault,
  acr122uFaults,
  EmulatedAcr122u,
} from '@tsunagu/firmware-bridge/readers/emulated/acr122u-device';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import { type CcidFault, ccidFaults } from '@tsunagu/firmware-bridge/readers/emulated/faults';
import {
  EmulatedRcs380,
  type Rcs380Fault,
  rcs380Faults,
} from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import type { ChipReader } from '@tsunagu/firmware-bridge/readers/port';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import type { UsbDeviceModel } from '@tsunagu/firmware-bridge/usb/emulated/device-model';
import { errorTable } from '@tsunagu/protocols/errors';
import { concat, toHex, unwrap } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fastWorld } from '../unit/bridge/support/fast-world.ts';

/** A card whose answer is a function of the command; it may be mute, or answer rubbish, at some of them. */
class Card implements ChipCard {
  readonly historicalBytes = Uint8Array.of(1, 2, 3);
  readonly #moods: ('sound' | 'mute' | 'rubbish')[];
  constructor(moods: readonly ('sound' | 'mute' | 'rubbish')[]) {
    this.#moods = [...moods];
  }
  reset(): void {
    // It keeps nothing.
  }
  transmit(apdu: Uint8Array): Uint8Array | undefined {
    const mood = this.#moods.shift() ?? 'sound';
    if (mood === 'mute') return undefined;
    return mood === 'rubbish' ? Uint8Array.of(0xff) : answerTo(apdu);
  }
}
/** Le is left out: T=0 does not carry it to the card with data. */
const answerTo = (apdu: Uint8Array): Uint8Array => {
  const length = apdu[4] ?? 0;
  return concat(
    Uint8Array.from({ length }, (_, at) => ((apdu[3] ?? 0) + at) & 0xff),
    Uint8Array.of(0x90, 0x00),
  );
};
/** READ BINARY of some bytes: the number says which answer is the right one. */
const apduOf = (number: number): Uint8Array => Uint8Array.of(0x00, 0xb0, 0x00, number & 0xff, 1 + (number % 200));

interface Device extends UsbDeviceModel {
  insert(card: ChipCard): void;
  remove(): void;
}

function surviving<Fault extends string>(
  name: string,
  make: () => Device & { inject(...faults: readonly Fault[]): void },
  faults: readonly Fault[],
): void {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('transmit' as const), number: fc.nat(255) }) },
    { weight: 2, arbitrary: fc.constant({ type: 'powerOn' as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ type: 'state' as const }, { type: 'powerOff' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('fault' as const), fault: fc.constantFrom(...faults) }),
    },
  );
  const moods = fc.array(fc.constantFrom('sound' as const, 'sound' as const, 'mute' as const, 'rubbish' as const), {
    maxLength: 12,
  });
  test(`${name}: whatever goes wrong, no call hangs, no answer is another command’s, and the next power-on works`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), moods, async (steps, mood) => {
        const { world } = fastWorld(400);
        const bus = new EmulatedBus(world);
        const device = make();
        const open = async (): Promise<ChipReader> => {
          const reader = unwrap(await openReader(world, bus, bus.plug(device)));
          if (reader.kind === 'stripe') throw new Error('no chip reader');
          return reader;
        };
        let reader = await open();
        device.insert(new Card(mood));
        for (const now of steps) {
          if (now.type === 'fault') {
            device.inject(now.fault);
            continue;
          }
          if (now.type === 'transmit') {
            const apdu = apduOf(now.number);
            const answer = await reader.transmit(apdu);
            // Rubbish of the card is the card's own: it comes as it is or is refused, and is never two bytes of 9000.
            if (answer.ok) expect([toHex(answerTo(apdu)), 'FF']).toContain(toHex(answer.value));
            else expect(Object.hasOwn(errorTable, answer.fault.code)).toBe(true);
          } else {
            const result = await reader[now.type]();
            if (!result.ok) expect(Object.hasOwn(errorTable, result.fault.code)).toBe(true);
          }
        }
        // What is still injected is met and left behind; then all is sound again.
        for (let round = 0; round < 20; round++) {
          const listed = unwrap(await bus.list());
          if (listed.length === 0) reader = await open();
          device.remove();
          device.insert(new Card([]));
          const powered = await reader.powerOn();
          const apdu = apduOf(round);
          const answer = powered.ok ? await reader.transmit(apdu) : powered;
          if (answer.ok && round >= 14) {
            expect(toHex(answer.value)).toBe(toHex(answerTo(apdu)));
            await reader.close();
            await bus.close();
            return;
          }
        }
        throw new Error('the reader does not recover');
      }),
      { numRuns: 40, interruptAfterTimeLimit: 20_000 },
    );
  });
}

const isOf =
  <T extends object>(table: T) =>
  (name: string): name is Extract<keyof T, string> =>
    Object.hasOwn(table, name);
const ccid: readonly CcidFault[] = Object.keys(ccidFaults).filter(isOf(ccidFaults));
const acr122u: readonly Acr122uFault[] = Object.keys(acr122uFaults).filter(isOf(acr122uFaults));
const rcs380: readonly Rcs380Fault[] = Object.keys(rcs380Faults).filter(isOf(rcs380Faults));

for (const variant of ['contact', 'extendedApdu', 'tpduT0', 'tpduT1', 'characterT0', 'characterT1'] as const)
  surviving(`CCID ${variant}`, () => new EmulatedCcidReader(variant), ccid);
surviving('ACR122U', () => new EmulatedAcr122u(), acr122u);
surviving('RC-S380', () => new EmulatedRcs380(), rcs380);
