import { z } from 'zod';
import {
  type Asked,
  evidence,
  evidenceNames,
  type Standing,
  freshStanding,
  standingAfter,
  type Evidence,
} from './evidence.ts';
import { reasonText } from './reason.ts';

/** What a state can permit a terminal: to get its first certificate, the next one, a connection, sales, keys. */
export const lifecyclePermits = ['enrol', 'renew', 'connect', 'pay', 'beKeyed'] as const;
export type LifecyclePermit = (typeof lifecyclePermits)[number];

interface State {
  readonly permits: readonly LifecyclePermit[];
  /** A terminal may be put on the inventory in this state. */
  readonly begins?: true;
}

/**
 * The states of a terminal's life and what each permits. `swap` and `returned` connect still, so that what the terminal owes (advices,
 * reversals) comes in; only `deployed` sells. What is on its way, away or under suspicion does nothing.
 */
export const lifecycle = {
  ordered: { permits: [], begins: true },
  warehouse: { permits: ['enrol', 'renew', 'connect', 'beKeyed'], begins: true },
  keyed: { permits: ['renew', 'connect', 'beKeyed'] },
  'in-transit': { permits: [] },
  deployed: { permits: ['enrol', 'renew', 'connect', 'pay', 'beKeyed'], begins: true },
  swap: { permits: ['renew', 'connect'] },
  returned: { permits: ['renew', 'connect'] },
  inspected: { permits: ['renew', 'connect'] },
  refurbish: { permits: ['renew', 'connect'] },
  wipe: { permits: ['renew', 'connect'] },
  redeploy: { permits: ['enrol', 'renew', 'connect', 'beKeyed'] },
  scrap: { permits: [] },
  quarantined: { permits: [] },
  lost: { permits: [] },
} as const satisfies Record<string, State>;

export type LifecycleState = keyof typeof lifecycle;

/** An edge of the graph: what it asks for, and what happens to the bag. */
export interface LifecycleEdge extends Asked {
  readonly from: LifecycleState;
  readonly to: LifecycleState;
}

/** What is looked at whenever a case was out of sight. */
const looked = ['photo', 'seals', 'connections'] as const;

/** The way of a terminal; `quarantined` and `lost` are reached from every state (`scrap` leads to `quarantined` alone): see `lifecycleEdges`. */
const way: readonly LifecycleEdge[] = [
  { from: 'ordered', to: 'warehouse', evidence: ['bagNumber', ...looked], bag: 'opened' },
  { from: 'warehouse', to: 'keyed', evidence: ['keyCheckValues', 'secondPerson'] },
  { from: 'keyed', to: 'in-transit', evidence: ['bagNumber', 'seals'], bag: 'closed' },
  { from: 'in-transit', to: 'deployed', evidence: ['bagNumber', ...looked], bag: 'opened' },
  { from: 'in-transit', to: 'returned', evidence: ['bagNumber'], bag: 'opened' },
  { from: 'deployed', to: 'swap', evidence: [] },
  { from: 'swap', to: 'deployed', evidence: [] },
  { from: 'deployed', to: 'returned', evidence: ['nothingOwed', 'bagNumber'], bag: 'closed' },
  { from: 'swap', to: 'returned', evidence: ['nothingOwed', 'bagNumber'], bag: 'closed' },
  { from: 'returned', to: 'inspected', evidence: ['bagNumber', ...looked], bag: 'opened' },
  { from: 'inspected', to: 'refurbish', evidence: [] },
  { from: 'inspected', to: 'wipe', evidence: [] },
  { from: 'refurbish', to: 'wipe', evidence: [] },
  { from: 'refurbish', to: 'redeploy', evidence: ['wipeProof', 'tests', 'photo', 'seals'], bag: 'closed' },
  { from: 'refurbish', to: 'scrap', evidence: ['wipeProof', 'nothingOwed', 'recycling', 'secondPerson'], ends: true },
  { from: 'wipe', to: 'refurbish', evidence: [] },
  { from: 'wipe', to: 'redeploy', evidence: ['wipeProof', 'tests'] },
  { from: 'wipe', to: 'scrap', evidence: ['wipeProof', 'nothingOwed', 'recycling', 'secondPerson'], ends: true },
  { from: 'redeploy', to: 'keyed', evidence: ['keyCheckValues', 'secondPerson'] },
  // A case that truly changed goes to the workshop, with the reason, or it ends; into a shop goes only one that is as it was.
  { from: 'quarantined', to: 'inspected', evidence: [...looked, 'secondPerson'], settles: true },
  { from: 'quarantined', to: 'deployed', evidence: [...looked, 'secondPerson'] },
  {
    from: 'quarantined',
    to: 'scrap',
    evidence: ['photo', 'wipeProof', 'nothingOwed', 'recycling', 'secondPerson'],
    ends: true,
  },
  // It is dead by its papers, and somebody has it, or one like it.
  { from: 'scrap', to: 'quarantined', evidence: [] },
  { from: 'lost', to: 'returned', evidence: ['bagNumber', 'photo'], bag: 'closed' },
];

