import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { devicePaths } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { RangeSource } from '../software/index.ts';
import type { ChunkStore } from './chunk-store.ts';
import { isPartName, type NamedParts } from './named-parts.ts';

/**
 * What a parent serves of artefacts: `GET /chunks/SHA256?of=ARTEFACT&at=OFFSET&length=LENGTH`. A chunk is known by its own hash, so whoever asks
 * cannot put anything in that is not what it is called; the rest of the question only says where the server has it. And of negative lists:
 * `GET /negative/NAME`, whole. Such a name says what it is (a Merkle root, a pair of them), and only the server's answer is kept under it.
 */
export interface ArtefactCache {
  /** Speaks HTTP/1.1 with a child that asked for it. */
  serve(child: Socket): void;
  /** Where missing chunks come from, while the parent itself is in order; undefined when it is not. */
  setSource(source: RangeSource | undefined): void;
  /** Where missing parts of negative lists come from; undefined as above. */
  setNamed(fetch: FetchNamed | undefined): void;
  /** A part of a negative list, for the parent's own use: what it fetches for itself is there for its children. */
  named(name: string): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Fetches a part of a negative list by its name from the server; undefined when it is not to be had. */
export type FetchNamed = (name: string) => Promise<Uint8Array | undefined>;

const chunkLengthMax = 1_048_576;
/** Chunks that may be on their way from the server at a time; a child that asks for more waits on the next try, or goes there itself. */
const fetchingMax = 8;
const triesMax = 3;

interface Asked {
  readonly hash: string;
  readonly of: string;
  readonly at: number;
  readonly length: number;
}

/** The part of a negative list that is asked for. */
function namedIn(url: string): string | undefined {
  const name = url.startsWith('/negative/') ? url.slice(10) : '';
  return isPartName(name) ? name : undefined;
}

/** Reads a question. Undefined for anything else. */
export function readAsked(url: string): Asked | undefined {
  const [, hash = '', of = '', at = '', length = ''] =
    /^\/chunks\/([0-9a-f]{64})\?of=([0-9a-f]{64})&at=(\d{1,9})&length=(\d{1,7})$/.exec(url) ?? [];
  const asked = { hash, of, at: Number(at), length: Number(length) };
  return hash !== '' && asked.length > 0 && asked.length <= chunkLengthMax ? asked : undefined;
}

/**
 * Opens the cache over its chunks.
 * @param known what was kept in earlier boots
 */
export function openArtefactCache(
  world: Pick<World, 'log' | 'timers'>,
  store: ChunkStore,
  known: NamedParts,
): ArtefactCache {
  const fetching = new Map<string, Promise<Uint8Array | undefined>>();
  const sockets = new Set<Socket>();
  let source: RangeSource | undefined;
  let fetchNamed: FetchNamed | undefined;
  const fetchingNamed = new Map<string, Promise<Uint8Array | undefined>>();

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch((cause: unknown) => {
      world.log('error', 'cacheFailed', { fault: { code: 'INTERNAL', cause } });
      response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = request.method === 'GET' ? namedIn(request.url ?? '') : undefined;
    if (name !== undefined) {
      const bytes = await readOrFetch(name);
      if (!bytes) return void response.writeHead(503, { 'content-length': 0 }).end();
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
      return void response.end(bytes);
    }
    const asked = request.method === 'GET' ? readAsked(request.url ?? '') : undefined;
    const chunk = asked && ((await store.read(asked.hash)) ?? (await fetchOnce(asked)));
    if (!asked || !chunk) return void response.writeHead(asked ? 503 : 404, { 'content-length': 0 }).end();
    const { start, end } = rangeOf(request.headers.range, asked, chunk.length);
    if (start >= end) return void response.writeHead(416, { 'content-length': 0 }).end();
    response.writeHead(206, {
      'content-type': 'application/octet-stream',
      'content-length': end - start,
      'content-range': `bytes ${asked.at + start}-${asked.at + end - 1}/*`,
    });
    response.end(chunk.subarray(start, end));
  }

  /** A part of a list out of its chunks, while all of them are here. */
  async function readNamed(name: string): Promise<Uint8Array | undefined> {
    const hashes = known.chunksOf(name);
    if (!hashes) return undefined;
    const chunks: Uint8Array[] = [];
    for (const hash of hashes) {
      const chunk = await store.read(hash);
      if (!chunk) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  const readOrFetch: FetchNamed = async (name) => (await readNamed(name)) ?? (await fetchNamedOnce(name));

  function fetchNamedOnce(name: string): Promise<Uint8Array | undefined> {
    const running = fetchingNamed.get(name);
    if (running) return running;
    if (!fetchNamed || fetchingNamed.size >= fetchingMax) return Promise.resolve(undefined);
    const fetched = fetchNamed(name)
      .then(async (bytes) => {
        if (bytes) await keepNamed(name, bytes);
        return bytes;
      })
      .finally(() => fetchingNamed.delete(name));
    fetchingNamed.set(name, fetched);
    return fetched;
  }

  async function keepNamed(name: string, bytes: Uint8Array): Promise<void> {
    const hashes: string[] = [];
    for (let at = 0; at < bytes.length; at += chunkLengthMax) {
      const chunk = bytes.subarray(at, at + chunkLengthMax);
      const hash = createHash('sha256').update(chunk).digest('hex');
      await store.write(hash, chunk).catch((cause: unknown) => notKept(cause));
      hashes.push(hash);
    }
    await known.keep(name, hashes).catch((cause: unknown) => notKept(cause));
  }

  const notKept = (cause: unknown): void => world.log('warn', 'chunkNotKept', { message: String(cause) });

  /** However many children ask, a chunk crosses the line to the server once. */
  function fetchOnce(asked: Asked): Promise<Uint8Array | undefined> {
    const running = fetching.get(asked.hash);
    if (running) return running;
    if (fetching.size >= fetchingMax) return Promise.resolve(undefined);
    const fetched = fetchChunk(asked).finally(() => fetching.delete(asked.hash));
    fetching.set(asked.hash, fetched);
    return fetched;
  }

  async function fetchChunk({ hash, of, at, length }: Asked): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let held = 0;
    for (let tries = 0; held < length && tries < triesMax; ) {
      if (!source) return undefined;
      const range = { start: at + held, length: length - held };
      const { bytes, end } = await source.read(`${devicePaths.artefacts}/${of}`, range);
      parts.push(bytes);
      held += bytes.length;
      if (end !== 'whole' && end !== 'yielded') tries += 1;
    }
    const chunk = Buffer.concat(parts);
    if (createHash('sha256').update(chunk).digest('hex') !== hash) return undefined;
    // A medium that is full is no reason not to serve.
    await store.write(hash, chunk).catch((cause: unknown) => notKept(cause));
    return chunk;
  }

  return {
    serve(child) {
      sockets.add(child);
      child.once('close', () => sockets.delete(child));
      server.emit('connection', child);
      child.resume();
    },
    setSource(next) {
      source = next;
    },
    setNamed(next) {
      fetchNamed = next;
    },
    named: readOrFetch,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The part of a chunk that is asked for; ranges count from the start of its artefact. */
function rangeOf(header: string | undefined, { at }: Asked, length: number): { start: number; end: number } {
  const [, from = '', to = ''] = /^bytes=(\d{1,10})-(\d{1,10})$/.exec(header ?? '') ?? [];
  if (from === '') return { start: 0, end: length };
  const start = Number(from) - at;
  return { start: start < 0 ? length : start, end: Math.min(length, Number(to) + 1 - at) };
}
