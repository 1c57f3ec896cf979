import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { openReader } from '../readers/families.ts';
import { EmulatedBus } from '../usb/emulated/bus.ts';
import { HostUsb } from '../usb/host/transport.ts';
import type { UsbDeviceInfo, UsbTransport } from '../usb/port.ts';
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

/** Where readers come from: the machine's own bus, or emulated ones in this process. */
export interface Source {
  readonly transport: UsbTransport;
  readonly emulated: readonly EmulatedPlace[];
}

/** What is plugged in when nobody says. */
const defaults = ['ccid=visa-contact', 'ccid-contactless=mastercard-contactless'];
const readersMax = 16;

/** Cards that one reader is given one after another, at most. */
const cardsMax = 16;

/** Opens the machine's bus, or with `emulated` (`READER[=CARD[,CARD...]]` each) a bus of emulated readers. */
export function openSource(
  world: World,
  emulated: readonly string[] | undefined,
): Result<Source, 'READER_NOT_THERE' | 'CARD_UNKNOWN'> {
  if (emulated === undefined) return ok({ transport: new HostUsb(world), emulated: [] });
  const bus = new EmulatedBus(world);
  const places: EmulatedPlace[] = [];
  for (const text of (emulated.length === 0 ? defaults : emulated).slice(0, readersMax)) {
    const [readerName = '', names = ''] = text.split('=', 2);
    if (!isBenchReaderName(readerName)) return fail('READER_NOT_THERE', { field: readerName });
    const reader = benchReaders[readerName]();
    const cards: NamedCard[] = [];
    for (const name of names.split(',').filter(Boolean).slice(0, cardsMax)) {
      const made = cardNamed(name);
      if (!made.ok) return made;
      // A reader says by itself which cards it cannot take.
      if (!reader.insert(made.value)) return fail('CARD_UNKNOWN', { field: name });
      reader.remove();
      cards.push(made.value);
    }
    const info = bus.plug(reader.model);
    const [first] = cards;
    if (first !== undefined) reader.insert(first);
    places.push({ info, reader, readerName, cards, hand: first && emulatedHand(reader, first) });
  }
  return ok({ transport: bus, emulated: places });
}

const named = ({ id, vendorId, productId }: UsbDeviceInfo): readonly string[] => [
  id,
  [vendorId, productId].map((part) => part.toString(16).padStart(4, '0')).join(':'),
];

/** The reader that is meant: by its id or `VID:PID`, or else the first device that opens as one. */
export async function findReader(
  world: World,
  { transport }: Source,
  name: string | undefined,
): Promise<Result<UsbDeviceInfo>> {
  const listed = await transport.list();
  if (!listed.ok) return listed;
  if (name !== undefined) {
    const found = listed.value.find((info) => named(info).includes(name.toLowerCase()));
    return found === undefined ? fail('READER_NOT_THERE', { field: name }) : ok(found);
  }
  let last: Result<never> = fail('READER_NOT_THERE');
  for (const info of listed.value) {
    const opened = await openReader(world, transport, info);
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
