import type { JobState, LinkState, PaymentKind, SaleOutcome, SaleStep, TimelineEntry } from '@tsunagu/protocols/fleet';
import { workshopEn } from './workshop-en.ts';

type TimelineKind = TimelineEntry['kind'];

/** Every text of the CLI in English; `ja.ts` has the same keys, which the compiler holds. */
export const en = {
  workshop: workshopEn,
  next: 'next:',
  none: '-',
  yen: (amount: number) => `¥${amount.toLocaleString('en-US')}`,
  ago: (seconds: number) =>
    seconds < 60
      ? `${seconds} s`
      : seconds < 3_600
        ? `${Math.floor(seconds / 60)} min`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3_600)} h`
          : `${Math.floor(seconds / 86_400)} d`,
  columns: {
    serial: 'TERMINAL',
    model: 'MODEL',
    place: 'PLACE',
    link: 'LINK',
    keys: 'KEYS',
    configuration: 'CONFIG',
    negative: 'NEG. FILE',
    lastSale: 'LAST SALE',
  },
  link: { ready: 'online', lost: 'lost', disconnected: 'offline', never: 'never seen' } satisfies Record<
    LinkState,
    string
  >,
  keysLoaded: (have: number) => (have === 0 ? 'none' : `${have} loaded`),
  inSync: (version: number) => `v${version}`,
  behind: (reported: number, desired: number) => `v${reported} (want v${desired})`,
  negativeAge: (version: number, age: string, current: boolean) =>
    version === 0 ? 'none' : `v${version} ${current ? '' : 'behind '}${age}`,
  outcome: {
    approved: 'approved',
    declined: 'declined',
    refused: 'refused',
    reversed: 'reversed',
    failed: 'failed',
  } satisfies Record<SaleOutcome, string>,
  steps: {
    'card-presented': 'card presented',
    'application-selected': 'application selected',
    'card-read': 'card read',
    'negative-checked': 'negative file checked',
    'cryptogram-made': 'cryptogram made by the card',
    'request-sent': 'request sent to the switch',
    'answer-received': 'answer received',
    'card-elsewhere': 'card at another interface',
    'card-again': 'hold the card here once more',
    'card-settled': 'settled what was open on the card',
    'card-completed': 'card completed',
    'reversal-queued': 'reversal queued',
    finished: 'finished',
  } satisfies Record<SaleStep, string>,
  timeline: {
    registered: 'put on the inventory',
    enrolled: 'enrolled',
    'certificate-renewed': 'certificate renewed',
    'certificate-revoked': 'certificate revoked',
    hello: 'said hello',
    connected: 'connected',
    lost: 'link lost',
    'configuration-changed': 'configuration changed',
    'configuration-reported': 'configuration reported',
    'key-loaded': 'key loaded',
    'negative-applied': 'negative file applied',
    'job-queued': 'job queued',
    'job-finished': 'job finished',
    sale: 'sale',
    alarm: 'alarm',
  } satisfies Record<TimelineKind, string>,
  detail: {
    model: 'Model',
    place: 'Place',
    parent: 'Parent',
    children: 'Children',
    link: 'Link',
    software: 'Software',
    certificate: 'Certificate',
    keys: 'Keys',
    configuration: 'Configuration',
    negative: 'Negative file',
    cards: 'Cards in the emulated reader',
    lastSale: 'Last sale',
    timeline: 'Timeline',
    until: 'until',
  },
  sale: {
    title: (serial: string, amount: string, card: string) => `${serial}  ${amount}  ${card}`,
    result: (outcome: string, parts: readonly string[]) => [outcome, ...parts].join('  '),
    lastFour: (digits: string) => `card ending ${digits}`,
    approval: (code: string) => `approval ${code}`,
    action: (code: string) => `action code ${code}`,
    took: (ms: number) => `${Math.round(ms)} ms`,
    stan: (stan: string) => `STAN ${stan}`,
    follow: (original: string) => `of ${original}`,
    balance: (amount: string) => `${amount} available`,
    left: (amount: string) => `${amount} left on the card`,
    historyColumns: { on: 'DAY', process: 'USE', terminal: 'AT', serial: 'NO.', balance: 'LEFT' },
    offline: 'approved offline',
    queued: 'waits for the switch',
  },
  payment: {
    kinds: {
      sale: 'sale',
      void: 'void',
      refund: 'refund',
      preauth: 'authorisation',
      complete: 'completion',
      balance: 'balance',
      charge: 'charge',
      history: 'history',
    } satisfies Record<PaymentKind, string>,
    title: (serial: string, parts: readonly string[]) => [serial, ...parts].join('  '),
  },
  totals: {
    title: (serial: string, day: number, isClosed: boolean) =>
      `${serial}  business day ${day}${isClosed ? ', closed' : ''}`,
    columns: { scheme: 'SCHEME', kind: 'KIND', count: 'COUNT', amount: 'AMOUNT' },
    net: (amount: string) => `net ${amount}`,
    waiting: (count: number) => `${count} advices wait for the switch`,
    refused: (stan: string, actionCode: string) =>
      `the switch refused the advice of STAN ${stan} (action code ${actionCode}): to be checked by a person`,
  },
  job: {
    language: 'en' as 'en' | 'ja',
    columns: {
      id: 'JOB',
      type: 'KIND',
      kind: 'WHAT',
      state: 'STATE',
      attempt: 'ATTEMPT',
      created: 'ORDERED (UTC)',
      fault: 'FAULT',
    },
    states: {
      held: 'needs approval',
      queued: 'waiting',
      offered: 'offered',
      running: 'running',
      succeeded: 'done',
      failed: 'failed',
      'timed-out': 'timed out',
      cancelled: 'cancelled',
    } satisfies Record<JobState, string>,
    cancelling: '(being taken back)',
    late: '(late)',
    secondPerson: 'needs a second person',
    held: (id: string) => `A second person has to let it go: tsunagu job approve ${id}`,
  },
  software: {
    made: (path: string, bytes: number) =>
      `${path}: an image of ${bytes.toLocaleString('en-US')} bytes for emulated terminals.`,
    installing: (serial: string, version: string, digest: string) => `${serial}  software ${version}  ${digest} …`,
    installed: (serial: string, version: string) => `${serial} runs ${version}, and has proven itself.`,
  },
  tampered: (serial: string, sensor: string) =>
    `The ${sensor} sensor of ${serial} has spoken: its keys are destroyed, and it sells nothing any more.`,
  revoked: (serial: string) => `The certificate of ${serial} is revoked; its connections have ended.`,
  negative: {
    added: (lastFour: string, version: number, seq: number) =>
      `The card ending ${lastFour} is listed: version ${version}, emergency entry ${seq}.`,
    already: (lastFour: string) => `The card ending ${lastFour} was listed already.`,
    columns: {
      lastFour: 'CARD',
      reason: 'REASON',
      source: 'SOURCE',
      added: 'ADDED',
      version: 'VERSION',
      cards: 'CARDS',
      bytes: 'BYTES',
      issued: 'ISSUED',
    },
    published: (version: number, count: number) => `Version ${version} is published: ${count} cards.`,
    imported: (added: number, removed: number, kept: number, refused: number) =>
      `${added} cards added, ${removed} removed, ${kept} kept, ${refused} lines refused`,
    refusedLine: (line: number, why: string) => `line ${line}: no valid ${why}`,
    exposure: (yen: number) => `exposed at terminals that are behind: ¥${yen.toLocaleString('en-US')}`,
    diff: (from: number, to: number, added: number, removed: number, delta: number, whole: number) =>
      `version ${from} to ${to}: ${added} cards came, ${removed} went; ${delta} bytes instead of ${whole}`,
    isListed: (lastFour: string) => `The card ending ${lastFour} is listed:`,
    isNotListed: (lastFour: string) => `The card ending ${lastFour} is not listed.`,
    listedBy: (source: string, reason: string, at: string, version: number | null) =>
      `  by ${source}: ${reason}, since ${at}, ${version === null ? 'emergency entry' : `version ${version}`}`,
    proven: (lastFour: string, serial: string, at: string, answer: string, reason: string, by: string) =>
      `The proof holds. Card ending ${lastFour} on ${serial} at ${at}: ${answer}${reason && ` (${reason})`}, by ${by}.`,
    provenBy: (version: number, seq: number, saidAt: string, keys: string) =>
      `In force: version ${version}, emergency entry ${seq}, as the terminal said at ${saidAt}. Root keys: ${keys}`,
    state: (version: number, seq: number, current: number, behind: number) =>
      `version ${version}, emergency entries up to ${seq}; ${current} terminals current, ${behind} behind`,
  },
  negativeKeys: {
    made: (id: string, file: string) => `Key ${id} is made and sealed in ${file}. Keep file and passphrase apart.`,
    root: (version: number, notAfter: string, threshold: number) =>
      `Root ${version}, until ${notAfter}; the one after it needs ${threshold} of its root keys.`,
    key: (id: string, role: string, mark: '' | 'signed' | 'before' | 'held') =>
      `  ${id}  ${role.padEnd(9)}  ${{ '': '', signed: 'signed', before: 'signed, of the root before', held: 'held by the server' }[mark]}`,
    next: (version: number) => `Root ${version} waits and comes into force with the next version.`,
    waits: (version: number, count: number, before: number) =>
      `Version ${version} waits for signatures: ${count} cards, ${before} before.`,
    waitsFor: 'The new version waits for signatures by list keys that lie elsewhere: tsunagu negative sign.',
    nothingWaits: 'No version waits for signatures.',
    oneMore: 'Signed. One more list key has to sign before it is published.',
  },
  start: {
    title: 'Tsunagu つなぐ',
    preparing: (what: string) => `starting ${what} …`,
    parts: {
      server: 'fleet server and switch',
      cardCompany: 'emulated card company',
      terminals: (n: number) => `${n} emulated terminals`,
    },
    running: 'The house is running:',
    line: {
      fleet: (port: number, ws: number) => `fleet (MQTT over TLS)      port ${port}, WebSocket ${ws}`,
      device: (port: number) => `device API (HTTPS)         port ${port}`,
      acquiring: (port: number) => `switch (ISO 8583, TLS)     port ${port}`,
      cardCompany: (port: number) => `emulated card company      port ${port}`,
      metrics: (url: string) => `metrics                    ${url}`,
      terminals: (n: number) => `emulated terminals         ${n}`,
      data: (folder: string) => `data and logs              ${folder}`,
    },
    dashboard: 'Dashboard:',
    signIn: 'Sign in once with:',
    tryNext: 'Try next, in another window:',
    stop: 'Ctrl-C stops everything.',
    stopping: 'Stopping …',
    stopped: 'Everything has stopped. The data is kept; "npm start -- --fresh" begins anew.',
  },
  tui: {
    title: 'Tsunagu',
    live: 'LIVE',
    offline: 'OFFLINE',
    stale: (age: string) => `STALE ${age}`,
    filter: 'filter',
    empty: 'No terminal yet.',
    noMatch: 'No terminal matches the filter.',
    loading: 'loading …',
    terminals: (shown: number, all: number) => (shown === all ? `${all} terminals` : `${shown} of ${all} terminals`),
    help: {
      move: 'move',
      open: 'open',
      back: 'back',
      sale: 'test sale',
      filter: 'filter',
      language: '日本語',
      quit: 'quit',
      help: 'keys',
      refresh: 'refresh',
    },
    helpTitle: 'Keys',
    chooseCard: 'Test sale: choose a card',
    amount: 'amount in yen',
    noCards: 'This terminal has no emulated cards: present a real one.',
    start: 'Enter starts the sale',
    saleRunning: 'sale in progress …',
  },
  wire: {
    nothingKnown: 'No format fits these bytes.',
    columns: { bytes: 'BYTES', name: 'NAME', value: 'VALUE' },
    lengthBytes: (count: number) => (count === 1 ? '1 byte' : `${count} bytes`),
    alsoFits: (names: readonly string[]) => `Fits as well: ${names.join(', ')}`,
    brokenOff: 'It breaks off:',
    masked: 'Hidden values are shown with --reveal.',
  },
};

/** The shape of the texts: same keys, any words. */
export type Texts = typeof en;
