import { Writable } from 'node:stream';

/** The part of a terminal that a screen writes to. */
export interface ScreenTarget {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const enter = '\u001B[?1049h\u001B[?25l\u001B[2J';
const leave = '\u001B[?25h\u001B[?1049l';
const frameStart = '\u001B[?2026h';
const frameEnd = '\u001B[?2026l';

/**
 * What ink draws on: takes whole frames, and sends the terminal only the rows that changed, inside a synchronised update
 * and on the alternate screen. ink's own output clears the screen whenever a frame is as high as the terminal.
 */
export class Screen extends Writable {
  readonly isTTY = true;
  readonly #target: ScreenTarget;
  readonly #resized: () => void;
  #shown: readonly string[] = [];

  constructor(target: ScreenTarget) {
    super({ decodeStrings: false });
    this.#target = target;
    this.#resized = () => {
      this.#shown = [];
      this.#target.write('\u001B[2J');
      this.emit('resize');
    };
    target.on('resize', this.#resized);
    target.write(enter);
  }

  get columns(): number {
    return this.#target.columns ?? 80;
  }

  get rows(): number {
    return this.#target.rows ?? 24;
  }

  override _write(frame: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#show(String(frame).replace(/\n$/, '').split('\n').slice(0, this.rows));
    done();
  }

  /** Gives the terminal back as it was. */
  leave(): void {
    this.#target.off('resize', this.#resized);
    this.#target.write(leave);
  }

  #show(lines: readonly string[]): void {
    let update = '';
    const height = Math.max(lines.length, this.#shown.length);
    for (let row = 0; row < height; row++) {
      const line = lines[row] ?? '';
      if (line !== this.#shown[row]) update += `\u001B[${row + 1};1H${line}\u001B[0m\u001B[K`;
    }
    this.#shown = lines;
    if (update) this.#target.write(frameStart + update + frameEnd);
  }
}
