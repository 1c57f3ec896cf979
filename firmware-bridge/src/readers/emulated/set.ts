import type { ReaderKind, TerminalModel } from '@tsunagu/protocols/catalogue';
import type { EmulatedBus } from '../../usb/emulated/bus.ts';
import { EmulatedCcidReader } from './ccid-device.ts';
import { EmulatedRcs380 } from './rcs380-device.ts';
import { EmulatedStripeHead } from './stripe-device.ts';

/** Emulated devices of one terminal, as its hand reaches them: present a card to one of these. */
export interface EmulatedReaders {
  readonly contact?: EmulatedCcidReader;
  readonly contactless?: EmulatedCcidReader;
  readonly stripe?: EmulatedStripeHead;
  readonly felica?: EmulatedRcs380;
}

/** Which emulated device stands for each kind of reader. */
const devices = {
  contact: () => ({ contact: new EmulatedCcidReader('contact') }),
  contactless: () => ({ contactless: new EmulatedCcidReader('contactless') }),
  stripe: () => ({ stripe: new EmulatedStripeHead() }),
  felica: () => ({ felica: new EmulatedRcs380() }),
} as const satisfies Record<ReaderKind, () => EmulatedReaders>;

/** Plugs the readers of a catalogue model into a bus. */
export function plugReaders(bus: EmulatedBus, model: TerminalModel): EmulatedReaders {
  const readers: EmulatedReaders = Object.assign({}, ...model.readers.map((kind) => devices[kind]()));
  for (const device of [readers.stripe, readers.contact, readers.contactless, readers.felica])
    if (device) bus.plug(device);
  return readers;
}
