import { z } from 'zod';

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

/** What an edge will ask for. The table names it; what carries it comes with custody, and until then the reason is all that is asked. */
export const lifecycleEvidence = [
  'secondPerson',
  'bagNumber',
  'photo',
  'keyCheckValues',
  'wipeProof',
  'nothingOwed',
] as const;
export type LifecycleEvidence = (typeof lifecycleEvidence)[number];

interface Edge {
  readonly from: LifecycleState;
  readonly to: LifecycleState;
  readonly evidence: readonly LifecycleEvidence[];
}

/** The way of a terminal; `quarantined` and `lost` are reached from every state but `scrap`: see `lifecycleEdges`. */
const way: readonly Edge[] = [
  { from: 'ordered', to: 'warehouse', evidence: ['bagNumber', 'photo'] },
  { from: 'warehouse', to: 'keyed', evidence: ['secondPerson', 'keyCheckValues'] },
  { from: 'keyed', to: 'in-transit', evidence: ['bagNumber'] },
  { from: 'in-transit', to: 'deployed', evidence: ['bagNumber', 'photo'] },
  { from: 'in-transit', to: 'returned', evidence: ['bagNumber'] },
  { from: 'deployed', to: 'swap', evidence: [] },
  { from: 'deployed', to: 'returned', evidence: ['bagNumber', 'nothingOwed'] },
  { from: 'swap', to: 'returned', evidence: ['bagNumber', 'nothingOwed'] },
  { from: 'returned', to: 'inspected', evidence: ['bagNumber', 'photo'] },
  { from: 'inspected', to: 'refurbish', evidence: [] },
  { from: 'inspected', to: 'wipe', evidence: [] },
  { from: 'refurbish', to: 'redeploy', evidence: ['photo'] },
  { from: 'refurbish', to: 'scrap', evidence: ['secondPerson', 'wipeProof', 'nothingOwed'] },
  { from: 'wipe', to: 'redeploy', evidence: ['wipeProof'] },
  { from: 'wipe', to: 'scrap', evidence: ['secondPerson', 'wipeProof', 'nothingOwed'] },
  { from: 'redeploy', to: 'keyed', evidence: ['secondPerson', 'keyCheckValues'] },
  { from: 'quarantined', to: 'inspected', evidence: ['secondPerson', 'photo'] },
  { from: 'quarantined', to: 'deployed', evidence: ['secondPerson', 'photo'] },
  { from: 'lost', to: 'returned', evidence: ['bagNumber', 'photo'] },
];

const isState = (text: string): text is LifecycleState => Object.hasOwn(lifecycle, text);
/** Every state, in the order of the table. */
export const lifecycleStates: readonly LifecycleState[] = Object.keys(lifecycle).filter(isState);

/** All edges. One that is not here does not exist, for nobody. */
export const lifecycleEdges: readonly Edge[] = [
  ...way,
  ...(['quarantined', 'lost'] as const).flatMap((to) =>
    lifecycleStates.filter((from) => from !== to && from !== 'scrap').map((from): Edge => ({ from, to, evidence: [] })),
  ),
];

/** Whether a terminal in this state may do this. */
export const permits = (state: LifecycleState, what: LifecyclePermit): boolean => {
  const { permits: list }: State = lifecycle[state];
  return list.includes(what);
};

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
    reason: z.string().min(1).max(200).describe('Why, in words of whoever moves it.'),
    from: lifecycleState.optional().describe('The state that it is believed to be in: refused when it is in another.'),
  })
  .describe('Moves a terminal along an edge of its life.');
export type MoveLifecycle = z.infer<typeof moveLifecycle>;

const time = z.iso.datetime().describe('RFC 3339, UTC.');
export const lifecycleMove = z
  .object({
    id: z.number().int().describe('Rises with time.'),
    at: time,
    from: lifecycleState.nullable().describe('Where it was; null at the beginning.'),
    to: lifecycleState.describe('Where it went.'),
    by: z.string().describe('Who moved it.'),
    reason: z.string().describe('Why.'),
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
          evidence: z.array(z.enum(lifecycleEvidence)).describe('What the edge will ask for.'),
        }),
      )
      .describe('Where it can go from here.'),
    history: z.array(lifecycleMove).describe('Its last hundred steps, newest first.'),
  })
  .describe('The life of a terminal.');
export type LifecycleView = z.infer<typeof lifecycleView>;
