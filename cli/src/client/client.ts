import type { ErrorCode } from '@tsunagu/protocols/errors';
import {
  type askWhy,
  type addManufacturer,
  type addNegative,
  type AuthoritiesView,
  authoritiesView,
  authorityRequest,
  type ExpiryEntry,
  expiryEntry,
  exportedRoot,
  type LifecycleView,
  lifecycleView,
  type Manufacturer,
  manufacturer,
  type MoveLifecycle,
  type TrustDocument,
  type addNegativeRange,
  type allowNegative,
  type CampaignDetail,
  campaignDetail,
  type CampaignDryRun,
  campaignDryRun,
  type CampaignException,
  campaignException,
  type campaignSpec,
  type CampaignSummary,
  campaignSummary,
  type CampaignVerb,
  type ChangedLayer,
  changedLayer,
  type ChangeLayer,
  type ClaimBundle,
  type DriftEntry,
  driftEntry,
  type DriftReason,
  type DriftSummary,
  driftSummary,
  type EffectiveConfiguration,
  effectiveConfiguration,
  accessPaths,
  bulkAnswer,
  type CancelJobs,
  cancelledJobs,
  type Job,
  heldRevocation,
  job,
  type JobOfMany,
  type orderJob,
  type LayerDocument,
  layerDocument,
  layerQuery,
  type LayerRef,
  type LayerSummary,
  layerSummary,
  type LayerVersion,
  layerVersion,
  type LiveEventName,
  liveEvents,
  managementPaths,
  type explainNegative,
  type importNegative,
  type NegativeAdded,
  negativeAdded,
  type NegativeAuthority,
  negativeAuthority,
  negativeDiff,
  type NegativeExplanation,
  negativeExplanation,
  type NegativeImported,
  negativeImported,
  negativeLists,
  negativeListView,
  negativeOverview,
  type NegativePublished,
  negativePublished,
  negativeRootDocument,
  type negativeSignatureBrought,
  negativeState,
  type NegativeStateView,
  type publishNegative,
  type removeNegative,
  overview,
  type Overview,
  modelSummary,
  type ModelSummary,
  page,
  parseJson,
  parseWith,
  problem,
  type RegisterTerminal,
  registeredTerminal,
  type publishSoftware,
  type SoftwareAttestation,
  softwareAttestation,
  type SettingDifference,
  settingDifferences,
  type SoftwareImage,
  softwareImage,
  type SoftwareKeys,
  softwareKeys,
  type SoftwareRole,
  softwareRoles,
  type SoftwareTarget,
  softwareTarget,
  type startSoftware,
  type TerminalDetail,
  type TerminalSummary,
  type PaymentOrder,
  type SlipOrder,
  type TestSale,
  type TotalsOrder,
  type TimelineEntry,
  terminalDetail,
  whyAnswer,
  terminalSummary,
  timelineEntry,
  type setNegativeList,
  type ReportTrouble,
  type AlarmsSeen,
  alarmsSeen,
  type SwitchAlarmView,
  switchAlarmView,
} from '@tsunagu/protocols/fleet';
import type { TraceOrder } from '@tsunagu/protocols/kernel-trace';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type NegativeProof, negativeProof } from '@tsunagu/protocols/negative/proof';
import type { World } from '@tsunagu/protocols/world';
import { EventSource } from 'eventsource';
import { z } from 'zod';
import type { Access } from './access.ts';
import { type AccessClient, accessCalls } from './access-calls.ts';
import { type KeyClient, keyCalls } from './key-calls.ts';
import { type SwitchClient, switchCalls } from './switch-calls.ts';
import { type ValidityClient, validityCalls } from './validity-calls.ts';
import { type SwitchRuleClient, switchRuleCalls } from './switch-rule-calls.ts';

/** A stream of live events; it reconnects by itself until it is closed. */
export interface LiveStream {
  close(): void;
}

/** The body of a live event. */
type LiveData<Name extends LiveEventName> = z.infer<(typeof liveEvents)[Name]>;

/** What to do with the events of a stream; only the named ones are asked for. */
export interface LiveHandlers {
  /** Whether the stream is (not) live. */
  readonly state?: (state: 'live' | 'offline') => void;
  readonly on: { readonly [Name in LiveEventName]?: (data: LiveData<Name>) => void };
}

