import type { World } from '@tsunagu/protocols/world';
import { HostUsb } from '../usb/host/transport.ts';
import { PcscReaders } from './pcsc/readers.ts';
import type { Readers } from './port.ts';
import { ReaderStation } from './station.ts';

/** Where a terminal's real readers are: on this machine's USB, or behind its PC/SC daemon, all of them or the one of this name. */
export type ReaderPlace = 'usb' | 'pcsc' | `pcsc:${string}`;

export const isReaderPlace = (text: string): text is ReaderPlace => /^(usb|pcsc(:.{1,120})?)$/.test(text);

/** Opens the real readers of a terminal. Nothing has to be there yet: each is looked for when it is needed. */
export const openRealReaders = (world: World, place: ReaderPlace): Readers =>
  place === 'usb'
    ? new ReaderStation(world, new HostUsb(world))
    : new PcscReaders(world, place === 'pcsc' ? undefined : place.slice('pcsc:'.length));
