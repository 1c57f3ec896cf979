import { createHmac } from 'node:crypto';
import {
  type BlockAddress,
  decodeFelicaCommand,
  decodeTransitOpen,
  encodeFelicaResponse,
  type FelicaCommand,
  openTransfer,
  openTransitSession,
  sealOutcome,
  type TransitSession,
  transitCardKey,
  transitCommands,
} from '@tsunagu/protocols/felica';
import { concat, hex, Secret } from '@tsunagu/protocols/kit';
import { type TransitCardData, transitMasterKey } from '@tsunagu/protocols/test-cards';
import {
  attributeOf,
  balanceOf,
  countersOf,
  drawChange,
  drawsOf,
  type FelicaSystem,
  keyVersion,
  pageOfBlock,
  systems,
  transferChanges,
} from './layout.ts';
import { commitWrites, type MemoryWrite, type PageChange, type Pages, pageOf } from './pages.ts';

/** A transit card as it comes from its issuer. It never changes; its pages do. */
export interface TransitProgram {
  readonly idm: Uint8Array;
  readonly pmm: Uint8Array;
  readonly cardKey: Secret<'key'>;
}

/** Personalises a card. */
export function transitProgramOf({ idm, pmm, isStrange = false }: TransitCardData): TransitProgram {
  const identity = hex(idm);
  const masterKey = isStrange ? Secret.take('key', new Uint8Array(16).fill(0x5a)) : transitMasterKey();
  return { idm: identity, pmm: hex(pmm), cardKey: transitCardKey(masterKey, identity) };
}

/** What a frame does to a card: what it writes, in order, the session that follows, and its answer; none is mute. */
export interface FelicaStep {
  readonly writes: readonly MemoryWrite[];
  readonly session?: TransitSession;
  readonly answer?: Uint8Array;
}

const mute: FelicaStep = { writes: [] };

/** IDm of one system of the card: the number of the system stands in the upper half of byte 0. FeliCa Card User's Manual, 3.2. */
const idmOf = ({ idm }: TransitProgram, index: number): Uint8Array =>
  Uint8Array.from(idm, (byte, at) => (at === 0 ? (byte & 0x0f) | (index << 4) : byte));

/** What the card does with a frame. FeliCa Card User's Manual (Sony), 4.4; JIS X 6319-4. */
export function obeyFelica(
  program: TransitProgram,
  pages: Pages,
  session: TransitSession | undefined,
  frame: Uint8Array,
): FelicaStep {
  if (frame[1] === transitCommands.open) return open(program, pages, frame);
  if (frame[1] === transitCommands.transfer) return transfer(pages, session, frame);
  const command = decodeFelicaCommand(frame);
  // A command in clear does not end a session: a reader may read the history in between.
  const kept = session === undefined ? {} : { session };
  if (!command.ok) return { ...kept, ...refusedList(program, frame) };
  if (command.value.type === 'polling') return { writes: [], ...answerTo(poll(program, command.value)), ...kept };
  const { idm } = command.value;
  const index = systems.findIndex((_system, at) => Buffer.compare(idmOf(program, at), idm) === 0);
  const system = systems[index];
  if (system === undefined) return { ...mute, ...kept };
  return { ...answered(pages, system, command.value), ...kept };
}

const answerTo = (answer: Uint8Array | undefined): { readonly answer?: Uint8Array } =>
  answer === undefined ? {} : { answer };

const slots: readonly number[] = [0, 1, 3, 7, 15];

/** Polling: the first system whose code fits; each byte FF fits any. A wrong number of slots finds nobody. 4.4.2. */
function poll(
  program: TransitProgram,
  { systemCode, request, slots: asked }: Extract<FelicaCommand, { type: 'polling' }>,
): Uint8Array | undefined {
  if (!slots.includes(asked)) return undefined;
  const fits = (code: number, shift: number): boolean => {
    const wanted = (systemCode >> shift) & 0xff;
    return wanted === 0xff || wanted === ((code >> shift) & 0xff);
  };
  const index = systems.findIndex((system) => fits(system.systemCode, 8) && fits(system.systemCode, 0));
  const system = systems[index];
  if (system === undefined) return undefined;
  const found = { type: 'polling', idm: idmOf(program, index), pmm: program.pmm } as const;
  // Communication performance: 212 and 424 kbit/s, chosen by the reader.
  const requested = request === 'systemCode' ? system.systemCode : request === 'performance' ? 0x0083 : undefined;
  return encodeFelicaResponse(requested === undefined ? found : { ...found, requested });
}

function answered(
  pages: Pages,
  system: FelicaSystem,
  command: Exclude<FelicaCommand, { type: 'polling' }>,
): FelicaStep {
  const { idm } = command;
  const reply = (response: Parameters<typeof encodeFelicaResponse>[0]): FelicaStep => ({
    writes: [],
    answer: encodeFelicaResponse(response),
  });
  switch (command.type) {
    case 'requestService': {
      const versionOf = (node: number): number => (system.services.has(node) || node === 0 ? keyVersion : 0xffff);
      return reply({ type: 'requestService', idm, keyVersions: command.nodes.map(versionOf) });
    }
    case 'requestResponse':
      return reply({ type: 'requestResponse', idm, mode: 0 });
    case 'requestSystemCode':
      return reply({ type: 'requestSystemCode', idm, systemCodes: systems.map(({ systemCode }) => systemCode) });
    case 'searchServiceCode': {
      // The root area first, then the services in order, then the end.
      const nodes = [[0x0000, 0xfffe], ...[...system.services.keys()].sort((a, b) => a - b).map((code) => [code])];
      return reply({ type: 'searchServiceCode', idm, codes: nodes[command.index] ?? [0xffff] });
    }
    case 'readWithoutEncryption': {
      const found = locate(pages, system, command, false);
      if ('status2' in found) return reply({ type: 'readWithoutEncryption', idm, data: new Uint8Array(0), ...found });
      const data = concat(...found.pages.map((page) => pageOf(pages, page)));
      return reply({ type: 'readWithoutEncryption', idm, status1: 0, status2: 0, data });
    }
    case 'writeWithoutEncryption':
      return write(pages, system, command);
  }
}

