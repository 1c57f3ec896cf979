import type { OpenMessage } from '@tsunagu/protocols/acquiring';
import { type Fault, fail, fromHex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import { sealedCard } from '../secure/index.ts';
import { type Transaction, transaction } from './record.ts';
import type { SaleStore } from './sale-store.ts';

/** The most advices that a terminal keeps, refused ones included. */
export const advicesMax = 500;

/** The message of an advice as it lies on disk; DE55 as hexadecimal digits. */
const storedMessage = z.object({
  mti: z.string().regex(/^\d{4}$/),
  text: z.record(z.string().regex(/^\d{1,3}$/), z.string().max(999)),
  emv: z
    .string()
    .regex(/^([0-9A-F]{2})*$/i)
    .max(510)
    .optional(),
});

/** An advice: its message without the card, the card sealed, and the transaction that it tells of, should that not be stored yet. */
const adviceBody = z.object({ v: z.literal(1), message: storedMessage, card: sealedCard, transaction });
const adviceEntry = z.object({
  /** Its place on the medium; free again when it is gone. The order is that of the list. */
  seq: z.number().int().min(1),
  /** What it is about: advices of one chain go one after the other. */
  chain: z.string().max(24),
  slip: z.number().int(),
  stan: z.string().max(6),
  amountMinor: z.number().int(),
  /** Whether terminal and card approved it alone: it counts for the limits. */
  isOffline: z.boolean(),
  /** How often it may have left; from the second time on it goes as a repeat. */
  attempts: z.number().int().nonnegative(),
  state: z.enum(['waiting', 'refused']),
  /** What the switch said when it refused it. */
  actionCode: z.string().max(3).optional(),
});
/** An advice in the list. */
export type AdviceEntry = z.infer<typeof adviceEntry>;

const bodyRecord = (seq: number) => sealedRecord(`advice-${seq}`, adviceBody);
const listRecord = sealedRecord('advices', z.object({ entries: z.array(adviceEntry).max(advicesMax) }));

/** An advice with everything. */
export interface Advice {
  readonly message: OpenMessage;
  readonly card: z.infer<typeof sealedCard>;
  readonly transaction: z.infer<typeof transaction>;
}

/**
 * Store and forward: advices wait here until the switch has taken them, across any number of power losses, in the order in which they
 * were put. One is in the list as soon as its `put` resolves, and no sooner; what the switch refuses stays, for a person to see.
 */
export interface AdviceStore {
  /** Oldest first. */
  entries(): readonly AdviceEntry[];
  put(advice: Advice, chain: string): Promise<Result<number, 'ADVICE_NOT_STORED' | 'ADVICE_QUEUE_FULL'>>;
  read(seq: number): Promise<Result<Advice, 'ADVICE_NOT_STORED'>>;
  /** Counts an attempt before it is made. */
  attempt(seq: number): Promise<Result<void, 'ADVICE_NOT_STORED'>>;
  /** The switch has it. */
  remove(seq: number): Promise<Result<void, 'ADVICE_NOT_STORED'>>;
  /** The switch will not have it. */
  refuse(seq: number, actionCode: string): Promise<Result<void, 'ADVICE_NOT_STORED'>>;
}

/** What was to be sent is damaged on the medium; a medium that only fails is read again. */
export const isDamaged = ({ cause }: Fault): boolean =>
  typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'STORE_RECORD_DAMAGED';

/**
 * Opens the advices of a sealed store. Where the list is damaged, it is made anew from the advices themselves: each that the books know, or
 * have lost, goes once more as a repeat, which a switch that has it knows again.
 */
export async function openAdviceStore(
  store: SealedStore,
  books: Pick<SaleStore, 'all' | 'lost'>,
): Promise<Result<AdviceStore, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(listRecord);
  if (!stored.ok) return stored;
  const anew = stored.value ? ok([]) : await listAnew(store, books);
  if (!anew.ok) return anew;
  let list = stored.value?.facts ?? { entries: [...anew.value] };
  let tail: Promise<unknown> = Promise.resolve();

  /** One change of the list after the other; a change that cannot be written has not happened. */
  const change = (work: () => z.infer<(typeof listRecord)['facts']>): Promise<Result<void, 'ADVICE_NOT_STORED'>> => {
    const turn = tail.then(async () => {
      const next = work();
      const written = await store.write(listRecord, next);
      if (!written.ok) return fail('ADVICE_NOT_STORED', { cause: written.fault });
      list = next;
      return ok(undefined);
    });
    tail = turn.catch(() => undefined);
    return turn;
  };
  const changeOne = (seq: number, by: (entry: AdviceEntry) => AdviceEntry) =>
    change(() => ({ entries: list.entries.map((entry) => (entry.seq === seq ? by(entry) : entry)) }));

  return ok({
    entries: () => list.entries,
    async put({ message, card, transaction: told }, chain) {
      if (list.entries.length >= advicesMax) return fail('ADVICE_QUEUE_FULL', { facts: { advicesMax } });
      // The body first: until the list names it, it is not there, and the next one overwrites it.
      const seq = freeNumber(list.entries);
      const body = await store.write(bodyRecord(seq), { v: 1, message: toDisk(message), card, transaction: told });
      if (!body.ok) return fail('ADVICE_NOT_STORED', { cause: body.fault });
      const { slip, stan, amountMinor, isOffline } = told;
      const entry: AdviceEntry = { seq, chain, slip, stan, amountMinor, isOffline, attempts: 0, state: 'waiting' };
      const listed = await change(() => ({ entries: [...list.entries, entry] }));
      return listed.ok ? ok(seq) : listed;
    },
    async read(seq) {
      const body = await store.read(bodyRecord(seq));
      if (!body.ok) return fail('ADVICE_NOT_STORED', { cause: body.fault });
      // It was set aside, now or before.
      if (!body.value) return fail('ADVICE_NOT_STORED', { cause: { code: 'STORE_RECORD_DAMAGED', facts: { seq } } });
      const { message, card, transaction: told } = body.value.facts;
      return ok({ message: fromDisk(message), card, transaction: told });
    },
    attempt: (seq) => changeOne(seq, (entry) => ({ ...entry, attempts: entry.attempts + 1 })),
    async remove(seq) {
      const listed = await change(() => ({ entries: list.entries.filter((entry) => entry.seq !== seq) }));
      if (listed.ok) await store.remove(bodyRecord(seq));
      return listed;
    },
    refuse: (seq, actionCode) => changeOne(seq, (entry) => ({ ...entry, state: 'refused', actionCode })),
  });
}