/** The management API as the CLI uses it: the public one, and nothing else. */
export interface Client extends AccessClient, KeyClient, SwitchClient, SwitchRuleClient, ValidityClient {
  /** Any call of the management API: without a body a GET. */
  ask<S extends z.ZodType>(schema: S, path: string, body?: unknown, method?: string): Promise<Result<z.output<S>>>;
  /** Any answer as text. */
  askText(path: string): Promise<Result<string>>;
  /** All pages of any list. */
  askAll<S extends z.ZodType>(item: S, path: string): Promise<Result<readonly z.output<S>[]>>;
  overview(): Promise<Result<Overview>>;
  /** All pages of the list. */
  terminals(): Promise<Result<readonly TerminalSummary[]>>;
  /** The catalogue of models that the server knows. */
  models(): Promise<Result<readonly ModelSummary[]>>;
  /** Whether any terminal of a model is on the inventory. */
  hasTerminalOf(model: string): Promise<Result<boolean>>;
  terminal(serial: string): Promise<Result<TerminalDetail>>;
  timeline(serial: string): Promise<Result<readonly TimelineEntry[]>>;
  register(terminal: RegisterTerminal): Promise<Result<ClaimBundle>>;
  startTestSale(serial: string, sale: TestSale): Promise<Result<Job>>;
  startPayment(serial: string, payment: PaymentOrder): Promise<Result<Job>>;
  startTotals(serial: string, totals: TotalsOrder): Promise<Result<Job>>;
  startSlip(serial: string, slip: SlipOrder): Promise<Result<Job>>;
  startTrace(serial: string, trace: TraceOrder): Promise<Result<Job>>;
  /** Keeps a software image at the server. */
  uploadSoftware(image: Uint8Array): Promise<Result<SoftwareImage>>;
  /** The signed targets: what terminals take. */
  software(): Promise<Result<readonly SoftwareTarget[]>>;
  /** The keys of the roles that the server signs. */
  softwareKeys(): Promise<Result<SoftwareKeys>>;
  /** Makes new ones, for the next root. */
  renewSoftwareKeys(): Promise<Result<SoftwareKeys>>;
  softwareRoles(): Promise<Result<readonly SoftwareRole[]>>;
  /** A file of the repository as text. */
  softwareMetadata(name: string): Promise<Result<string>>;
  publishSoftware(publication: z.input<typeof publishSoftware>): Promise<Result<readonly SoftwareRole[]>>;
  attestSoftware(digest: string, attestation: string): Promise<Result<SoftwareAttestation>>;
  startSoftware(serial: string, order: z.input<typeof startSoftware>): Promise<Result<Job>>;
  job(id: string): Promise<Result<Job>>;
  /** The newest that fit the filter. */
  jobs(filter: {
    readonly serial?: string;
    readonly state?: string;
    readonly type?: string;
    readonly reference?: string;
    readonly limit: number;
  }): Promise<Result<{ readonly items: readonly Job[]; readonly next: string | null }>>;
  orderJob(serial: string, order: z.input<typeof orderJob>): Promise<Result<Job>>;
  /** The same for up to a thousand terminals, each with an outcome of its own. */
  orderJobs(serials: readonly string[], order: JobOfMany): Promise<Result<z.output<typeof bulkAnswer>>>;
  cancelJob(id: string): Promise<Result<Job>>;
  /** Takes back all open jobs to which a selection applies. */
  cancelJobs(selection: CancelJobs): Promise<Result<z.infer<typeof cancelledJobs>>>;
  retryJob(id: string): Promise<Result<Job>>;
  approveJob(id: string): Promise<Result<Job>>;
  /** The log that a job pulled, a JSON object a line. */
  jobLog(id: string): Promise<Result<string>>;
  /** Says why a terminal does not run, for one that cannot say it. */
  reportTrouble(serial: string, trouble: ReportTrouble): Promise<Result<TerminalDetail>>;
  /** Counts the boots of a terminal anew. */
  recount(serial: string): Promise<Result<TerminalDetail>>;
  /** Ends a terminal's certificate, on its live connections too. */
  /** Ends the certificates of several; above a threshold that waits for a second person. */
  revokeCertificates(serials: readonly string[], dryRun: boolean): Promise<Result<z.infer<typeof bulkAnswer>>>;
  revokeCertificate(serial: string): Promise<Result<TerminalDetail | z.infer<typeof heldRevocation>>>;
  /** A new claim; the old one is worth nothing from then on. */
  reissueClaim(serial: string): Promise<Result<ClaimBundle>>;
  lifecycle(serial: string): Promise<Result<LifecycleView>>;
  moveLifecycle(serial: string, move: MoveLifecycle): Promise<Result<LifecycleView>>;
  /** Alarms of terminals that nobody has seen; by code, terminal or shop. */
  alarms(filter: Readonly<Record<string, string>>): Promise<Result<readonly SwitchAlarmView[]>>;
  terminalAlarmSeen(id: string): Promise<Result<unknown>>;
  /** All that a filter finds and that were not raised after `until`. */
  terminalAlarmsSeen(which: Readonly<Record<string, string>>): Promise<Result<AlarmsSeen>>;
  /** The first of the horizon, by date. */
  expiry(count: number): Promise<Result<readonly ExpiryEntry[]>>;
  authorities(): Promise<Result<AuthoritiesView>>;
  requestAuthority(): Promise<Result<z.infer<typeof authorityRequest>>>;
  installAuthority(certificate: string): Promise<Result<AuthoritiesView>>;
  rotateAuthority(kind: 'issuing' | 'root'): Promise<Result<AuthoritiesView>>;
  announceTrust(document: TrustDocument): Promise<Result<AuthoritiesView>>;
  exportRoot(id: string, receiver: string): Promise<Result<z.infer<typeof exportedRoot>>>;
  removeRoot(id: string, proof: string): Promise<Result<AuthoritiesView>>;
  retireAuthority(id: string): Promise<Result<AuthoritiesView>>;
  manufacturers(): Promise<Result<readonly Manufacturer[]>>;
  addManufacturer(maker: z.infer<typeof addManufacturer>): Promise<Result<Manufacturer>>;
  removeManufacturer(model: string, fingerprint: string): Promise<Result<readonly Manufacturer[]>>;
  addNegative(entry: z.infer<typeof addNegative>): Promise<Result<NegativeAdded>>;
  removeNegative(entry: z.infer<typeof removeNegative>): Promise<Result<NegativePublished>>;
  importNegative(file: z.infer<typeof importNegative>): Promise<Result<NegativeImported>>;
  allowNegative(card: z.infer<typeof allowNegative>): Promise<Result<NegativePublished>>;
  addNegativeRange(range: z.infer<typeof addNegativeRange>): Promise<Result<NegativePublished>>;
  publishNegative(how: z.infer<typeof publishNegative>): Promise<Result<NegativePublished>>;
  negativeLists(): Promise<Result<z.infer<typeof negativeLists>>>;
  setNegativeList(wanted: z.infer<typeof setNegativeList>): Promise<Result<z.infer<typeof negativeListView>>>;
  negative(list: string): Promise<Result<z.infer<typeof negativeOverview>>>;
  negativeState(list: string): Promise<Result<NegativeStateView>>;
  negativeDiff(list: string, from: number, to: number): Promise<Result<z.infer<typeof negativeDiff>>>;
  explainNegative(card: z.infer<typeof explainNegative>): Promise<Result<NegativeExplanation>>;
  proveNegative(question: {
    readonly list: string;
    readonly pan: string;
    readonly serial: string;
    readonly at: string;
  }): Promise<Result<NegativeProof>>;
  /** Newest first. */
  campaigns(): Promise<Result<readonly CampaignSummary[]>>;
  campaign(id: string): Promise<Result<CampaignDetail>>;
  createCampaign(spec: z.input<typeof campaignSpec>): Promise<Result<CampaignDetail>>;
  dryRunCampaign(spec: z.input<typeof campaignSpec>): Promise<Result<CampaignDryRun>>;
  actOnCampaign(id: string, verb: CampaignVerb, reason: string): Promise<Result<CampaignDetail>>;
  campaignExceptions(id: string): Promise<Result<readonly CampaignException[]>>;
  /** One page of answers; all about `serials`. */
  why(asked: z.input<typeof askWhy>): Promise<Result<z.infer<typeof whyAnswer>>>;
  negativeAuthority(list: string): Promise<Result<NegativeAuthority>>;
  bringNegativeRoot(root: z.infer<typeof negativeRootDocument>): Promise<Result<NegativeAuthority>>;
  countersignNegativeRoot(
    root: z.infer<typeof negativeRootDocument>,
  ): Promise<Result<z.infer<typeof negativeRootDocument>>>;
  signNegativeVersion(signature: z.infer<typeof negativeSignatureBrought>): Promise<Result<NegativePublished>>;
  layers(): Promise<Result<readonly LayerSummary[]>>;
  layer(ref: LayerRef, version?: number): Promise<Result<LayerDocument>>;
  /** Changes a layer over the version `base`. */
  changeLayer(ref: LayerRef, base: number, change: ChangeLayer, reason: string): Promise<Result<ChangedLayer>>;
  rollBackLayer(ref: LayerRef, base: number, to: number, reason: string): Promise<Result<ChangedLayer>>;
  layerHistory(ref: LayerRef): Promise<Result<readonly LayerVersion[]>>;
  layerDiff(ref: LayerRef, from: number, to: number): Promise<Result<readonly SettingDifference[]>>;
  drift(reason?: DriftReason): Promise<Result<readonly DriftEntry[]>>;
  driftSummary(): Promise<Result<DriftSummary>>;
  effective(serial: string): Promise<Result<EffectiveConfiguration>>;
  /** What is desired of a terminal against what it reported, or against what is desired of another one. */
  terminalDiff(serial: string, other?: string): Promise<Result<readonly SettingDifference[]>>;
  live(handlers: LiveHandlers): LiveStream;
}

