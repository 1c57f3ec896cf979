import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';
import { type DeathCertificate, deathRecord, flawOf } from './end-of-life.ts';
import {
  awaitedOf,
  balanceOf,
  type CeremonyState,
  ceremonyStep,
  type CeremonyStep,
  keyRun,
  type KeyRun,
  manifestDigest,
  peopleNames,
  stateOf,
  takeCeremonyStep,
} from './key-custody.ts';
import { openDocument, signedDocument, type SignedDocument } from './signed.ts';

export const keyRecord = z
  .object({
    document: signedDocument.describe('The record, signed.'),
    publicKey: z
      .string()
      .max(200)
      .describe('Of the signer, SPKI DER, base64; its id is to be compared with another source.'),
  })
  .describe('A signed record, purpose `tsunagu-key-record-v1`.');
export type KeyRecord = z.infer<typeof keyRecord>;

/** Whom its ids of people stand for: what they signed in as when the record was made, on the word of the server that signed it. */
const namesThen = peopleNames.optional();

export const ceremonyRecord = z
  .object({
    record: z.literal('ceremony').describe('The kind of record.'),
    id: z.string().describe('Of the ceremony.'),
    steps: z.array(ceremonyStep).min(1).max(16).describe('All steps, in order.'),
    people: namesThen,
  })
  .describe('A ceremony from its first step to its last.');

/** The report of a run. */
export const runRecord = z
  .object({ record: z.literal('run').describe('The kind of record.'), run: keyRun, people: namesThen })
  .describe('The report of a run.');

/** Names of people by id. */
type Names = Readonly<Record<string, string>>;

/** What a record that verifies is of, and whom the ids of people in it stand for. */
export type VerifiedKeyRecord =
  | { readonly record: 'ceremony'; readonly id: string; readonly state: CeremonyState; readonly people: Names }
  | { readonly record: 'run'; readonly run: KeyRun; readonly people: Names }
  | { readonly record: 'death'; readonly death: DeathCertificate };

/**
 * Verifies a record without a server: who signed it, and that what it says could have happened: a ceremony is replayed step by step, a run's manifest
 * and figures are counted again, the mass on a certificate of death and what its terminal swore to are checked. A record of something that is not over yet is one too: `unfinishedOf` says what is missing. KEY_RECORD_INVALID: any flaw.
 *
 * @param kid what the signer's key is called, from another source; any where it is not given.
 */
export function verifyKeyRecord(
  { document, publicKey }: KeyRecord,
  kid?: string,
): Result<VerifiedKeyRecord, 'KEY_RECORD_INVALID'> {
  const refuse = (field: string) => fail('KEY_RECORD_INVALID', { field });
  if (kid !== undefined && kid !== document.kid) return refuse('kid');
  const opened = openRecord(document, publicKey);
  if (!opened.ok) return refuse('signature');
  const ceremony = ceremonyRecord.safeParse(opened.value);
  if (ceremony.success) {
    const steps: CeremonyStep[] = [];
    for (const step of ceremony.data.steps) {
      const taken = takeCeremonyStep(steps, step);
      if (!taken.ok) return refuse(`steps.${step.seq}`);
      steps.push(step);
    }
    const state = stateOf(steps);
    return state
      ? ok({ record: 'ceremony', id: ceremony.data.id, state, people: ceremony.data.people ?? {} })
      : refuse('steps');
  }
  const dead = deathRecord.safeParse(opened.value);
  if (dead.success) {
    const flaw = flawOf(dead.data.death);
    return flaw === undefined ? ok(dead.data) : refuse(flaw);
  }
  const run = runRecord.safeParse(opened.value);
  if (!run.success) return refuse('record');
  const { devices, digest, balance, authorisedBy, orderedBy, state } = run.data.run;
  const listed = devices.filter(({ isListed }) => isListed).map(({ serial }) => serial);
  if (manifestDigest(listed) !== digest) return refuse('digest');
  if (JSON.stringify(balanceOf(devices)) !== JSON.stringify(balance)) return refuse('balance');
  if (state === 'closed' && (!balance.isBalanced || authorisedBy === null || authorisedBy === orderedBy))
    return refuse('state');
  return ok({ record: 'run', run: run.data.run, people: run.data.people ?? {} });
}

function openRecord(document: SignedDocument, publicKey: string): Result<unknown, 'SIGNATURE_INVALID'> {
  const text = openDocument('tsunagu-key-record-v1', document, { kid: document.kid, publicKey });
  if (!text.ok) return text;
  try {
    return ok(JSON.parse(text.value));
  } catch {
    return fail('SIGNATURE_INVALID');
  }
}

/** What is still to come of what a record is of, and from whom: people by id, devices by serial. */
export interface Unfinished {
  readonly awaits: 'component' | 'confirmation' | 'authorisation' | 'devices' | 'close';
  readonly from: readonly string[];
}

/** What is missing until a ceremony or a run is over; undefined when it is. */
export function unfinishedOf(verified: VerifiedKeyRecord): Unfinished | undefined {
  if (verified.record === 'ceremony') {
    const { state } = verified;
    const awaits = ({ entering: 'component', confirming: 'confirmation', done: '', aborted: '' } as const)[state.state];
    return awaits === '' ? undefined : { awaits, from: awaitedOf(state) };
  }
  if (verified.record === 'death') return undefined;
  const { state, balance } = verified.run;
  if (state === 'closed') return undefined;
  if (state === 'proposed') return { awaits: 'authorisation', from: [] };
  return balance.isBalanced ? { awaits: 'close', from: [] } : { awaits: 'devices', from: balance.open };
}
