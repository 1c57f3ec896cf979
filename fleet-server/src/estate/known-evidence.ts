import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type Evidence,
  type HeardOf,
  type KnownEvidence,
  parseJson,
  type Serial,
  signedDocument,
} from '@tsunagu/protocols/fleet';
import { inspection } from '@tsunagu/protocols/inspection';
import type { Queryable } from '../store/index.ts';
import { reportOf, waitingIn } from './heard-of.ts';

/** Whether a test at the bench is this terminal's and passed. */
export type BenchTestPassed = (on: Queryable, serial: Serial, test: string) => Promise<boolean>;

/** Who else knows something of a terminal. */
export interface EvidenceRooms {
  readonly now: number;
  readonly benchTestPassed: BenchTestPassed;
  readonly heardOf: (on: Queryable, serial: Serial) => Promise<HeardOf>;
}

/** Looks up what evidence names: jobs, keys, bags. What it does not name is not looked for. */
export async function knownEvidence(
  on: Queryable,
  serial: Serial,
  stateSince: number,
  given: Evidence,
  { now, benchTestPassed, heardOf }: EvidenceRooms,
): Promise<KnownEvidence> {
  const keys =
    given.keyCheckValues === undefined && given.wipeProof === undefined
      ? []
      : await on
          .selectFrom('key_ledger')
          .leftJoin('key_marks', (join) =>
            join.onRef('key_marks.key', '=', 'key_ledger.parent_key').on('key_marks.state', '=', 'suspect'),
          )
          .select(['slot', 'kcv', 'key_ledger.state', 'key_marks.key as suspect'])
          .where('serial', '=', serial)
          .where('key_ledger.state', 'in', ['allocated', 'loaded'])
          .execute();
  const bag =
    given.bagNumber === undefined
      ? undefined
      : await on.selectFrom('bags').select('number').where('number', '=', given.bagNumber).executeTakeFirst();
  const wipe = given.wipeProof?.by === 'job' ? await wiped(on, serial, given.wipeProof.job) : undefined;
  const owing = given.nothingOwed?.by === 'job' ? given.nothingOwed.job : undefined;
  const owed = owing === undefined ? undefined : await emptied(on, serial, owing, stateSince);
  const test = given.tests?.by === 'job' ? await succeeded(on, serial, given.tests.job) : undefined;
  const lastSale =
    owed && (await on.selectFrom('last_sales').select('at').where('serial', '=', serial).executeTakeFirst());
  const isAboutItsEnd = given.nothingOwed !== undefined || given.wipeProof?.by === 'destruction';
  return {
    now,
    heard: isAboutItsEnd ? await heardOf(on, serial) : { isConnected: false, at: null, waiting: 0 },
    isBagUsed: bag !== undefined,
    keys: keys.filter(({ state }) => state === 'loaded').map(({ slot, kcv }) => ({ slot, kcv })),
    suspectSlots: keys.filter(({ state, suspect }) => state === 'loaded' && suspect !== null).map(({ slot }) => slot),
    liveKeys: keys.length,
    isWipeProven: wipe !== undefined,
    isReportClear: owed !== undefined && owed.at >= (lastSale?.at ?? 0),
    isTestPassed:
      given.tests?.by === 'bench'
        ? await benchTestPassed(on, serial, given.tests.test)
        : test?.type === 'terminal.test' &&
          test.report.selfTest !== undefined &&
          test.report.selfTest.every(({ result }) => result !== 'failed'),
    massGrams: given.recycling === undefined ? null : await massOf(on, serial),
    isInvestigated: given.investigation !== undefined && (await isInvestigated(on, serial, stateSince, given)),
  };
}

async function massOf(on: Queryable, serial: Serial): Promise<number | null> {
  const row = await on.selectFrom('terminals').select('model').where('serial', '=', serial).executeTakeFirst();
  return modelOf(row?.model ?? '')?.massGrams ?? null;
}

/** A wipe that the terminal swore to; kept for good. */
const wiped = (on: Queryable, serial: Serial, job: string): Promise<{ readonly at: number } | undefined> =>
  on.selectFrom('wipes').select('at').where('job', '=', job).where('serial', '=', serial).executeTakeFirst();

/** A report that nothing waits. A wipe empties the queues for good; a look at them counts only for the state in which it was taken. */
async function emptied(
  on: Queryable,
  serial: Serial,
  job: string,
  stateSince: number,
): Promise<{ readonly at: number } | undefined> {
  const wipe = await wiped(on, serial, job);
  if (wipe) return wipe;
  const look = await succeeded(on, serial, job);
  const isClear = look?.type === 'terminal.diagnose' && waitingIn(look.report) === 0;
  return isClear && look.at >= stateSince ? look : undefined;
}

async function succeeded(on: Queryable, serial: Serial, id: string) {
  const row = await on
    .selectFrom('jobs')
    .select(['type', 'result', 'finished_at'])
    .where('id', '=', id)
    .where('serial', '=', serial)
    .where('state', '=', 'succeeded')
    .executeTakeFirst();
  return row && { type: row.type, at: row.finished_at ?? 0, report: reportOf(row.result) };
}

/** Whether a technician signed for the case as it is handed in; the signature was checked when the report came in. */
async function isInvestigated(on: Queryable, serial: Serial, since: number, given: Evidence): Promise<boolean> {
  const row = await on
    .selectFrom('inspections')
    .select(['at', 'document'])
    .where('id', '=', given.investigation?.inspection ?? '')
    .where('serial', '=', serial)
    .executeTakeFirst();
  const document = row && parseJson(signedDocument, row.document, 1_048_576);
  const read = document?.ok === true ? parseJson(inspection, document.value.payload, 65_536) : undefined;
  if (!row || read?.ok !== true || row.at < since) return false;
  const { seals, connections, photo } = read.value;
  const sorted = (list: readonly string[] | undefined): string => (list ?? []).toSorted().join('\n');
  return sorted(seals) === sorted(given.seals) && connections === given.connections && photo !== null;
}
