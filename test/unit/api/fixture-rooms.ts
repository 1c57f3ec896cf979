import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openTwin, type Twin } from '@tsunagu/fleet-server/twin/index';
import type { ApiRooms, NegativeListRoom, NumberedEvent, Page, PageRequest } from '@tsunagu/fleet-server/api/index';
import { models } from '@tsunagu/protocols/catalogue';
import { figuresOf } from '@tsunagu/protocols/refurbish';
import {
  configuration,
  type Job,
  type LiveEvent,
  type NegativeAdded,
  type NegativeAuthority,
  type SaleLine,
  saleSteps,
  type Serial,
  serialSchema,
  tenantSchema,
  type TerminalDetail,
  terminalSummary,
  type TimelineEntry,
} from '@tsunagu/protocols/fleet';
import { fail, lastFour, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';

/** Rooms of plain objects behind the API, for its own tests and for looking at the dashboard. */
/** A public key of the software repository. */
const softwareKey = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(32) } };

export interface FixtureRooms extends ApiRooms {
  /** Publishes an event to the live feed. */
  tell(event: LiveEvent): void;
  /** Makes one sale at a terminal, stores it and tells of it. */
  sell(index?: number): SaleLine;
  /** Changes a terminal and tells of it. */
  change(index: number, patch: Partial<TerminalDetail>): void;
  readonly terminals: TerminalDetail[];
}

const places = [
  ['喫茶つなぐ', '神保町店'],
  ['丸福書店', '京都四条本店'],
  ['さくら薬局', '梅田東口'],
  ['Hakata Ramen', '天神'],
  ['北の酒蔵', '小樽運河'],
  ['花屋リリオ', '青山'],
] as const;
const outcomes = [
  'approved',
  'approved',
  'approved',
  'approved',
  'declined',
  'approved',
  'refused',
  'approved',
  'reversed',
] as const;

const unasked = (): never => {
  throw new Error('not asked for here');
};
/** Rules of a switch that nobody looks at. */
const noSwitchRules: ApiRooms['switchRules'] = {
  merchant: '',
  rules: {
    get router() {
      return unasked();
    },
    get standIn() {
      return unasked();
    },
    get contracts() {
      return unasked();
    },
    get rates() {
      return unasked();
    },
    view: unasked,
    versions: unasked,
    change: unasked,
  },
  standIn: {
    explain: unasked,
    approve: unasked,
    left: unasked,
    releaseLost: unasked,
    release: unasked,
    has: unasked,
    list: unasked,
  },
  health: () => undefined,
  now: () => 0,
};

