import { batch, computed, signal } from '@preact/signals';
import {
  job as jobSchema,
  liveEvents,
  managementPaths,
  overview as overviewSchema,
  page,
  saleLine,
  terminalSummary,
  type Job,
  type LiveEvent,
  type LiveEventName,
  type Overview,
  type SaleLine,
  type TerminalSummary,
  type TimelineEntry,
} from '@tsunagu/protocols/fleet';
import { ApiError, ask } from './api.ts';
import { askWhoIAm } from './me.ts';

/** How true the figures on the screen are. */
export type Liveness = 'connecting' | 'live' | 'stale' | 'offline';

const salesMax = 200;
const staleAfterMs = 12_000;
const drawEveryMs = 250;
const overviewEveryMs = 5_000;

export const terminals = signal<ReadonlyMap<string, TerminalSummary>>(new Map());
export const sales = signal<readonly SaleLine[]>([]);
export const jobs = signal<ReadonlyMap<string, Job>>(new Map());
export const overview = signal<Overview | undefined>(undefined);
export const lastTimeline = signal<(TimelineEntry & { serial: string }) | undefined>(undefined);
export const isLoaded = signal(false);
export const isSignedIn = signal<boolean | undefined>(undefined);
/** Time of day, a tick a second. */
export const now = signal(Date.now());
/** When something was last heard from the server. */
export const heardAt = signal(0);
const isOpen = signal(false);
const retryAt = signal(0);

export const liveness = computed<Liveness>(() => {
  if (!isOpen.value) return heardAt.value === 0 && retryAt.value === 0 ? 'connecting' : 'offline';
  return now.value - heardAt.value > staleAfterMs ? 'stale' : 'live';
});
export const silentSeconds = computed(() => Math.max(0, Math.round((now.value - heardAt.value) / 1_000)));
export const retrySeconds = computed(() => Math.max(0, Math.ceil((retryAt.value - now.value) / 1_000)));

let source: EventSource | undefined;
let waiting: LiveEvent[] = [];
let isLoading = false;
let failures = 0;
let isOverviewDue = false;
let overviewAskedAt = 0;

setInterval(() => {
  now.value = Date.now();
  if (retryAt.value !== 0 && now.value >= retryAt.value) connect();
  if (isOverviewDue && now.value - overviewAskedAt > overviewEveryMs) void askOverview();
}, 1_000);
setInterval(drain, drawEveryMs);

/** Opens the page's one stream; called again, it does nothing. */
export function connect(): void {
  if (source && source.readyState !== EventSource.CLOSED) return;
  retryAt.value = 0;
  const stream = new EventSource(managementPaths.events);
  source = stream;
  stream.addEventListener('open', () => {
    failures = 0;
    isOpen.value = true;
    heardAt.value = Date.now();
    if (!isLoaded.value) void load();
  });
  stream.addEventListener('error', () => {
    isOpen.value = false;
    // The browser tries again by itself unless the server refused; then it is ours to find out why.
    if (stream.readyState === EventSource.CLOSED) void lookAgain();
  });
  stream.addEventListener('beat', () => {
    heardAt.value = Date.now();
  });
  for (const name of liveNames)
    stream.addEventListener(name, (message) => {
      heardAt.value = Date.now();
      if (name === 'resync') return void load();
      const event = parseEvent(name, message.data);
      if (event) waiting.push(event);
    });
}

const liveNames: readonly LiveEventName[] = ['terminal', 'sale', 'job', 'overview', 'timeline', 'resync'];

function parseEvent(name: LiveEventName, text: string): LiveEvent | undefined {
  const value: unknown = JSON.parse(text);
  switch (name) {
    case 'terminal':
      return { name, data: liveEvents.terminal.parse(value) };
    case 'sale':
      return { name, data: liveEvents.sale.parse(value) };
    case 'job':
      return { name, data: liveEvents.job.parse(value) };
    case 'overview':
      return { name, data: liveEvents.overview.parse(value) };
    case 'timeline':
      return { name, data: liveEvents.timeline.parse(value) };
    case 'resync':
      return undefined;
  }
}

async function lookAgain(): Promise<void> {
  failures += 1;
  try {
    await ask(overviewSchema, managementPaths.overview);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      isSignedIn.value = false;
      return;
    }
  }
  isLoaded.value = false;
  retryAt.value = Date.now() + Math.min(30_000, 1_000 * 2 ** Math.min(failures, 5));
}

/** Fetches everything anew. What the stream says meanwhile waits, and is applied on top. */
async function load(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  try {
    const [glance, feed, all] = await Promise.all([
      ask(overviewSchema, managementPaths.overview),
      ask(page(saleLine), `${managementPaths.sales}?limit=${salesMax}`),
      everyTerminal(),
      askWhoIAm(),
    ]);
    batch(() => {
      overview.value = glance;
      sales.value = feed.items;
      terminals.value = all;
      isLoaded.value = true;
      isSignedIn.value = true;
    });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) isSignedIn.value = false;
    else {
      source?.close();
      isOpen.value = false;
      failures += 1;
      retryAt.value = Date.now() + 3_000;
    }
  } finally {
    isLoading = false;
  }
}

async function everyTerminal(): Promise<ReadonlyMap<string, TerminalSummary>> {
  const all = new Map<string, TerminalSummary>();
  let cursor: string | null = '';
  while (cursor !== null) {
    const part: { items: TerminalSummary[]; next: string | null } = await ask(
      page(terminalSummary),
      `${managementPaths.terminals}?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    for (const terminal of part.items) all.set(terminal.serial, terminal);
    cursor = part.next;
  }
  return all;
}

async function askOverview(): Promise<void> {
  isOverviewDue = false;
  overviewAskedAt = Date.now();
  try {
    overview.value = await ask(overviewSchema, managementPaths.overview);
  } catch {
    isOverviewDue = true; // the stream's state tells the person; this only comes again
  }
}

/** Applies what arrived since the last time, in one go: at most four drawings a second, however much comes. */
function drain(): void {
  if (waiting.length === 0 || isLoading || !isLoaded.value) return;
  const events = waiting;
  waiting = [];
  isOverviewDue = true;
  batch(() => {
    const nextTerminals = new Map(terminals.value);
    const nextJobs = new Map(jobs.value);
    const fresh = new Map<string, SaleLine>();
    for (const event of events) {
      if (event.name === 'terminal') nextTerminals.set(event.data.serial, event.data);
      else if (event.name === 'sale') fresh.set(event.data.id, event.data);
      else if (event.name === 'job') nextJobs.set(event.data.id, event.data);
      else if (event.name === 'overview') overview.value = event.data;
      else if (event.name === 'timeline') lastTimeline.value = event.data;
    }
    if (events.some(({ name }) => name === 'terminal')) terminals.value = nextTerminals;
    for (const old of [...nextJobs.keys()].slice(0, -50)) nextJobs.delete(old);
    if (events.some(({ name }) => name === 'job')) jobs.value = nextJobs;
    if (fresh.size > 0) {
      const changed = sales.value.map((sale) => fresh.get(sale.id) ?? sale);
      const known = new Set(sales.value.map(({ id }) => id));
      const added = [...fresh.values()].filter(({ id }) => !known.has(id)).reverse();
      sales.value = [...added, ...changed].slice(0, salesMax);
    }
  });
}

/** Keeps a job that was just asked for, until the stream tells more of it. */
export function follow(job: Job): void {
  if (!jobs.value.has(job.id)) jobs.value = new Map(jobs.value).set(job.id, jobSchema.parse(job));
}
