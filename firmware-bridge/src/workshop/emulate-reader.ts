import type { Address } from '../export/address.ts';
import { ExportedDevice } from '../export/usbip/exported-device.ts';
import { UsbipServer } from '../export/usbip/server.ts';
import type { BenchReaderName } from '@tsunagu/protocols/workshop';
import { type BenchReader, benchReaders } from './bench-readers.ts';
import { cardNamed } from './cards.ts';
import { type Ending, failed, type Shell, untilTold } from './shell.ts';

/** What `emulate reader` was asked for. */
export interface EmulateReaderOptions {
  readonly readers: readonly BenchReaderName[];
  readonly address: Address;
  /** The card that lies in the first reader from the start. */
  readonly card?: string;
}

interface OnBench {
  readonly reader: BenchReader;
  readonly exported: ExportedDevice;
  card: string | undefined;
}

/**
 * Lends emulated readers to a kernel over USB/IP until told to end. Lines on the input are the hand at the bench:
 * `insert CARD [BUS]`, `remove [BUS]`, `unplug [BUS]`, `plug [BUS]`, `fault NAME [BUS]`; without a bus id the first reader is meant.
 */
export async function emulateReader(shell: Shell, { readers, address, card }: EmulateReaderOptions): Promise<Ending> {
  const bench = readers.map((name, index): OnBench => {
    const reader = benchReaders[name]();
    return { reader, exported: new ExportedDevice(reader.model, index + 1), card: undefined };
  });
  const [first] = bench;
  if (first === undefined) return failed(shell, { code: 'READER_NOT_THERE' });
  if (card !== undefined && !insert(shell, first, card))
    return failed(shell, { code: 'EMULATED_CARD_UNKNOWN', field: card });
  const server = new UsbipServer(
    shell.world,
    bench.map(({ exported }) => exported),
    (event) =>
      shell.say(
        event.type === 'refused'
          ? { event: 'clientRefused', peer: event.peer, code: event.code }
          : { event: event.type, busId: event.busId, peer: event.peer },
      ),
  );
  const listening = await server.listen(address);
  if (!listening.ok) return failed(shell, listening.fault);
  bench.forEach(({ exported, reader }, index) => {
    const { vendorId, productId } = reader.model;
    const { host } = address;
    const { busId } = exported;
    const port = listening.value;
    shell.say({ event: 'exported', reader: readers[index] ?? '', busId, host, port, vendorId, productId });
  });
  shell.say({ event: 'ready' });
  void (async () => {
    for await (const line of shell.lines) obey(shell, bench, line);
  })();
  await untilTold(shell.signal);
  await server.close();
  return 0;
}

function insert(shell: Shell, place: OnBench, name: string): boolean {
  const made = cardNamed(name);
  if (!made.ok || !place.reader.insert(made.value)) return false;
  place.card = name;
  shell.say({ event: 'cardInserted', card: name });
  return true;
}

function obey(shell: Shell, bench: readonly OnBench[], line: string): void {
  const [verb = '', ...words] = line.split(/\s+/);
  if (verb === '') return;
  const takesName = verb === 'insert' || verb === 'fault';
  const busId = words[takesName ? 1 : 0];
  const place = busId === undefined ? bench[0] : bench.find(({ exported }) => exported.busId === busId);
  const name = takesName ? (words[0] ?? '') : '';
  if (place === undefined || !act(shell, place, verb, name))
    shell.say({ event: 'commandUnknown', says: line.slice(0, 80) });
}

function act(shell: Shell, place: OnBench, verb: string, name: string): boolean {
  const { busId } = place.exported;
  switch (verb) {
    case 'insert':
      return insert(shell, place, name);
    case 'remove':
      place.reader.remove();
      shell.say({ event: 'cardRemoved', card: place.card ?? '' });
      place.card = undefined;
      return true;
    case 'unplug':
      place.exported.unplug();
      shell.say({ event: 'cablePulled', busId });
      return true;
    case 'plug':
      place.exported.plug();
      shell.say({ event: 'cablePlugged', busId });
      return true;
    case 'fault':
      if (!place.reader.inject(name)) return false;
      shell.say({ event: 'faultSet', fault: name });
      return true;
    default:
      return false;
  }
}
