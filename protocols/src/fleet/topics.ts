import { z } from 'zod';
import { jobIdSchema, type Serial, serialSchema, type TenantId, tenantSchema } from './identity.ts';
import type { MessageName } from './messages.ts';

/** What a terminal reports on `up/evt/{event}`, and the message that tells it. */
export const eventMessages = {
  sale: 'sale',
  tamper: 'alarm',
  reader: 'alarm',
  battery: 'alarm',
  paper: 'alarm',
  alarm: 'alarm',
} as const satisfies Record<string, MessageName>;
/** A kind of event: the last level of its topic. */
export type EventKind = keyof typeof eventMessages;

const isEvent = (text: string): text is EventKind => Object.hasOwn(eventMessages, text);

/** The variable levels of a topic. */
export const topicParameters = {
  tenant: tenantSchema,
  serial: serialSchema,
  job: jobIdSchema,
  event: z
    .string()
    .refine(isEvent)
    .meta({ enum: Object.keys(eventMessages), description: 'What happened.' }),
  corr: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .describe('Correlation id that the asking side chose; `corr` of its envelope.'),
  list: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/)
    .describe('Name of a negative list.'),
} as const;
type ParameterName = keyof typeof topicParameters;

/** A row of the topic table. */
interface TopicRow {
  /** Who publishes. */
  readonly from: 'terminal' | 'server';
  /** The topic's name; `{name}` is a level of `topicParameters`. */
  readonly address: `tms/v1/{tenant}/${string}`;
  readonly carries: readonly MessageName[];
  /** Whether the broker keeps the last one for whoever subscribes later. */
  readonly isRetained: boolean;
  /** Whether it is answered on the topic `response`. */
  readonly isAnswered: boolean;
  readonly says: string;
}

const up = { from: 'terminal', isRetained: false, isAnswered: false } as const;
const down = { from: 'server', isRetained: false, isAnswered: false } as const;

/** Every topic of W1. All are QoS 1: what was acknowledged is at the other side (MQTT 3.1.1, 4.3.2). */
export const topics = {
  hello: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/hello',
    carries: ['hello'],
    says: 'Birth: after each connection, when something changed, and as heartbeat.',
  },
  presence: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/presence',
    carries: ['presence'],
    isRetained: true,
    says: 'Whether the terminal is there; also its last will.',
  },
  twin: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/twin',
    carries: ['twin'],
    says: 'Which configuration is in force.',
  },
  job: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/job/{job}',
    carries: ['job'],
    isAnswered: true,
    says: 'How far a job is; repeated until it is acknowledged.',
  },
  event: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/evt/{event}',
    carries: ['sale', 'alarm'],
    says: 'Something happened at the terminal: `sale` on `evt/sale`, `alarm` on every other.',
  },
  request: {
    ...up,
    address: 'tms/v1/{tenant}/{serial}/up/req/{corr}',
    carries: ['request'],
    isAnswered: true,
    says: 'A pull: the terminal asks for its configuration, its next job or the time.',
  },
  notify: {
    ...down,
    address: 'tms/v1/{tenant}/{serial}/dn/notify',
    carries: ['notify'],
    says: 'There is work; the terminal pulls it.',
  },
  response: {
    ...down,
    address: 'tms/v1/{tenant}/{serial}/dn/res/{corr}',
    carries: ['response'],
    says: 'The answer to a pull or a job report.',
  },
  negativeHead: {
    ...down,
    address: 'tms/v1/{tenant}/bc/neg/{list}',
    carries: [],
    isRetained: true,
    says: 'The signed head of a negative list and its overlay, as bytes (protocols/src/negative/authority), for every terminal of the tenant.',
  },
} as const satisfies Record<string, TopicRow>;
/** Name of a row of the topic table. */
export type TopicName = keyof typeof topics;

type LevelsOf<Address extends string> = Address extends `${string}{${infer Name}}${infer Rest}`
  ? Name | LevelsOf<Rest>
  : never;
type Topic<Name extends TopicName> = { readonly kind: Name } & {
  readonly [Level in Exclude<LevelsOf<(typeof topics)[Name]['address']>, 'tenant' | 'serial'> &
    ParameterName]: z.output<(typeof topicParameters)[Level]>;
};
type UpName = { [Name in TopicName]: (typeof topics)[Name]['from'] extends 'terminal' ? Name : never }[TopicName];

