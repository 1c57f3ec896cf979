import { counted } from '@tsunagu/protocols/kit';
/** Texts of `tsunagu bridge` and `tsunagu emulate` in English; `workshop-ja.ts` has the same keys. */
export const workshopEn = {
  ready: 'Ready.',
  exported: (reader: string, address: string, busId: string) => `${reader} is offered at ${address} as ${busId}`,
  attachWith: (command: string) => `On the Linux machine that shall have it: ${command}`,
  readerHand: 'Type: insert CARD, remove, unplug, plug, fault NAME (Ctrl-C ends)',
  imported: (busId: string, peer: string) => `${busId} was imported by ${peer}`,
  released: (busId: string, peer: string) => `${busId} was released by ${peer}`,
  clientRefused: (peer: string) => `${peer} was refused`,
  cardInserted: (card: string) => `${card} was inserted`,
  cardRemoved: (card: string) => `${card} was taken out`,
  cablePulled: (busId: string) => `the cable of ${busId} was pulled`,
  cablePlugged: (busId: string) => `the cable of ${busId} is back`,
  faultSet: (fault: string) => `the next answer is broken: ${fault}`,
  commandUnknown: (says: string) => `not understood: ${says}`,
  cardConnected: (peer: string) => `the card lies in the reader of ${peer}`,
  cardDisconnected: (peer: string) => `the reader of ${peer} is gone`,
  cardPower: { on: 'power on', off: 'power off', reset: 'reset' },
  reader: 'reader',
  unplugged: 'unplugged',
  kind: { contact: 'contact', contactless: 'contactless', stripe: 'stripe', felica: 'FeliCa', other: 'other' },
  slotEmpty: 'no card',
  noApplications: 'no payment application',
  readers: (count: number) => counted(count, 'reader'),
  noReaders: 'No reader is plugged in.',
  ask: { insertCard: 'Please put the card in.', removeCard: 'Please take the card out.' },
  cables: {
    pull: (serial: string, reader: string) => `The ${reader} reader of ${serial} is unplugged.`,
    plug: (serial: string, reader: string) => `The ${reader} reader of ${serial} is plugged in.`,
    armed: (serial: string, reader: string, transfer: number) =>
      `The ${reader} reader of ${serial} will be unplugged in the middle of transfer ${transfer} from now: make a sale.`,
    readers: { stripe: 'stripe', contact: 'contact', contactless: 'contactless', felica: 'FeliCa' },
    states: { plugged: 'plugged in', pulled: 'unplugged' },
  },
  verdict: { passed: 'passed', failed: 'FAILED', skipped: 'skipped' },
  columns: { step: 'STEP', verdict: 'RESULT', clause: 'HELD TO', detail: 'DETAIL' },
  counts: (passed: number, failed: number, skipped: number) => `${passed} passed, ${failed} failed, ${skipped} skipped`,
  recorded: (file: string, steps: number, sealed: boolean) =>
    `recorded ${counted(steps, 'operation')} in ${file}${sealed ? ', card data sealed' : ''}`,
  replayed: (steps: number) =>
    `replayed ${counted(steps, 'operation')}: the bridge did the same as when they were recorded`,
  tooThin: (readers: number, readersNeeded: number, cardsNeeded: number) =>
    `Not enough tried in earnest: ${readers} of ${counted(readersNeeded, 'reader')}, with ${counted(cardsNeeded, 'card')} or more (nothing failed, and more steps were done than left out).`,
  attested: (file: string, runs: number, kid: string) =>
    `attested ${counted(runs, 'run')} in ${file}, signed by key ${kid}`,
  verified: {
    signature: (kid: string) => `The signature holds, key ${kid}.`,
    trusted: 'It is the key that you trust.',
    untrusted: 'The key came with the file: nobody vouches for it. Give the key that you trust with --trusted-key.',
    about: (version: string, madeAt: string, nonce: string) =>
      `bridge ${version}, ${madeAt}${nonce === '' ? '' : `, nonce ${nonce}`}`,
  },
  columnsOfRuns: {
    reader: 'READER',
    hardware: 'HARDWARE',
    emulated: 'emulated',
    real: 'real',
    card: 'CARD',
    passed: 'PASSED',
    failed: 'FAILED',
    skipped: 'SKIPPED',
    hash: 'TRACE',
  },
  columnsOfEmulated: { kind: 'WHAT', name: 'NAME', places: 'AT' },
  kinds: { reader: 'reader', card: 'card' },
  columnsOfKeys: { rid: 'RID', index: 'INDEX', bits: 'BITS', exponent: 'EXPONENT', expiry: 'EXPIRY', hash: 'HASH' },
  title: 'Workbench',
  keys: 'q quit   L 日本語',
};

/** The shape of these texts. */
export type WorkshopTexts = typeof workshopEn;
