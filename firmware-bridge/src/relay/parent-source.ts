import type { Serial } from '@tsunagu/protocols/fleet';
import { containerBytesMax } from '@tsunagu/protocols/negative';
import type { Timers } from '@tsunagu/protocols/world';
import type { NamedSource } from '../negative/index.ts';
import { httpSource, type RangeSource, type SharedLine } from '../software/index.ts';
import { dialRelay } from './relayed-network.ts';

/** A parent's cache as a source of bytes. Nothing that comes of it is believed: it is checked as what comes from the server is. */
export const parentSource = (
  parent: { readonly host: string; readonly port: number; readonly serial: Serial },
  serial: Serial,
  timers: Timers,
  line: SharedLine,
  lengthMax = 1_048_576,
): RangeSource =>
  httpSource({
    name: parent.serial,
    host: parent.serial,
    timers,
    async open(timeoutMs) {
      const dialled = await dialRelay(parent, { service: 'cache', serial }, timeoutMs, timers);
      // Nothing comes before it is asked for.
      if (dialled.ok) dialled.value.resume();
      return dialled;
    },
    line,
    lengthMax,
  });

/** A parent's cache as a source of parts of negative lists. */
export function parentLists(...[parent, serial, timers, line]: Parameters<typeof parentSource>): NamedSource & {
  close(): void;
} {
  const source = parentSource(parent, serial, timers, line, containerBytesMax);
  return {
    async fetch(name, lengthMax) {
      const { bytes, end } = await source.read(`/negative/${name}`, 'all');
      return end === 'whole' && bytes.length <= lengthMax ? bytes : undefined;
    },
    close: () => source.close(),
  };
}