const isState = (text: string): text is LifecycleState => Object.hasOwn(lifecycle, text);
/** Every state, in the order of the table. */
export const lifecycleStates: readonly LifecycleState[] = Object.keys(lifecycle).filter(isState);

/** All edges. One that is not here does not exist, for nobody. */
export const lifecycleEdges: readonly LifecycleEdge[] = [
  ...way,
  ...(['quarantined', 'lost'] as const).flatMap((to) =>
    lifecycleStates
      .filter((from) => from !== to && from !== 'scrap')
      .map((from): LifecycleEdge => ({ from, to, evidence: [] })),
  ),
];

/** Whether a terminal in this state may do this. */
export const permits = (state: LifecycleState, what: LifecyclePermit): boolean => {
  const { permits: list }: State = lifecycle[state];
  return list.includes(what);
};

/** Whether a terminal in this state can be on the manifest of an injection run: it may be keyed, and is not in a shop, where it is keyed by its own jobs. PCI PIN 3.1, 30. */
export const mayJoinRun = (state: LifecycleState): boolean => permits(state, 'beKeyed') && !permits(state, 'pay');

/** The edge between two states; undefined where there is none. */
export const edgeBetween = (from: LifecycleState, to: LifecycleState): LifecycleEdge | undefined =>
  lifecycleEdges.find((edge) => edge.from === from && edge.to === to);

/** What is known of a terminal that has taken these steps, oldest first. */
export const standingOf = (
  steps: readonly { readonly from: LifecycleState | null; readonly to: LifecycleState; readonly evidence: Evidence }[],
): Standing =>
  steps.reduce<Standing>(
    (standing, { from, to, evidence: given }) =>
      standingAfter(standing, from === null ? undefined : edgeBetween(from, to)?.bag, given),
    freshStanding,
  );

/** The states that one step leads to. */
export const nextStates = (state: LifecycleState): readonly LifecycleState[] =>
  lifecycleEdges.filter(({ from }) => from === state).map(({ to }) => to);

export const lifecycleState = z.enum(lifecycleStates).describe('Where a terminal is in its life.');

const beginnings = lifecycleStates.filter((state) => {
  const { begins }: State = lifecycle[state];
  return begins === true;
});
/** The states in which a terminal may be put on the inventory. */
export const lifecycleBeginning = z.enum(beginnings).describe('Where its life begins on this inventory.');

export const moveLifecycle = z
  .object({
    to: lifecycleState.describe('The state that it moves to: one edge of the graph.'),
    reason: reasonText().describe('Why, in words of whoever moves it.'),
    from: lifecycleState.optional().describe('The state that it is believed to be in: refused when it is in another.'),
    evidence: evidence.default({}),
    dryRun: z.boolean().default(false).describe('Say whether it could be taken, and take nothing.'),
  })
  .describe(
    'Moves a terminal along an edge of its life. An edge that asks for a second person waits until one approves.',
  );
export type MoveLifecycle = z.input<typeof moveLifecycle>;

const time = z.iso.datetime().describe('RFC 3339, UTC.');
export const lifecycleMove = z
  .object({
    id: z.number().int().describe('Rises with time.'),
    at: time,
    from: lifecycleState.nullable().describe('Where it was; null at the beginning.'),
    to: lifecycleState.describe('Where it went.'),
    by: z.string().describe('Who moved it.'),
    reason: z.string().describe('Why.'),
    evidence: evidence.describe('What was handed in.'),
    approvedBy: z.string().nullable().describe('The second person, where one was asked for.'),
  })
  .describe('A step of a life.');
export type LifecycleMove = z.infer<typeof lifecycleMove>;

export const lifecycleView = z
  .object({
    state: lifecycleState,
    since: time,
    permits: z.array(z.enum(lifecyclePermits)).describe('What it may do in this state.'),
    next: z
      .array(
        z.object({
          to: lifecycleState,
          evidence: z.array(z.enum(evidenceNames)).describe('What the edge asks for.'),
        }),
      )
      .describe('Where it can go from here.'),
    standing: z
      .object({
        bag: z.string().nullable().describe('The closed bag that it is in.'),
        seals: z.array(z.string()).nullable().describe('Its seals as they were last read.'),
        connections: z.number().int().nullable().describe('Its connections as they were last counted.'),
      })
      .describe('What is known of it from the evidence so far.'),
    pending: z
      .object({
        approval: z.string().describe('The request that a second person decides on.'),
        to: lifecycleState,
        by: z.string().describe('Who asked.'),
      })
      .nullable()
      .describe('The step that waits for a second person.'),
    history: z.array(lifecycleMove).describe('Its last hundred steps, newest first.'),
  })
  .describe('The life of a terminal.');
export type LifecycleView = z.infer<typeof lifecycleView>;
