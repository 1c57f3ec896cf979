/** Messages that may be on their way to one terminal at a time. */
const windowMax = 4;
/** Messages that may wait behind those. All of it can be pulled again: what is dropped costs time only. */
const queueMax = 64;

export interface Downlink {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly qos: 0 | 1;
}

/** The way down to one terminal: a small window and a bounded queue, so that a frozen terminal holds up nobody else. */
export class DownlinkQueue {
  readonly #write: (message: Downlink, done: () => void) => void;
  /** There are thousands of terminals for which nothing waits: no list is kept for these. */
  #waiting: Downlink[] | undefined;
  #inFlight = 0;

  constructor(write: (message: Downlink, done: () => void) => void) {
    this.#write = write;
  }

  /** How many wait behind those on their way. */
  get waiting(): number {
    return this.#waiting?.length ?? 0;
  }

  /** False when the queue was full and the message was dropped. */
  push(message: Downlink): boolean {
    const waiting = (this.#waiting ??= []);
    if (waiting.length >= queueMax) return false;
    waiting.push(message);
    this.#pump();
    return true;
  }

  #pump(): void {
    while (this.#inFlight < windowMax) {
      const next = this.#waiting?.shift();
      if (!next) {
        this.#waiting = undefined;
        return;
      }
      this.#inFlight += 1;
      this.#write(next, () => {
        this.#inFlight -= 1;
        this.#pump();
      });
    }
  }
}
