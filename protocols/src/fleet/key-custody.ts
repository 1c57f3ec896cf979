import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ErrorCode } from '../errors/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import { lifecycleState } from './lifecycle.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const kcv = z
  .string()
  .regex(/^(?:[0-9A-F]{6}|[0-9A-F]{10})$/)
  .describe('Check value: 10 hex digits for AES (X9.24-1:2017, annex A), 6 for TDES.');
const person = z.string().min(1).max(80).describe('A person, by id.');
const note = z.string().min(1).max(200).describe('Why, or what was found.');

/** What keys can come in by a ceremony. */
export const ceremonyUse = z
  .enum(['dukpt-base', 'dukpt-base-tdes', 'zone-protection', 'zone-pin', 'negative-tag'])
  .describe('What the key is for.');
export const custodyKeyId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,20}(\/[a-z0-9-]{1,20}){1,2}$/)
  .describe('Name of a key, such as `bdk/2`.');

export const beginCeremony = z
  .object({
    key: custodyKeyId,
    use: ceremonyUse,
    custodians: z
      .array(person)
      .min(2)
      .max(3)
      .describe(
        'Whose component is which: the first has component 1. By id or, when it begins, by name; all different. They enter in whatever order they come, each in a session of their own.',
      ),
    kcv: kcv.optional().describe('Check value of the whole key, as its papers say.'),
  })
  .describe('Begins a ceremony.');
export type BeginCeremony = z.infer<typeof beginCeremony>;

export const enterComponent = z
  .object({
    component: z
      .string()
      .regex(/^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$/, 'KEY_COMPONENT_MALFORMED' satisfies ErrorCode)
      .describe('A full-length component in hex. It is sealed at once, and never comes out again.'),
  })
  .describe("A custodian's component.");

/** The check value of the whole, which is compared before the key is in the vault. */
export const confirmCeremony = z.object({ kcv: kcv.describe('As on the papers of the key.') });

const at = {
  seq: z.number().int().positive().describe('Counts from 1.'),
  at: time,
  by: person,
  prev: z.string().max(64).describe('SHA-256 of the step before, hex; empty for the first.'),
};
/** A step of a ceremony. `session` is a hash that tells sessions apart and nothing else. */
export const ceremonyStep = z.discriminatedUnion('what', [
  z.object({ ...at, what: z.literal('begun').describe('The kind of step.'), ...beginCeremony.shape }),
  z.object({
    ...at,
    what: z.literal('component').describe('The kind of step.'),
    index: z.number().int().min(0).max(2).describe('Which component, counted from 0.'),
    kcv,
    session: z.string().max(64).describe('A hash that tells sessions of this ceremony apart.'),
  }),
  z.object({
    ...at,
    what: z.literal('confirmed').describe('The kind of step.'),
    kcv,
    session: z.string().max(64).describe('A hash that tells sessions of this ceremony apart.'),
  }),
  z.object({ ...at, what: z.literal('aborted').describe('The kind of step.'), reason: note }),
]);
export type CeremonyStep = z.infer<typeof ceremonyStep>;

/** How far a ceremony is. */
export interface CeremonyState {
  readonly state: 'entering' | 'confirming' | 'done' | 'aborted';
  readonly key: string;
  readonly use: BeginCeremony['use'];
  readonly custodians: readonly string[];
  readonly entered: readonly { readonly index: number; readonly by: string; readonly kcv: string }[];
  readonly papers: string | undefined;
  readonly kcv: string | undefined;
}

type StepCode =
  | 'KEY_CEREMONY_NOT_NOW'
  | 'KEY_CEREMONY_CUSTODIANS_ALIKE'
  | 'KEY_CEREMONY_SAME_PERSON'
  | 'KEY_CEREMONY_NOT_NAMED'
  | 'KEY_CEREMONY_CONFIRM_NOT_NAMED'
  | 'KEY_CEREMONY_CONFIRM_BY_ANOTHER'
  | 'KEY_COMPONENT_WORTHLESS'
  | 'KEY_CEREMONY_KCV_DIFFERS';
const stepDigest = (step: CeremonyStep): string => createHash('sha256').update(JSON.stringify(step)).digest('hex');