export function fixtureRooms(world: World, { count = 8, ringMax = 200 } = {}): FixtureRooms {
  const iso = (ageMs = 0): string => new Date(world.clock.now() - ageMs).toISOString();
  const listeners = new Set<(numbered: NumberedEvent) => void>();
  const ring: NumberedEvent[] = [];
  let latest = 0;
  const tell = (event: LiveEvent): void => {
    const numbered = { id: ++latest, event };
    ring.push(numbered);
    if (ring.length > ringMax) ring.shift();
    for (const take of listeners) take(numbered);
  };

  const terminals = Array.from({ length: count }, (_, index) => makeTerminal(index, iso));
  const sales: SaleLine[] = [];
  const jobs = new Map<string, Job>();
  const answers = new Map<string, NegativeAdded>();
  const twin = realTwin(world, terminals);
  let overlaySeq = 0;

  const find = (serial: Serial): Result<TerminalDetail> => {
    const found = terminals.find((terminal) => terminal.serial === serial);
    return found ? ok(found) : fail('TERMINAL_UNKNOWN');
  };
  const change = (index: number, patch: Partial<TerminalDetail>): void => {
    const old = terminals[index];
    if (!old) return;
    const next = { ...old, ...patch };
    terminals[index] = next;
    tell({ name: 'terminal', data: terminalSummary.parse(next) });
  };
  const sell = (index = sales.length % Math.max(1, count)): SaleLine => {
    const terminal = terminals[index];
    if (!terminal) throw new Error('no such terminal');
    const number = sales.length + 1;
    const outcome = outcomes[number % outcomes.length] ?? 'approved';
    const line: SaleLine = {
      id: `sale-${number}`,
      at: iso(),
      serial: terminal.serial,
      decidedBy: outcome === 'refused' ? 'terminal' : 'issuer',
      outcome,
      mti: '1200',
      amountMinor: 480 + ((number * 7_919) % 24_000),
      currency: '392',
      scheme: ['visa', 'mastercard', 'jcb', 'felica'][number % 4] ?? 'visa',
      entry: ['contact', 'contactless', 'stripe'][number % 3] ?? 'contact',
      lastFour: String((number * 1_237) % 10_000).padStart(4, '0'),
      token: null,
      stan: String(number).padStart(6, '0'),
      rrn: outcome === 'refused' ? null : String(632_700_000_000 + number),
      actionCode: outcome === 'approved' ? '000' : outcome === 'declined' ? '116' : null,
      reason: outcome === 'refused' ? 'NEGATIVE_FILE_INVALID' : null,
      durationMs: 38 + ((number * 31) % 90),
    };
    sales.unshift(line);
    tell({ name: 'sale', data: line });
    change(index, {
      lastSale: {
        at: line.at,
        outcome: line.outcome,
        amountMinor: line.amountMinor,
        lastFour: line.lastFour,
        reason: line.reason,
      },
    });
    return line;
  };

  const negative: NegativeListRoom = {
    async overview(page) {
      const entries = [...answers.values()].map(({ entry }) => entry).reverse();
      const part = slice(entries, page);
      if (!part.ok) return part;
      return ok({
        list: 'regular',
        version: 7,
        overlaySeq,
        entries: [...part.value.items],
        next: part.value.next,
        terminals: {
          current: terminals.filter(({ negative }) => negative.current).length,
          behind: terminals.filter(({ negative }) => !negative.current).length,
        },
      });
    },
    async details() {
      const behind = terminals.filter(({ negative }) => !negative.current);
      return {
        list: 'regular',
        codec: 'KH' as const,
        epoch: 1,
        version: 7,
        overlaySeq,
        cards: 1_204 + answers.size,
        withheld: 0,
        sizeBytes: 3_912,
        headIssuedAt: iso(60_000),
        headNotAfter: iso(-86_340_000),
        versions: [{ version: 7, count: 1_204, sizeBytes: 3_912, issuedAt: iso(3_600_000) }],
        sources: [{ source: 'manual', cards: 1_204 + answers.size }],
        spread: { reached: terminals.length - behind.length, total: terminals.length, lastMs: 412 },
        exposureMinor: behind.length * 50_000,
        behind: behind.map(({ serial, negative }) => ({
          serial,
          version: negative.version,
          overlaySeq: negative.overlaySeq,
          freshAt: negative.freshAt,
          exposureMinor: 50_000,
        })),
      };
    },
    remove: () => Promise.resolve(fail('NEGATIVE_ENTRY_UNKNOWN')),
    async importList({ text }) {
      const added = text.split('\n').filter((line) => /^\d{12,19}/.test(line)).length;
      return ok({ ...published, added, removed: 0, kept: 0, refused: [] });
    },
    allow: () => Promise.resolve(ok(published)),
    addRange: () => Promise.resolve(ok(published)),
    publishVersion: () => Promise.resolve(ok(published)),
    diff: () => Promise.resolve(fail('NEGATIVE_VERSION_UNKNOWN')),
    authority: () => Promise.resolve(authority),
    bringRoot: () => Promise.resolve(fail('SIGNATURE_INVALID')),
    countersignRoot: (document) => ok(document),
    sign: () => Promise.resolve(fail('NEGATIVE_VERSION_UNKNOWN')),
    explain: (pan) =>
      Promise.resolve({
        listed: false,
        atTerminals: 'clear',
        lastFour: lastFour(pan),
        token: 'tok-0',
        entries: [],
        changes: [],
      }),
    prove: () => Promise.resolve(fail('NEGATIVE_PROOF_UNAVAILABLE')),
    async add(pan, reason, _by, source) {
      const digits = pan.use((bytes) => Buffer.from(bytes).toString('hex'));
      const old = answers.get(digits);
      if (old) return ok({ ...old, already: true });
      overlaySeq += 1;
      const added: NegativeAdded = {
        entry: { lastFour: lastFour(pan), reason, addedAt: iso(), token: `tok-${overlaySeq}`, source },
        version: 7,
        overlaySeq,
        already: false,
      };
      answers.set(digits, added);
      return ok(added);
    },
  };
  const listViews = async () => {
    const { codec, version, overlaySeq: seq, cards, sizeBytes, spread, exposureMinor } = await negative.details();
    const { reached, total } = spread;
    return [{ list: 'regular', codec, version, overlaySeq: seq, cards, sizeBytes, reached, total, exposureMinor }];
  };
  return {
    terminals,
    tell,
    sell,
    change,
    validity: () => ({
      handIn: async (link) => fail('LINK_UNKNOWN', { facts: { link } }),
      list: async () => ok({ items: [], next: null }),
      show: async () => fail('VALIDITY_FILE_UNKNOWN'),
      answers: async () => fail('VALIDITY_FILE_UNKNOWN'),
      close: async () => undefined,
    }),
    // Keys in custody have rooms of their own to be tested with; here there are none.
    keys: {
      ceremonies: {
        begin: async () => fail('KEY_IN_USE'),
        list: async () => ok({ items: [], next: null }),
        get: async () => fail('KEY_CEREMONY_UNKNOWN'),
        enter: async () => fail('KEY_CEREMONY_UNKNOWN'),
        confirm: async () => fail('KEY_CEREMONY_UNKNOWN'),
        abort: async () => fail('KEY_CEREMONY_UNKNOWN'),
        record: async () => fail('KEY_CEREMONY_UNKNOWN'),
      },
      runs: {
        propose: async () => fail('KEY_RUN_UNKNOWN'),
        check: async () => fail('KEY_RUN_MANIFEST_EMPTY'),
        list: async () => ok({ items: [], next: null }),
        get: async () => fail('KEY_RUN_UNKNOWN'),
        authorise: async () => fail('KEY_RUN_UNKNOWN'),
        submit: async () => fail('KEY_RUN_UNKNOWN'),
        reject: async () => fail('KEY_RUN_UNKNOWN'),
        investigate: async () => fail('KEY_RUN_UNKNOWN'),
        close: async () => fail('KEY_RUN_UNKNOWN'),
        record: async () => fail('KEY_RUN_UNKNOWN'),
      },
      inventory: {
        firstKeys: 'in-runs',
        list: async () => [],
        exposure: async () => fail('KEY_UNKNOWN'),
        rotate: async () => fail('KEY_UNKNOWN'),
        suspect: async () => fail('KEY_UNKNOWN'),
        retire: async () => fail('KEY_UNKNOWN'),
      },
      negative: {
        progress: async () => fail('KEY_ROTATION_NONE'),
        switchTo: async () => fail('KEY_ROTATION_NONE'),
        askBreakOff: async () => fail('KEY_ROTATION_NONE'),
      },
      acquirers: {
        of: async () => ok({ acquirers: [], version: 0 }),
        set: async (_serial, base, acquirers) => ok({ acquirers: [...acquirers], version: base + 1 }),
      },
      renewProtection: async () => fail('KEY_PROTECTION_AGREED'),
      releases: async () => ok([]),
    },
    // Campaigns have a room of their own to be tested with; here there are none.
    campaigns: {
      create: async () => fail('CAMPAIGN_COHORT_EMPTY', { field: 'target' }),
      dryRun: async () => fail('QUERY_INVALID', { field: 'target:0' }),
      list: async () => ok({ items: [], next: null }),
      get: async () => fail('CAMPAIGN_UNKNOWN'),
      act: async () => fail('CAMPAIGN_UNKNOWN'),
      exceptions: async () => fail('CAMPAIGN_UNKNOWN'),
      why: async ({ serials = [] }) =>
        ok({ items: serials.map((serial) => ({ serial, causes: [], nextTryAt: null })), next: null }),
    },
    software: {
      upload: async () => fail('SOFTWARE_IMAGE_INVALID'),
      order: async () => fail('SOFTWARE_REPOSITORY_MISSING'),
      inTime: () => ok(undefined),
      targets: async () => [],
      keys: () => ({ snapshot: softwareKey, timestamp: softwareKey }),
      renewKeys: async () => ({ snapshot: softwareKey, timestamp: softwareKey }),
      publish: async () => fail('SOFTWARE_METADATA_UNSIGNED'),
      attest: async () => fail('SOFTWARE_NOT_PUBLISHED'),
      expiries: () => [],
      metadata: async () => undefined,
    },
    revocations: { order: async () => ok(undefined), proposed: async () => [], needsSecond: async () => false },
    lifecycle: { view: async () => fail('TERMINAL_UNKNOWN'), move: async () => fail('LIFECYCLE_EDGE_UNKNOWN') },
    custody: {
      holders: async () => [],
      addHolder: async () => fail('CUSTODY_INVALID'),
      revokeHolder: async () => fail('CUSTODY_HOLDER_UNKNOWN'),
      view: async () => fail('TERMINAL_UNKNOWN'),
      deliver: async () => fail('CUSTODY_INVALID'),
      mismatch: async () => fail('TERMINAL_UNKNOWN'),
      alarms: async () => [],
      async *lines() {},
    },
    swaps: {
      start: async () => fail('SWAP_UNFIT'),
      view: async () => fail('SWAP_UNKNOWN'),
      list: async () => ok({ items: [], next: null }),
      advance: async () => fail('SWAP_UNKNOWN'),
      oldIsDead: async () => fail('SWAP_UNKNOWN'),
      abort: async () => fail('SWAP_UNKNOWN'),
    },
    inspections: {
      plans: async () => [],
      plan: async () => ok(undefined),
      deliver: async () => fail('INSPECTION_INVALID'),
      list: async () => ok({ items: [], next: null }),
    },
    refurbish: {
      open: async () => fail('TERMINAL_UNKNOWN'),
      add: async () => fail('WORK_UNKNOWN'),
      view: async () => fail('WORK_UNKNOWN'),
      list: async () => ok({ items: [], next: null }),
      parts: async () => ok({ items: [], next: null }),
      figures: async () => figuresOf([]),
      stock: async () => ok({ items: [], next: null }),
      lowStock: async () => 0,
      stockMoves: async () => fail('STOCK_UNKNOWN'),
      moveStock: async () => fail('STOCK_BELOW_ZERO'),
      death: async () => fail('DEATH_UNKNOWN'),
      wiped: async () => fail('WIPE_UNKNOWN'),
    },
    assessor: { async *lines() {} },
    ceremonies: noCeremonies,
    manufacturers: {
      list: async () => [],
      add: async () => fail('MANUFACTURER_INVALID'),
      remove: async () => fail('AUTHORITY_UNKNOWN'),
    },
    expiry: { list: async () => ok({ items: [], next: null }) },
    switchRules: noSwitchRules,
    estate: {
      async overview() {
        const inState = (...states: string[]): number =>
          terminals.filter(({ link }) => states.includes(link.state)).length;
        const ended = (outcome: string): number => sales.filter((sale) => sale.outcome === outcome).length;
        return {
          at: iso(),
          terminals: {
            total: terminals.length,
            ready: inState('ready'),
            lost: inState('lost', 'disconnected'),
            never: inState('never'),
          },
          sync: {
            configuration: terminals.filter((terminal) => terminal.configuration.inSync).length,
            keys: terminals.filter(({ keys }) => keys.length === 2).length,
            negative: terminals.filter(({ negative }) => negative.current).length,
          },
          sales: {
            approved: ended('approved'),
            declined: ended('declined'),
            refused: ended('refused'),
            reversed: ended('reversed'),
            amountMinor: sales.reduce((sum, sale) => sum + (sale.outcome === 'approved' ? sale.amountMinor : 0), 0),
          },
          negative: { list: 'regular', version: 7, overlaySeq, entries: 1_204 + answers.size },
          links: [
            {
              id: 'card-company-1',
              name: 'つなぐカード',
              nameJa: 'つなぐカード（日）',
              state: 'signed-on',
              since: iso(3_600_000),
            },
          ],
          expiry: { earliest: null, near: 0, urgent: 0, passed: 0 },
        };
      },
      reissueClaim: async () => fail('TERMINAL_UNKNOWN'),
      trouble: async () => fail('TERMINAL_UNKNOWN'),
      alarms: async () => ok({ items: [], next: null }),
      alarmSeen: async () => fail('TERMINAL_ALARM_UNKNOWN'),
      alarmsSeen: async () => 0,
      recount: async () => fail('TERMINAL_UNKNOWN'),
      terminal: async (serial) => find(serial),
      async timeline(serial, page) {
        const found = find(serial);
        if (!found.ok) return found;
        const entries: TimelineEntry[] = [
          { id: 8, at: iso(6_000), kind: 'lost', facts: { state: 'lost' } },
          { id: 7, at: iso(7_000), kind: 'lifecycle-moved', facts: { from: 'deployed', to: 'quarantined', by: '森' } },
          { id: 6, at: iso(9_000), kind: 'sale', facts: { outcome: 'approved', amountMinor: 1_280, lastFour: '4242' } },
          { id: 5, at: iso(60_000), kind: 'negative-applied', facts: { version: 7, overlaySeq } },
          { id: 4, at: iso(70_000), kind: 'key-loaded', facts: { slot: 'dukpt', kcv: '08D7B4FB62' } },
          { id: 3, at: iso(80_000), kind: 'configuration-reported', facts: { version: 3 } },
          { id: 2, at: iso(90_000), kind: 'hello', facts: { boot: 1, software: '4.2.0', slot: 'A' } },
          { id: 1, at: iso(95_000), kind: 'registered', facts: { model: 'CT-5100', by: '森', lifecycle: 'warehouse' } },
        ];
        return slice(entries, page);
      },
      async register({ serial, model }) {
        if (terminals.some((terminal) => terminal.serial === serial))
          return fail('TERMINAL_EXISTS', { field: 'serial' });
        if (!models.some(({ id }) => id === model)) return fail('MODEL_UNKNOWN', { field: 'model' });
        return fail('CLAIM_USED'); // claims are made by the estate itself; see its own tests
      },
    },
    selection: {
      async list(page) {
        const part = slice(terminals, page);
        return part.ok ? part : fail('INPUT_INVALID');
      },
      find: async () => ok(terminals.map(({ serial }) => serial)),
      summaries: async (serials) =>
        new Map(terminals.filter(({ serial }) => serials.includes(serial)).map((each) => [each.serial, each])),
      async place(serials, place) {
        terminals.forEach(({ serial }, index) => serials.includes(serial) && change(index, { place }));
      },
      async tag() {}, // labels are shown nowhere; the estate's own tests have them
    },
    twin: {
      documents: {
        layer: async (...asked) => (await twin).documents.layer(...asked),
        version: async (...asked) => (await twin).documents.version(...asked),
        change: async (...asked) => (await twin).documents.change(...asked),
        rollBack: async (...asked) => (await twin).documents.rollBack(...asked),
        history: async (...asked) => (await twin).documents.history(...asked),
        diff: async (...asked) => (await twin).documents.diff(...asked),
        layers: async (...asked) => (await twin).documents.layers(...asked),
      },
      drift: {
        list: async (...asked) => (await twin).drift.list(...asked),
        summary: async () => (await twin).drift.summary(),
        effective: async (...asked) => (await twin).drift.effective(...asked),
        compare: async (...asked) => (await twin).drift.compare(...asked),
      },
    },
    jobs: {
      list: async () => ok({ items: [...jobs.values()].toReversed(), next: null }),
      cancel: async () => fail('JOB_OVER'),
      cancelMany: async () => ({ jobs: [], hasMore: false }),
      retry: async () => fail('JOB_STILL_OPEN'),
      approve: async () => fail('APPROVAL_OWN'),
      carry: async (serial) => ok({ serial, orders: [], left: [] }),
      carried: async () => fail('SIGNATURE_INVALID'),
      logs: { read: async () => fail('JOB_LOG_UNKNOWN') },
      async job(id) {
        const found = jobs.get(id);
        return found ? ok(found) : fail('JOB_UNKNOWN');
      },
      async start(serial, body) {
        if (body.type !== 'sale.test') return fail('INPUT_INVALID');
        const sale = body.params;
        const found = find(serial);
        if (!found.ok) return found;
        const job: Job = {
          id: world.id(),
          serial,
          type: 'sale.test',
          state: 'queued',
          attempt: 1,
          createdAt: iso(),
          finishedAt: null,
          fault: null,
          steps: [],
          sale: null,
          evidence: null,
          totals: null,
          document: null,
          result: null,
          priority: 'routine',
          notBefore: iso(),
          notAfter: iso(),
          attemptsMax: 1,
          orderedBy: 'admin',
          approvedBy: null,
          reference: null,
          isCancelling: false,
          isLate: false,
        };
        jobs.set(job.id, job);
        // Nothing is undone, and the card stays where it is.
        // Of a card of this country that is approved at the first try.
        const unusual: readonly string[] = [
          'reversal-queued',
          'card-elsewhere',
          'card-again',
          'card-settled',
          'rate-offered',
          'rate-chosen',
          'rate-not-offered',
        ];
        const steps = saleSteps.filter((step) => !unusual.includes(step));
        steps.forEach((step, index) => {
          world.timers.after(150 * (index + 1), () => {
            const old = jobs.get(job.id) ?? job;
            const isLast = index === steps.length - 1;
            const next: Job = {
              ...old,
              state: isLast ? 'succeeded' : 'running',
              finishedAt: isLast ? iso() : null,
              steps: [
                ...old.steps,
                { step, atMs: 12 * (index + 1), detail: step === 'application-selected' ? 'A0000000031010' : null },
              ],
              sale: isLast
                ? {
                    outcome: 'approved',
                    amountMinor: sale.amountMinor,
                    currency: '392',
                    card: sale.card,
                    scheme: 'visa',
                    entry: 'contactless',
                    lastFour: '4242',
                    stan: '000321',
                    rrn: '632712345678',
                    approvalCode: 'A1B2C3',
                    actionCode: '000',
                    durationMs: 108,
                  }
                : null,
            };
            jobs.set(job.id, next);
            tell({ name: 'job', data: next });
          });
        });
        return ok(job);
      },
    },
    sales: {
      list: async ({ serial, ...page }) =>
        slice(serial === undefined ? sales : sales.filter((sale) => sale.serial === serial), page),
    },
    negative: {
      ...negative,
      of: (list) => (list === 'regular' ? negative : undefined),
      lists: listViews,
      setList: () => Promise.resolve(fail('NEGATIVE_LIST_UNNAMED')),
    },
    // The switch has a house of its own to be tested with.
    operator: () => {
      throw new Error('no switch here');
    },
    live: {
      get latest() {
        return latest;
      },
      since(id) {
        const oldest = ring[0]?.id ?? latest + 1;
        return id + 1 < oldest ? undefined : ring.filter((numbered) => numbered.id > id);
      },
      listen(take) {
        listeners.add(take);
        return () => void listeners.delete(take);
      },
    },
  };
}

