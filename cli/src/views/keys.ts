import { Readable } from 'node:stream';
import type { Timer, Timers } from '@tsunagu/protocols/world';

/** The part of a terminal that keys come from. */
export interface KeySource {
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
  ref?(): unknown;
  unref?(): unknown;
}

const loneEscapeMs = 25;
// A control sequence (ECMA-48, 5.4), a single shift, or one character; an unfinished sequence at the end stays for later.
// oxlint-disable-next-line no-control-regex
const oneKey = /\u001B\[[0-9;?]*[ -/]*[@-~]|\u001BO.|\u001B(?=[^[O]|$)|[^\u001B]/gsu;
const scan = /^[\u0020-\u007E]{6,}\r$/;

/** Cuts what arrived into single keys; a line that came at once (a barcode scanner, a paste) stays whole. */
export const splitKeys = (text: string): readonly string[] => (scan.test(text) ? [text] : (text.match(oneKey) ?? []));

/**
 * Standard input for ink, one key per `read()`: ink takes a whole chunk for one key, so that key repeat over a slow line
 * and scanners would go wrong. A lone Escape is told from the start of a sequence by a short wait.
 */
export class Keys extends Readable {
  readonly isTTY = true;
  readonly #source: KeySource;
  readonly #timers: Timers;
  readonly #take: (chunk: Buffer) => void;
  #escape: Timer | undefined;

  constructor(source: KeySource, timers: Timers) {
    super({ objectMode: true, read: () => {} });
    this.#source = source;
    this.#timers = timers;
    this.#take = (chunk) => this.#arrived(chunk.toString('utf8'));
    source.on('data', this.#take);
    source.resume();
  }

  setRawMode(raw: boolean): this {
    this.#source.setRawMode?.(raw);
    return this;
  }

  ref(): this {
    this.#source.ref?.();
    return this;
  }

  unref(): this {
    this.#source.unref?.();
    return this;
  }

  leave(): void {
    this.#escape?.cancel();
    this.#source.off('data', this.#take);
    this.#source.setRawMode?.(false);
    this.#source.pause();
  }

  #arrived(text: string): void {
    const pending = this.#escape ? '\u001B' : '';
    this.#escape?.cancel();
    this.#escape = undefined;
    const whole = pending + text;
    if (whole === '\u001B') {
      this.#escape = this.#timers.after(loneEscapeMs, () => {
        this.#escape = undefined;
        this.push('\u001B');
      });
      return;
    }
    for (const key of splitKeys(whole)) this.push(key);
  }
}