function write(
  pages: Pages,
  system: FelicaSystem,
  command: Extract<FelicaCommand, { type: 'writeWithoutEncryption' }>,
): FelicaStep {
  const { idm, data } = command;
  const answer = (status1: number, status2: number): Uint8Array =>
    encodeFelicaResponse({ type: 'writeWithoutEncryption', idm, status1, status2 });
  const found = locate(pages, system, command, true);
  if ('status2' in found) return { writes: [], answer: answer(found.status1, found.status2) };
  // The last of several writes to one block counts; all blocks of a command are written as one.
  const changes = new Map<number, PageChange>();
  found.pages.forEach((page, index) => changes.set(page, { page, bytes: data.slice(index * 16, index * 16 + 16) }));
  return { writes: commitWrites(pages, [...changes.values()]), answer: answer(0, 0) };
}

interface Refusal {
  readonly status1: number;
  readonly status2: number;
}

/** Status flag 1 tells which block is wrong, as a bit; FF when it is not about one. 4.5. */
const atBlock = (index: number, status2: number): Refusal => ({ status1: 1 << (index % 8), status2 });

/** Finds the pages of a block list, or says what is wrong: services first, then block by block. */
function locate(
  pages: Pages,
  system: FelicaSystem,
  { services, blocks }: { readonly services: readonly number[]; readonly blocks: readonly BlockAddress[] },
  isWrite: boolean,
): { readonly pages: readonly number[] } | Refusal {
  for (const service of services) {
    if (!system.services.has(service)) return { status1: 0xff, status2: 0xa6 };
    const { isOpen, isReadOnly } = attributeOf(service);
    if (!isOpen || (isWrite && isReadOnly)) return { status1: 0xff, status2: 0xa5 };
  }
  const found: number[] = [];
  for (const [index, { service, access = 0, block }] of blocks.entries()) {
    const code = services[service];
    if (code === undefined) return atBlock(index, 0xa3);
    // Purse access needs a purse.
    if (access !== 0) return atBlock(index, 0xa7);
    const page = pageOfBlock(pages, system, code, block);
    if (page === undefined) return atBlock(index, 0xa8);
    found.push(page);
  }
  return { pages: found };
}

/** Lists that a card refuses with a status rather than silence: too many services or blocks, or a service that is not in the list. */
function refusedList(program: TransitProgram, frame: Uint8Array): FelicaStep {
  const code = frame[1] ?? 0;
  const isList = code === 0x06 || code === 0x08;
  const idm = frame.subarray(2, 10);
  const isOurs = systems.some((_system, at) => Buffer.compare(idmOf(program, at), idm) === 0);
  if (!isList || !isOurs || frame[0] !== frame.length || frame.length < 12) return mute;
  const services = frame[10] ?? 0;
  const blocksAt = 11 + services * 2;
  const blocks = frame[blocksAt];
  const status2 =
    services === 0 || services > 16
      ? 0xa1
      : blocks === undefined
        ? undefined
        : blocks === 0 || blocks > 15
          ? 0xa2
          : ((frame[blocksAt + 1] ?? 0) & 0x0f) >= services
            ? 0xa3
            : undefined;
  return status2 === undefined ? mute : { writes: [], answer: Uint8Array.of(12, code + 1, ...idm, 0xff, status2) };
}

/** Opens a session: a nonce is counted before it leaves, so that none comes twice. */
function open(program: TransitProgram, pages: Pages, frame: Uint8Array): FelicaStep {
  const centreNonce = decodeTransitOpen(frame, program.idm);
  if (centreNonce === undefined) return mute;
  const hash = program.cardKey.use((key) =>
    createHmac('sha256', key)
      .update(`nonce ${drawsOf(pages)}`)
      .digest(),
  );
  const { counter, lastTransfer } = countersOf(pages);
  const opened = openTransitSession(program.cardKey, program.idm, centreNonce, {
    cardNonce: Uint8Array.from(hash.subarray(0, 8)),
    counter,
    lastTransfer,
    balance: balanceOf(pages),
  });
  return { writes: commitWrites(pages, [drawChange(pages)]), ...opened };
}

/** Takes a transfer once; the same order again in the same session gets the same answer and changes nothing. */
function transfer(pages: Pages, session: TransitSession | undefined, frame: Uint8Array): FelicaStep {
  const order = session && openTransfer(session, frame);
  // What is not authentic gets no answer, and no second try in this session.
  if (session === undefined || order === undefined) return mute;
  const { counter, lastTransfer } = countersOf(pages);
  const outcome = (isDone: boolean, after: number, balance: number): Uint8Array =>
    sealOutcome(session, order.number, { isDone, counter: after, balance });
  const isAgain = counter === session.opening.counter + 1 && Buffer.compare(lastTransfer, order.number) === 0;
  if (isAgain) return { writes: [], session, answer: outcome(true, counter, balanceOf(pages)) };
  if (counter !== session.opening.counter) return mute;
  const changes = transferChanges(pages, order);
  if (changes === undefined) return { writes: [], session, answer: outcome(false, counter, balanceOf(pages)) };
  const signed = order.kind === 'charge' ? order.amount : -order.amount;
  return {
    writes: commitWrites(pages, changes),
    session,
    answer: outcome(true, counter + 1, balanceOf(pages) + signed),
  };
}
