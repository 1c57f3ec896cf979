import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { type Configuration, configuration, configurationHash } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Link } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';

const configurationRecord = sealedRecord(
  'configuration',
  z.object({ version: z.number().int(), values: configuration }),
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
  idle(): Promise<void>;
}

/** Opens the twin of a store. */
export async function openTwin(
  options: TwinOptions,
): Promise<Result<Twin, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const { world, store, link } = options;
  const stored = await store.read(configurationRecord);
  if (!stored.ok) return stored;
  let inForce = stored.value
    ? { ...stored.value.facts, hash: configurationHash(stored.value.facts.values) }
    : { version: 0, hash: '', values: configuration.parse({}) };
  let running: Promise<void> | undefined;
  let wanted = false;

  const wake = (): void => {
    wanted = true;
    running ??= follow().finally(() => {
      running = undefined;
      if (wanted && link.isUp) wake();
    });
  };

  async function follow(): Promise<void> {
    wanted = false;
    const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'twin' });
    if (!answer.ok || answer.value.kind !== 'twin') {
      world.log('warn', 'twinPullFailed', answer.ok ? { answer: answer.value.kind } : { fault: answer.fault });
      return;
    }
    const { version, values } = answer.value;
    const hash = configurationHash(values);
    const isNew = version !== inForce.version || hash !== inForce.hash;
    const drift = isNew ? await apply({ version, values, hash }) : undefined;
    await link.publish({ kind: 'twin' }, 'twin', { base: version, ...inForce, ...(drift !== undefined && { drift }) });
    if (isNew) options.changed();
  }

  /** @returns why the desired configuration is not in force, if so */
  async function apply(desired: Twin['inForce']): Promise<string | undefined> {
    const fits = fitsModel(desired.values, options.model);
    if (!fits.ok) {
      world.log('warn', 'configurationRefused', { version: desired.version, fault: fits.fault });
      return fits.fault.code;
    }
    return options.whenIdle(async () => {
      const written = await store.write(configurationRecord, { version: desired.version, values: desired.values });
      if (!written.ok) {
        world.log('error', 'configurationNotStored', { version: desired.version, fault: written.fault });
        return written.fault.code;
      }
      inForce = desired;
      world.log('info', 'configurationApplied', { version: desired.version, hash: desired.hash });
      return undefined;
    });
  }

  return ok({
    get inForce() {
      return inForce;
    },
    wake,
    idle: async () => running,
  });
}
