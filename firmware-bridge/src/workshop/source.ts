import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { EmulatedBus } from '../usb/emulated/bus.ts';
import { HostUsb } from '../usb/host/transport.ts';
import type { UsbDeviceInfo, UsbTransport } from '../usb/port.ts';
import { type BenchReader, benchReaders, isBenchReaderName } from './bench-readers.ts';
import { chipCardNamed } from './cards.ts';
import { emulatedHand } from './hands.ts';
import type { Hand } from './session.ts';

/** An emulated reader in this process, and what lies in it. */
export interface EmulatedPlace {
  readonly info: UsbDeviceInfo;
  readonly reader: BenchReader;
  readonly readerName: string;
  readonly cardName: string | undefined;
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

/** Opens the machine's bus, or with `emulated` (`READER[=CARD]` each) a bus of emulated readers. */
export function openSource(
  world: World,
  emulated: readonly string[] | undefined,
): Result<Source, 'READER_NOT_THERE' | 'CARD_UNKNOWN'> {
  if (emulated === undefined) return ok({ transport: new HostUsb(world), emulated: [] });
  const bus = new EmulatedBus(world);
  const places: EmulatedPlace[] = [];
  for (const text of (emulated.length === 0 ? defaults : emulated).slice(0, readersMax)) {
    const [readerName = '', cardName] = text.split('=', 2);
    if (!isBenchReaderName(readerName)) return fail('READER_NOT_THERE', { field: readerName });
    const reader = benchReaders[readerName]();
    const made = cardName === undefined ? undefined : chipCardNamed(cardName);
    if (made !== undefined && !made.ok) return made;
    const info = bus.plug(reader.model);
    if (made !== undefined) reader.insert(made.value.card);
    const hand = made === undefined ? undefined : emulatedHand(reader, made.value.card);
    places.push({ info, reader, readerName, cardName, hand });
  }
  return ok({ transport: bus, emulated: places });
}

/** The reader that is meant: by its id, or the only one that opens. */
export async function findReader(source: Source, id: string | undefined): Promise<Result<UsbDeviceInfo>> {
  const listed = await source.transport.list();
  if (!listed.ok) return listed;
  if (id !== undefined) {
    const found = listed.value.find((info) => info.id === id);
    return found === undefined ? fail('READER_NOT_THERE', { field: id }) : ok(found);
  }
  const [first] = listed.value;
  return first === undefined ? fail('READER_NOT_THERE') : ok(first);
}