const manufacturerList = z.object({ items: z.array(manufacturer) });
const pagesMax = 1_000;
/** A list of a million cards takes its time. */
const importTimeoutMs = 600_000;

/** Opens a client on a server. Every call has a deadline of `timeoutMs`. */
export function openClient(access: Access, world: World, timeoutMs = 10_000): Client {
  const authorization = `Bearer ${access.token}`;

  async function call<S extends z.ZodType>(
    schema: S,
    path: string,
    body?: unknown,
    method = body === undefined ? 'GET' : 'POST',
    deadlineMs = timeoutMs,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Result<z.output<S>>> {
    const headers: Record<string, string> = { authorization, accept: 'application/json', ...more };
    if (method === 'POST') headers['idempotency-key'] = world.id();
    if (body !== undefined) {
      headers['content-type'] = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
    }
    let answer: Response;
    let content: unknown;
    try {
      answer = await askAgain(new URL(path, access.url), {
        method,
        headers,
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined
          ? {}
          : { body: body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body) }),
      });
      // 204: there is none.
      content = answer.status === 204 ? undefined : await answer.json();
    } catch (cause) {
      return fail('SERVER_UNREACHABLE', { facts: { url: access.url }, cause });
    }
    if (!answer.ok) return { ok: false, fault: faultOf(answer.status, content) };
    const parsed = parseWith(schema, content);
    return parsed.ok
      ? parsed
      : fail('ANSWER_INVALID', { field: parsed.fault.field ?? '', facts: { path }, cause: parsed.fault });
  }

  async function text(path: string): Promise<Result<string>> {
    try {
      const answer = await askAgain(new URL(path, access.url), {
        headers: { authorization },
        signal: AbortSignal.timeout(importTimeoutMs),
      });
      const body = await answer.text();
      return answer.ok ? ok(body) : { ok: false, fault: faultOf(answer.status, JSON.parse(body)) };
    } catch (cause) {
      return fail('SERVER_UNREACHABLE', { facts: { url: access.url }, cause });
    }
  }

  async function all<S extends z.ZodType>(
    schema: S,
    path: string,
    countMax = Number.POSITIVE_INFINITY,
  ): Promise<Result<readonly z.output<S>[]>> {
    const items: z.output<S>[] = [];
    let cursor: string | null = null;
    for (let count = 0; count < pagesMax; count++) {
      const query: string = `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
      const answer: Result<{ items: z.output<S>[]; next: string | null }> = await call(page(schema), query);
      if (!answer.ok) return answer;
      items.push(...answer.value.items);
      cursor = answer.value.next;
      if (cursor === null || items.length >= countMax) break;
    }
    return ok(items.slice(0, countMax));
  }

  return {
    ...accessCalls({ call, all }),
    ...keyCalls({ call, all }),
    ...switchCalls({ call, all }),
    ...validityCalls({ call, all }),
    ...switchRuleCalls({ call, all }),
    overview: () => call(overview, managementPaths.overview),
    terminals: () => all(terminalSummary, managementPaths.terminals),
    async models() {
      const answer = await call(z.object({ items: z.array(modelSummary) }), managementPaths.models);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    async hasTerminalOf(model) {
      const path = `${managementPaths.terminals}?model=${encodeURIComponent(model)}&limit=1`;
      const answer = await call(page(terminalSummary), path);
      return answer.ok ? ok(answer.value.items.length > 0) : answer;
    },
    terminal: (serial) => call(terminalDetail, managementPaths.terminal(serial)),
    async timeline(serial) {
      const answer = await call(page(timelineEntry), `${managementPaths.timeline(serial)}?limit=50`);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    async register(terminal) {
      const answer = await call(registeredTerminal, managementPaths.terminals, terminal);
      return answer.ok ? ok(answer.value.claim) : answer;
    },
    startTestSale: (serial, sale) => call(job, managementPaths.testSales(serial), sale),
    startPayment: (serial, payment) => call(job, managementPaths.payments(serial), payment),
    startTotals: (serial, totals) => call(job, managementPaths.totals(serial), totals),
    startSlip: (serial, slip) => call(job, managementPaths.slips(serial), slip),
    startTrace: (serial, trace) => call(job, managementPaths.traces(serial), trace),
    uploadSoftware: (image) => call(softwareImage, managementPaths.software, image, 'POST', importTimeoutMs),
    software: () => all(softwareTarget, managementPaths.software),
    softwareKeys: () => call(softwareKeys, managementPaths.softwareKeys),
    renewSoftwareKeys: () => call(softwareKeys, managementPaths.softwareKeys, {}),
    async softwareRoles() {
      const answer = await call(softwareRoles, managementPaths.softwareRoles);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    async softwareMetadata(name) {
      const answer = await call(z.unknown(), managementPaths.softwareMetadataFile(name));
      return answer.ok ? ok(JSON.stringify(answer.value)) : answer;
    },
    async publishSoftware(publication) {
      const answer = await call(softwareRoles, managementPaths.softwareMetadata, publication);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    attestSoftware: (digest, attestation) =>
      call(softwareAttestation, managementPaths.softwareAttestations(digest), { attestation }),
    startSoftware: (serial, order) => call(job, managementPaths.terminalSoftware(serial), order),
    job: (id) => call(job, managementPaths.job(id)),
    jobs(filter) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
      return call(page(job), `${managementPaths.jobs}?${query.toString()}`);
    },
    orderJob: (serial, order) => call(job, managementPaths.terminalJobs(serial), order),
    orderJobs: (serials, order) =>
      call(bulkAnswer, accessPaths.bulk, { targets: { serials }, action: { type: 'job', job: order } }),
    cancelJob: (id) => call(job, managementPaths.jobCancellation(id), {}),
    cancelJobs: (selection) => call(cancelledJobs, managementPaths.jobCancellations, selection),
    retryJob: (id) => call(job, managementPaths.jobRetry(id), {}),
    approveJob: (id) => call(job, managementPaths.jobApproval(id), {}),
    askText: text,
    jobLog: (id) => text(managementPaths.jobLog(id)),
    reportTrouble: (serial, trouble) => call(terminalDetail, managementPaths.trouble(serial), trouble),
    recount: (serial) => call(terminalDetail, managementPaths.recount(serial), {}),
    revokeCertificates: (serials, dryRun) =>
      call(bulkAnswer, accessPaths.bulk, { targets: { serials }, action: { type: 'revoke' }, dryRun }),
    revokeCertificate: (serial) =>
      call(z.union([terminalDetail, heldRevocation]), managementPaths.certificate(serial), undefined, 'DELETE'),
    async reissueClaim(serial) {
      const answer = await call(registeredTerminal, managementPaths.claim(serial), {});
      return answer.ok ? ok(answer.value.claim) : answer;
    },
    lifecycle: (serial) => call(lifecycleView, managementPaths.lifecycle(serial)),
    ask: (schema, path, body, method) => call(schema, path, body, method),
    askAll: all,
    moveLifecycle: (serial, move) => call(lifecycleView, managementPaths.lifecycle(serial), move),
    alarms: (filter) => all(switchAlarmView, `${managementPaths.alarms}?${new URLSearchParams(filter).toString()}`),
    terminalAlarmSeen: (id) => call(z.object({}), managementPaths.alarmSeen(id), {}),
    terminalAlarmsSeen: (which) => call(alarmsSeen, managementPaths.alarmsSeen, which),
    async expiry(count) {
      const answer = await call(page(expiryEntry), `${managementPaths.expiry}?limit=${count}`);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    authorities: () => call(authoritiesView, managementPaths.authorities),
    requestAuthority: () => call(authorityRequest, managementPaths.authorityRequest, {}),
    installAuthority: (certificate) => call(authoritiesView, managementPaths.authorities, { certificate }),
    rotateAuthority: (kind) => call(authoritiesView, managementPaths.authorityRotation, { kind }),
    announceTrust: (document) => call(authoritiesView, managementPaths.authorityTrust, document),
    exportRoot: (id, receiver) => call(exportedRoot, managementPaths.authorityExport(id), { receiver }),
    removeRoot: (id, proof) => call(authoritiesView, managementPaths.authorityKey(id), { proof }),
    retireAuthority: (id) => call(authoritiesView, managementPaths.authority(id), undefined, 'DELETE'),
    async manufacturers() {
      const answer = await call(manufacturerList, managementPaths.manufacturers);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    addManufacturer: (maker) => call(manufacturer, managementPaths.manufacturers, maker),
    async removeManufacturer(model, fingerprint) {
      const answer = await call(
        manufacturerList,
        managementPaths.manufacturer(model, fingerprint),
        undefined,
        'DELETE',
      );
      return answer.ok ? ok(answer.value.items) : answer;
    },
    addNegative: (entry) => call(negativeAdded, managementPaths.negativeEntries, entry),
    removeNegative: (entry) => call(negativePublished, managementPaths.negativeRemovals, entry),
    importNegative: (file) => call(negativeImported, managementPaths.negativeImports, file, 'POST', importTimeoutMs),
    allowNegative: (card) => call(negativePublished, managementPaths.negativeExceptions, card, 'POST', importTimeoutMs),
    addNegativeRange: (range) =>
      call(negativePublished, managementPaths.negativeRanges, range, 'POST', importTimeoutMs),
    publishNegative: (how) => call(negativePublished, managementPaths.negativeVersions, how, 'POST', importTimeoutMs),
    negativeLists: () => call(negativeLists, managementPaths.negativeLists),
    setNegativeList: (wanted) => call(negativeListView, managementPaths.negativeLists, wanted, 'POST', importTimeoutMs),
    negative: (list) => call(negativeOverview, `${managementPaths.negative}?list=${list}`),
    negativeState: (list) => call(negativeState, `${managementPaths.negativeState}?list=${list}`),
    negativeDiff: (list, from, to) =>
      call(negativeDiff, `${managementPaths.negativeDiff}?list=${list}&from=${from}&to=${to}`),
    explainNegative: (card) => call(negativeExplanation, managementPaths.negativeExplanations, card),
    negativeAuthority: (list) => call(negativeAuthority, `${managementPaths.negativeAuthority}?list=${list}`),
    bringNegativeRoot: (root) => call(negativeAuthority, managementPaths.negativeRoots, root, 'POST', importTimeoutMs),
    countersignNegativeRoot: (root) => call(negativeRootDocument, managementPaths.negativeRootSignatures, root),
    signNegativeVersion: (signature) =>
      call(negativePublished, managementPaths.negativeSignatures, signature, 'POST', importTimeoutMs),
    proveNegative: (question) => call(negativeProof, managementPaths.negativeProofs, question),
    campaigns: () => all(campaignSummary, managementPaths.campaigns),
    campaign: (id) => call(campaignDetail, managementPaths.campaign(id)),
    createCampaign: (spec) => call(campaignDetail, managementPaths.campaigns, spec, 'POST', importTimeoutMs),
    dryRunCampaign: (spec) => call(campaignDryRun, managementPaths.campaignDryRuns, spec, 'POST', importTimeoutMs),
    actOnCampaign: (id, verb, reason) => call(campaignDetail, managementPaths.campaignActs(id), { verb, reason }),
    campaignExceptions: (id) => all(campaignException, managementPaths.campaignExceptions(id)),
    why: (asked) => call(whyAnswer, managementPaths.why, asked),
    layers: () => all(layerSummary, managementPaths.configurationLayers),
    layer: (ref, version) =>
      call(
        layerDocument,
        `${managementPaths.configuration}?${layerQuery(ref)}${version === undefined ? '' : `&version=${version}`}`,
      ),
    changeLayer: (ref, base, change, reason) =>
      call(changedLayer, written(managementPaths.configuration, ref, reason), change, 'PATCH', timeoutMs, over(base)),
    rollBackLayer: (ref, base, to, reason) =>
      call(
        changedLayer,
        written(managementPaths.configurationRollback, ref, reason),
        { to },
        'POST',
        timeoutMs,
        over(base),
      ),
    layerHistory: (ref) => all(layerVersion, `${managementPaths.configurationVersions}?${layerQuery(ref)}`),
    async layerDiff(ref, from, to) {
      const path = `${managementPaths.configurationDiff}?${layerQuery(ref)}&from=${from}&to=${to}`;
      const answer = await call(settingDifferences, path);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    drift: (reason) =>
      all(driftEntry, `${managementPaths.configurationDrift}${reason === undefined ? '' : `?reason=${reason}`}`),
    driftSummary: () => call(driftSummary, managementPaths.configurationDriftSummary),
    effective: (serial) => call(effectiveConfiguration, managementPaths.terminalConfiguration(serial)),
    async terminalDiff(serial, other) {
      const query = other === undefined ? '' : `?other=${encodeURIComponent(other)}`;
      const answer = await call(settingDifferences, managementPaths.terminalDifference(serial) + query);
      return answer.ok ? ok(answer.value.items) : answer;
    },
    live: (handlers) => openLive(access, authorization, handlers),
  };
}

const over = (base: number) => ({ 'if-match': `"${base}"` });
const written = (path: string, ref: LayerRef, reason: string): string =>
  `${path}?${layerQuery(ref)}&reason=${encodeURIComponent(reason)}`;

const eventNames = Object.keys(liveEvents) as LiveEventName[];

function openLive(access: Access, authorization: string, handlers: LiveHandlers): LiveStream {
  const wanted = eventNames.filter((name) => handlers.on[name]);
  const url = new URL(
    `${managementPaths.events}?topics=${wanted.filter((name) => name !== 'resync').join(',')}`,
    access.url,
  );
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization } }),
  });
  source.addEventListener('open', () => handlers.state?.('live'));
  source.addEventListener('error', () => handlers.state?.('offline'));
  for (const name of wanted) source.addEventListener(name, ({ data }) => handOver(name, data, handlers));
  return { close: () => source.close() };
}

/** Parses one event and hands it over; what a newer server says in another shape is passed over. */
function handOver<Name extends LiveEventName>(name: Name, text: unknown, handlers: LiveHandlers): void {
  if (typeof text !== 'string') return;
  const schema: z.ZodType = liveEvents[name];
  const parsed = parseJson(schema, text, 1_048_576);
  if (parsed.ok) handlers.on[name]?.(parsed.value as LiveData<Name>);
}

/** How many connections may have been kept of earlier calls and have ended since, one after the other. */
const keptMax = 4;

/**
 * Asks, and again where a connection that was kept from an earlier call turns out to have ended: a server ends idle ones after seconds, and whoever was busy meanwhile,
 * with the derivation of a key say, has not noticed. Only what may be asked twice: a GET, or what has a key of its own (`idempotency-key`).
 */
async function askAgain(url: URL, init: RequestInit & { readonly headers: Record<string, string> }): Promise<Response> {
  const mayRepeat = (init.method ?? 'GET') === 'GET' || 'idempotency-key' in init.headers;
  for (let left = mayRepeat ? keptMax : 0; ; left -= 1)
    try {
      return await fetch(url, init);
    } catch (error) {
      const { code } = ((error as { readonly cause?: unknown }).cause ?? {}) as { readonly code?: unknown };
      const wasKept = typeof code === 'string' && ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code);
      if (!wasKept || left === 0) throw error;
    }
}

/** A refused call as a fault; the code is the server's, which stands in the same table as ours. */
function faultOf(status: number, content: unknown): Fault {
  const parsed = problem.safeParse(content);
  if (status === 401) return { code: 'AUTH_REQUIRED' };
  if (!parsed.success) return { code: 'ANSWER_INVALID', facts: { status } };
  const { code, title, field, facts = {} } = parsed.data;
  return { code: code as ErrorCode, facts: { status, title, ...facts }, ...(field === undefined ? {} : { field }) };
}
