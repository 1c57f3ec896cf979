import { terminalTotals, type TerminalTotals } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import { slipMax, type Transaction, transaction } from './record.ts';

/** How many transactions are kept: those of the open day, and older ones until they make room. */
const keptMax = 500;
/** How many of the oldest go at once. */
const roomMade = 50;

/** One transaction, one file: it is there as a whole or not at all. */
const recordOf = (slip: number) => sealedRecord(`sale-${String(slip).padStart(5, '0')}`, transaction);
const headRecord = sealedRecord(
  'sales',
  z.object({
    day: z.number().int().min(1),
    /** The oldest slip that is kept; from there on they follow each other without a gap. */
    first: z.number().int().min(1).max(slipMax),
    closed: terminalTotals.optional(),
  }),
);

export type SaleStoreCode = 'SALE_NOT_STORED' | 'SALE_STORE_FULL';

/** The terminal's transactions: sealed, numbered by slip, in business days that end when they are closed. */
export interface SaleStore {
  /** The open business day. */
  readonly day: number;
  /** What the last closed day came to. */
  readonly closed: TerminalTotals | undefined;
  /** All that are kept, oldest first, without their signatures. */
  all(): readonly Transaction[];
  /** Slips among them whose records were damaged and set aside. */
  lost(): readonly number[];
  /** The number of the next slip. SALE_STORE_FULL: the day has to be closed first. */
  nextSlip(): Result<number, 'SALE_STORE_FULL'>;
  /** Stores a transaction under its slip number: a new one, which has the next number, or another state of a known one. */
  put(one: Transaction): Promise<Result<void, 'SALE_NOT_STORED'>>;
  /** One transaction with everything. */
  read(slip: number): Promise<Result<Transaction, 'SALE_UNKNOWN' | 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>>;
  /** Ends the business day: one write. */
  close(totals: TerminalTotals): Promise<Result<void, 'SALE_NOT_STORED'>>;
}

const after = (slip: number, steps = 1): number => ((slip - 1 + steps) % slipMax) + 1;
const withoutSignature = (one: Transaction): Transaction => ({ ...one, signature: undefined });

/** A slip in the series: its transaction, or `lost` where its record was damaged. */
type Kept = Transaction | { readonly slip: number; readonly day: number; readonly lost: true };
const isWhole = (one: Kept): one is Transaction => !('lost' in one);

/**
 * Opens the sale store of a sealed store. A transaction whose record is damaged leaves a hole, and its number is not given again. Where the
 * head is damaged, the business day goes on that the newest transaction has, from the oldest one that is there: the totals of that day may
 * then hold what was in them when it was closed.
 */
export async function openSaleStore(
  store: SealedStore,
): Promise<Result<SaleStore, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(headRecord);
  if (!stored.ok) return stored;
  const listed = await slipsOf(store);
  if (!listed.ok) return listed;
  const { slips, isHeadSetAside } = listed.value;
  const isHeadLost = !stored.value && isHeadSetAside;
  let head = stored.value?.facts ?? { day: 1, first: isHeadLost ? oldestOf(slips) : 1 };
  const found: Kept[] = [];
  let holes: Kept[] = [];
  for (let steps = 0; steps < keptMax + roomMade; steps++) {
    const slip = after(head.first, steps);
    const record = slips.includes(slip) ? await store.read(recordOf(slip)) : ok(undefined);
    if (!record.ok) return record;
    const day = found.at(-1)?.day ?? 0;
    // Beyond the last one there may be a forgotten file of an earlier round of numbers: its day is an earlier one.
    if (record.value && record.value.facts.day < day) break;
    if (!record.value) holes.push({ slip, day, lost: true });
    // What was set aside is a hole also at the end: its number is on somebody's slip.
    if (!record.value && !slips.includes(slip)) continue;
    found.push(...holes, ...(record.value ? [withoutSignature(record.value.facts)] : []));
    holes = [];
  }
  let kept: readonly Kept[] = found;
  if (isHeadLost) {
    head = { ...head, day: Math.max(1, ...found.map(({ day }) => day)) };
    // The next start finds the same without it.
    await store.write(headRecord, head);
  }

  async function makeRoom(): Promise<void> {
    if (kept.length < keptMax || (kept[roomMade - 1]?.day ?? head.day) >= head.day) return;
    const leaving = kept.slice(0, roomMade);
    const next = { ...head, first: after(head.first, roomMade) };
    // First the head, then the files: what the head does not name is not there.
    if (!(await store.write(headRecord, next)).ok) return;
    head = next;
    kept = kept.slice(roomMade);
    for (const { slip } of leaving) await store.remove(recordOf(slip));
  }

  return ok({
    get day() {
      return head.day;
    },
    get closed() {
      return head.closed;
    },
    all: () => kept.filter(isWhole),
    lost: () => kept.flatMap((one) => (isWhole(one) ? [] : [one.slip])),
    nextSlip: () =>
      kept.length >= keptMax && (kept[roomMade - 1]?.day ?? head.day) >= head.day
        ? fail('SALE_STORE_FULL', { facts: { keptMax } })
        : ok(after(head.first, kept.length)),
    async put(one) {
      const known = kept.some(({ slip }) => slip === one.slip);
      if (!known && one.slip !== after(head.first, kept.length))
        throw new Error(`slip ${one.slip} does not follow the last one`);
      const written = await store.write(recordOf(one.slip), one);
      if (!written.ok) return fail('SALE_NOT_STORED', { cause: written.fault });
      const light = withoutSignature(one);
      kept = known ? kept.map((each) => (each.slip === one.slip ? light : each)) : [...kept, light];
      if (!known) await makeRoom();
      return ok(undefined);
    },
    async read(slip) {
      const known = kept.find((each) => each.slip === slip);
      if (known && !isWhole(known)) return fail('STORE_RECORD_DAMAGED', { field: recordOf(slip).name });
      if (!known) return fail('SALE_UNKNOWN', { facts: { slip } });
      const record = await store.read(recordOf(slip));
      if (!record.ok) return record;
      return record.value ? ok(record.value.facts) : fail('SALE_UNKNOWN', { facts: { slip } });
    },
    async close(totals) {
      const next = { ...head, day: head.day + 1, closed: totals };
      const written = await store.write(headRecord, next);
      if (!written.ok) return fail('SALE_NOT_STORED', { cause: written.fault });
      head = next;
      await makeRoom();
      return ok(undefined);
    },
  });
}

/** Slips of which there is a record, or was one that is set aside now. */
async function slipsOf(
  store: SealedStore,
): Promise<Result<{ readonly slips: readonly number[]; readonly isHeadSetAside: boolean }, 'STORE_READ_FAILED'>> {
  const names = await store.names();
  if (!names.ok) return names;
  const aside = await store.setAside();
  if (!aside.ok) return aside;
  const gone = aside.value.map(({ record }) => record);
  const slips = [...names.value, ...gone].flatMap((name) => {
    const digits = /^sale-(\d{5})$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  return ok({
    slips: [...new Set(slips)].toSorted((a, b) => a - b),
    isHeadSetAside: gone.includes(headRecord.name),
  });
}

/** The first of the newest series: numbers begin again after the last one, so that the widest gap is before the oldest. */
function oldestOf(slips: readonly number[]): number {
  const gaps = slips.map((slip, index) => ({ slip, gap: (slip - (slips.at(index - 1) ?? slip) + slipMax) % slipMax }));
  return gaps.toSorted((a, b) => b.gap - a.gap)[0]?.slip ?? 1;
}