/**
 * The rule of ceremonies: steps so far and one more. Whoever orders is no custodian; each custodian enters the own component, in a session of its
 * own and in whatever order they come; one who did not enter the last component confirms the check value of the whole. A component that was entered before cancels out, and leaves the
 * key with whoever brought the third: it is refused. The server and the stand-alone verifier go by it alike.
 *
 * @see PCI PIN 3.1, requirements 6, 12 and 13
 */
export function takeCeremonyStep(steps: readonly CeremonyStep[], step: CeremonyStep): Result<CeremonyState, StepCode> {
  const last = steps.at(-1);
  if (step.seq !== steps.length + 1 || step.prev !== (last ? stepDigest(last) : ''))
    return fail('KEY_CEREMONY_NOT_NOW');
  const before = stateOf(steps);
  if (step.what === 'begun') {
    if (before) return fail('KEY_CEREMONY_NOT_NOW');
    const isApart = new Set(step.custodians).size === step.custodians.length && !step.custodians.includes(step.by);
    return isApart ? ok(after(steps, step)) : fail('KEY_CEREMONY_CUSTODIANS_ALIKE', { field: 'custodians' });
  }
  if (!before || before.state === 'done' || before.state === 'aborted')
    return fail('KEY_CEREMONY_NOT_NOW', { facts: { state: before?.state ?? 'none' } });
  if (step.what === 'aborted') return ok(after(steps, step));
  const isSession = steps.some((one) => one.what === 'component' && one.session === step.session && one.by !== step.by);
  if (step.what === 'component') {
    if (before.state !== 'entering') return fail('KEY_CEREMONY_NOT_NOW', { facts: { state: before.state } });
    if (before.custodians[step.index] !== step.by) return fail('KEY_CEREMONY_NOT_NAMED');
    if (isSession) return fail('KEY_CEREMONY_SAME_PERSON', { field: 'session' });
    if (before.entered.some(({ by, index }) => by === step.by || index === step.index))
      return fail('KEY_CEREMONY_SAME_PERSON', { field: 'component' });
    if (before.entered.some((one) => one.kcv === step.kcv)) return fail('KEY_COMPONENT_WORTHLESS');
    return ok(after(steps, step));
  }
  if (before.state !== 'confirming') return fail('KEY_CEREMONY_NOT_NOW', { facts: { state: before.state } });
  if (!before.custodians.includes(step.by)) return fail('KEY_CEREMONY_CONFIRM_NOT_NAMED');
  if (isSession) return fail('KEY_CEREMONY_CONFIRM_BY_ANOTHER', { field: 'session' });
  if (before.entered.at(-1)?.by === step.by) return fail('KEY_CEREMONY_CONFIRM_BY_ANOTHER', { field: 'confirmation' });
  if (before.papers !== undefined && before.papers !== step.kcv)
    return fail('KEY_CEREMONY_KCV_DIFFERS', { field: 'kcv' });
  return ok(after(steps, step));
}

function after(steps: readonly CeremonyStep[], step: CeremonyStep): CeremonyState {
  const state = stateOf([...steps, step]);
  if (!state) throw new Error('a ceremony begins with its beginning');
  return state;
}

/** What steps that were taken amount to; undefined before the first. */
export function stateOf(steps: readonly CeremonyStep[]): CeremonyState | undefined {
  const [begun] = steps;
  if (begun?.what !== 'begun') return undefined;
  const entered = steps.flatMap((step) => (step.what === 'component' ? [step] : []));
  const confirmed = steps.find((step) => step.what === 'confirmed');
  const isAborted = steps.some((step) => step.what === 'aborted');
  return {
    state: isAborted
      ? 'aborted'
      : confirmed
        ? 'done'
        : entered.length < begun.custodians.length
          ? 'entering'
          : 'confirming',
    key: begun.key,
    use: begun.use,
    custodians: begun.custodians,
    entered: entered.map(({ index, by, kcv: value }) => ({ index, by, kcv: value })),
    papers: begun.kcv,
    kcv: confirmed?.what === 'confirmed' ? confirmed.kcv : undefined,
  };
}

