import { chunkBytes } from '@tsunagu/protocols/software';
import { z } from 'zod';

/** Where a terminal keeps a software: one runs, the other is free for the next. */
export const slotName = z.enum(['A', 'B']);
export type SlotName = z.infer<typeof slotName>;

const slotContent = z.object({
  version: z.string(),
  /** SHA-256 of the image in hex; empty for the software that came from the factory. */
  digest: z.string(),
  size: z.number().int(),
  counter: z.number().int(),
  /** Length of the files that hold it. */
  chunkLength: z.number().int().default(262_144),
});
/** What lies in a slot. */
export type SlotContent = z.infer<typeof slotContent>;

const order = z.object({ job: z.string(), attempt: z.number().int() });
/** The order that an image came by. */
export type SlotOrder = z.infer<typeof order>;

/**
 * The two slots of a terminal.
 *
 * | state | meaning | power loss |
 * |---|---|---|
 * | no trial | `active` runs; the other slot may hold anything | `active` runs again |
 * | trial, not booted | the new image is whole and verified; `active` runs | the trial boots |
 * | trial, booted | the new image runs and has to prove itself | it did not prove itself: `active` runs again, the order failed |
 */
export const slotState = z.object({
  active: slotName,
  slots: z.object({ A: slotContent.nullable(), B: slotContent.nullable() }),
  /** Below it no image is taken. It rises when an image has proven itself, so that a failed one can be replaced by the old. */
  counterMin: z.number().int(),
  trial: order.extend({ isBooted: z.boolean(), proofTimeoutMs: z.number().int() }).nullable(),
  /** The last order whose image did not prove itself: the answer when it comes again. */
  reverted: order.extend({ why: z.enum(['unproven', 'ended']).default('unproven') }).nullable(),
});
export type SlotState = z.infer<typeof slotState>;

/** As it leaves the factory. */
export const factoryState = (version: string): SlotState => ({
  active: 'A',
  slots: { A: { version, digest: '', size: 0, counter: 1, chunkLength: chunkBytes }, B: null },
  counterMin: 1,
  trial: null,
  reverted: null,
});

const other = (slot: SlotName): SlotName => (slot === 'A' ? 'B' : 'A');

/** The slot that the next image goes to. */
export const spareSlot = ({ active }: SlotState): SlotName => other(active);

/** The slot whose software runs after `bootSlots`. */
export const runningSlot = (state: SlotState): SlotName =>
  state.trial?.isBooted === true ? spareSlot(state) : state.active;

/** An image lies in the spare slot, whole and verified: the next boot tries it. */
export const stageImage = (
  state: SlotState,
  content: SlotContent,
  { job, attempt }: SlotOrder,
  proofTimeoutMs: number,
): SlotState => ({
  ...state,
  slots: { ...state.slots, [spareSlot(state)]: content },
  trial: { job, attempt, isBooted: false, proofTimeoutMs },
  reverted: null,
});

/** The terminal boots. A trial has one boot to prove itself: whatever ended it, the second one runs the old software. */
export function bootSlots(state: SlotState): SlotState {
  const { trial } = state;
  if (trial === null) return state;
  return trial.isBooted ? revertTrial(state, 'ended') : { ...state, trial: { ...trial, isBooted: true } };
}

/** The running trial reached its server: it is what runs from now on, and nothing older than it is taken any more. */
export function commitTrial(state: SlotState): SlotState {
  if (state.trial?.isBooted !== true) return state;
  const active = spareSlot(state);
  return {
    ...state,
    active,
    counterMin: Math.max(state.counterMin, state.slots[active]?.counter ?? 0),
    trial: null,
  };
}

/** Why an old software runs again: the server was not reached in time, or the trial ended before (it hung, it fell over, power failed). */
export type RevertReason = NonNullable<SlotState['reverted']>['why'];

/** The trial did not prove itself. Its slot is empty again: what did not work once is not to be kept. */
export function revertTrial(state: SlotState, why: RevertReason): SlotState {
  const { trial } = state;
  if (trial === null) return state;
  const { job, attempt } = trial;
  return {
    ...state,
    slots: { ...state.slots, [spareSlot(state)]: null },
    trial: null,
    reverted: { job, attempt, why },
  };
}
