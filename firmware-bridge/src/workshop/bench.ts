import type { TraceHeader } from '@tsunagu/protocols/trace';
import type { ChipReader } from '../readers/port.ts';
import type { UsbDeviceInfo, UsbTransport } from '../usb/port.ts';

/** Who moves the card: nobody, a person who is asked, or the emulator, which breaks answers as well. */
export interface Hand {
  readonly kind: TraceHeader['hand'];
  /** Asks for a card, or does it; resolves when it was asked. */
  insert(): Promise<void>;
  remove(when: 'now' | 'duringCommand'): Promise<void>;
  /** Breaks the next answer; false when there is no such fault. */
  inject?(fault: string): boolean;
  /** Waits between two questions for the state. */
  pause(): Promise<void>;
}

/** One reader with everything that a script needs. */
export interface Bench {
  /** The USB below; undefined where another program drives the reader. */
  readonly transport: UsbTransport | undefined;
  readonly info: UsbDeviceInfo;
  readonly reader: ChipReader;
  readonly hand: Hand;
  /** Whether every card that was powered so far is one of ours. */
  readonly isFictional: () => boolean;
}