/** For whom a ceremony waits: those who have a component to enter, or those of whom one confirms the whole; nobody when it is over. */
export function awaitedOf({
  state,
  custodians,
  entered,
}: Pick<KeyCeremonyView, 'state' | 'custodians' | 'entered'> | CeremonyState): readonly string[] {
  if (state === 'entering') return custodians.filter((_, index) => entered.every((one) => one.index !== index));
  return state === 'confirming' ? custodians.filter((custodian) => custodian !== entered.at(-1)?.by) : [];
}

/** A step that links to the one before. */
export const nextLink = (steps: readonly CeremonyStep[]): { readonly seq: number; readonly prev: string } => {
  const last = steps.at(-1);
  return { seq: steps.length + 1, prev: last ? stepDigest(last) : '' };
};

/** How far a device of a run is. */
export const runDeviceState = z
  .enum(['listed', 'submitted', 'keyed', 'rejected', 'refused', 'investigated'])
  .describe('How far a device of a run is.');
/** How far a device of a run is. */
export type RunDeviceState = z.infer<typeof runDeviceState>;
/** A device of a run. */
export const runDevice = z.object({
  serial: z.string().max(40).describe('As read off the device.'),
  state: runDeviceState.describe('`refused`: not on the manifest, and to be investigated.'),
  isListed: z.boolean().describe('Whether it is on the manifest.'),
  at: time,
  by: z.string().describe('Who, or the server.'),
  kcvs: z.record(z.string(), z.string()).describe('Check values by slot, as the terminal proved them.'),
  note: z.string().nullable().describe('Why it was rejected, or what was found.'),
});
/** A device of a run. */
export type RunDevice = z.infer<typeof runDevice>;

/** The figures of a run. It balances when submitted = keyed + rejected + investigated and nothing is left to investigate. PCI PIN 3.1, 30-3. */
export interface RunBalance {
  readonly listed: number;
  readonly submitted: number;
  readonly keyed: number;
  readonly rejected: number;
  readonly investigated: number;
  readonly open: readonly string[];
  readonly isBalanced: boolean;
}
/** Counts a run. */
export function balanceOf(devices: readonly Pick<RunDevice, 'serial' | 'state' | 'isListed'>[]): RunBalance {
  const count = (state: RunDeviceState): number => devices.filter((device) => device.state === state).length;
  const open = devices.filter(({ state }) => state === 'submitted' || state === 'refused').map(({ serial }) => serial);
  const [keyed, rejected, investigated] = [count('keyed'), count('rejected'), count('investigated')];
  const submitted = devices.length - count('listed');
  return {
    listed: devices.filter(({ isListed }) => isListed).length,
    submitted,
    keyed,
    rejected,
    investigated,
    open,
    isBalanced: open.length === 0 && submitted === keyed + rejected + investigated,
  };
}

/** SHA-256 of a manifest, whatever its order. */
export const manifestDigest = (serials: readonly string[]): string =>
  createHash('sha256')
    .update([...serials].toSorted().join('\n'))
    .digest('hex');

export const beginRun = z
  .object({
    name: z.string().min(1).max(80).describe('What people call it.'),
    serials: z
      .array(z.string().min(1).max(40))
      .max(5_000)
      .describe('The manifest: serials on the inventory, in a state in which they can be keyed at the bench.'),
  })
  .describe('An injection run, to be authorised by a second person.');

/** Which lines of a manifest a run would not take. */
export const manifestCheck = z
  .object({
    dryRun: z.literal(true).describe('Nothing was done.'),
    total: z.number().int().describe('How many lines there were.'),
    succeeded: z.number().int().describe('How many a run would take.'),
    failed: z.number().int().describe('How many it would not.'),
    items: z
      .array(
        z.object({
          line: z.number().int().describe('Place on the manifest, counted from 1.'),
          serial: z.string().describe('As it was given.'),
          ok: z.boolean().describe('Whether a run would take it.'),
          code: z.string().nullable().describe('Code of the error table when it would not.'),
          lifecycle: lifecycleState.nullable().describe('Its state of life; null where it is not on the inventory.'),
        }),
      )
      .describe('One outcome each, in the order of the manifest.'),
  })
  .describe('A manifest, held against the inventory.');
