import { jobIdSchema, type JobId, type Serial, serialSchema, type TenantId, tenantSchema } from './identity.ts';

/** What a terminal reports in `up/evt/{kind}`. */
export const eventKinds = ['sale', 'tamper', 'reader', 'battery', 'paper', 'alarm'] as const;
export type EventKind = (typeof eventKinds)[number];

/** A topic a terminal publishes on. */
export type UpTopic =
  | { readonly kind: 'hello' | 'presence' | 'twin' }
  | { readonly kind: 'job'; readonly job: JobId }
  | { readonly kind: 'event'; readonly event: EventKind }
  | { readonly kind: 'request'; readonly corr: string };

/** A topic the server publishes on. */
export type DownTopic = { readonly kind: 'notify' } | { readonly kind: 'response'; readonly corr: string };

const prefix = 'tms/v1';

/** Everything of one terminal: `tms/v1/{tenant}/{serial}`. */
export const subtree = (tenant: TenantId, serial: Serial): string => `${prefix}/${tenant}/${serial}`;

/** The full name of a topic that a terminal publishes on. */
export function upTopic(tenant: TenantId, serial: Serial, topic: UpTopic): string {
  const base = `${subtree(tenant, serial)}/up`;
  switch (topic.kind) {
    case 'job':
      return `${base}/job/${topic.job}`;
    case 'event':
      return `${base}/evt/${topic.event}`;
    case 'request':
      return `${base}/req/${topic.corr}`;
    default:
      return `${base}/${topic.kind}`;
  }
}

/** The full name of a topic that the server publishes on. */
export const downTopic = (tenant: TenantId, serial: Serial, topic: DownTopic): string =>
  `${subtree(tenant, serial)}/dn/${topic.kind === 'notify' ? 'notify' : `res/${topic.corr}`}`;

/** What a terminal subscribes to: its own downlink and the heads of its negative lists. */
export const terminalFilters = (tenant: TenantId, serial: Serial): readonly string[] => [
  `${subtree(tenant, serial)}/dn/#`,
  negativeHeadTopic(tenant, '+'),
];

/** Where the head of a negative list and its overlay are retained, as bytes: two signed documents. `+` names all lists in a subscription. */
export const negativeHeadTopic = (tenant: TenantId, list: string): string => `${prefix}/${tenant}/bc/neg/${list}`;

const corrPattern = /^[A-Za-z0-9-]{1,64}$/;

/** Reads a topic on which something came up; undefined when it is not one of ours. */
export function parseUpTopic(name: string): { tenant: TenantId; serial: Serial; topic: UpTopic } | undefined {
  const [tms, version, tenantText, serialText, direction, kind, last, ...rest] = name.split('/');
  const tenant = tenantSchema.safeParse(tenantText);
  const serial = serialSchema.safeParse(serialText);
  if (`${tms}/${version}` !== prefix || direction !== 'up' || rest.length || !tenant.success || !serial.success)
    return undefined;
  const topic = parseUpKind(kind, last);
  return topic && { tenant: tenant.data, serial: serial.data, topic };
}

function parseUpKind(kind: string | undefined, last: string | undefined): UpTopic | undefined {
  if (kind === 'hello' || kind === 'presence' || kind === 'twin') return last === undefined ? { kind } : undefined;
  if (kind === 'req') return last !== undefined && corrPattern.test(last) ? { kind: 'request', corr: last } : undefined;
  if (kind === 'evt') {
    const event = eventKinds.find((known) => known === last);
    return event && { kind: 'event', event };
  }
  const job = jobIdSchema.safeParse(last);
  return kind === 'job' && job.success ? { kind: 'job', job: job.data } : undefined;
}

/** Reads a topic below a terminal's own `dn/`; undefined when it is another one. */
export function parseDownTopic(tenant: TenantId, serial: Serial, name: string): DownTopic | undefined {
  const base = `${subtree(tenant, serial)}/dn/`;
  if (!name.startsWith(base)) return undefined;
  const rest = name.slice(base.length);
  if (rest === 'notify') return { kind: 'notify' };
  const corr = rest.startsWith('res/') ? rest.slice(4) : '';
  return corrPattern.test(corr) ? { kind: 'response', corr } : undefined;
}
