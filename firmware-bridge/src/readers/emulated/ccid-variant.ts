import { encodeClassDescriptor, type ExchangeLevel } from '@tsunagu/protocols/ccid';
import type { ProcedureStyle } from '@tsunagu/protocols/iso7816';
import { describeDevice, type UsbDescriptors } from '../../usb/descriptors.ts';

/** What an emulated CCID reader is, and how the cards in it speak where it leaves that to the host. */
export interface CcidVariant {
  readonly kind: 'contact' | 'contactless';
  readonly level: ExchangeLevel;
  readonly protocol: 'T=0' | 'T=1';
  readonly slots: number;
  readonly hasPinPad: boolean;
  /** TA1 of the cards. */
  readonly fiDi?: number;
  readonly ifsc: number;
  /** T=1: waiting time extensions before each answer. */
  readonly extensions: number;
  /** T=0 at character level: NULLs and single bytes. */
  readonly style: ProcedureStyle;
}

/** Endpoint numbers. */
export const endpoints = { bulkOut: 1, bulkIn: 2, interruptIn: 3 } as const;

/** Header, and a short APDU of the greatest length. */
export const messageBytesMax = 271;

const plain = { slots: 1, hasPinPad: false, ifsc: 0xfe, extensions: 0, style: {} } as const;

/** The readers that are emulated. Those below APDU level meet cards that are faster than the default, so that PPS takes place. */
export const ccidVariants = {
  contact: { ...plain, kind: 'contact', level: 'shortApdu', protocol: 'T=0' },
  contactless: { ...plain, kind: 'contactless', level: 'shortApdu', protocol: 'T=1' },
  extendedApdu: { ...plain, kind: 'contact', level: 'extendedApdu', protocol: 'T=1' },
  tpduT0: { ...plain, kind: 'contact', level: 'tpdu', protocol: 'T=0', fiDi: 0x13 },
  tpduT1: { ...plain, kind: 'contact', level: 'tpdu', protocol: 'T=1', fiDi: 0x13, extensions: 1 },
  characterT0: {
    ...plain,
    kind: 'contact',
    level: 'character',
    protocol: 'T=0',
    fiDi: 0x13,
    style: { nulls: 2, isSingle: true },
  },
  characterT1: { ...plain, kind: 'contact', level: 'character', protocol: 'T=1', ifsc: 32 },
  pinPad: { ...plain, kind: 'contact', level: 'shortApdu', protocol: 'T=0', hasPinPad: true },
  pinPadTpduT0: { ...plain, kind: 'contact', level: 'tpdu', protocol: 'T=0', hasPinPad: true },
  pinPadTpduT1: { ...plain, kind: 'contact', level: 'tpdu', protocol: 'T=1', hasPinPad: true },
  twoSlots: { ...plain, kind: 'contact', level: 'shortApdu', protocol: 'T=0', slots: 2 },
} as const satisfies Record<string, CcidVariant>;

/** A name in `ccidVariants`. */
export type CcidVariantName = keyof typeof ccidVariants;

/** dwFeatures: below APDU level the reader chooses voltage, clock and baud rate, and leaves PPS, parameters and IFS to the host. */
const features = {
  shortApdu: 0x000200fe,
  extendedApdu: 0x000400fe,
  tpdu: 0x00010038,
  character: 0x00000038,
} as const satisfies Record<ExchangeLevel, number>;

/** Products of a vendor id that drivers know and have no quirks for. */
const products = { contact: 0x0004, contactless: 0x0005 } as const;

/** The descriptors of a variant. */
export function describeCcid({ kind, level, slots, hasPinPad }: CcidVariant): UsbDescriptors {
  return describeDevice({
    vendorId: 0x0e0f,
    productId: products[kind],
    releaseBcd: 0x0100,
    speed: 'full',
    manufacturer: 'Tsunagu',
    product: `Emulated CCID reader (${kind})`,
    interfaces: [
      {
        class: 0x0b,
        subclass: 0,
        protocol: 0,
        classDescriptor: encodeClassDescriptor({
          releaseBcd: 0x0110,
          slotIndexMax: slots - 1,
          voltages: ['5V', '3V', '1.8V'],
          protocols: ['T=0', 'T=1'],
          defaultClockKhz: 4_000,
          maximumClockKhz: 4_000,
          clockCount: 0,
          dataRateBps: 10_752,
          dataRateBpsMax: 344_086,
          dataRateCount: 0,
          ifsdMax: 254,
          synchronousProtocols: 0,
          mechanical: 0,
          features: features[level],
          messageBytesMax,
          classGetResponse: 0xff,
          classEnvelope: 0xff,
          lcd: hasPinPad ? { lines: 2, characters: 16 } : { lines: 0, characters: 0 },
          pinSupport: hasPinPad ? ['verify', 'modify'] : [],
          busySlotsMax: 1,
        }),
        endpoints: [
          { address: endpoints.bulkOut, type: 'bulk', packetBytes: 64 },
          { address: 0x80 | endpoints.bulkIn, type: 'bulk', packetBytes: 64 },
          { address: 0x80 | endpoints.interruptIn, type: 'interrupt', packetBytes: 8, interval: 24 },
        ],
      },
    ],
  });
}