/** A topic a terminal publishes on. */
export type UpTopic = { [Name in UpName]: Topic<Name> }[UpName];

/** A topic on which the server speaks to one terminal. */
export type DownTopic = Topic<'notify'> | Topic<'response'>;

/** The levels of an address, with the variable ones apart. */
const levelsOf = (address: string): readonly { readonly text: string; readonly name: string | undefined }[] =>
  address.split('/').map((text) => ({ text, name: /^\{(\w+)\}$/.exec(text)?.[1] }));

const addressed = Object.fromEntries(
  Object.entries(topics).map(([kind, { address }]) => [kind, levelsOf(address)]),
) as Record<TopicName, ReturnType<typeof levelsOf>>;

const write = (kind: TopicName, values: Readonly<Record<string, string>>): string =>
  addressed[kind].map(({ text, name }) => (name === undefined ? text : (values[name] ?? text))).join('/');

/** Everything of one terminal: `tms/v1/{tenant}/{serial}`. */
export const subtree = (tenant: TenantId, serial: Serial): string =>
  write('notify', { tenant, serial }).replace(/\/dn\/notify$/, '');

/** The full name of a topic that a terminal publishes on. */
export const upTopic = (tenant: TenantId, serial: Serial, topic: UpTopic): string =>
  write(topic.kind, { ...topic, tenant, serial });

/** The full name of a topic that the server publishes on. */
export const downTopic = (tenant: TenantId, serial: Serial, topic: DownTopic): string =>
  write(topic.kind, { ...topic, tenant, serial });

/** What a terminal subscribes to: its own downlink and the heads of its negative lists. */
export const terminalFilters = (tenant: TenantId, serial: Serial): readonly string[] => [
  `${subtree(tenant, serial)}/dn/#`,
  negativeHeadTopic(tenant, '+'),
];

/** Where the head of a negative list and its overlay are retained, as bytes: two signed documents. `+` names all lists in a subscription. */
export const negativeHeadTopic = (tenant: TenantId, list: string): string => write('negativeHead', { tenant, list });

/** The message that belongs on a topic. */
export const messageOn = (topic: UpTopic): MessageName =>
  topic.kind === 'event' ? eventMessages[topic.event] : topics[topic.kind].carries[0];

const isParameter = (name: string): name is ParameterName => Object.hasOwn(topicParameters, name);

/** The values of a name's variable levels when the name is of that kind. */
function read(kind: TopicName, levels: readonly string[]): Record<string, string> | undefined {
  const pattern = addressed[kind];
  if (pattern.length !== levels.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, { text, name }] of pattern.entries()) {
    const level = levels[index] ?? '';
    if (name === undefined ? level !== text : !isParameter(name) || !topicParameters[name].safeParse(level).success)
      return undefined;
    if (name !== undefined) values[name] = level;
  }
  return values;
}

const kindsFrom = (from: TopicRow['from']): readonly TopicName[] =>
  (Object.keys(topics) as TopicName[]).filter((kind) => topics[kind].from === from);
const upKinds = kindsFrom('terminal');

/** Reads a topic on which something came up; undefined when it is not one of ours. */
export function parseUpTopic(name: string): { tenant: TenantId; serial: Serial; topic: UpTopic } | undefined {
  const levels = name.split('/');
  for (const kind of upKinds) {
    const values = read(kind, levels);
    if (!values) continue;
    const { tenant, serial, ...rest } = values;
    // Each level was read by its own schema.
    return { tenant: tenant as TenantId, serial: serial as Serial, topic: { kind, ...rest } as UpTopic };
  }
  return undefined;
}

/** Reads a topic below a terminal's own `dn/`; undefined when it is another one. */
export function parseDownTopic(tenant: TenantId, serial: Serial, name: string): DownTopic | undefined {
  const levels = name.split('/');
  for (const kind of ['notify', 'response'] as const) {
    const values = read(kind, levels);
    if (values?.['tenant'] !== tenant || values['serial'] !== serial) continue;
    return kind === 'notify' ? { kind } : { kind, corr: values['corr'] ?? '' };
  }
  return undefined;
}
