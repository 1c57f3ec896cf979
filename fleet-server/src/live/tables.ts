/** Tables of the event log behind the live stream. */
export interface LiveTables {
  readonly live_events: {
    id: number;
    at: number;
    name: string;
    /** The event's body, JSON. */
    data: string;
  };
  /** One row: which log this is, and the newest number that was given out. */
  readonly live_state: { id: number; run: string; latest: number };
}
