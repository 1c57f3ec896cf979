import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { type Configuration, configuration, configurationHash } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Link } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import { changeOver, revert, type Trial } from '../trial/index.ts';

const stored = { version: z.number().int(), values: configuration };
const configurationRecord = sealedRecord(
  'configuration',
  // What was in force before, while this one has not proven itself.
  z.object({ ...stored, before: z.object(stored).nullable().default(null) }),
);

/** Whether a model can do what a configuration asks for: CONFIGURATION_BEYOND_MODEL names the property. */
export function fitsModel(values: Configuration, model: TerminalModel): Result<void, 'CONFIGURATION_BEYOND_MODEL'> {
  if (values.floorLimitMinor > 0 && !model.offline)
    return fail('CONFIGURATION_BEYOND_MODEL', { field: 'floorLimitMinor', facts: { model: model.id } });
  if (values.floorLimitMinor > values.amountMaxMinor)
    return fail('CONFIGURATION_BEYOND_MODEL', { field: 'floorLimitMinor', facts: { max: values.amountMaxMinor } });
  return ok(undefined);
}

export interface TwinOptions {
  readonly world: World;
  readonly store: SealedStore;
  readonly model: TerminalModel;
  readonly link: Pick<Link, 'ask' | 'publish' | 'isUp'>;
  /** Runs something while no sale is in hand. */
  readonly whenIdle: <T>(work: () => Promise<T>) => Promise<T>;
  readonly changed: () => void;
}

/** The terminal's half of the twin: what is in force, and how it follows what is desired. */
export interface Twin {
  /** What is in force; the defaults of the schema, version 0, before the first. */
  readonly inForce: { readonly version: number; readonly hash: string; readonly values: Configuration };
  /** Fetches what is desired, puts it in force when it fits the model, and reports. Returns at once. */
  wake(): void;
  /** As `wake`, and tells what is in force afterwards, or why the desired one is not. */
  applyNow(): Promise<Result<{ readonly version: number; readonly hash: string }, TwinFault>>;
  idle(): Promise<void>;
}

/** Why the desired configuration is not in force. */
export type TwinFault =
  | 'LINK_DOWN'
  | 'ANSWER_TIMED_OUT'
  | 'MESSAGE_INVALID'
  | 'CONFIGURATION_BEYOND_MODEL'
  | 'STORE_WRITE_FAILED'
  | 'CONFIGURATION_NOT_PROVEN';

type InForce = Twin['inForce'];
const factory: InForce = { version: 0, hash: '', values: configuration.parse({}) };
const inForceOf = ({ version, values }: Omit<InForce, 'hash'>): InForce =>
  version === 0 ? factory : { version, values, hash: configurationHash(values) };

/** Opens the twin of a store. A configuration that power loss caught before it had proven itself is not in force any more. */
export async function openTwin(
  options: TwinOptions,
): Promise<Result<Twin, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const { world, store, link } = options;
  const found = await store.read(configurationRecord);
  if (!found.ok) return found;
  const facts = found.value?.facts;
  let state: Trial<InForce> = revert(
    facts
      ? { inForce: inForceOf(facts), before: facts.before && inForceOf(facts.before) }
      : { inForce: factory, before: null },
  );
  let running: Promise<Result<InForce, TwinFault>> | undefined;
  let wanted = false;

  const wake = (): Promise<Result<InForce, TwinFault>> => {
    wanted = true;
    running ??= follow().finally(() => {
      running = undefined;
      if (wanted && link.isUp) void wake();
    });
    return running;
  };

  async function follow(): Promise<Result<InForce, TwinFault>> {
    wanted = false;
    const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'twin' });
    if (!answer.ok || answer.value.kind !== 'twin') {
      world.log('warn', 'twinPullFailed', answer.ok ? { answer: answer.value.kind } : { fault: answer.fault });
      return answer.ok ? fail('MESSAGE_INVALID', { field: 'twin' }) : answer;
    }
    const { version, values } = answer.value;
    const desired = { version, values, hash: configurationHash(values) };
    const isNew = version !== state.inForce.version || desired.hash !== state.inForce.hash;
    const drift = isNew ? await apply(desired) : undefined;
    await link.publish({ kind: 'twin' }, 'twin', {
      base: version,
      ...state.inForce,
      ...(drift !== undefined && { drift }),
    });
    if (isNew) options.changed();
    return drift === undefined ? ok(state.inForce) : fail(drift);
  }

  /** @returns why the desired configuration is not in force, if so */
  async function apply(desired: InForce): Promise<TwinFault | undefined> {
    const changed = await changeOver<InForce, TwinFault>(
      {
        verify: ({ values }) => fitsModel(values, options.model),
        whenIdle: options.whenIdle,
        keep,
        prove: async () => (await link.ask({ kind: 'pull' }, 'request', { pull: 'time' })).ok,
        notProven: 'CONFIGURATION_NOT_PROVEN',
      },
      state,
      desired,
    );
    const { version, hash } = desired;
    if (changed.ok) world.log('info', 'configurationApplied', { version, hash });
    else world.log('warn', 'configurationNotApplied', { version, fault: changed.fault });
    return changed.ok ? undefined : changed.fault.code;
  }

  async function keep(next: Trial<InForce>): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const { inForce, before } = next;
    const written = await store.write(configurationRecord, {
      version: inForce.version,
      values: inForce.values,
      before: before && { version: before.version, values: before.values },
    });
    if (written.ok) state = next;
    return written;
  }

  return ok({
    get inForce() {
      return state.inForce;
    },
    wake: () => void wake(),
    async applyNow() {
      // One that runs already may have asked before the change that is meant.
      await running;
      const applied = await wake();
      return applied.ok ? ok({ version: applied.value.version, hash: applied.value.hash }) : applied;
    },
    idle: async () => void (await running),
  });
}
