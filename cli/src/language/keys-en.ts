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
  rotation: {
    list: 'LIST',
    waitsFor: 'WAITS FOR',
    states: {
      spreading: 'the next key is being spread',
      switching: 'lists go under the next key',
      erasing: 'terminals erase the old key',
      over: 'over: no terminal holds the old key',
    },
    times: (begun: string, switched: string | undefined) =>
      switched === undefined ? `begun ${begun}` : `begun ${begun}, switched ${switched}`,
    spread: (ready: number, lacking: number) => `${ready} terminals hold the next key, ${lacking} lack it`,
    erase: (left: number) => `${left} terminals hold the old key`,
    awaitsSignatures: 'signatures of its list keys: tsunagu negative sign',
    untagged: (source: string, cards: number) => `numbers of ${cards} cards of ${source}`,
    exceptions: (cards: number) => `numbers of ${cards} exceptions: tsunagu negative allow`,
    why: {
      away: 'not connected since',
      state: 'state of life permits no keys:',
      unprotected: 'no key-block protection key',
      'under-way': 'job under way',
      refused: 'refused:',
      'next-contact': 'its next contact',
    },
    mayBeSwitched: (key: string) => `All is ready: tsunagu keys rotate ${key} --switch`,
    mayBeRetired: (key: string) =>
      `The old key stays for proofs about lists of before; tsunagu keys retire ${key} ends that.`,
  },
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
