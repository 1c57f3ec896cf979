import { counted } from '@tsunagu/protocols/kit';
/** Texts about evidence, custody, swaps, the refurbish workshop and inspections in English; `life-ja.ts` has the same keys. */
export const lifeEn = {
  bag: 'In bag',
  seals: 'Seals',
  sealsUnknown: 'none on record: nothing can be compared with them until a step brings them',
  connections: 'Connections',
  edgesAsk: 'What each step asks for ( | : one or the other):',
  edgesFree: 'Steps that ask for no evidence:',
  caseChanged: 'where the case is not as it was',
  couldBeTaken: (serial: string, state: string) => `${serial} could be moved to: ${state}. Nothing was done.`,
  pending: (serial: string, state: string, approval: string) =>
    `${serial} goes to "${state}" when a second person approves ${approval}: tsunagu approvals approve ${approval}`,
  waits: (approval: string) => `waits for approval ${approval}`,
  imported: (succeeded: number, failed: number, dryRun: boolean) =>
    `${succeeded} ${dryRun ? 'could be taken' : 'taken or waiting'}, ${failed} refused.`,
  approvalColumns: { id: 'ID', kind: 'KIND', subject: 'ABOUT', by: 'ASKED BY', state: 'STATE' },
  approvalKinds: {
    campaign: 'campaign',
    wipe: 'wipe',
    lifecycle: 'lifecycle',
    revocation: 'revocation',
    key: 'key',
    rotation: 'rotation',
  },
  /** Facts of what is asked for, by name, and what a campaign does. */
  approvalFacts: { type: 'job kind', job: 'job id', kind: 'campaign of' } as Readonly<Record<string, string>>,
  approvalActions: { software: 'software', configuration: 'configuration', keys: 'fresh keys', job: 'job' } as Readonly<
    Record<string, string>
  >,
  approvalStates: { requested: 'requested', approved: 'approved', refused: 'refused', expired: 'expired' },
  /** What an inspection saw of a case, and what it found. */
  surface: {
    intact: 'intact',
    marked: 'marked',
    opened: 'opened',
    substituted: 'substituted',
    missing: 'missing',
  },
  finding: { surface: 'case', seals: 'seals', connections: 'connections', 'photo-missing': 'no photo' } as Readonly<
    Record<string, string>
  >,
  decided: (kind: string, subject: string, state: string) => `${kind} of ${subject}: ${state}.`,
  keyMade: (kid: string, file: string) =>
    `Key ${kid} is in ${file}. Register it: tsunagu custody holder NAME --key ${file}`,
  revoked: (at: string, successor: string | undefined) =>
    `revoked from ${at}${successor === undefined ? '' : `, followed by ${successor}`}`,
  revokedHolds: (serials: string) =>
    `In its hands: ${serials}. Without a successor nobody can hand them over: tsunagu custody revoke KID --reason … --successor KID`,
  revokedSigned: (serials: string) =>
    `It signed for these since: ${serials}. Find them, and quarantine what is in doubt.`,
  wipesOrdered: (count: number) =>
    `${counted(count, 'wipe is', 'wipes are')} ordered; each waits for a second person: tsunagu approvals list. Then: tsunagu workshop wiped FILE --out FOLDER`,
  wipesCertified: (certified: number, missing: number, folder: string) =>
    `${counted(certified, 'certificate')} in ${folder}, and list.csv${missing === 0 ? '' : `; ${counted(missing, 'has', 'have')} not sworn to a wipe`}.`,
  nobody: 'in nobody’s hands yet',
  offered: (serial: string, file: string) =>
    `${serial} is offered in ${file}; the receiver signs it: tsunagu custody accept ${file}`,
  accepted: (serial: string, file: string) =>
    `${serial} has both signatures in ${file}: tsunagu custody deliver ${file}`,
  quarantined: (serial: string) => `${serial} is quarantined: it gets no keys until two persons let it out.`,
  alarm: { dwell: 'stays too long', gap: 'moved with no hand on it' },
  verified: (terminals: number, handovers: number, findings: number) =>
    `${counted(handovers, 'hand-over')} of ${counted(terminals, 'terminal')}; ${findings > 0 ? `${counted(findings, 'finding')}.` : handovers === 0 ? 'there is nothing to verify in it.' : 'nothing is wrong.'}`,
  swapStep: {
    begun: 'begun',
    prepared: 'place and parameters are over',
    drained: 'the old unit is drained',
    handed: 'the new unit sells, the old one is locked',
    closed: 'closed',
    aborted: 'taken back',
  },
  swapWaits: {
    report:
      'It waits for the old unit to say that nothing waits in it. Does it not answer? tsunagu swap old-is-dead ID',
    'old-approves-alone':
      'Waits until the old unit says that it approves no sale by itself any more (floor limit 0); see: tsunagu config drift. No answer: tsunagu swap old-is-dead ID',
    'old-state': 'The old unit is not deployed any more.',
    'new-state': 'The new unit is not in transit any more.',
    'new-keys-missing': 'The new unit has no keys of its own yet.',
    'new-keys-copied': 'The new unit holds a key of the old one. Quarantine it.',
  },
  inspected: (serial: string, file: string) =>
    `What was seen of ${serial} is signed in ${file}: tsunagu inspect deliver ${file}`,
  nothingFound: 'nothing found',
  deviceColumns: {
    serial: 'SERIAL',
    model: 'MODEL',
    place: 'PLACE',
    state: 'STATE',
    last: 'LOOKED AT',
    found: 'FOUND',
    due: 'DUE',
  },
  workMissing: (steps: readonly string[]) => `Still missing: ${steps.join('; ')}.`,
  workWanted: {
    diagnosed: 'a diagnosis that bears the outcome out (tsunagu workshop note ID diagnosed --fault CODE, or none)',
    'bench-test':
      'a passed test since the last part (tsunagu bridge attest --nonce ID --out FILE, then tsunagu workshop note ID bench-test --attestation FILE)',
    grade: 'a grade, A to C, none when it is beyond repair (--grade A)',
    'closed:beyond-repair':
      'its end as beyond repair (tsunagu workshop note ID closed --outcome beyond-repair --grade none)',
    'rma-out': 'its way to the vendor (tsunagu workshop note ID rma-out --vendor NAME --number RMA)',
    returned: 'its return to the workshop (tsunagu lifecycle move SERIAL returned --reason TEXT …)',
    refurbish: 'the state refurbish (tsunagu lifecycle move SERIAL refurbish --reason TEXT)',
  },
  handIn: (items: readonly string[]) =>
    `Hand in: ${items.join('; ')}. What each edge asks for: tsunagu lifecycle graph`,
  workIntake: { fault: 'fault', 'end-of-contract': 'end of contract', swap: 'swap', recall: 'recall' },
  workWarranty: 'under warranty',
  workKind: {
    diagnosed: 'diagnosed',
    'part-fitted': 'part fitted',
    'part-harvested': 'part harvested',
    labour: 'labour',
    'bench-test': 'bench test',
    'rma-out': 'to its vendor',
    'rma-in': 'back from its vendor',
    closed: 'closed',
  },
  workPassed: { passed: 'passed', failed: 'failed' },
  workFromStock: 'from stock',
  workVendor: { repaired: 'repaired', replaced: 'replaced', refused: 'refused' },
  partColumns: { part: 'PART', from: 'OUT OF', at: 'TAKEN OUT', fitted: 'FITTED INTO', since: 'ON' },
  partLies: 'in its drawer',
  workColumns: { id: 'ID', serial: 'SERIAL', fault: 'FAULT', outcome: 'OUTCOME', cost: 'COST', opened: 'SINCE' },
  workOutcome: {
    repaired: 'repaired',
    'no-fault-found': 'no fault found',
    'beyond-repair': 'beyond repair',
    replaced: 'replaced by its vendor',
  },
  workReplaced: (serial: string) =>
    `${serial} is on the inventory as ordered: take it in (tsunagu lifecycle move ${serial} warehouse …), and issue its claim (tsunagu claim ${serial} --out FILE).`,
  stockColumns: {
    part: 'PART',
    count: 'LYING',
    minimum: 'MINIMUM',
    counted: 'COUNTED',
    at: 'WHEN',
    by: 'BY',
    kind: 'WHAT',
    change: 'CHANGE',
  },
  stockKind: {
    received: 'received',
    fitted: 'fitted',
    counted: 'counted',
    adjusted: 'adjusted',
    minimum: 'minimum set',
  },
  stockLow: 'below its minimum: buy more',
  stockIs: (part: string, count: number, minimum: number) =>
    `${part}: ${counted(count, 'lies', 'lie')} there, minimum ${minimum}`,
  workAtVendor: 'at its vendor (RMA)',
  workMinutes: (count: number) => `${count} min`,
  figures: (finished: number, reuse: string, nff: string, cost: string, days: string) =>
    `${finished} finished; reused ${reuse}, no fault found ${nff}; ¥${cost} and ${days} d a redeployment`,
  avoided: (waste: string, co2: string) =>
    `${waste} kg of waste and ${co2} kg of CO2 avoided (40 kg CO2 a kg of device: an assumption)`,
  packWritten: (folder: string, files: number, signer: string) =>
    `${counted(files, 'file is', 'files are')} in ${folder}. Check them anywhere: node ${folder}/verify.mjs --signer ${signer}`,
};
