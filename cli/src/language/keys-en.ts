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
  due: 'Rotation due',
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
  missing: 'not entered yet',
  typeComponent: 'Type the component in hex; it is not shown.',
  campaign: (id: string) => `Replaced by campaign ${id}`,
  verified: (signer: string) => `The record is whole. Signed by ${signer}; compare it with another source.`,
  authorised: (by: string, second: string) => `proposed by ${by}, authorised by ${second}`,
  balance: (listed: number, submitted: number, keyed: number, rejected: number, investigated: number) =>
    `${listed} listed; ${submitted} submitted = ${keyed} keyed + ${rejected} rejected + ${investigated} investigated`,
};
