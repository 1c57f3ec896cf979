import type { BenchReaderName } from '@tsunagu/protocols/workshop';
import { acr122uFaults, EmulatedAcr122u } from '../readers/emulated/acr122u-device.ts';
import { EmulatedCcidReader } from '../readers/emulated/ccid-device.ts';
import type { CcidVariantName } from '../readers/emulated/ccid-variant.ts';
import { ccidFaults } from '../readers/emulated/faults.ts';
import { EmulatedRcs380, rcs380Faults } from '../readers/emulated/rcs380-device.ts';
import type { UsbDeviceModel } from '../usb/emulated/device-model.ts';
import type { NamedCard } from './cards.ts';

/** An emulated reader on the bench: the device, and the hand that puts cards into it and breaks it. */
export interface BenchReader {
  readonly model: UsbDeviceModel;
  /** False for a card that this reader cannot take. */
  insert(card: NamedCard): boolean;
  remove(): void;
  /** Breaks the next answer; false when it knows no such fault. */
  inject(fault: string): boolean;
}

const faultOf =
  <Fault extends string>(faults: Readonly<Record<Fault, string>>) =>
  (name: string): name is Fault =>
    Object.hasOwn(faults, name);

const isCcidFault = faultOf(ccidFaults);
const isAcr122uFault = faultOf(acr122uFaults);
const isRcs380Fault = faultOf(rcs380Faults);

function ccid(variant: CcidVariantName): BenchReader {
  const model = new EmulatedCcidReader(variant);
  return {
    model,
    insert: (card) => {
      if (card.kind !== 'chip' || card.at !== model.kind) return false;
      model.insert(card.card);
      return true;
    },
    remove: () => model.remove(),
    inject: (fault) => {
      if (!isCcidFault(fault)) return false;
      model.inject(fault);
      return true;
    },
  };
}

/** A reader whose antenna takes chip cards and FeliCa cards. */
function antenna(model: EmulatedAcr122u | EmulatedRcs380, inject: (fault: string) => boolean): BenchReader {
  return {
    model,
    insert: (card) => {
      if (card.kind === 'chip' && card.at === 'contact') return false;
      model.remove();
      if (card.kind === 'chip') model.insert(card.card);
      else model.insertFelica(card.card);
      return true;
    },
    remove: () => model.remove(),
    inject,
  };
}

function acr122u(): BenchReader {
  const model = new EmulatedAcr122u();
  return antenna(model, (fault) => {
    if (!isAcr122uFault(fault)) return false;
    model.inject(fault);
    return true;
  });
}

function rcs380(): BenchReader {
  const model = new EmulatedRcs380();
  return antenna(model, (fault) => {
    if (!isRcs380Fault(fault)) return false;
    model.inject(fault);
    return true;
  });
}

/** The emulated readers that can be put on the bench, by name. A new one is an entry here. */
export const benchReaders = {
  ccid: () => ccid('contact'),
  'ccid-contactless': () => ccid('contactless'),
  'ccid-extended': () => ccid('extendedApdu'),
  'ccid-tpdu-t0': () => ccid('tpduT0'),
  'ccid-tpdu-t1': () => ccid('tpduT1'),
  'ccid-character-t0': () => ccid('characterT0'),
  'ccid-character-t1': () => ccid('characterT1'),
  acr122u,
  rcs380,
} as const satisfies Record<BenchReaderName, () => BenchReader>;

export const isBenchReaderName = (name: string): name is BenchReaderName => Object.hasOwn(benchReaders, name);
