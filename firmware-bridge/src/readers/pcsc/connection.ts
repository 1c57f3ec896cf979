import { connect, type Socket } from 'node:net';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  type PcscdAnswer,
  type PcscdCommand,
  type PcscdReader,
  pcscdAnswerBytes,
  pcscdEstablishContext,
  pcscdGetReadersState,
  pcscdProtocol,
  pcscdVersion,
  readPcscdAnswer,
  readPcscdReaders,
} from '@tsunagu/protocols/pcsc';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { ReaderCode } from '../codes.ts';
import { Turns } from '../turns.ts';

/** The daemon answers at once, unless a card is at work. */
const answerMs = 3_000;

interface Waiting {
  readonly bytes: number;
  readonly settle: (result: Result<Uint8Array, ReaderCode>) => void;
  readonly timer: Timer;
}

type Simple = Exclude<PcscdCommand, 'getReadersState'>;

/**
 * One connection to pcscd. Every request has a deadline; one that it misses ends the connection, since its answer would be taken
 * for that of the next.
 */
export class PcscConnection {
  readonly #world: World;
  readonly #socket: Socket;
  readonly #turns = new Turns();
  #held: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #isOver = false;
  #context = 0;

  private constructor(world: World, socket: Socket) {
    this.#world = world;
    this.#socket = socket;
    socket.on('data', (part: Buffer) => this.#take(part));
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
  }

  /** Connects, agrees on the protocol and begins a context. PCSC_UNAVAILABLE where nobody listens. */
  static async open(world: World, path: string): Promise<Result<PcscConnection, ReaderCode>> {
    let minor: number = pcscdProtocol.minor;
    for (let attempt = 0; attempt < 2; attempt++) {
      const socket = await dial(world, path);
      if (!socket.ok) return socket;
      const connection = new PcscConnection(world, socket.value);
      const version = await connection.request('version', pcscdVersion(minor));
      if (version.ok && version.value.result === 0) {
        const context = await connection.request('establishContext', pcscdEstablishContext());
        if (context.ok && context.value.result === 0) {
          connection.#context = context.value.value;
          return ok(connection);
        }
        connection.close();
        return context.ok ? fail('PCSC_REFUSED', { facts: { result: context.value.result } }) : context;
      }
      connection.close();
      if (!version.ok) return version;
      // The daemon has named its own minor version: it is taken if we know it.
      const named = version.value.value;
      if (named < pcscdProtocol.minorMin || named > pcscdProtocol.minorMax || named === minor)
        return fail('PCSC_PROTOCOL', { facts: { minor: named } });
      minor = named;
    }
    return fail('PCSC_PROTOCOL', { facts: { minor } });
  }

  get context(): number {
    return this.#context;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  request(command: Simple, bytes: Uint8Array, waitMs = answerMs): Promise<Result<PcscdAnswer, ReaderCode>> {
    return this.#turns.take(async () => {
      const answer = await this.#ask(bytes, pcscdAnswerBytes[command], waitMs);
      return answer.ok ? this.#sound(readPcscdAnswer(command, answer.value)) : answer;
    });
  }

  /** A request whose answer is followed by a card's response. */
  transmit(
    bytes: Uint8Array,
    waitMs: number,
  ): Promise<Result<{ answer: PcscdAnswer; response: Uint8Array }, ReaderCode>> {
    return this.#turns.take(async () => {
      const head = await this.#ask(bytes, pcscdAnswerBytes.transmit, waitMs);
      if (!head.ok) return head;
      const answer = this.#sound(readPcscdAnswer('transmit', head.value));
      if (!answer.ok) return answer;
      const { followingBytes } = answer.value;
      const response = followingBytes === 0 ? ok(new Uint8Array(0)) : await this.#read(followingBytes, answerMs);
      return response.ok ? ok({ answer: answer.value, response: response.value }) : response;
    });
  }

  readers(): Promise<Result<readonly PcscdReader[], ReaderCode>> {
    return this.#turns.take(async () => {
      const table = await this.#ask(pcscdGetReadersState(), pcscdAnswerBytes.getReadersState, answerMs);
      return table.ok ? this.#sound(readPcscdReaders(table.value)) : table;
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #ask(bytes: Uint8Array, answerBytes: number, waitMs: number): Promise<Result<Uint8Array, ReaderCode>> {
    // Bytes that nobody asked for would be taken for the answer.
    if (this.#held.length > 0) this.close();
    if (this.#isOver) return Promise.resolve(fail('PCSC_UNAVAILABLE'));
    this.#socket.write(bytes);
    return this.#read(answerBytes, waitMs);
  }

  #read(bytes: number, waitMs: number): Promise<Result<Uint8Array, ReaderCode>> {
    return new Promise((settle) => {
      const timer = this.#world.timers.after(waitMs, () => {
        this.#settle(fail('READER_TIMEOUT'));
        this.close();
      });
      this.#waiting = { bytes, settle, timer };
      this.#give();
      if (this.#isOver) this.#settle(fail('PCSC_UNAVAILABLE'));
    });
  }

  #take(part: Buffer): void {
    // The daemon speaks when it is asked: what comes beyond that is not its protocol. The sum bounds what is held.
    const room = this.#waiting === undefined ? 0 : this.#waiting.bytes + 65_548;
    if (this.#held.length + part.length > room) return this.close();
    this.#held = Buffer.concat([this.#held, part]);
    this.#give();
  }

  #give(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#held.length < waiting.bytes) return;
    const answer = Uint8Array.from(this.#held.subarray(0, waiting.bytes));
    this.#held = this.#held.subarray(waiting.bytes);
    this.#settle(ok(answer));
  }

  #settle(result: Result<Uint8Array, ReaderCode>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.timer.cancel();
    waiting?.settle(result);
  }

  #end(): void {
    this.#isOver = true;
    this.#settle(fail('PCSC_UNAVAILABLE'));
  }

  /** An answer that is none leaves the stream in an unknown place. */
  #sound<T>(result: Result<T, 'PCSC_PROTOCOL'>): Result<T, ReaderCode> {
    if (!result.ok) this.close();
    return result;
  }
}

function dial(world: World, path: string): Promise<Result<Socket, ReaderCode>> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const timer = world.timers.after(answerMs, () => socket.destroy(new Error('no connection in time')));
    const settle = (result: Result<Socket, ReaderCode>): void => {
      timer.cancel();
      socket.removeAllListeners();
      resolve(result);
    };
    socket.once('connect', () => settle(ok(socket)));
    socket.once('error', (cause) => {
      settle(fail('PCSC_UNAVAILABLE', { facts: { path }, cause }));
      socket.on('error', () => undefined);
    });
  });
}