/** The list that the advices themselves make; empty unless it was set aside. */
async function listAnew(
  store: SealedStore,
  books: Pick<SaleStore, 'all' | 'lost'>,
): Promise<Result<readonly AdviceEntry[], 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const aside = await store.setAside();
  if (!aside.ok) return aside;
  if (!aside.value.some(({ record }) => record === listRecord.name)) return ok([]);
  const names = await store.names();
  if (!names.ok) return names;
  const found: { readonly seq: number; readonly told: Transaction }[] = [];
  for (const name of names.value) {
    const seq = Number(/^advice-([1-9]\d{0,5})$/.exec(name)?.[1] ?? 0);
    if (seq === 0) continue;
    const body = await store.read(bodyRecord(seq));
    if (!body.ok) return body;
    if (body.value) found.push({ seq, told: body.value.facts.transaction });
  }
  const isOf = (a: Pick<Transaction, 'stan' | 'localTime'>, b: Pick<Transaction, 'stan' | 'localTime'>): boolean =>
    a.stan === b.stan && a.localTime === b.localTime;
  // A body that its list never named is of a payment that did not stand: the books have another one, or none, under its slip.
  const standing = found
    .filter(({ told }) => books.lost().includes(told.slip) || books.all().some((one) => isOf(one, told)))
    .toSorted((a, b) => a.told.at - b.told.at || a.seq - b.seq);
  const rootOf = (one: Pick<Transaction, 'stan' | 'localTime' | 'original'>, steps = 8): string => {
    const { original } = one;
    if (original === undefined || steps === 0) return `${one.stan}/${one.localTime}`;
    return rootOf(
      books.all().find((other) => isOf(other, original)) ?? { ...original, original: undefined },
      steps - 1,
    );
  };
  return ok(
    standing.slice(0, advicesMax).map(({ seq, told }) => ({
      seq,
      chain: rootOf(told),
      slip: told.slip,
      stan: told.stan,
      amountMinor: told.amountMinor,
      isOffline: told.isOffline,
      attempts: 1,
      state: 'waiting',
    })),
  );
}

/** The smallest number that is not in use, so that a body that nobody names any more is overwritten sooner or later. */
function freeNumber(entries: readonly AdviceEntry[]): number {
  const taken = new Set(entries.map(({ seq }) => seq));
  let seq = 1;
  while (taken.has(seq)) seq += 1;
  return seq;
}

function toDisk({ mti, fields }: OpenMessage): z.infer<typeof storedMessage> {
  const text: Record<string, string> = {};
  let emv: string | undefined;
  for (const [number, value] of Object.entries(fields))
    if (typeof value === 'string') text[number] = value;
    else if (number === '55') emv = toHex(value);
    else throw new Error(`an advice with binary element ${number}`);
  return { mti, text, ...(emv !== undefined && { emv }) };
}

function fromDisk({ mti, text, emv }: z.infer<typeof storedMessage>): OpenMessage {
  const fields: { [element: number]: string | Uint8Array } = {};
  for (const [number, value] of Object.entries(text)) fields[Number(number)] = value;
  const bytes = emv === undefined ? undefined : fromHex(emv);
  if (bytes?.ok) fields[55] = bytes.value;
  return { mti, fields };
}
