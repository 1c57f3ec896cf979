import { sign } from 'node:crypto';
import { merchantIdOf, terminalIdOf, terminalLink } from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import {
  acquirerOfCard,
  areSlotsFilled,
  type CarriedJobs,
  type CarriedReport,
  type carriedStatement,
  type Hello,
  type SetAsideRecord,
  type Trust,
  untilContact,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { isStripeAccountName, isTransitCardName } from '@tsunagu/protocols/test-cards';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { openAcquirer, openAcquirerStanding, openReversalStore, openStanCounter, stansOf } from '../acquiring/index.ts';
import {
  type Claim,
  type Identity,
  identify,
  keepRenewed,
  keepTrust,
  type ManufacturerIdentity,
  readTrust,
} from '../enrolment/index.ts';
import {
  diagnose,
  type DiagnosticParts,
  jobHandlers,
  jobRunner,
  type LogRing,
  openLedger,
  selfTest,
  type JobRestarts,
  uploadLog,
  type Vitals,
  wipe,
  wipeTold,
} from '../jobs/index.ts';
import { openTerminalKeys } from '../keys/index.ts';
import { fraction, type Network, openContact, openLink, reroutedNetwork, secureNetwork } from '../link/index.ts';
import { fetchNamed, openNegativeFile } from '../negative/index.ts';
import { type CardSide, refusedPayment } from '../payment/index.ts';
import { type ArtefactCache, parentLists, parentSource } from '../relay/index.ts';
import { openAdviceStore, openOutbox, openSaleStore, openTraceStore, turns } from '../sales/index.ts';
import type { SealedStore } from '../sealed-store/index.ts';
import { openCardVault, readCardAuthorities } from '../secure/index.ts';
import { openShopper } from '../shopper/index.ts';
import {
  hardwareRevision,
  misreading,
  serverSource,
  sharedLine,
  type Software,
  type SoftwareSource,
} from '../software/index.ts';
import { openTamper, type Tamper } from '../tamper/index.ts';
import { openTwin, type Twin } from '../twin/index.ts';
import { heartbeat } from './heartbeat.ts';
import { quietLog } from './log-level.ts';
import type { TerminalOptions, Wires } from './options.ts';

const realWires: Wires = { openLink, secureNetwork };
/** Schemes whose CA keys a hello tells of. */
const cardKeysMax = 16;
/** How often it is looked whether the business day is over. */
const dayLookMs = 60_000;
const noVitals: Vitals = { memory: null, temperatureMilliC: null };

/** What the software of one boot is given. */
export interface RunOptions extends TerminalOptions {
  readonly claim: Claim;
  readonly manufacturer: ManufacturerIdentity | undefined;
  readonly model: TerminalModel;
  readonly store: SealedStore;
  readonly ring: LogRing;
  readonly boot: number;
  /** It is being wiped: nothing new is taken until the server has the proof. */
  readonly isWiping: boolean;
  readonly network: Network;
  /** What it keeps for its children. */
  readonly cache: ArtefactCache | undefined;
  readonly software: Software;
  readonly signal: AbortSignal;
  /** Ends this run and boots anew. Returns at once. */
  readonly restart: () => void;
}

/** The software of one boot, at work. */
export interface Running {
  readonly connected: Promise<Result<void>>;
  readonly tamper: Tamper;
  /** Does what somebody carried here, and signs what came of it. */
  carry(jobs: CarriedJobs): Promise<readonly CarriedReport[] | JobRestarts>;
  readonly pay: CardSide['run'];
  readonly twin: Twin;
  stop(): Promise<void>;
}

/** From enrolment on. Resolves when everything is in place, and before the link is up. */
export async function run(options: RunOptions): Promise<Result<Running>> {
  const trust = await readTrust(options.store, options.claim);
  if (!trust.ok) return trust;
  const claim = { ...options.claim, rootCertificate: trust.value.anchors.join('') };
  const { secureNetwork: secure } = options.wires ?? realWires;
  const identity = await identify({ ...options, claim, secure });
  if (!identity.ok) return identity;
  return assemble({ ...options, claim }, identity.value, trust.value);
}

/** Puts the rooms of an enrolled terminal together. */
async function assemble(options: RunOptions, identity: Identity, first: Trust): Promise<Result<Running>> {
  const { claim, model, store, files, boot, software, signal, ring, isWiping, wires = realWires } = options;
  let follower: Twin | undefined;
  const world = {
    ...options.world,
    log: quietLog(options.world.log, () => follower?.inForce.values.logLevel ?? 'debug'),
  };
  const bootedAtMs = world.clock.monotonicMs();
  const { tenant, serial } = claim;
  const { host } = claim.endpoints;
  const network = wires.secureNetwork(
    claim.parent
      ? options.network
      : reroutedNetwork(options.network, claim.endpoints, world.timers, () => follower?.inForce.values),
    world.timers,
    { host, rootCertificate: claim.rootCertificate },
    identity,
  );
  const trust = keepTrust({ world, store, claim, network, first, changed });
  let askAgain: () => void = () => undefined;
  const renewals = keepRenewed({
    world,
    store,
    claim,
    network,
    identity,
    anchors: () => trust.pem,
    signal,
    renewed(next) {
      network.show(next);
      // What was turned away for its certificate shows another one now.
      askAgain();
    },
  });
  const contact = await openContact(store, world);
  if (!contact.ok) return contact;
  const link = wires.openLink({
    world,
    tenant,
    serial,
    boot,
    network,
    contact: contact.value,
    refused: options.refused,
  });
  const saleTurns = turns();
  const line = sharedLine();
  const parent = claim.parent && parentSource(claim.parent, serial, world.timers, line);
  const softwareSource: SoftwareSource = { network, host, signal, line, parent };
  const forChildren = options.cache && serverSource(world.timers, softwareSource, line);
  options.cache?.setSource(forChildren);
  options.cache?.setNamed(async (name) => {
    const bytes = await fetchNamed({ network, host, timers: world.timers }, name, model.negativeFileBytesMax);
    return bytes.ok ? bytes.value : undefined;
  });
  const parentsLists = claim.parent && parentLists(claim.parent, serial, world.timers, line);
  const { cache } = options;
  const nearLists = parentsLists ?? (cache && { fetch: (name: string) => cache.named(name) });

  const keys = await openTerminalKeys(store, world.clock, { world, serial });
  if (!keys.ok) return keys;
  const terminalKeys = keys.value;
  const tamper = await openTamper({ world, store, keys: keys.value, link: () => link, changed });
  if (!tamper.ok) return tamper;
  const ledger = await openLedger(store, world.clock);
  if (!ledger.ok) return ledger;
  const jobLedger = ledger.value;
  const outbox = await openOutbox(world, store, () => link);
  if (!outbox.ok) return outbox;
  const negative = await openNegativeFile({
    world,
    files: options.files,
    store,
    keys: keys.value,
    root: Uint8Array.from(Buffer.from(identity.negativeRoot, 'base64')),
    network,
    host,
    line: link,
    parent: nearLists,
    bytesMax: model.negativeFileBytesMax,
    changed,
    signal,
  });
  if (!negative.ok) return negative;
  const twin = await openTwin({
    world,
    store,
    model,
    link,
    whenIdle: (work) => saleTurns.take(work),
    changed: reconfigured,
    signal,
  });
  if (!twin.ok) return twin;
  follower = twin.value;
  const companyOf = (digits: Uint8Array): string | undefined =>
    acquirerOfCard(twin.value.inForce.values.acquirerCards, digits);
  const vault = await openCardVault(store, world, companyOf);
  if (!vault.ok) return vault;
  const sales = await openSaleStore(store);
  if (!sales.ok) return sales;
  const kept = await openAdviceStore(store, sales.value);
  if (!kept.ok) return kept;
  const advicesWaiting = (): number => kept.value.entries().filter(({ state }) => state === 'waiting').length;
  const advices: typeof kept.value = {
    ...kept.value,
    async remove(seq) {
      const removed = await kept.value.remove(seq);
      // The last one is delivered: the server knows it before this terminal can fall silent.
      if (removed.ok && advicesWaiting() === 0) changed();
      return removed;
    },
  };
  let reversalsWaiting = 0;
  const reversals = await openReversalStore(store);
  if (!reversals.ok) return reversals;
  const used = stansOf(sales.value.all(), advices.entries(), await reversals.value.list());
  // Everything is read: what is damaged is set aside by now, but for advices that are read when they go.
  let setAside: readonly SetAsideRecord[] = [];
  const lookAside = async (): Promise<void> => {
    const known = setAside;
    const found = await store.setAside();
    if (found.ok) setAside = found.value;
    const isNew = (one: SetAsideRecord): boolean =>
      !known.some(({ record, at }) => record === one.record && at === one.at);
    for (const { record, code, at } of setAside.filter(isNew))
      world.log('error', 'recordSetAside', { record, code, at });
  };
  await lookAside();
  const stan = await openStanCounter(store, world, used);
  if (!stan.ok) return stan;
  const standing = await openAcquirerStanding(store, world);
  if (!standing.ok) return standing;
  const acquirer = openAcquirer({
    world,
    network,
    keys: keys.value,
    acquirerOf: companyOf,
  });
  const authorities = await readCardAuthorities(files);
  if (!authorities.ok) return authorities;
  const cardCaKeys = authorities.value.caKeys;
  const cardSide = await options.openCardSide({
    world,
    model,
    authorities: authorities.value,
    ports: {
      acquirer: software.boot === 'misreads' ? misreading(acquirer) : acquirer,
      reversals: reversals.value,
      negative: negative.value,
      offline: negative.value,
      standing: standing.value,
      vault: vault.value,
      sales: sales.value,
      advices,
      traces: await openTraceStore(store, world),
      report: (sale) => outbox.value.add({ at: Math.round(world.clock.now()), sale }),
      stan: stan.value,
      configuration: () => twin.value.inForce.values,
      identity: () => ({
        terminalId: terminalIdOf(serial),
        merchantId: merchantIdOf(tenant),
        acquirerId: terminalLink.acquirerId,
      }),
    },
  });

  askAgain = () => cardSide.wake();

  const pay: CardSide['run'] = (order, onStep) =>
    saleTurns.take(() =>
      line.during(async () => {
        if (tamper.value.happened) return refusedPayment(order, 'stored', 'refused', 'TERMINAL_TAMPERED');
        if (isWiping) return refusedPayment(order, 'stored', 'refused', 'KEY_SLOT_EMPTY');
        await endDay();
        const sale = await cardSide.run(order, onStep);
        const { outcome, reason, stan, durationMs } = sale;
        await outbox.value.add({ at: Math.round(world.clock.now()), sale });
        if (sale.isQueued === true || sale.decidedBy === 'terminal') changed();
        world.log('info', 'saleFinished', {
          kind: order.kind,
          outcome,
          reason,
          stan,
          card: sale.card,
          durationMs: Math.round(durationMs),
        });
        return sale;
      }),
    );
  /** A business day ends by itself: between two payments, or before the one that would be too many. */
  async function endDay(): Promise<void> {
    const ended = await cardSide.endDay();
    if (!ended.ok) world.log('warn', 'businessDayNotClosed', { fault: ended.fault });
    else if (ended.value) {
      const { day, netMinor, waiting } = ended.value;
      world.log('info', 'businessDayClosed', { day, netMinor, waiting });
    }
  }
  const dayLook = world.timers.every(dayLookMs, () => void saleTurns.take(endDay));
  const undelivered = async (): Promise<number> =>
    (await cardSide.reversalsPending()) + advicesWaiting() + outbox.value.waiting;
  const diagnostics: DiagnosticParts = {
    world,
    model,
    boot,
    software: software.running,
    bootedAtMs,
    files,
    store,
    link,
    keys: keys.value,
    negative: negative.value,
    cardSide,
    queues: async () => ({
      reversals: await cardSide.reversalsPending(),
      advices: advices.entries().length,
      sales: outbox.value.waiting,
      jobs: ledger.value.entries('finished').length,
    }),
    vitals: options.vitals ?? (() => noVitals),
  };
  async function wipeTerminal(order: Parameters<typeof wipe>[1]): ReturnType<typeof wipe> {
    const wiped = await wipe(
      { world, files, store, serial, boot, privateKey: identity.privateKey, undelivered, keys: terminalKeys },
      order,
    );
    if (!wiped.ok) return wiped;
    const forgotten = await jobLedger.forgetReports();
    ring.clear();
    return forgotten.ok ? wiped : forgotten;
  }
  const runner = jobRunner({
    world,
    boot,
    ledger: ledger.value,
    trust: { tenant, serial, jobKey: identity.jobKey },
    link,
    handlers: jobHandlers({
      keys: keys.value,
      identityKey: () => identity.privateKey,
      undelivered,
      pay,
      totals: (close) => saleTurns.take(() => cardSide.totals(close)),
      lastTotals: () => cardSide.lastTotals(),
      print: (order) => cardSide.print(order),
      traceOf: (order) => cardSide.traceOf(order),
      software,
      async install(wanted, order, onPiece, takenBack) {
        const from = { ...softwareSource, signal: AbortSignal.any([signal, takenBack]) };
        const installed = await software.install(from, wanted, order, onPiece);
        // The report has the code; whoever looks into it wants to know which file, and which versions.
        if (!installed.ok) world.log('warn', 'softwareNotInstalled', { job: order.job, fault: installed.fault });
        return installed;
      },
      boot,
      twin: twin.value,
      renew: (order) => renewals.now(order),
      negative: negative.value,
      wipe: wipeTerminal,
      diagnose: () => diagnose(diagnostics),
      selfTest: () => selfTest(diagnostics),
      uploadLog: (job, linesMax, takenBack) =>
        uploadLog({ world, files, network, host, ring }, job, linesMax, takenBack),
      // The sale in hand is finished first.
      restart: () => void saleTurns.take(async () => options.restart()),
    }),
    whenIdle: (work) => saleTurns.take(work),
    changed,
    async told(report) {
      if (report.wipe === undefined || report.state !== 'succeeded') return ok(undefined);
      const kept = await wipeTold(store);
      if (kept.ok) options.restart();
      return kept;
    },
  });
  /** The server knows the terminal by the key of its certificate, whoever brings its word. */
  async function carry({ orders }: CarriedJobs): Promise<readonly CarriedReport[] | JobRestarts> {
    const done = await runner.carry(orders.map(({ document }) => document));
    if (done === 'restarting') return done;
    return done.map(({ job, report }) => {
      const said: z.input<typeof carriedStatement> = { purpose: 'tsunagu-carried-report-v1', serial, job, report };
      const statement = JSON.stringify(said);
      return {
        statement,
        signature: sign('sha256', Buffer.from(statement, 'utf8'), identity.privateKey).toString('base64'),
      };
    });
  }
  const shopper =
    options.shopper &&
    openShopper({
      world,
      seed: `${options.shopper.seed}\n${serial}`,
      meanSeconds: options.shopper.meanSeconds,
      // A transit card has its owner; nobody who buys by himself empties it, nor gift and points cards or a bank account.
      cards: cardSide.cards.filter((name) => !isTransitCardName(name) && !isStripeAccountName(name)),
      amountMaxMinor: () => twin.value.inForce.values.amountMaxMinor,
      sell: (order) => pay({ kind: 'sale', ...order }),
    });

  async function lookAtReversals(): Promise<void> {
    // Where they cannot be read the hello goes all the same, with what was read last.
    reversalsWaiting = await cardSide.reversalsPending().catch(() => reversalsWaiting);
  }
  await lookAtReversals();

  const salesWaiting = outbox.value;
  function hello(): Hello {
    const today = new Date(world.clock.now()).toISOString().slice(0, 10);
    const battery = options.vitals?.().batteryPercent;
    const cardKeys = cardCaKeys.nextToEnd(today).slice(0, cardKeysMax);
    return {
      model: model.id,
      software: software.running,
      hardware: hardwareRevision,
      ...(typeof battery === 'number' && { battery }),
      configuration: follower?.report() ?? { version: 0, hash: '' },
      keys: keys.ok ? [...keys.value.slots()] : [],
      negative: negative.ok ? [...negative.value.report()] : [],
      waiting: { reversals: reversalsWaiting, advices: advicesWaiting(), sales: salesWaiting.waiting },
      cards: [...cardSide.cards],
      ...(tamper.ok &&
        tamper.value.happened && {
          tampered: { at: tamper.value.happened.at, sensor: tamper.value.happened.sensor },
        }),
      ...(setAside.length > 0 && { setAside: setAside.slice(-16) }),
      ...(cardKeys.length > 0 && { cardKeys }),
      ...(claim.parent && { parent: claim.parent.serial }),
      trust: trust.version,
    };
  }

  const pulse = heartbeat({
    world,
    signal,
    periodMs: () =>
      untilContact(
        contact.value.current,
        twin.ok ? twin.value.inForce.values.heartbeatMs : 60_000,
        world.clock.now(),
        fraction(world),
      ),
    beat: () => {
      if (!link.isUp) return;
      void Promise.all([lookAside(), lookAtReversals()]).then(() => link.publish({ kind: 'hello' }, 'hello', hello()));
    },
  });

  /** Something of what the hello tells has changed. */
  function changed(): void {
    pulse.soon();
    openForBusiness();
  }

  /** Another configuration is in force: the next beat comes by its rhythm. */
  function reconfigured(): void {
    if (link.isUp) pulse.start();
    changed();
  }

  function openForBusiness(): void {
    if (!keys.ok || !negative.ok) return;
    if (areSlotsFilled(keys.value.slots()) && negative.value.isWhole()) shopper?.start();
  }

  if (software.proofTimeoutMs !== undefined) world.timers.after(software.proofTimeoutMs, () => void giveUpTrial());
  runner.recover();
  openForBusiness();

  /** The time for the proof is over: the boot after this one runs the old software. */
  async function giveUpTrial(): Promise<void> {
    if (signal.aborted || software.proofTimeoutMs === undefined) return;
    world.log('warn', 'softwareNotProven', { ...software.running });
    const given = await software.giveUp();
    if (!given.ok) world.log('error', 'softwareProofNotStored', { fault: given.fault });
    options.restart();
  }

  /** The proof: the server answers what the new software asks. */
  async function proveSoftware(): Promise<void> {
    if (software.proofTimeoutMs === undefined) return;
    const echo = await link.ask({ kind: 'pull' }, 'request', { pull: 'time' });
    if (!echo.ok || echo.value.kind !== 'time') return;
    const proven = await software.prove();
    if (!proven.ok) world.log('error', 'softwareProofNotStored', { fault: proven.fault });
    changed();
  }

  /** Learns whose word about software counts, at the first contact with the server. */
  async function pinSoftware(): Promise<void> {
    const pinned = await software.pin(softwareSource);
    // A server without a repository is asked again at the next connection, and by the first order.
    if (!pinned.ok && pinned.fault.code !== 'SOFTWARE_REPOSITORY_MISSING' && !signal.aborted)
      world.log('warn', 'softwareNotPinned', { fault: pinned.fault });
  }

  const connected = new Promise<Result<void, 'LINK_DOWN'>>((resolve) => {
    signal.addEventListener('abort', () => resolve(fail('LINK_DOWN')), { once: true });
    if (software.boot === 'isMute') return;
    link.start({
      hello,
      up() {
        pulse.start();
        void proveSoftware();
        if (tamper.ok) void tamper.value.tell();
        // What is desired and what is to do, the server says in answer to the hello.
        if (ledger.value.entries('finished').length > 0) runner.wake();
        negative.value.wake();
        outbox.value.flush();
        cardSide.wake();
        void pinSoftware();
        resolve(ok(undefined));
      },
      down: () => pulse.pause(),
      notified(work) {
        // Whom the switch turns away the server does not speak to: it may be let in again, and what waits asks.
        if (standing.ok && standing.value.isTurnedAway) cardSide.wake();
        if (work.jobs) runner.wake();
        if (work.configuration !== undefined && !isWiping) twin.value.wake();
        if (work.trust !== undefined) trust.wake(work.trust);
        if (work.hello) pulse.soon();
      },
      negativeHead(list, bytes) {
        if (!isWiping) negative.value.take(list, bytes);
      },
    });
  });

  return ok({
    connected,
    tamper: tamper.value,
    carry,
    pay,
    twin: twin.value,
    async stop() {
      options.cache?.setSource(undefined);
      options.cache?.setNamed(undefined);
      forChildren?.close();
      parent?.close();
      parentsLists?.close();
      shopper?.stop();
      dayLook.cancel();
      runner.stop();
      pulse.pause();
      await saleTurns.idle();
      await within(
        world,
        3_000,
        Promise.all([
          runner.idle(),
          outbox.value.idle(),
          negative.value.idle(),
          trust.idle(),
          twin.value.idle(),
          renewals.ended,
        ]),
      );
      outbox.value.stop();
      await cardSide.close();
      await link.stop();
      acquirer.close();
      world.log('info', 'terminalStopped');
    },
  });
}

/** Waits for something, but not longer than so. */
async function within(world: World, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([work.catch(() => undefined), world.timers.sleep(timeoutMs, late.signal).catch(() => undefined)]);
  late.abort();
}
