import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Metadata, readMetadata, signMetadata, type TargetFile, type TufRole } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import type { Client } from '../client/index.ts';
import type { RoleSigner, SigningRole } from './key-file.ts';
import type { Keyring } from './keyring.ts';
import { holdersOf, rootFor, targetsFor } from './metadata.ts';

/** What is in force at a server. */
export interface Published {
  readonly root: Metadata<'root'>;
  readonly targets: Metadata<'targets'>;
}

/** Metadata that are ready to be published, or to be signed by others first. */
export interface Draft {
  readonly root?: string;
  readonly targets?: string;
}

type Repository = Pick<Client, 'softwareRoles' | 'softwareKeys' | 'renewSoftwareKeys' | 'softwareMetadata'>;

/** What a server has published, or SOFTWARE_REPOSITORY_MISSING. */
export async function readPublished(client: Repository): Promise<Result<Published>> {
  const roles = await client.softwareRoles();
  if (!roles.ok) return roles;
  const versionOf = (role: TufRole): number => roles.value.find((one) => one.role === role)?.version ?? 0;
  if (versionOf('root') === 0) return fail('SOFTWARE_REPOSITORY_MISSING');
  const read = async <Role extends SigningRole>(role: Role): Promise<Result<Metadata<Role>>> => {
    const text = await client.softwareMetadata(`${versionOf(role)}.${role}.json`);
    return text.ok ? readMetadata(role, text.value) : text;
  };
  const root = await read('root');
  if (!root.ok) return root;
  const targets = await read('targets');
  return targets.ok ? ok({ root: root.value, targets: targets.value }) : targets;
}

/** How many keys a new repository gets, and how many of those of the root have to sign. */
export interface InitOptions {
  readonly rootKeys: number;
  readonly rootThreshold: number;
}

/** The first root and the first, empty targets. Keys that are in the folder are used; those that are missing are made. */
export async function draftFirst(
  world: World,
  client: Repository,
  keyring: Keyring,
  { rootKeys, rootThreshold }: InitOptions,
): Promise<Result<Draft>> {
  const online = await client.softwareKeys();
  if (!online.ok) return online;
  while (keyring.of('root').length < rootKeys) await keyring.make('root');
  if (keyring.of('targets').length === 0) await keyring.make('targets');
  const nowMs = world.clock.now();
  const [root, targets] = [keyring.of('root'), keyring.of('targets')];
  const signed = rootFor(1, nowMs, {
    root: { keys: root.map(({ key }) => key), threshold: rootThreshold },
    targets: { keys: targets.map(({ key }) => key), threshold: 1 },
    online: online.value,
  });
  return ok({ root: signMetadata(signed, root), targets: signMetadata(targetsFor(1, nowMs, {}), targets) });
}

/** The next targets: what was there, changed. */
export function draftTargets(
  world: World,
  { targets }: Published,
  keyring: Keyring,
  change: (targets: Readonly<Record<string, TargetFile>>) => Readonly<Record<string, TargetFile>> = (same) => same,
): Draft {
  const { version, targets: listed } = targets.signed;
  const signed = targetsFor(version + 1, world.clock.now(), change(listed));
  return { targets: signMetadata(signed, keyring.of('targets')) };
}

/** What a rotation replaces: a key of people by a new one of this folder, or those of the server. */
export type Rotation = SigningRole | 'online' | 'none';

/**
 * The next root, signed by the keys of the old root and its own that are here. With `none` it only holds longer. Where who signs targets
 * changes, the targets are signed anew with it.
 */
export async function draftRoot(
  world: World,
  client: Repository,
  published: Published,
  keyring: Keyring,
  rotation: Rotation,
): Promise<Result<Draft>> {
  const online = await (rotation === 'online' ? client.renewSoftwareKeys() : client.softwareKeys());
  if (!online.ok) return online;
  const old = published.root.signed;
  const before = [...keyring.signers];
  const held = { root: holdersOf(old, 'root'), targets: holdersOf(old, 'targets') };
  if (rotation === 'root' || rotation === 'targets') {
    const made = await keyring.make(rotation);
    const { keys, threshold } = held[rotation];
    // A key of this folder goes first: the one that was lost elsewhere is taken out by its holders' own rotation.
    const out = before.find(({ role, keyId }) => role === rotation && old.roles[rotation].keyids.includes(keyId));
    held[rotation] = {
      keys: [...keys.filter((key) => key.keyval.public !== out?.key.keyval.public), made.key],
      threshold,
    };
  }
  const nowMs = world.clock.now();
  const signed = rootFor(old.version + 1, nowMs, { ...held, online: online.value });
  const root = signMetadata(signed, keyring.of('root'));
  if (rotation !== 'targets') return ok({ root });
  const named = (signer: RoleSigner): boolean =>
    held.targets.keys.some((key) => key.keyval.public === signer.key.keyval.public);
  const { version, targets } = published.targets.signed;
  return ok({
    root,
    targets: signMetadata(targetsFor(version + 1, nowMs, targets), keyring.of('targets').filter(named)),
  });
}
