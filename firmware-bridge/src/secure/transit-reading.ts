import type { ErrorCode } from '@tsunagu/protocols/errors';
import {
  decodeFelicaResponse,
  decodeTransitAttributes,
  decodeTransitData,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeTransitData,
  type TransitEntry,
  transitAttributeService,
  transitHistoryService,
  transitNumber,
  transitScheme,
  transitSystemCode,
} from '@tsunagu/protocols/felica';
import type { KernelTraceLine } from '@tsunagu/protocols/kernel-trace';
import { fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import type { FelicaReader } from '../readers/port.ts';
import type { CardVault } from './card-vault.ts';
import type { NegativeFile } from './ports.ts';
import type { SealedCard } from './sealed-card.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What a transit card tells without keys. */
export interface TransitContents {
  /** Yen. */
  readonly balanceMinor: number;
  /** Newest first. */
  readonly history: readonly TransitEntry[];
}

/**
 * A transit card at the antenna. What the centre and it say to each other goes through as it is: neither this part nor anything behind it
 * has a key of it.
 */
export interface TransitReading {
  readonly card: SealedCard;
  readonly negative: NegativeAnswer;
  /** DE55 of a request that begins something: it names the card. */
  readonly request: Uint8Array;
  /** Balance and, where it is asked for, history, as everybody may read them. */
  read(withHistory: boolean): Promise<Result<TransitContents, ErrorCode>>;
  /** Gives the card the frame of the centre's answer (its DE55). @returns DE55 of the next request, with what the card said */
  carry(data: Uint8Array): Promise<Result<Uint8Array, ErrorCode>>;
  /** Asks the cardholder for the same card once more; READER_CARD_ABSENT when it does not come. */
  again(timeoutMs: number): Promise<Result<void, ErrorCode>>;
}

/** What a reading needs. */
export interface TransitParts {
  readonly world: Pick<World, 'clock' | 'timers'>;
  readonly reader: FelicaReader;
  readonly vault: CardVault;
  readonly negative: NegativeFile;
  readonly watch: Stopwatch;
  /** Asks whoever holds the card to hold it here again. */
  readonly presentAgain: () => void;
  readonly trace: (line: KernelTraceLine) => void;
}

const pollPauseMs = 100;
const historyBlocks = 20;
/** Two commands read the history: fifteen blocks fill a frame. */
const blocksAtOnce = 10;

/** Waits for a transit card and reads what it is. */
export async function readTransit(
  parts: TransitParts,
  waitMs: number,
  onPresent: () => void,
): Promise<Result<TransitReading, ErrorCode>> {
  const { reader, vault, negative, watch, trace, presentAgain } = parts;
  const found = await find(parts, waitMs);
  if (!found.ok) return found;
  onPresent();
  const idm = found.value;

  /** One exchange with the card, with its line in the trace. */
  async function exchange(frame: Uint8Array): Promise<Result<Uint8Array, ErrorCode>> {
    const startedAt = watch.elapsedMs;
    const answer = await watch.during('reader', () => reader.exchange(frame));
    const received = answer.ok ? answer.value : new Uint8Array(0);
    trace({
      atMs: startedAt,
      tookMs: watch.elapsedMs - startedAt,
      felica: frame[1] ?? 0,
      sentBytes: frame.length,
      receivedBytes: received.length,
      ...(statusOf(received) !== undefined && { status: statusOf(received) }),
    });
    return answer;
  }

  async function blocks(service: number, from: number, count: number): Promise<Result<Uint8Array, ErrorCode>> {
    const command = encodeFelicaCommand({
      type: 'readWithoutEncryption',
      idm,
      services: [service],
      blocks: Array.from({ length: count }, (_, index) => ({ service: 0, block: from + index })),
    });
    const answer = await exchange(command);
    if (!answer.ok) return answer;
    const read = decodeFelicaResponse(answer.value);
    if (!read.ok) return read;
    if (read.value.type !== 'readWithoutEncryption') return fail('FELICA_INVALID', { field: 'command' });
    const { status1, status2, data } = read.value;
    if (status1 !== 0) return fail('FELICA_STATUS', { facts: { status1, status2 } });
    return data.length === count * 16 ? ok(data) : fail('FELICA_INVALID', { field: 'block' });
  }

  const pan = transitNumber(idm);
  const listed = negative.check(pan);
  const card = vault.seal({ pan }, transitScheme.key);
  pan.wipe();

  return ok({
    card,
    negative: listed,
    request: encodeTransitData({ idm }),
    async read(withHistory) {
      const attributes = await blocks(transitAttributeService, 0, 1);
      if (!attributes.ok) return attributes;
      const read = decodeTransitAttributes(attributes.value);
      if (!read.ok) return read;
      const history: TransitEntry[] = [];
      for (let from = 0; withHistory && from < historyBlocks; from += blocksAtOnce) {
        const rows = await blocks(transitHistoryService, from, blocksAtOnce);
        if (!rows.ok) return rows;
        for (let at = 0; at < rows.value.length; at += 16) {
          const entry = decodeTransitEntry(rows.value.subarray(at, at + 16));
          if (!entry.ok) return entry;
          if (entry.value !== undefined) history.push(entry.value);
        }
      }
      return ok({ balanceMinor: read.value.balance, history });
    },
    async carry(data) {
      const said = decodeTransitData(data);
      if (!said.ok) return said;
      if (said.value.frame === undefined) return fail('FELICA_INVALID', { field: 'frame' });
      const answer = await exchange(said.value.frame);
      return answer.ok ? ok(encodeTransitData({ idm, frame: answer.value })) : answer;
    },
    async again(timeoutMs) {
      presentAgain();
      const back = await find(parts, timeoutMs, idm);
      return back.ok ? ok(undefined) : back;
    },
  });
}

/** Polls until a transit card is there, and the very one where it matters. Another card is not the one that is waited for. */
async function find(
  { world, reader, watch }: TransitParts,
  waitMs: number,
  wanted?: Uint8Array,
): Promise<Result<Uint8Array, ErrorCode>> {
  const until = world.clock.monotonicMs() + waitMs;
  for (;;) {
    const polled = await watch.during('reader', () => reader.poll(transitSystemCode));
    if (polled.ok && (wanted === undefined || Buffer.compare(polled.value.idm, wanted) === 0))
      return ok(Uint8Array.from(polled.value.idm));
    const isNotYet =
      polled.ok || polled.fault.code === 'READER_CARD_ABSENT' || polled.fault.code === 'READER_CARD_MUTE';
    if (!isNotYet) return polled;
    if (world.clock.monotonicMs() >= until) return polled.ok ? fail('READER_CARD_ABSENT') : polled;
    await world.timers.sleep(pollPauseMs);
  }
}

/** The status flags of an answer that has them (read, and our transfer). */
const statusOf = (frame: Uint8Array): string | undefined =>
  frame[1] === 0x07 || frame[1] === 0xf3 ? toHex(frame.subarray(10, 12)) : undefined;