/** Authorities are tested with a real house. */
const noCeremonies: ApiRooms['ceremonies'] = {
  overview: async () => ({
    authorities: [],
    trust: { tenant: tenantSchema.parse('demo'), version: 1, issuedAt: 0, anchors: ['-'] },
    behind: 0,
  }),
  request: async () => ({ id: '0'.repeat(16), request: '-' }),
  install: async () => fail('AUTHORITY_CERTIFICATE_INVALID'),
  announce: async () => fail('TRUST_DOCUMENT_INVALID'),
  rotate: async () => fail('ROOT_KEY_ELSEWHERE'),
  exportRoot: async () => fail('AUTHORITY_UNKNOWN'),
  removeRoot: async () => fail('AUTHORITY_UNKNOWN'),
  retire: async () => fail('AUTHORITY_UNKNOWN'),
};

function slice<T>(items: readonly T[], { limit, cursor }: PageRequest): Result<Page<T>> {
  const at = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isInteger(at)) return fail('INPUT_INVALID', { field: 'cursor' });
  const end = at + limit;
  return ok({ items: items.slice(at, end), next: end < items.length ? String(end) : null });
}

function makeTerminal(index: number, iso: (ageMs?: number) => string): TerminalDetail {
  const model = models[index % models.length];
  const [merchant, shop] = places[index % places.length] ?? places[0];
  const state =
    (['ready', 'ready', 'ready', 'ready', 'ready', 'lost', 'ready', 'ready', 'never'] as const)[index % 9] ?? 'ready';
  const isNew = state === 'never';
  return {
    serial: serialSchema.parse(
      `${(model?.id ?? 'CATS200').toUpperCase().replaceAll(/[^A-Z0-9]/g, '')}-${String(index + 1).padStart(4, '0')}`,
    ),
    model: model?.id ?? 'CATS200',
    place: { merchant, shop, lane: index % 3 ? '' : String((index % 4) + 1) },
    parent: null,
    lifecycle: 'deployed',
    link: { state, since: isNew ? null : iso(60_000 * (index + 1)), bootSeq: isNew ? 0 : 3 },
    keys: isNew
      ? []
      : [
          { slot: 'dukpt', kcv: '08D7B4FB62', ksn: 'FFFF9876543210E00012' },
          { slot: 'negative', kcv: '5A1C9D3301', ksn: null },
        ],
    configuration: {
      desired: 3,
      reported: isNew ? 0 : index % 7 === 6 ? 2 : 3,
      inSync: !isNew && index % 7 !== 6,
      drift: null,
    },
    negative: {
      version: isNew ? 0 : 7,
      overlaySeq: 0,
      current: !isNew && index % 6 !== 5,
      freshAt: isNew ? null : iso(index * 47_000),
    },
    lastSale: null,
    troubles: [],
    software: isNew ? null : { version: '4.2.0', slot: 'A' },
    enrolledAt: isNew ? null : iso(86_400_000),
    certificate: isNew ? null : { fingerprint: '3A:9F:42:D0:11:7C:5E:08', notAfter: '2027-11-23T00:00:00.000Z' },
    cards: ['visa-contact', 'visa-contactless', 'mastercard-declined', 'jcb-contactless'],
    replaces: null,
    replacedBy: null,
    children: [],
    values: isNew ? null : configuration.parse({}),
  };
}

const authority: NegativeAuthority = { root: { document: 'AAAA' }, nextVersion: null, keys: [], pending: null };
const published = { version: 8, count: 1_204, published: true, needsSecondSignature: false, awaitsSignatures: false };

/** The real twin on a store of its own, in which the fixture's terminals are registered. */
async function realTwin(world: World, terminals: readonly TerminalDetail[]): Promise<Twin> {
  const path = join(mkdtempSync(join(tmpdir(), 'tsunagu-twin-')), 'store.sqlite');
  const store = unwrap(await openStore(path, migrations, world.clock));
  await store.write(async (tx) => {
    for (const { serial, model, place } of terminals)
      await tx
        .insertInto('terminals')
        .values({ serial, model, ...place, parent: null, relay_port: null, registered_at: 0, enrolled_at: null })
        .execute();
  });
  return openTwin({ world, store, note: () => Promise.resolve(), tell: () => undefined });
}
