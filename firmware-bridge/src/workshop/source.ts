import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { EmulatedBus } from '../usb/emulated/bus.ts';
import { HostUsb } from '../usb/host/transport.ts';
import type { UsbDeviceInfo, UsbTransport } from '../usb/port.ts';
import { type Bus, usbBus } from './bus.ts';
import { PcscBus } from './pcsc-bus.ts';
import { type BenchReader, benchReaders, isBenchReaderName } from './bench-readers.ts';
import { cardNamed, type NamedCard } from './cards.ts';
import { emulatedHand } from './hands.ts';
import type { Hand } from './bench.ts';

/** An emulated reader in this process, and what lies in it. */
export interface EmulatedPlace {
  readonly info: UsbDeviceInfo;
  readonly reader: BenchReader;
  readonly readerName: string;
  /** What lies in it at first, and what will lie in it after that. */
  readonly cards: readonly NamedCard[];
  readonly hand: Hand | undefined;
}

/** Where readers come from: the machine's own bus, its PC/SC daemon, or emulated ones in this process. */
export interface Source {
  readonly bus: Bus;
  /** The USB below it; undefined where another program drives the readers. */
  readonly transport: UsbTransport | undefined;
  readonly emulated: readonly EmulatedPlace[];
}

/** What is plugged in when nobody says. */
const defaults = ['ccid=visa-contact', 'ccid-contactless=mastercard-contactless'];
const readersMax = 16;

/** Cards that one reader is given one after another, at most. */
const cardsMax = 16;

/** A USB bus as a source, without anything emulated. */
export const usbSource = (world: World, transport: UsbTransport): Source => ({
  bus: usbBus(world, transport),
  transport,
  emulated: [],
});

/** How a source is asked for. */
export interface SourceOptions {
  /** `READER[=CARD]` each; undefined for the machine's own readers. */
  readonly emulated?: readonly string[];
  /** Those that pcscd drives, instead of those on USB. */
  readonly pcsc?: boolean;
}

/** Opens the machine's bus, or with `emulated` (`READER[=CARD[,CARD...]]` each) a bus of emulated readers. */
export function openSource(
  world: World,
  { emulated, pcsc }: SourceOptions,
): Result<Source, 'EMULATED_READER_UNKNOWN' | 'EMULATED_CARD_UNKNOWN'> {
  if (pcsc === true) return ok({ bus: new PcscBus(world), transport: undefined, emulated: [] });
  if (emulated === undefined) return ok(usbSource(world, new HostUsb(world)));
  const bus = new EmulatedBus(world);
  const places: EmulatedPlace[] = [];
  for (const text of (emulated.length === 0 ? defaults : emulated).slice(0, readersMax)) {
    const [readerName = '', names = ''] = text.split('=', 2);
    if (!isBenchReaderName(readerName)) return fail('EMULATED_READER_UNKNOWN', { field: readerName });
    const reader = benchReaders[readerName]();
    const cards: NamedCard[] = [];
    for (const name of names.split(',').filter(Boolean).slice(0, cardsMax)) {
      const made = cardNamed(name);
      if (!made.ok) return made;
      // A reader says by itself which cards it cannot take.
      if (!reader.insert(made.value)) return fail('EMULATED_CARD_UNKNOWN', { field: name });
      reader.remove();
      cards.push(made.value);
    }
    const info = bus.plug(reader.model);
    const [first] = cards;
    if (first !== undefined) reader.insert(first);
    places.push({ info, reader, readerName, cards, hand: first && emulatedHand(reader, first) });
  }
  return ok({ ...usbSource(world, bus), emulated: places });
}

const named = ({ id, vendorId, productId }: UsbDeviceInfo): readonly string[] => [
  id,
  [vendorId, productId].map((part) => part.toString(16).padStart(4, '0')).join(':'),
];

/** The reader that is meant: by its id or `VID:PID`, or else the first device that opens as one. */
export async function findReader({ bus }: Source, name: string | undefined): Promise<Result<UsbDeviceInfo>> {
  const listed = await bus.list();
  if (!listed.ok) return listed;
  if (name !== undefined) {
    const found = listed.value.find((info) => named(info).some((own) => own.toLowerCase() === name.toLowerCase()));
    return found === undefined ? fail('READER_NOT_THERE', { field: name }) : ok(found);
  }
  let last: Result<never> = fail('READER_NOT_THERE');
  for (const info of listed.value) {
    const opened = await bus.open(info);
    if (opened.ok) {
      await opened.value.close();
      return ok(info);
    }
    // A reader that is busy says more than a hub that is none.
    if (isReaderFault(opened.fault.code)) last = opened;
  }
  return last;
}

/** Whether a device that did not open is a reader all the same. */
export const isReaderFault = (code: string): boolean =>
  code !== 'READER_UNKNOWN' && code !== 'CCID_DESCRIPTOR_INVALID' && code !== 'USB_NOT_FOUND';
