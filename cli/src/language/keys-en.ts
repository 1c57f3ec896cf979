/** Texts about keys in custody. */
export const keysEn = {
  key: 'KEY',
  use: 'USE',
  kcv: 'KCV',
  terminals: 'TERMINALS',
  terminal: 'TERMINAL',
  slot: 'SLOT',
  state: 'STATE',
  from: 'FROM',
  to: 'TO',
  counter: 'COUNTER',
  current: '(current)',
  lastSeen: 'LAST SEEN',
  below: (keys: number, terminals: number) => `${keys} keys below it, in ${terminals} terminals`,
  due: 'ROTATION DUE',
  made: 'INITIAL KEYS',
  noReleases: 'It was never released from a key host.',
  released: (host: string, next: string | null) =>
    next === null ? `unbound from ${host}` : `rebound from ${host} to ${next}`,
  destroyed: 'destroyed',
  firstKeys: {
    'in-runs': 'First keys: in authorised injection runs only (PCI PIN 3.1, 30-3).',
    'at-first-contact':
      'First keys: at the first contact of a terminal. PCI PIN 3.1, 30-3 is NOT enforced; the server needs --key-in-runs.',
  },
  states: { good: 'good', suspect: 'suspect', retired: 'destroyed' },
  ceremonyStates: { entering: 'components wanted', confirming: 'to be confirmed', done: 'done', aborted: 'aborted' },
  runStates: { proposed: 'to be authorised', open: 'open', closed: 'closed' },
  deviceStates: {
    listed: 'listed',
    submitted: 'at the bench',
    keyed: 'keyed',
    rejected: 'rejected',
    refused: 'refused, to be investigated',
    investigated: 'investigated',
  },
  line: 'LINE',
  manifestChecked: (total: number, failed: number) =>
    failed === 0
      ? `${total} lines: a run takes all of them. Nothing was stored.`
      : `${failed} of ${total} lines cannot be in a run. Nothing was stored.`,
  missing: 'not entered yet',
  typeComponent: 'Type the component in hex; it is not shown.',
  campaign: (id: string) => `Replaced by campaign ${id}`,
  verified: (signer: string) => `The record is whole. Signed by ${signer}; compare it with another source.`,
  unfinished: (signer: string) =>
    `NOT OVER YET. The record is authentic as far as it goes; signed by ${signer}, which is to be compared with another source. Fetch it again when it is over.`,
  awaits: {
    component: (from: string) => `still to come: components of ${from}`,
    confirmation: (from: string) => `still to come: the confirmation of the check value by one of ${from}`,
    authorisation: () => 'still to come: the authorisation by a second person',
    devices: (from: string) => `still to come: the end of ${from}`,
    close: () => 'still to come: its close',
  },
  noKeyCame: 'It was aborted: no key came of it.',
  authorised: (by: string, second: string) => `proposed by ${by}, authorised by ${second}`,
  balance: (listed: number, submitted: number, keyed: number, rejected: number, investigated: number) =>
    `${listed} listed; ${submitted} submitted = ${keyed} keyed + ${rejected} rejected + ${investigated} investigated`,
};
