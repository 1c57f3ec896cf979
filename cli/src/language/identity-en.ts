import { counted } from '@tsunagu/protocols/kit';
import type { AuthorityView, ExpiryKind, ExpiryLevel, LifecyclePermit, LifecycleState } from '@tsunagu/protocols/fleet';

/** Texts about lives, authorities and the expiry horizon in English; `identity-ja.ts` has the same keys. */
export const identityEn = {
  stateTitle: 'State',
  state: {
    ordered: 'ordered',
    warehouse: 'in the warehouse',
    keyed: 'keyed',
    'in-transit': 'in transit',
    deployed: 'deployed',
    swap: 'being swapped',
    returned: 'returned',
    inspected: 'inspected',
    refurbish: 'being refurbished',
    wipe: 'being wiped',
    redeploy: 'to be redeployed',
    scrap: 'scrapped',
    quarantined: 'quarantined',
    lost: 'lost',
  } satisfies Record<LifecycleState, string>,
  permit: {
    enrol: 'enrol',
    renew: 'renew',
    connect: 'connect',
    pay: 'take payments',
    beKeyed: 'be keyed',
  } satisfies Record<LifecyclePermit, string>,
  permits: 'May',
  next: 'Can go to',
  history: 'How it came here',
  began: (state: string) => `began as ${state}`,
  nothing: 'nothing',
  moved: (serial: string, state: string) => `${serial} is now: ${state}.`,
  registered: (serial: string, file: string) =>
    `${serial} is on the inventory. What it enrols with is in ${file}: it belongs into the terminal, and nowhere else.`,
  claimWritten: (serial: string, file: string) =>
    `A new claim of ${serial} is in ${file}; the old one is worth nothing any more.`,
  kind: {
    root: 'root',
    'issuing-authority': 'issuing CA',
    'software-signing': 'software signing key',
    'job-signing': 'job signing key',
    'negative-signing': 'negative list signing key',
    'server-certificate': 'server certificate',
    'terminal-certificate': 'terminal certificate',
    'pts-approval': 'PTS approval of the model',
    'software-support': 'software support of the model',
    'card-key': 'CA key of a card scheme',
  } satisfies Record<ExpiryKind, string>,
  level: { fine: 'fine', near: 'NEAR', urgent: 'URGENT', passed: 'PASSED' } satisfies Record<ExpiryLevel, string>,
  expiryColumns: {
    serial: 'SERIAL',
    lastDay: 'LAST DAY',
    level: 'STATE',
    first: 'ENDS FIRST',
    endsAt: 'ON',
    silence: 'LONGEST SILENCE',
  },
  silence: (hours: number, isAssumed: boolean) =>
    `${hours >= 48 ? `${Math.round(hours / 24)} d` : `${hours} h`}${isAssumed ? ' (assumed)' : ''}`,
  never: 'never',
  noTerminals: 'No terminal has a horizon yet.',
  authorityState: {
    requested: 'requested',
    active: 'active',
    superseded: 'counts on',
    retired: 'retired',
  } satisfies Record<AuthorityView['state'], string>,
  authorityKind: { root: 'root', issuing: 'issuing CA' } satisfies Record<AuthorityView['kind'], string>,
  authorityColumns: {
    id: 'ID',
    kind: 'KIND',
    name: 'NAME',
    state: 'STATE',
    key: 'KEY',
    notAfter: 'UNTIL',
    certificates: 'CERTIFICATES',
    terminals: 'TERMINALS',
  },
  keyHere: 'here',
  keyElsewhere: 'elsewhere',
  trust: (version: number, roots: number, behind: number) =>
    `Terminals are told version ${version} of the roots (${roots}); ${counted(behind, 'has', 'have')} not taken it up yet.`,
  hanging: (authority: string, serials: readonly string[], count: number) =>
    `On ${authority} hang: ${serials.join(', ')}${count > serials.length ? ` and ${count - serials.length} more` : ''}`,
  rootMade: (id: string, file: string) =>
    `Root ${id} is in ${file}. Keep it off-line, and the passphrase elsewhere: without both nobody can sign again.`,
  signed: (id: string, file: string, until: string) => `Issuing CA ${id}, good until ${until}, is in ${file}.`,
  requestWritten: (id: string, file: string) =>
    `The request ${id} is in ${file}. Sign it where the root is: tsunagu ca sign ${file} --root ROOT --out ANSWER`,
  installed: 'Installed: the new issuing CA signs from now on.',
  rotated: 'Rotated: the new one signs from now on, the old one counts until nothing hangs on it.',
  anchorsWritten: (version: number, file: string) => `Version ${version} of the roots is in ${file}, signed.`,
  announced: (version: number) => `Version ${version} of the roots is announced.`,
  rootExported: (id: string, file: string) =>
    `Root ${id} is in ${file}, sealed. It is still on the server: tsunagu ca root remove`,
  rootRemoved: (id: string) => `The key of root ${id} is no longer on the server.`,
  retired: (id: string) => `${id} is retired.`,
  manufacturerColumns: { model: 'MODEL', subject: 'MAKER', notAfter: 'UNTIL', fingerprint: 'FINGERPRINT' },
  manufacturerAdded: (model: string, fingerprint: string) =>
    `Certificates below ${fingerprint} prove claims for ${model}.`,
  manufacturerRemoved: (model: string) => `That maker proves no claim for ${model} any more.`,
  noManufacturers: 'No maker is registered.',
};