/** Which lines of a manifest a run would not take. */
export type ManifestCheck = z.infer<typeof manifestCheck>;
/** A note on a device or a ceremony. */
export const runNote = z.object({ note: note.describe('Why, or what was found.') });
/** A device at the bench. */
export const runSubmission = z.object({ serial: z.string().min(1).max(40).describe('As read off the device.') });

/** Whom ids of people stand for, beside a ceremony or a run: ids are what counts. */
export const peopleNames = z.record(z.string(), z.string()).describe('Names of the people in it, by id.');

/** A ceremony as people look at it. */
export const keyCeremonyView = z
  .object({
    id: z.string().describe('Of the ceremony.'),
    state: z.enum(['entering', 'confirming', 'done', 'aborted']).describe('How far it is.'),
    key: z.string().describe('Name of the key.'),
    use: ceremonyUse,
    custodians: z.array(z.string()).describe('Who enters; the first has component 1.'),
    entered: z
      .array(
        z.object({
          index: z.number().int().describe('Which component, from 0.'),
          by: z.string().describe('Whose.'),
          kcv: z.string().describe('Its check value.'),
        }),
      )
      .describe('Components so far.'),
    kcv: z.string().optional().describe('Check value of the whole, when it is done.'),
    steps: z.array(ceremonyStep).describe('All steps.'),
    people: peopleNames,
  })
  .describe('A key ceremony: who entered, with which check values, and what is next.');
/** A ceremony as people look at it. */
export type KeyCeremonyView = z.infer<typeof keyCeremonyView>;

export const keyRun = z
  .object({
    id: z.string().describe('Of the run.'),
    name: z.string().describe('What people call it.'),
    state: z.enum(['proposed', 'open', 'closed']).describe('How far it is.'),
    digest: z.string().describe('SHA-256 of the manifest, sorted: what was authorised.'),
    orderedBy: z.string().describe('Who proposed it.'),
    authorisedBy: z.string().nullable().describe('Who authorised it: somebody else.'),
    begunAt: time,
    closedAt: time.nullable().describe('When it was closed; null until then.'),
    balance: z
      .object({
        listed: z.number().int().describe('On the manifest.'),
        submitted: z.number().int().describe('That were at the bench, or came to it unlisted.'),
        keyed: z.number().int().describe('That proved all their keys.'),
        rejected: z.number().int().describe('Taken out.'),
        investigated: z.number().int().describe('Not listed, and accounted for.'),
        open: z.array(z.string()).describe('Submitted and not ended, or refused and not investigated.'),
        isBalanced: z.boolean().describe('Whether it may be closed.'),
      })
      .describe('The figures.'),
    devices: z.array(runDevice).describe('All devices; none in lists of runs.'),
  })
  .describe('An injection run (PCI PIN 3.1, 30-3).');
export type KeyRun = z.infer<typeof keyRun>;
/** A run as people look at it. */
export const keyRunView = keyRun.extend({ people: peopleNames });
/** A run as people look at it. */
export type KeyRunView = z.infer<typeof keyRunView>;
export const keyInventoryEntry = z
  .object({
    id: z.string().describe('Name of the key.'),
    use: z.string().describe('What it is for.'),
    checkValue: z.string().describe('Check value, hex.'),
    isCurrent: z.boolean().describe('Whether new keys of terminals hang on it.'),
    terminals: z.number().int().describe('Terminals with a key below it.'),
    state: z.enum(['good', 'suspect', 'retired']).describe('Whether it may be trusted; `retired` is destroyed.'),
    since: time
      .nullable()
      .describe('When it took over, or the first key below it was made; null while it was never used.'),
    rotationDue: time
      .nullable()
      .describe(
        'When another is to take over; null for one that has given way already, and for one that was never used.',
      ),
    initialKeys: z
      .object({
        made: z.number().int().describe('Initial keys that were made of it, whether or not they still count.'),
        most: z
          .number()
          .int()
          .describe('That can be made of it: 524,287 of a TDES base key, 4,294,967,295 of an AES one.'),
        isRunningOut: z.boolean().describe('Four fifths are made: another is to take over now.'),
      })
      .nullable()
      .describe('How many initial keys a base key has left; null for keys that make none.'),
    reason: z.string().nullable().describe('Why it is suspect or retired; null for one that is good.'),
    campaign: z.string().nullable().describe('The campaign that replaces the keys below one that is suspect.'),
  })
  .describe('A key that keys of terminals hang on.');
