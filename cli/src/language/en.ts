import { counted } from '@tsunagu/protocols/kit';
import type { JobState, LinkState, PaymentKind, SaleOutcome, SaleStep, TimelineEntry } from '@tsunagu/protocols/fleet';
import { identityEn } from './identity-en.ts';
import { keysEn } from './keys-en.ts';
import { lifeEn } from './life-en.ts';
import { campaignEn } from './campaign-en.ts';
import { switchEn } from './switch-en.ts';
import { switchRulesEn } from './switch-rules-en.ts';
import { validityEn } from './validity-en.ts';
import { workshopEn } from './workshop-en.ts';

type TimelineKind = TimelineEntry['kind'];

/** Every text of the CLI in English; `ja.ts` has the same keys, which the compiler holds. */
export const en = {
  campaign: campaignEn,
  workshop: workshopEn,
  ...switchRulesEn,
  identity: identityEn,
  keys: keysEn,
  life: lifeEn,
  switch: switchEn,
  validity: validityEn,
  next: 'next:',
  none: '-',
  yen: (amount: number) => `${amount < 0 ? '-' : ''}¥${Math.abs(amount).toLocaleString('en-US')}`,
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
  keysDestroyed: 'destroyed',
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
    'rate-offered': 'offered in the own currency',
    'rate-chosen': 'cardholder chose',
    'rate-not-offered': 'nothing offered in the own currency: the sale is in yen',
    'request-sent': 'request sent to the switch',
    'answer-received': 'answer received',
    'card-elsewhere': 'card at another interface',
    'card-again': 'hold the card here once more',
    'card-settled': 'settled what was open on the card',
    'card-completed': 'card completed',
    'reversal-queued': 'reversal queued',
    finished: 'finished',
  } satisfies Record<SaleStep, string>,
  /** Names of facts in a timeline; those that are not here stand as they are. */
  facts: { amountMinor: 'amount' } as Readonly<Record<string, string>>,
  /** A fact that holds, or does not. */
  truth: {} as Readonly<Record<string, string>>,
  /** Of a step of a life, where they mean something else. */
  moveFacts: {} as Readonly<Record<string, string>>,
  timeline: {
    registered: 'put on the inventory',
    enrolled: 'enrolled',
    'certificate-renewed': 'certificate renewed',
    'claim-reissued': 'claim issued again',
    'lifecycle-moved': 'moved in its life',
    wiped: 'wiped: it needs a new claim',
    'handed-over': 'handed over',
    swap: 'swap',
    inspection: 'inspection',
    'work-order': 'work order',
    'certificate-revoked': 'certificate revoked',
    hello: 'said hello',
    connected: 'connected',
    lost: 'link lost',
    'configuration-changed': 'configuration changed',
    'configuration-reported': 'configuration reported',
    'key-loaded': 'key loaded',
    'key-released': 'unbound or rebound',
    'key-erased': 'old key erased',
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
    replaces: 'replaces (RMA)',
    replacedBy: 'replaced by (RMA)',
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
    till: (code: string) => `till code ${code}`,
    action: (code: string, words?: string) => `action code ${code}${words === undefined ? '' : ` (${words})`}`,
    took: (ms: number) => `${Math.round(ms)} ms`,
    stan: (stan: string) => `STAN ${stan}`,
    follow: (original: string) => `of ${original}`,
    balance: (amount: string) => `${amount} available`,
    points: (count: number) => `${count.toLocaleString('en-US')} points`,
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
      issue: 'card issue',
      history: 'history',
    } satisfies Record<PaymentKind, string>,
    title: (serial: string, parts: readonly string[]) => [serial, ...parts].join('  '),
  },
  totals: {
    title: (serial: string, day: number, isClosed: boolean) =>
      `${serial}  business day ${day}${isClosed ? ', closed' : ''}`,
    columns: { scheme: 'SCHEME', kind: 'KIND', count: 'COUNT', amount: 'AMOUNT' },
    net: (amount: string) => `net ${amount}`,
    waiting: (count: number) => `${counted(count, 'advice waits', 'advices wait')} for the switch`,
    refused: (stan: string, actionCode: string) =>
      `the switch refused the advice of STAN ${stan} (action code ${actionCode}): to be checked by a person`,
  },
  carry: {
    until: 'UNTIL (UTC)',
    left: (serial: string, kinds: string) => `${serial}: needs the server, and stays here: ${kinds}.`,
    fetched: (file: string) =>
      `${file}: bring it to the terminals before that, and what they hand back to "tsunagu job deliver". An order has its effect once, whichever way it comes.`,
    handed: (serial: string, reports: number, orders: number, file: string) =>
      reports === orders
        ? `${serial} handed back ${counted(reports, 'report', 'reports')}: ${file}. Now: tsunagu job deliver ${file}`
        : `${serial} handed back ${reports} of ${counted(orders, 'report', 'reports')}: ${file}. Bring it the file once more for the others.`,
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
    outlook: {
      fault: (code: string, says: string, attempt: number) =>
        attempt > 0 ? `Attempt ${attempt} ended with ${code}: ${says}` : `${code}: ${says}`,
      queued: (attempt: number, max: number, from: string | undefined, until: string, isAgain: boolean) =>
        `${isAgain ? 'It is tried again: attempt' : 'Attempt'} ${attempt} of ${max} goes to the terminal when it asks${from ? `, not before ${from}` : ''}; given up at ${until}.`,
      offered: (attempt: number, max: number, until: string) =>
        `Attempt ${attempt} of ${max} was handed to the terminal, and is again until it answers; given up at ${until}.`,
      running: (attempt: number, max: number, until: string) =>
        `The terminal works on attempt ${attempt} of ${max}; given up at ${until}, or when it says nothing for too long.`,
      failed: (attempt: number, max: number, id: string) =>
        `${attempt < max ? 'Such a failure is not tried again by itself.' : `That was the last attempt of ${max}.`} To order it once more: tsunagu job retry ${id}`,
      timedOut: (id: string) =>
        `It is not tried again by itself; a result that comes after all still counts. To order it once more: tsunagu job retry ${id}`,
      cancelling:
        'It was taken back, and the terminal is asked: without an effect it ends as taken back, else as it ends.',
      cancel: {
        'at-once': (id: string) => `The terminal does not work on it: tsunagu job cancel ${id} takes it back at once.`,
        asked: (id: string) =>
          `The terminal may have it: tsunagu job cancel ${id} asks it. Without an effect it ends as taken back, else as it ends.`,
      },
    },
  },
  software: {
    made: (path: string, bytes: number) =>
      `${path}: an image of ${bytes.toLocaleString('en-US')} bytes for emulated terminals.`,
    installing: (serial: string, version: string, digest: string) => `${serial}  software ${version}  ${digest} …`,
    installed: (serial: string, version: string) => `${serial} runs ${version}, and has proven itself.`,
    role: (role: string, version: number, expires: string) => `${role.padEnd(10)} version ${version}, until ${expires}`,
    holders: (
      role: string,
      version: number,
      expires: string,
      threshold: number,
      keys: number,
      here: number | 'server',
    ) =>
      `${role.padEnd(10)} version ${version}, until ${expires}; ${threshold} of ${keys} keys sign, ${here === 'server' ? 'by the server itself' : `${here} of them in this folder`}`,
    runsOut: (role: string, date: string, isOver: boolean, isOnline: boolean) =>
      `${isOver ? 'ran out on' : 'runs out on'} ${date}: ${isOnline ? 'the server signs it by itself, and did not; look into its log' : `tsunagu software renew ${role}, with its keys at hand`}${isOver && !isOnline ? '. Until then terminals take no software' : ''}`,
    noTerminalOf: (model: string) =>
      `No terminal of model ${model} is on the inventory: nobody installs this until one is (tsunagu terminals).`,
    drafted: (path: string) =>
      `${path}: have the others sign it (tsunagu software sign), then tsunagu software submit.`,
    signed: (path: string, keys: string) => `${path}: signed by ${keys}`,
    attested: (digest: string, passed: number, readers: number) =>
      `${digest}  attested: ${counted(passed, 'step')} on ${counted(readers, 'reader')}, none failed.`,
    columns: {
      model: 'model',
      version: 'version',
      counter: 'counter',
      size: 'bytes',
      attested: 'attested',
      digest: 'digest',
    },
  },
  tampered: (serial: string, sensor: string) =>
    `The ${sensor} sensor of ${serial} has spoken: its keys are destroyed, and it sells nothing any more.`,
  trouble: { title: 'To be looked at', runs: 'it goes on', stands: 'it does not run' },
  recounted: (serial: string) => `The boots of ${serial} are counted anew from its next hello.`,
  nothingListed: 'None.',
  revocation: (isHeld: boolean, isDry: boolean): string =>
    isHeld
      ? isDry
        ? 'would wait for a second person'
        : 'waits for a second person'
      : isDry
        ? 'would be revoked'
        : 'revoked',
  revocationHeld: (approval: string) =>
    approval === ''
      ? 'So many at once are revoked when a second person approves it.'
      : `Nothing is revoked yet. A second person, an administrator, looks at it (tsunagu approvals show ${approval}) and approves it: tsunagu approvals approve ${approval}`,
  optionMeant: (meant: string) => `Did you mean ${meant}? All that there is: the command’s --help.`,
  optionExample: (example: string) => `For example: ${example}. All of them: the command’s --help.`,
  inputInvalid: (field: string, example?: string) =>
    field === ''
      ? 'Compare the values with the command’s --help.'
      : `Compare the value of "${field}" with the command’s --help${example === undefined ? '' : `; for example: ${example}`}.`,
  settingInvalid: (setting: string, example: string) =>
    `What "${setting}" takes stands in "tsunagu config settings"; for example: ${setting}=${example}.`,
  roleNeeded: (permission: string, roles: readonly string[]) =>
    `It needs "${permission}", which ${roles.length > 0 ? `the role ${roles.join(' or ')} has` : 'no role has'}. An administrator adds a person who has it: tsunagu people add NAME --role ${roles[0] ?? 'ROLE'}; then sign in as that person and set TSUNAGU_TOKEN.`,
  edgesFrom: (state: string, next: readonly string[]) =>
    next.length > 0
      ? `From ${state} it can move to: ${next.join(', ')}.`
      : `${state} is the end: nothing leads out of it.`,
  revoked: (serial: string) => `The certificate of ${serial} is revoked; its connections have ended.`,
  negative: {
    added: (lastFour: string, version: number, seq: number) =>
      `The card ending ${lastFour} is listed: version ${version}, emergency entry ${seq}.`,
    already: (lastFour: string) => `The card ending ${lastFour} was listed already.`,
    columns: {
      list: 'LIST',
      codec: 'CODEC',
      terminals: 'TERMINALS',
      exposed: 'EXPOSED',
      lastFour: 'CARD',
      reason: 'REASON',
      source: 'SOURCE',
      added: 'ADDED',
      version: 'VERSION',
      cards: 'CARDS',
      bytes: 'BYTES',
      issued: 'ISSUED',
    },
    published: (version: number, count: number) => `Version ${version} is published: ${counted(count, 'card')}.`,
    imported: (added: number, removed: number, kept: number, refused: number) =>
      `${counted(added, 'card')} added, ${removed} removed, ${kept} kept, ${counted(refused, 'line')} refused`,
    refusedLine: (line: number, why: string) => `line ${line}: no valid ${why}`,
    withheld: (cards: number) =>
      `${counted(cards, 'card that was taken off is', 'cards that were taken off are')} still listed: have another person sign that with tsunagu negative publish --second-signature`,
    exposure: (yen: number) => `exposed at terminals that are behind: ¥${yen.toLocaleString('en-US')}`,
    diff: (from: number, to: number, added: number, removed: number, delta: number, whole: number) =>
      `version ${from} to ${to}: ${counted(added, 'card')} came, ${removed} went; ${counted(delta, 'byte')} instead of ${whole}`,
    isListed: (lastFour: string) => `The card ending ${lastFour} is listed:`,
    isNotListed: (lastFour: string) => `The card ending ${lastFour} is not listed.`,
    refusedByRange:
      'Terminals refuse it all the same: it lies in a blocked range. tsunagu negative allow lets this one card through.',
    removalWaits:
      'Terminals refuse it all the same: its removal waits for a second signature, by another person (tsunagu negative publish --second-signature).',
    refusedByChance:
      'Terminals refuse it all the same: it meets a listed card by chance. tsunagu negative allow lets it through.',
    listedBy: (source: string, reason: string, at: string, version: number | null) =>
      `  by ${source}: ${reason}, since ${at}, ${version === null ? 'emergency entry' : `version ${version}`}`,
    proven: (lastFour: string, serial: string, at: string, answer: string, reason: string, by: string) =>
      `The proof holds. Card ending ${lastFour} on ${serial} at ${at}: ${answer}${reason && ` (${reason})`}, by ${by}.`,
    provenBy: (version: number, seq: number, saidAt: string, keys: string) =>
      `In force: version ${version}, emergency entry ${seq}, as the terminal said at ${saidAt}. Root keys: ${keys}`,
    state: (version: number, seq: number, current: number, behind: number) =>
      `version ${version}, emergency entries up to ${seq}; ${counted(current, 'terminal')} current, ${behind} behind`,
  },
  negativeKeys: {
    made: (id: string, file: string) => `Key ${id} is made and sealed in ${file}. Keep file and passphrase apart.`,
    root: (version: number, notAfter: string, threshold: number) =>
      `Root ${version}, until ${notAfter}; the one after it needs ${threshold} of its root keys.`,
    key: (id: string, role: string, mark: '' | 'signed' | 'before' | 'held') =>
      `  ${id}  ${role.padEnd(9)}  ${{ '': '', signed: 'signed', before: 'signed, of the root before', held: 'held by the server' }[mark]}`,
    next: (version: number) => `Root ${version} waits and comes into force with the next version.`,
    waits: (version: number, count: number, before: number) =>
      `Version ${version} waits for signatures: ${counted(count, 'card')}, ${before} before.`,
    waitsFor: 'The new version waits for signatures by list keys that lie elsewhere: tsunagu negative sign.',
    nothingWaits: 'No version waits for signatures.',
    oneMore: 'Signed. One more list key has to sign before it is published.',
  },
  config: {
    columns: {
      setting: 'SETTING',
      name: 'NAME',
      value: 'VALUE',
      reported: 'IN FORCE',
      from: 'FROM',
      layer: 'LAYER',
      version: 'VERSION',
      at: 'WRITTEN',
      by: 'BY',
      reason: 'REASON',
      count: 'SETTINGS',
      changes: 'CHANGES',
      serial: 'SERIAL',
      model: 'MODEL',
      why: 'WHY',
      since: 'SINCE',
      behind: 'LAYERS BEHIND',
      bounds: 'BOUNDS',
      needs: 'NEEDS',
    },
    layers: {
      factory: 'factory',
      defaults: 'defaults',
      model: 'model',
      merchant: 'merchant',
      shop: 'shop',
      campaign: 'campaign',
      terminal: 'terminal',
    },
    drifts: {
      unfetched: 'not fetched yet',
      offline: 'not connected',
      waiting: 'waits for its maintenance window',
      refused: 'refused by the terminal',
      reverted: 'went back to the last good one',
      local: 'changed at the terminal',
      model: 'the model cannot do all of it',
    },
    written: (layer: string, version: number, terminals: number) =>
      `${layer} is at version ${version}; it reaches ${counted(terminals, 'terminal')}.`,
    unable: (terminals: number, model: string, setting: string, needs: string) =>
      `  ${terminals} × ${model} do not get "${setting}": the model lacks ${needs}`,
    same: 'No difference.',
    unset: 'not set',
    inSync: (inSync: number, all: number) =>
      `${inSync} of ${counted(all, 'terminal is', 'terminals are')} set to what is desired.`,
    asDesired: 'The terminal is set to what is desired.',
    isDrifting: (reason: string, code: string, since: string) => `Not as desired: ${reason}${code} since ${since}`,
    decides: (value: string, layer: string) => `${value}, as the layer "${layer}" decides`,
    lacks: (needs: string) => `nothing: the model lacks ${needs}`,
    inForce: (value: string) => `in force: ${value}`,
    serviced: (serial: string, by: string) =>
      `${by} typed it into the service menu of ${serial}; "tsunagu config drift" tells what became of it.`,
  },
  outage: {
    began: (link: string) =>
      `The issuer of ${link} is out of order. See it: tsunagu switch links. End it: tsunagu emulate outage ${link} --end`,
    over: (link: string) => `The issuer of ${link} comes back; the switch signs on by itself within half a minute.`,
  },
  start: {
    title: 'Tsunagu つなぐ',
    preparing: (what: string) => `starting ${what} …`,
    waiting: (
      what: string,
      seconds: number,
      progress: { readonly count: number; readonly of: number } | undefined,
      logs: string,
    ) =>
      `  still waiting for ${what}: ${progress ? `${progress.count} of ${progress.of} are there, ` : ''}${seconds} s; logs in ${logs}, Ctrl-C stops`,
    standingBy: (what: string) =>
      `  ${what}: another node works on the switch store; this one stands by and follows when that one is gone. Ctrl-C stops`,
    parts: {
      server: 'fleet server and switch',
      cardCompany: 'emulated issuers',
      terminals: (n: number) => counted(n, 'emulated terminal'),
    },
    running: 'The house is running:',
    notWell: (n: number) => `${counted(n, 'terminal is', 'terminals are')} not well:`,
    line: {
      fleet: (port: number, ws: number) => `fleet (MQTT over TLS)      port ${port}, WebSocket ${ws}`,
      device: (port: number) => `device API (HTTPS)         port ${port}`,
      acquiring: (port: number) => `switch (ISO 8583, TLS)     port ${port}`,
      issuers: (ports: string) => `emulated issuers           ${ports}`,
      metrics: (url: string) => `metrics                    ${url}`,
      terminals: (n: number) => `emulated terminals         ${n}`,
      data: (folder: string) => `data and logs              ${folder}`,
    },
    keysHere: {
      title: 'Keys that belong with people are on this machine still; these commands take them off:',
      ca: 'CA root                ',
      software: 'software root          ',
      negative: 'negative root and list ',
    },
    dashboard: 'Dashboard:',
    signIn: 'Sign in once with:',
    tryNext: 'Try next, in another window:',
    stop: 'Ctrl-C stops everything.',
    died: (what: string, seconds: number, logs: string) =>
      `${what} ended unexpectedly; started again in ${seconds} s, everything else goes on. The cause is in ${logs}.`,
    returned: (what: string) => `${what}: running again.`,
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
    terminals: (shown: number, all: number) =>
      shown === all ? counted(all, 'terminal') : `${shown} of ${counted(all, 'terminal')}`,
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
    method: (method: string, isDivided: boolean) =>
      `p: payment method  ${method}${isDivided ? '  (n: number of instalments)' : ''}`,
    own: (isOn: boolean) =>
      `an offer in the card’s own currency:  [${isOn ? 'x' : ' '}] a: accept  [${isOn ? ' ' : 'x'}] d: decline, pay in yen`,
    noCards: 'This terminal has no emulated cards: present a real one.',
    start: 'Enter starts the sale',
    saleRunning: 'sale in progress …',
  },
  wire: {
    nothingKnown: 'No format fits these bytes.',
    columns: { bytes: 'BYTES', name: 'NAME', value: 'VALUE' },
    lengthBytes: (count: number) => counted(count, 'byte'),
    alsoFits: (names: readonly string[]) => `Fits as well: ${names.join(', ')}`,
    brokenOff: 'It breaks off:',
    masked: 'Hidden values are shown with --reveal.',
  },
  people: {
    columns: { id: 'ID', name: 'NAME', roles: 'ROLES', state: '' },
    ended: 'ended',
    signedIn: (name: string) => `The token acts for ${name}, for 12 hours: TSUNAGU_TOKEN=… npx tsunagu …`,
    added: (name: string, url: string) => `${name} may sign in. This link is good once, for 15 minutes:\n${url}`,
  },
  tokens: {
    columns: { id: 'ID', name: 'NAME', roles: 'MAY', places: 'PLACES', used: 'LAST USED', ends: 'ENDS' },
    revoked: 'revoked',
    never: 'never',
    shownOnce: 'The token is shown this once. Keep it where only the machine that needs it reads it.',
    ended: (name: string) => `The token ${name} is revoked.`,
  },
  webhooks: {
    columns: {
      id: 'ID',
      name: 'NAME',
      url: 'ADDRESS',
      events: 'EVENTS',
      state: 'STATE',
      failing: 'FAILING SINCE',
      nextAttempt: 'TRIED NEXT',
      message: 'MESSAGE',
      serial: 'SERIAL',
      kind: 'KIND',
      attempts: 'ATTEMPTS',
      next: 'NEXT / ENDED',
      fault: 'LAST ANSWER',
    },
    states: { active: 'active', paused: 'paused' },
    deliveryStates: { pending: 'waiting', delivered: 'delivered', dead: 'dead' },
    all: 'all',
    shownOnce: 'The secret is shown this once.',
    replaying: (name: string, count: number) => `${name} gets ${counted(count, 'message')} again.`,
    trying: (name: string) => `${name} is tried now; what became of it: tsunagu webhooks, or webhooks deliveries ID.`,
    rotated: 'The secret is shown this once. The one before signs beside it for a day.',
    removed: (id: string) => `The webhook ${id} is gone, and what waited for it.`,
  },
  audit: {
    columns: { seq: 'NO.', at: 'WHEN', actor: 'WHO', action: 'WHAT', subject: 'ON WHAT', outcome: 'OUTCOME' },
    outcomes: { done: 'done', refused: 'refused', failed: 'failed' },
    read: (count: number, first: number, last: number) =>
      `${counted(count, 'entry', 'entries')}, number ${first} to ${last}.`,
    line: (line: number) => `line ${line}`,
    findings: {
      unreadable: (where: string) => `Unreadable: the line where entry ${where} should be.`,
      changed: (where: string) => `Changed: entry ${where} is not what was written.`,
      removed: (where: string) => `Removed: entry ${where} is missing.`,
      inserted: (where: string) => `Inserted: entry ${where} is there more than once.`,
      reordered: (where: string) => `Out of order: entry ${where} stands elsewhere.`,
      rewritten: (where: string) => `Written anew: entries ${where} are not what the signed head stands for.`,
      truncated: (where: string) => `Cut off: entries ${where} were signed for and are missing.`,
      'head-invalid': (where: string) =>
        `A head after entry ${where} cannot be read, or is not signed by the key of this log.`,
      'tenant-differs': (where: string) => `The head for entry ${where} is of another fleet.`,
    },
    head: (seq: number, at: string, kid: string) => `Signed up to entry ${seq} at ${at} by key ${kid}.`,
    noHead: 'No signed head stands for it.',
    otherKey: (kid: string) => `Signed by ${kid}, which is not the key that was asked for.`,
    unsigned: (count: number) => `The last ${counted(count, 'entry is', 'entries are')} not signed for yet.`,
    headsBefore: (count: number) =>
      `${counted(count, 'head lies before the first entry and says', 'heads lie before the first entry and say')} nothing of this part.`,
    compareKey: (kid: string) => `The key came with the file. Compare ${kid} with what you know, or pass --key.`,
    endUnknown: (last: number) =>
      `Whether entries after ${last} were cut off, only heads that came another way can tell: --heads (tsunagu audit head, or audit-heads.jsonl).`,
    whole: 'The log is whole.',
    notWhole: 'The log is not whole.',
  },
};

/** The shape of the texts: same keys, any words. */
export type Texts = typeof en;
