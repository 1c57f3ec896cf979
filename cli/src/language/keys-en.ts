import { counted } from '@tsunagu/protocols/kit';
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
  below: (keys: number, terminals: number) => `${counted(keys, 'key')} below it, in ${counted(terminals, 'terminal')}`,
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
      withdrawing: 'broken off; terminals erase the key that was to take over',
      withdrawn: 'broken off; no terminal holds the key that was to take over',
    },
    times: (begun: string, switched: string | undefined, brokenOff: string | undefined) =>
      `begun ${begun}${switched === undefined ? '' : `, switched ${switched}`}${brokenOff === undefined ? '' : `, broken off ${brokenOff}`}`,
    withdraw: (left: number) =>
      `${counted(left, 'terminal holds', 'terminals hold')} the key that was to take over; lists stay under the old one`,
    breakOffAsked: (by: string, reason: string, approval: string) =>
      `${by} asks to break it off (${reason}). A second person, a custodian, approves: tsunagu approvals approve ${approval}`,
    example: '--break-off --reason "a source cannot send its list again"',
    mayBeginAgain: (key: string) =>
      `It may begin anew: tsunagu keys rotate ${key}. To destroy the key: tsunagu keys retire ${key}`,
    spread: (ready: number, lacking: number) =>
      `${counted(ready, 'terminal holds', 'terminals hold')} the next key, ${counted(lacking, 'lacks', 'lack')} it`,
    erase: (left: number) => `${counted(left, 'terminal holds', 'terminals hold')} the old key`,
    awaitsSignatures: 'signatures of its list keys: tsunagu negative sign',
    untagged: (source: string, cards: number) => `numbers of ${counted(cards, 'card')} of ${source}`,
    exceptions: (cards: number) => `numbers of ${counted(cards, 'exception')}: tsunagu negative allow`,
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
      ? `${counted(total, 'line')}: a run takes the whole manifest. Nothing was stored.`
      : `${failed} of ${counted(total, 'line')} cannot be in a run. Nothing was stored.`,
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
