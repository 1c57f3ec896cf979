import { join } from 'node:path';
import { negativeHeadTopic, permits, portOf, type PortName, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { issuerPort, merchantIdOf } from '@tsunagu/protocols/acquiring';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { openApi } from './api/index.ts';
import { openAssessor } from './assessor/index.ts';
import { openArtefacts } from './artefacts/index.ts';
import { forgetOldEntries, noteLater, settling } from './house/background.ts';
import { openFoundation } from './house/foundation.ts';
import type { House, HouseError, HouseOptions } from './house/options.ts';
import { openOwnCertificate, serverName } from './house/own-certificate.ts';
import { type Campaigns, openCampaigns } from './campaigns/index.ts';
import { type BrokerHandlers, openHouseBroker, type OpenedBroker } from './broker/index.ts';
import { type Conversation, openConversation } from './conversation/index.ts';
import { openCustody } from './custody/index.ts';
import { type DeviceApi, openDeviceApi } from './device-api/index.ts';
import {
  type Estate,
  type Lifecycle,
  mayNow,
  openEstate,
  openLifecycle,
  heardOfWith,
  type HeardRooms,
  isRegistered,
  openSelection,
  timelineKeptMs,
} from './estate/index.ts';
import { commonSource, estateEndings, type Expiry, openExpiry } from './expiry/index.ts';
import {
  endWiped,
  type Enrolment,
  hasCertificate,
  identityEndings,
  openAdmission,
  openAuthority,
  openCeremonies,
  openCertificates,
  openEnrolment,
  openManufacturers,
  openRevocations,
  openTrustKnown,
  provingCertificateOf,
} from './identity/index.ts';
import { openInspections } from './inspection/index.ts';
import { isCarriedOut, type Jobs, openJobs, openJobSigner } from './jobs/index.ts';
import {
  keyJobEffects,
  openTagRotations,
  openKeyCeremonies,
  openKeyGuard,
  openAcquirers,
  openKeyInventory,
  openKeyRuns,
  keyedInRuns,
  refusalAlarm,
  keyReleases,
  openRenewal,
  watchCustody,
  openKeys,
  openRecordSigner,
} from './keys/index.ts';
import { type Negative, openNegative, regularList, watchInbox } from './negative/index.ts';
import { keepWipe, openRefurbish } from './refurbish/index.ts';
import { openSales } from './sales/index.ts';
import { openSoftware } from './software/index.ts';
import { openSwaps } from './swap/index.ts';
import { heardAtSwitch, noMetrics, openSwitch, prepareLinks, readLinks, type Switch } from './switch/index.ts';
import { openTwin, type Twin } from './twin/index.ts';
import { addressRules, openWebhooks } from './webhooks/index.ts';

/** Management and metrics do not leave the machine: whoever wants them elsewhere puts a proxy with TLS before them. */
const loopback = '127.0.0.1';
/** How often the certificates of wiped terminals are looked for. */
const wipesMs = 60_000;
/** How often a house looks after its authorities and its own certificates. */
const upkeepMs = 3_600_000;

export type { House, HouseError, HouseOptions } from './house/options.ts';

/** Builds every room from the world handed in, in order, and opens the doors last. What was opened before a failure is closed again. */
export async function openHouse(options: HouseOptions): Promise<Result<House, HouseError>> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).toReversed())
      try {
        await end();
      } catch (cause) {
        options.world.log('error', 'closeFailed', { fault: { code: 'INTERNAL', cause } });
      }
  };
  try {
    const opened = await build(options, (end) => closers.push(end));
    if (!opened.ok) await close();
    return opened.ok ? ok({ ...opened.value, close }) : opened;
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  options: HouseOptions,
  onClose: (end: () => Promise<void> | void) => void,
): Promise<Result<Omit<House, 'close'>, HouseError>> {
  const { world, dataDir, host, portBase, tenant } = options;
  const at = (name: PortName): number => (portBase === 0 ? 0 : portOf(portBase, name));
  const founded = await openFoundation(options, onClose);
  if (!founded.ok) return founded;
  const { folder, store, vault, changes, audit, approvals, live, metrics } = founded.value;
  const { meters } = metrics;

  // Identity and keys.
  const authority = await openAuthority(world, store, vault, tenant, {
    ...options.lives,
    ...(options.certificateLifeMs !== undefined && { terminalMs: options.certificateLifeMs }),
  });
  const { hierarchy } = authority;
  const reachedAt = options.publicHost ?? (host === '0.0.0.0' ? loopback : host);
  const own = await openOwnCertificate(authority, folder, reachedAt);
  const { tls } = own;
  const admit = watchCustody(
    world,
    openAdmission(world, store, tenant, () => certificates.listsChanged()),
    (finding) => guard(finding),
  );
  const jobSigner = await openJobSigner(vault);
  const keys = await openKeys(world, store, vault);
  const firstKeys = options.keyInRuns ? 'in-runs' : 'at-first-contact';
  if (firstKeys === 'at-first-contact') world.log('warn', 'keysOutsideRuns', { rule: 'PCI PIN 3.1, 30-3', firstKeys });
  const signRecord = await openRecordSigner(vault);
  /** What a terminal is to hold of keys has changed: if it is connected it shows what it holds now, and is ordered the rest. */
  const ask = (serial: Serial): void => conversation?.askHello([serial]);
  const askAll = (): void => conversation?.askHello(broker?.serials() ?? []);
  const keyRuns = openKeyRuns(world, store, signRecord, (tx, serial) => keys.held(tx, serial), ask);
  const guard = openKeyGuard({
    world,
    store,
    note: (...args) => estate.note(...args),
    audit: audit.note,
    disconnect: (serial) => disconnect(serial),
    takeIn: (tx, serial, by) => refurbish.takeIn(tx, { serial, intake: 'fault', reported: 'TM-TAMPER' }, by),
    measured: (seconds) => meters.keys.blocked(seconds),
  });
  const artefacts = await openArtefacts(join(folder, 'artefacts'));
  const software = await openSoftware(world, join(folder, 'software'), vault, artefacts, () => expiry?.touchAll());
  onClose(() => software.close());

  // Rooms that talk to one another; a door is asked for when it is used, and by then all of them stand.
  let broker: OpenedBroker | undefined;
  let switched: Switch | undefined;
  let enrolment: Enrolment | undefined;
  let twin: Twin | undefined;
  let jobs: Jobs | undefined;
  let negative: Negative | undefined;
  let conversation: Conversation | undefined;
  let device: DeviceApi | undefined;
  let expiry: Expiry | undefined;
  let campaigns: Campaigns | undefined;

  const sales = openSales(world, store, live, () => switched);
  const estateTargets = () => ({ negative: built(negative).state });
  const estate: Estate = await openEstate({
    world,
    store,
    live,
    tenant,
    endpoint: { host: reachedAt, portBase },
    trust: () => ({ anchors: authority.anchors, version: hierarchy.trust.version }),
    contacted: (tx, serial) => built(expiry).contacted(tx, serial),
    horizon: () => built(expiry).summary(),
    enrolment: () => built(enrolment),
    targets: estateTargets,
    configured: () => built(twin).inSync(),
    placed: (tx, serial) => built(twin).reports.placed(tx, serial),
    registered: (serial) => expiry?.touch(serial),
    recounted: (tx, serial) => built(twin).reports.enrolled(tx, serial),
    negativeEntries: () => built(negative).entries(),
    isConnected: (serial) => broker?.isConnected(serial) ?? false,
    sales: () => ({ summary: () => sales.summary(), links: () => switched?.links() ?? [] }),
  });
  onClose(() => estate.close());
  // The switch may stand on a store of its own.
  const atSwitch: HeardRooms['atSwitch'] = (on, serial, stans, since) =>
    heardAtSwitch(options.switchNode?.store.db ?? on, serial, stans, since);
  const forgetting = forgetOldEntries(world, store, options.timelineKeptMs ?? timelineKeptMs, atSwitch);
  onClose(() => forgetting.cancel());
  twin = await openTwin({
    world,
    store,
    note: (tx, serial, version, { subject, reason }) =>
      estate.note(tx, serial, 'configuration-changed', { version, by: subject, reason }),
    tell(terminals) {
      for (const { serial, version } of terminals) {
        conversation?.notify(serial, { configuration: version });
        estate.announce(serial);
      }
    },
  });
  onClose(() => built(twin).told());
  const keyJobs = keyJobEffects({
    keys,
    runs: keyRuns,
    keyLoaded: (tx, serial, evidence) => estate.keyLoaded(tx, serial, evidence),
    keyErased: (tx, serial, { slot, kcv }) => estate.note(tx, serial, 'key-erased', { slot, kcv }),
    unbound: (tx, serial, job) => estate.note(tx, serial, 'key-released', { job }),
    alarm: (tx, serial, code) => estate.note(tx, serial, 'alarm', { code }),
    queueIn: (...order) => built(jobs).queueIn(...order),
  });
  jobs = openJobs({
    world,
    store,
    live,
    tenant,
    sign: jobSigner.sign,
    approvals,
    notify: (serial, count) => conversation?.notify(serial, { jobs: count }),
    async finished(tx, serial, { id, type }, report) {
      const refusal = await keyJobs(tx, serial, { id, type }, report);
      if (refusal !== undefined) return refusal;
      if (type !== 'terminal.wipe') return undefined;
      if (!report.wipe || !(await keepWipe(world, tx, serial, id, report.wipe))) return 'WIPE_NOT_PROVEN';
      await keys.wiped(tx, serial, id);
      await estate.wiped(tx, serial);
      return undefined;
    },
    isSigned: async (serial, report) => (await provingCertificateOf(store.db, serial, report, true)) !== undefined,
    ended: (tx, job, state, fault) => built(campaigns).jobEnded(tx, job, state, fault),
    note: estate.note,
    entered: (type, state) => meters.jobs.entered(type, state),
    announce: (serial) => estate.announce(serial),
  });
  onClose(() => built(jobs).close());
  negative = await openNegative({
    world,
    store,
    vault,
    artefacts,
    tagKeys: keys.tags,
    publish: (list, bytes) => broker?.retain(negativeHeadTopic(tenant, list), bytes),
    announce: () => estate.announceOverview(),
    floorLimits: () => built(twin).floorLimits(),
  });
  onClose(() => built(negative).close());
  // A terminal more that knows the newest root: perhaps the server may show a certificate below it now.
  const trustMoved = settling(world, () => renewOwn());
  onClose(() => trustMoved.cancel());
  // Right after a start nobody is connected, and all of these will be.
  const knownTerminals = (await estate.census()).reduce(
    (sum, { link, count }) => sum + (link === 'never' ? 0 : count),
    0,
  );
  const inbox = await watchInbox(world, join(dataDir, 'inbox', 'negative'), (file, by) =>
    (built(negative).of(file.list) ?? built(negative)).importList(file, by),
  );
  onClose(() => inbox.close());
  conversation = openConversation({
    world,
    store,
    tenant,
    broker: () => built(broker),
    estate,
    twin: () => built(twin),
    jobs: () => built(jobs),
    keys: options.keyInRuns ? keyedInRuns(keys, refusalAlarm(world, estate.note)) : keys,
    negative: () => built(negative),
    trust: openTrustKnown(hierarchy, (serial) => {
      expiry?.touch(serial);
      trustMoved.soon();
    }),
    fleetSize: () => Math.max(knownTerminals, broker?.connections ?? 0),
    tampered: async (serial, sensor, seenMs) =>
      (await guard({ code: 'TERMINAL_TAMPERED', serials: [serial], seenMs, facts: { detail: sensor } })).length > 0,
    async saleEnded(serial, sale, _at, messageId) {
      await sales.ended(serial, sale, messageId);
      if (sale.stan === '')
        meters.sales.ended({ outcome: sale.outcome, decidedBy: 'terminal', seconds: sale.durationMs / 1_000 });
    },
  });
  onClose(() => conversation?.close());
  expiry = openExpiry({
    world,
    store,
    note: estate.note,
    announce: (serial) => estate.announce(serial),
    sources: [
      identityEndings(store, authority, serverName),
      estateEndings(store),
      commonSource(() =>
        Promise.resolve([
          { kind: 'job-signing', name: jobSigner.pinned.kid, endsAt: null },
          ...built(negative).endings.map((ending) => ({ kind: 'negative-signing' as const, ...ending })),
          // What people have signed; what the server signs it signs anew by itself.
          ...software
            .expiries()
            .flatMap(({ role, expires, isOnline }) =>
              isOnline ? [] : [{ kind: 'software-signing' as const, name: role, endsAt: Date.parse(expires) }],
            ),
        ]),
      ),
    ],
  });
  onClose(() => built(expiry).close());
  const manufacturers = openManufacturers(world, store);
  const linksRefused = new Map<string, Fault>();
  const known = await readLinks(world, dataDir, (file, fault) => linksRefused.set(file, fault));
  const links = await prepareLinks(authority, vault, tenant, dataDir, known);
  /** What the house shows on its wires: made anew where it nears its end, or where the hierarchy has changed. */
  const renewOwn = async (): Promise<void> => {
    await own.renew();
    for (const link of links) await link.renew();
  };
  const ceremonies = openCeremonies({
    world,
    store,
    vault,
    authority,
    async changed() {
      await own.writeRoots();
      await renewOwn();
      // A new issuing CA has a list of its own.
      broker?.certificatesEnded?.();
      for (const serial of broker?.serials() ?? []) conversation?.notify(serial, { trust: hierarchy.trust.version });
      expiry?.touchAll();
    },
  });
  await ceremonies.maintain();
  const upkeep = world.timers.every(upkeepMs, () => noteLater(world, ceremonies.maintain().then(renewOwn)));
  onClose(() => upkeep.cancel());

  const targetOf = async (digest: string) => (await software.targets()).find((target) => target.digest === digest);
  campaigns = await openCampaigns(
    {
      world,
      store,
      live,
      approvals,
      note: audit.note,
      software: {
        async order(wanted) {
          const { model = '', requires, hardwareRevisions } = (await targetOf(wanted.digest)) ?? {};
          const order = await software.order(wanted, { model, version: undefined });
          return order.ok
            ? ok({ ...requires, ...(hardwareRevisions && { hardwareRevisions }), model, install: order.value })
            : order;
        },
        inTime: () => software.inTime(),
        isAttested: async (digest) => ((await targetOf(digest))?.attestation ?? null) !== null,
      },
      keys,
      twin,
      jobs: {
        queueIn: (tx, serial, body, subject, reference) => built(jobs).queueIn(tx, serial, body, subject, reference),
        isOpen: async (tx, serial, subject) => (await built(jobs).openSubjects(tx, serial)).has(subject),
        cancelIn: (tx, id) => built(jobs).cancelIn(tx, id),
        wake: (serial) => built(jobs).wake(serial),
      },
      mayConnect: (state) => permits(state, 'connect'),
    },
    options.saleSettleMs === undefined ? {} : { settleMs: options.saleSettleMs },
  );
  onClose(() => built(campaigns).close());
  enrolment = openEnrolment({
    world,
    store,
    vault,
    authority,
    manufacturers,
    tenant,
    jobKey: jobSigner.pinned,
    negativeRoot: () => built(negative).root(),
    async protect(tx, serial, protectionKey, checkValue) {
      await keys.protect(tx, serial, protectionKey, checkValue);
      await estate.enrolled(tx, serial);
      await built(twin).reports.enrolled(tx, serial);
    },
    async replaced(tx, serial, ended, isAnew) {
      built(conversation).ended(ended);
      if (isAnew) await built(jobs).unitChanged(tx, serial);
    },
    enrolled(serial, fingerprint) {
      world.log('info', 'terminalEnrolled', { serial, fingerprint });
      certificates.listsChanged();
      disconnect(serial);
      return Promise.resolve();
    },
  });

  /** Ends a terminal's connections on every wire. */
  function disconnect(serial: Serial): void {
    changes.outside(() => {
      broker?.disconnect(serial);
      switched?.disconnect(serial);
      device?.disconnect(serial);
      expiry?.touch(serial);
      estate.announce(serial);
    });
  }
  const certificates = openCertificates({
    world,
    store,
    authority,
    note: estate.note,
    isOrdered: (serial) => isCarriedOut(store.db, serial, 'certificate.renew'),
    async renewed(tx, serial) {
      await built(expiry).contacted(tx, serial);
      built(expiry).touch(serial);
    },
    disconnect,
    ended: () => broker?.certificatesEnded?.(),
  });
  const revocations = openRevocations({ world, store, approvals, certificates, note: audit.note });
  const wipes = world.timers.every(wipesMs, () => noteLater(world, endWiped(world, store, certificates)));
  onClose(() => wipes.cancel());
  const refurbish = openRefurbish({
    world,
    store,
    note: estate.note,
    sign: signRecord,
    enlist: (tx, terminal, by) => estate.enlist(tx, terminal, by),
    lifecycle: () => lifecycle,
  });
  const lifecycle: Lifecycle = openLifecycle({
    world,
    store,
    note: estate.note,
    approvals,
    keysDestroyed: (tx, serial) => keys.wiped(tx, serial, 'destruction'),
    benchTestPassed: (on, serial, test) => refurbish.benchTestPassed(on, serial, test),
    heardOf: heardOfWith({
      isConnected: (serial) => broker?.isConnected(serial) ?? false,
      atSwitch,
    }),
    disconnect,
    announce(serial) {
      estate.announce(serial);
      expiry?.touchAll();
    },
  });

  const custody = openCustody({ world, store, tenant, note: estate.note, lifecycle });
  onClose(() => custody.close());
  const inspections = openInspections({
    world,
    store,
    note: estate.note,
    announce: (serial) => estate.announce(serial),
  });
  const swaps = openSwaps({
    world,
    store,
    note: estate.note,
    lifecycle,
    jobs: built(jobs),
    twin: built(twin),
    placed: (tx, serial) => built(twin).reports.placed(tx, serial),
    moved(serial) {
      estate.announce(serial);
      built(twin).moved(serial);
    },
  });
  onClose(() => swaps.close());

  // Doors. Terminals come last, when everything they may ask for is there.
  const openedSwitch = await openSwitch(
    world,
    {
      store: options.switchNode?.store ?? store,
      vault,
      keys,
      admit,
      quarantine: guard,
      maySell: async (serial) => (await mayNow(store.db, serial, 'pay')).ok,
      async isTerminal(named) {
        const serial = serialSchema.safeParse(named);
        return serial.success && (await isRegistered(store.db, serial.data));
      },
      live,
      negative,
      metrics: {
        ...noMetrics,
        saleAnswered: (outcome, by, _actionCode, durationMs) =>
          meters.sales.ended({ outcome, decidedBy: by, seconds: durationMs / 1_000 }),
        issuerAnswered: (link, actionCode, durationMs) => meters.issuers.answered(link, actionCode, durationMs / 1_000),
        linkChanged: () => estate.announceOverview(),
      },
      alarm({ serial, fault }) {
        world.log('warn', 'switchAlarm', { serial, fault });
        if (serial !== undefined) noteLater(world, estate.alarm(serial, fault.code));
      },
    },
    {
      terminals: {
        host,
        port: at('acquiring'),
        credentials: { certificateChain: tls.cert, privateKey: tls.key, ca: tls.ca, follow: tls.follow },
      },
      centres: { host, port: at('centres') },
      links,
      linksRefused,
      issuerAt: (link) => ({
        host: '127.0.0.1',
        port: portBase === 0 ? 0 : (issuerPort(portBase, link) ?? at('cardCompany')),
      }),
      ...(options.switchNode && { node: options.switchNode.name }),
    },
  );
  if (!openedSwitch.ok) return namedPort(openedSwitch, at('acquiring'), 'acquiring');
  switched = openedSwitch.value;
  onClose(() => built(switched).close());

  const metricsListener = await metrics.listen(loopback, at('metrics'));
  if (!metricsListener.ok) return metricsListener;
  onClose(() => metricsListener.value.close());

  const openedDevice = await openDeviceApi({
    world,
    host,
    port: at('device'),
    tls,
    admit,
    enrolment,
    certificates,
    ceremonies,
    artefacts,
    negative,
    software,
    logs: built(jobs).logs,
  });
  if (!openedDevice.ok) return openedDevice;
  device = openedDevice.value;
  onClose(() => built(device).close());

  const openedBroker = await openBroker();
  if (!openedBroker.ok) return openedBroker;
  broker = openedBroker.value;
  onClose(() => built(broker).close());
  await negative.republish();

  /** Our own broker, or the one that was named: the same handlers stand on both. */
  async function openBroker(): Promise<Result<OpenedBroker, 'PORT_TAKEN'>> {
    const handlers: BrokerHandlers = {
      received(serial, topic, payload, fingerprint) {
        meters.broker.passed('up', topic.kind);
        if (topic.kind === 'hello') built(campaigns).heard(serial);
        return built(conversation).received(serial, topic, payload, fingerprint);
      },
      connected: () => meters.broker.connected(),
      disconnected: (serial) => noteLater(world, estate.linkChanged(serial, 'lost')),
      refused: (code, count) => meters.broker.refused(code, count),
      dropped: () => meters.broker.dropped(),
      cloneSuspected(serial, { before, now }) {
        world.log('warn', 'cloneSuspected', {
          serial,
          fault: fail('CLONE_SUSPECTED', { facts: { before, now } }).fault,
        });
        noteLater(world, estate.alarm(serial, 'CLONE_SUSPECTED', `${before} / ${now}`));
      },
    };
    return await openHouseBroker({
      world,
      tenant,
      host,
      ports: { fleet: at('fleet'), fleetWebSocket: at('fleetWebSocket') },
      folder,
      url: options.brokerUrl,
      tls,
      vault,
      authority,
      admit,
      isHeard: async (serial) =>
        (await mayNow(store.db, serial, 'connect')).ok && (await hasCertificate(world, store, serial)),
      revocationLists: () => certificates.revocationLists(),
      handlers,
    });
  }

  const webhooks = openWebhooks({ world, store, vault, audit, addresses: addressRules(options.webhookAllow ?? []) });
  onClose(() => webhooks.close());
  const api = await openApi({
    world,
    rooms: {
      estate,
      selection: openSelection({
        store,
        targets: estateTargets,
        async note(tx, serial) {
          const change = changes.current();
          if (change) await audit.note(tx, { ...change, subject: `terminal/${serial}` });
        },
        placed: (tx, serial) => built(twin).reports.placed(tx, serial),
        moved(serial) {
          estate.announce(serial);
          built(twin).moved(serial);
        },
      }),
      revocations,
      lifecycle,
      custody,
      swaps,
      inspections,
      refurbish,
      assessor: openAssessor(
        world,
        store,
        {
          runs: keyRuns,
          devices: (page) => inspections.list(page),
          custody: () => custody.lines(),
          audit: () => audit.lines(),
          sign: signRecord,
          death: (serial) => refurbish.death(serial),
        },
        firstKeys,
      ),
      ceremonies,
      manufacturers,
      switchRules: {
        rules: switched.rules,
        standIn: switched.standIn,
        health: (id) => switched?.health(id),
        now: () => world.clock.now(),
        merchant: merchantIdOf(tenant),
      },
      expiry,
      software,
      campaigns: built(campaigns),
      keys: {
        ceremonies: openKeyCeremonies(world, store, vault, signRecord),
        runs: keyRuns,
        inventory: openKeyInventory(
          world,
          store,
          vault,
          keys,
          (spec, by) => built(campaigns).create(spec, by),
          firstKeys,
          askAll,
        ),
        negative: openTagRotations({
          world,
          store,
          tags: keys.tags,
          approvals,
          retag: () => built(negative).retag(),
          takeBack: (tx, job) => built(jobs).cancelIn(tx, job),
          askAll,
        }),
        acquirers: openAcquirers(world, store, ask),
        releases: (serial) => keyReleases(store.db, serial),
        renewProtection: openRenewal({ store, keyInRuns: firstKeys === 'in-runs', keys, jobs: built(jobs) }),
      },
      twin,
      jobs,
      sales,
      negative,
      live,
      operator: () => built(switched).operator,
      validity: () => built(switched).validity,
    },
    store,
    vault,
    audit,
    approvals,
    changes,
    webhooks,
    dataDir,
    host: loopback,
    port: at('management'),
    http: meters.http,
    ...(options.webDir !== undefined && { webDir: options.webDir }),
  });
  if (!api.ok) return api;
  onClose(() => api.value.close());
  metrics.gauge({
    terminals: () => estate.census(),
    links: () => Promise.resolve(switched?.links() ?? []),
    negative: async () => {
      const { version, overlaySeq } = built(negative).state;
      return { list: regularList, version, overlaySeq, entries: await built(negative).entries() };
    },
    switched: () => built(switched).operator.figures(),
    alarms: () => estate.alarmCounts(),
    downlinks: () => built(broker).waiting,
    streams: () => api.value.streams,
    lowStock: () => refurbish.lowStock(),
    expiry: () => built(expiry).summary(),
  });
  expiry.touchAll();

  return ok({
    managementUrl: api.value.url,
    ports: {
      management: api.value.port,
      metrics: Number(new URL(metricsListener.value.url).port),
      ...broker.ports,
      device: device.port,
      acquiring: switched.port,
      ...(switched.centresPort !== undefined && { centres: switched.centresPort }),
    },
    signInUrl: () => api.value.signInUrl(),
  });
}

/** A room that is asked for after all of them were built. */
function built<T>(room: T | undefined): T {
  if (room === undefined) throw new Error('a room was asked before it was built');
  return room;
}

/** The switch does not know what its port is called. */
const namedPort = (
  refused: { readonly ok: false; readonly fault: { readonly code: 'PORT_TAKEN' } },
  port: number,
  name: PortName,
): Result<never, 'PORT_TAKEN'> => fail(refused.fault.code, { facts: { port, name } });