export type KeyInventoryEntry = z.infer<typeof keyInventoryEntry>;

/** Where terminals get their first keys. */
export const firstKeys = z
  .enum(['in-runs', 'at-first-contact'])
  .describe(
    'Where terminals get their first keys: in authorised injection runs only, or whenever they first come, in which case PCI PIN 3.1, 30-3 is not enforced.',
  );
export type FirstKeys = z.infer<typeof firstKeys>;
export const keyInventory = z
  .object({ items: z.array(keyInventoryEntry).describe('The keys.'), firstKeys })
  .describe('Keys above those of terminals, and the rule by which terminals get theirs.');
export type KeyInventoryList = z.infer<typeof keyInventory>;

export const keyExposure = z
  .object({
    key: z.string().describe('Name of the key.'),
    state: z.enum(['good', 'suspect', 'retired']).describe('Whether it may be trusted; `retired` is destroyed.'),
    terminals: z
      .array(
        z.object({
          serial: z.string().describe('The terminal.'),
          slot: z.string().describe('Where it keeps it.'),
          kcv: z.string().describe('Check value, hex.'),
          state: z.string().describe('Of the ledger: allocated, loaded, replaced.'),
          from: time.describe('When it was made for the terminal.'),
          to: time.nullable().describe('When its terminal proved another one; null while it counts.'),
          initialKeyId: z
            .string()
            .nullable()
            .describe('Left 8 bytes of its KSNs, hex; null for keys that are not DUKPT.'),
          countersSeen: z.number().int().nullable().describe('The highest transaction counter that the switch saw.'),
          lastSeen: time.nullable().describe('When the switch saw it; null where it saw none.'),
        }),
      )
      .describe('A part of the keys that ever were below it, newest first.'),
    count: z.number().int().describe('How many there are in all.'),
    next: z.string().nullable().describe('Cursor of the next part; null at the end.'),
    campaign: z.string().nullable().describe('The campaign that replaces them.'),
  })
  .describe('What hangs on a key: terminals, the windows of their transactions, keys below.');
export type KeyExposure = z.infer<typeof keyExposure>;
/** A release from a key host, as a terminal swore to it. */
export const keyReleaseRecord = z
  .object({
    job: z.string().describe('The job by which it was released.'),
    serial: z.string().describe('The terminal.'),
    at: time.describe('When it was reported.'),
    host: z.string().describe('Name of the key host that it was bound to.'),
    next: z.string().nullable().describe('The key host that it is bound to now; null: to nobody, and without keys.'),
    protectionKey: z.string().nullable().describe('Check value of the key-block protection key that it held.'),
    gone: z
      .array(z.object({ slot: z.string().describe('Where it was.'), kcv: z.string().describe('Check value, hex.') }))
      .describe('The keys that it destroyed.'),
    orderedBy: z.string().nullable(),
    approvedBy: z.string().nullable().describe('The second person.'),
    statement: z.string().describe('What the terminal swore to: JSON text, exactly as it was signed.'),
    signature: z.string().describe('ECDSA with SHA-256 over the statement: DER, base64.'),
    certificate: z.string().describe('The certificate of the terminal under which the signature verifies, PEM.'),
  })
  .describe('A terminal was unbound from a key host, or rebound to another one.');
