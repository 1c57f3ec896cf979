import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { type Acr122uFault, EmulatedAcr122u } from '@tsunagu/firmware-bridge/readers/emulated/acr122u-device';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { CcidVariantName } from '@tsunagu/firmware-bridge/readers/emulated/ccid-variant';
import { ccidFaults } from '@tsunagu/firmware-bridge/readers/emulated/faults';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import { EmulatedRcs380, type Rcs380Fault } from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import type { ChipReader } from '@tsunagu/firmware-bridge/readers/port';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import type { UsbDeviceModel } from '@tsunagu/firmware-bridge/usb/emulated/device-model';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { describe, expect, it } from 'vitest';
import { fastWorld } from '../unit/bridge/support/fast-world.ts';
import { readerContract, type ReaderUnderTest } from './reader.ts';

/** What a device has for the contract, whatever it is. */
interface Device<Fault extends string> extends UsbDeviceModel {
  insert(card: ChipCard): void;
  remove(): void;
  inject(...faults: readonly Fault[]): void;
}

const contact = { card: 'visa-contact', select: hex('00A404000E315041592E5359532E444446303100') } as const;
const contactless = {
  card: 'mastercard-contactless',
  select: hex('00A404000E325041592E5359532E444446303100'),
} as const;

/** The real driver over an emulated device in this process. */
function emulated<Fault extends string>(
  name: string,
  make: () => Device<Fault>,
  { card, select }: typeof contact | typeof contactless,
  atr: string,
  faults: Readonly<Record<Fault, ErrorCode | 'ok'>>,
  survivesAtPowerOn: readonly Fault[] = [],
): ReaderUnderTest {
  const isFault = (text: string): text is Fault => Object.hasOwn(faults, text);
  return {
    name,
    atr,
    selectDirectory: select,
    faults,
    survivesAtPowerOn,
    open: async () => {
      const { world } = fastWorld(100);
      const bus = new EmulatedBus(world);
      const device = make();
      const open = async (): Promise<ChipReader> => {
        const reader = unwrap(await openReader(world, bus, bus.plug(device)));
        if (reader.kind === 'stripe') throw new Error('a stripe head is no chip reader');
        return reader;
      };
      const reader = await open();
      return {
        reader,
        insert: () => device.insert(new EmvCard(testCard(card))),
        remove: () => device.remove(),
        inject: (fault) => {
          if (!isFault(fault)) throw new Error(`no fault of this device: ${fault}`);
          device.inject(fault);
        },
        replug: open,
        close: async () => {
          await reader.close();
          await bus.close();
        },
      };
    },
  };
}

/** How faults of a CCID reader end where the reader does the transmission protocol. */
const atApduLevel = {
  split: 'ok',
  zeroLength: 'ok',
  timeExtension: 'ok',
  mute: 'READER_CARD_MUTE',
  silent: 'READER_TIMEOUT',
  wrongSequence: 'READER_SEQUENCE_WRONG',
  wrongSlot: 'READER_SEQUENCE_WRONG',
  lengthTooLong: 'CCID_TRUNCATED',
  lengthTooShort: 'CCID_MESSAGE_UNKNOWN',
  lengthHuge: 'CCID_TOO_LONG',
  headerCut: 'CCID_TRUNCATED',
  garbage: 'CCID_MESSAGE_UNKNOWN',
  wrongType: 'READER_ANSWER_WRONG',
  emptyAnswer: 'CCID_LENGTH_WRONG',
  timeExtensionStorm: 'READER_TIMEOUT',
  unplug: 'USB_UNPLUGGED',
  removed: 'READER_CARD_ABSENT',
  stall: 'USB_STALLED',
  parity: 'READER_REFUSED',
} as const satisfies Record<keyof typeof ccidFaults, ErrorCode | 'ok'>;
/** T=0 has no repetition: what the line spoils is lost. */
const atT0 = { ...atApduLevel, parity: 'TRANSMISSION_BROKEN', emptyAnswer: 'TRANSMISSION_BROKEN' } as const;
/** T=1 asks again for a block that was spoilt or did not come. */
const atT1 = { ...atApduLevel, mute: 'ok', parity: 'ok', emptyAnswer: 'ok' } as const;
const harmless = ['split', 'zeroLength', 'timeExtension'] as const;

const ccid = (
  variant: CcidVariantName,
  card: typeof contact | typeof contactless,
  atr: string,
  faults: Readonly<Record<keyof typeof ccidFaults, ErrorCode | 'ok'>>,
): ReaderUnderTest =>
  emulated(`emulated CCID, ${variant}`, () => new EmulatedCcidReader(variant), card, atr, faults, harmless);

const contactlessAtr = '3B8780015453554E41475549';
for (const under of [
  ccid('contact', contact, '3B6700005453554E414755', atApduLevel),
  ccid('contactless', contactless, contactlessAtr, atApduLevel),
  ccid('extendedApdu', contact, '3BE700008131FE455453554E414755A3', atApduLevel),
  ccid('tpduT0', contact, '3B771300005453554E414755', atT0),
  ccid('tpduT1', contact, '3BF71300008131FE455453554E414755A0', atT1),
  ccid('characterT0', contact, '3B771300005453554E414755', atT0),
  ccid('characterT1', contact, '3BE70000813120455453554E4147557D', atT1),
  ccid('pinPad', contact, '3B6700005453554E414755', atApduLevel),
  ccid('twoSlots', contact, '3B6700005453554E414755', atApduLevel),
  emulated('ACR122U', () => new EmulatedAcr122u(), contactless, contactlessAtr, {
    split: 'ok',
    zeroLength: 'ok',
    mute: 'READER_CARD_MUTE',
    chipSilent: 'FRAME_INVALID',
    silent: 'READER_TIMEOUT',
    wrongSequence: 'READER_SEQUENCE_WRONG',
    wrongCommand: 'FRAME_INVALID',
    lengthTooLong: 'CCID_TRUNCATED',
    garbage: 'CCID_MESSAGE_UNKNOWN',
    cut: 'FRAME_TRUNCATED',
    unplug: 'USB_UNPLUGGED',
    removed: 'READER_CARD_ABSENT',
  } satisfies Record<Acr122uFault, ErrorCode | 'ok'>),
  emulated('RC-S380', () => new EmulatedRcs380(), contactless, contactlessAtr, {
    // ISO/IEC 14443-4 asks again.
    mute: 'ok',
    crc: 'ok',
    split: 'ok',
    zeroLength: 'ok',
    muteForGood: 'READER_CARD_MUTE',
    silent: 'READER_TIMEOUT',
    noAck: 'READER_TIMEOUT',
    errorFrame: 'READER_REFUSED',
    checksum: 'FRAME_CHECKSUM_WRONG',
    lengthTooLong: 'FRAME_TRUNCATED',
    garbage: 'FRAME_INVALID',
    wrongCommand: 'FRAME_INVALID',
    unplug: 'USB_UNPLUGGED',
    removed: 'READER_CARD_ABSENT',
  } satisfies Record<Rcs380Fault, ErrorCode | 'ok'>),
])
  readerContract(under);

describe('the tables of faults', () => {
  it('are all met by the contract', () => {
    expect(Object.keys(atApduLevel).sort()).toEqual(Object.keys(ccidFaults).sort());
  });
});
