import { EmulatedCcidReader } from '../readers/emulated/ccid-device.ts';
import type { ChipCard } from '../readers/emulated/chip-card.ts';
import { ccidFaults, type CcidFault } from '../readers/emulated/faults.ts';
import type { UsbDeviceModel } from '../usb/emulated/device-model.ts';

/** An emulated reader on the bench: the device, and the hand that puts cards into it and breaks it. */
export interface BenchReader {
  readonly model: UsbDeviceModel;
  insert(card: ChipCard): void;
  remove(): void;
  /** Breaks the next answer; false when it knows no such fault. */
  inject(fault: string): boolean;
}

const isCcidFault = (name: string): name is CcidFault => Object.hasOwn(ccidFaults, name);

function ccid(kind: 'contact' | 'contactless'): BenchReader {
  const model = new EmulatedCcidReader(kind);
  return {
    model,
    insert: (card) => model.insert(card),
    remove: () => model.remove(),
    inject: (fault) => {
      if (!isCcidFault(fault)) return false;
      model.inject(fault);
      return true;
    },
  };
}

/** The emulated readers that can be put on the bench, by name. A new one is an entry here. */
export const benchReaders = {
  ccid: () => ccid('contact'),
  'ccid-contactless': () => ccid('contactless'),
} as const satisfies Record<string, () => BenchReader>;

/** A name in `benchReaders`. */
export type BenchReaderName = keyof typeof benchReaders;

export const isBenchReaderName = (name: string): name is BenchReaderName => Object.hasOwn(benchReaders, name);