export type KeyReleaseRecord = z.infer<typeof keyReleaseRecord>;
/** A key is suspect. */
export const suspectKey = z.object({ key: custodyKeyId, reason: note });
/** A base key that takes over, or is laid to rest. */
export const rotateKey = z.object({
  key: custodyKeyId.describe(
    'The base key that takes over, or the key of negative lists that is spread (`negative/tags/2`); the next number is made where no ceremony brought it.',
  ),
});
/** A terminal that has not come along in a rotation. */
export const rotationLack = z.object({
  serial: z.string().describe('The terminal.'),
  why: z
    .enum(['away', 'state', 'unprotected', 'under-way', 'refused', 'next-contact'])
    .describe(
      '`away`: it is not connected; `state`: its state of life permits no keys; `unprotected`: it has no key-block protection key; `under-way`: the job is open; `refused`: the last job failed; `next-contact`: it is ordered at its next hello, which it is asked for when it is connected, once it told of lists under the next key where a slot is to be emptied.',
    ),
  detail: z.string().nullable().describe('The state of life, or the code of the failure.'),
  since: time.nullable().describe('Since when it is away.'),
});
export type RotationLack = z.infer<typeof rotationLack>;
/** How far the rotation of the key of negative lists is. */
export const negativeKeyRotation = z
  .object({
    key: z.string().describe('The key that takes over.'),
    from: z.string().describe('The key that gives way.'),
    state: z
      .enum(['spreading', 'switching', 'erasing', 'over', 'withdrawing', 'withdrawn'])
      .describe(
        '`spreading`: terminals get the key, cards their tags under it; `switching`: lists are to be under it, and one waits for signatures; `erasing`: terminals empty the old slot; `over`: none holds the old key; `withdrawing`: it was broken off, and terminals empty the slot of the key that was to take over; `withdrawn`: it was broken off, and none holds that key.',
      ),
    begunAt: time,
    switchedAt: time.nullable().describe('When lists were ordered under it; null before.'),
    brokenOffAt: time.nullable().describe('When it was broken off; null where it was not.'),
    breakOff: z
      .object({
        approval: z.string().describe('The request that a second person approves.'),
        by: z.string().describe('What the person who asked signs in as.'),
        reason: z.string().describe('Why.'),
        expiresAt: time,
      })
      .nullable()
      .describe('That it be broken off was asked for, and a second person has not decided; null otherwise.'),
    ready: z.number().int().describe('Terminals that proved the key.'),
    lacking: z
      .number()
      .int()
      .describe(
        'Terminals that hold the old key and lack the new one; once lists are under it, those that still hold the old one; once it was broken off, those that still hold the new one.',
      ),
    terminals: z.array(rotationLack).describe('These terminals, a hundred at most, and why.'),
    lists: z
      .array(
        z.object({
          list: z.string().describe('Name of the list.'),
          key: z.string().describe('The key that its version in force is made with.'),
          version: z.number().int().describe('The version in force.'),
          awaitsSignatures: z.boolean().describe('Whether the next version waits for signatures made elsewhere.'),
          untagged: z
            .array(
              z.object({
                source: z.string().describe('Who listed them.'),
                cards: z.number().int().describe('Cards whose numbers have to come again.'),
              }),
            )
            .describe('Cards without a tag under the key that takes over, by source.'),
          exceptions: z.number().int().describe('Exceptions whose numbers have to come again.'),
        }),
      )
      .describe('The lists.'),
  })
  .describe('How far the rotation of the key of negative lists is, and what it waits for.');
export type NegativeKeyRotation = z.infer<typeof negativeKeyRotation>;
/** The last rotation, if there was one. */
export const negativeKeyRotations = z
  .object({ items: z.array(negativeKeyRotation).max(1) })
  .describe('The last rotation of the key of negative lists; empty before the first.');
/** Lists go under the key that was spread. */
export const switchNegativeKey = z.object({
  key: custodyKeyId,
  leaveBehind: z
    .boolean()
    .default(false)
    .describe('Whether terminals that lack the key are left behind: they approve nothing offline until they hold it.'),
});
/** That a rotation be broken off. */
export const breakOffRotation = z.object({ key: custodyKeyId, reason: note });
/** The card companies of a terminal. */
export const setAcquirers = z.object({
  acquirers: z
    .array(z.string().regex(/^[a-z0-9]{2,12}$/))
    .max(16)
    .describe('Card companies whose keys it is to hold.'),
});
/** The card companies of a terminal as they stand. */
export const acquirerSet = setAcquirers.extend({
  version: z.number().int().min(0).describe('How often they were set; the ETag.'),
});
export type AcquirerSet = z.infer<typeof acquirerSet>;
