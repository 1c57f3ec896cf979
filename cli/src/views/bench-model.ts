import type { BridgeEvent, CardSeen, ReaderSeen } from '@tsunagu/protocols/workshop';

/** A reader on the workbench, and what is in it. */
export interface BenchRow {
  readonly reader: ReaderSeen;
  /** Undefined while nobody knows, or when it cannot be asked. */
  readonly slot: 'empty' | CardSeen | { readonly code: string } | undefined;
}

/** What the workbench shows. */
export interface BenchState {
  readonly rows: readonly BenchRow[];
  /** The bridge's last word, when it ended with a fault. */
  readonly fault: Extract<BridgeEvent, { readonly event: 'failed' }> | undefined;
}

export const emptyBench: BenchState = { rows: [], fault: undefined };

/** Readers on the screen: a bench with more is a rack. */
const rowsMax = 64;

/** What an event makes of the workbench. */
export function onBenchEvent(state: BenchState, event: BridgeEvent): BenchState {
  const slotOf = (id: string, slot: BenchRow['slot']): BenchState => ({
    ...state,
    rows: state.rows.map((row) => (row.reader.id === id ? { ...row, slot } : row)),
  });
  switch (event.event) {
    case 'readerFound': {
      const others = state.rows.filter(({ reader }) => reader.id !== event.reader.id);
      return { ...state, rows: [...others, { reader: event.reader, slot: undefined }].slice(-rowsMax) };
    }
    case 'readerGone':
      return { ...state, rows: state.rows.filter(({ reader }) => reader.id !== event.reader.id) };
    case 'slotEmpty':
      return slotOf(event.reader, 'empty');
    case 'cardFound':
      return slotOf(event.reader, event.card);
    case 'cardUnread':
      return slotOf(event.reader, { code: event.code });
    case 'failed':
      return { ...state, fault: event };
    default:
      return state;
  }
}

/** Holds the workbench's state for a screen. */
export class BenchModel {
  #state = emptyBench;
  readonly #listeners = new Set<() => void>();

  readonly state = (): BenchState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  take(event: BridgeEvent): void {
    this.#state = onBenchEvent(this.#state, event);
    for (const listener of this.#listeners) listener();
  }
}
