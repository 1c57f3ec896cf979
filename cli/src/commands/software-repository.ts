import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPublicKey } from 'node:crypto';
import type { SoftwareRole, SoftwareTarget } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { addSignatures, readMetadata, softwareBytesMax, type TargetCustom } from '@tsunagu/protocols/software';
import { type ExitCode, exit, layOut, refuse } from '../console/index.ts';
import {
  type Draft,
  draftFirst,
  draftRoot,
  draftTargets,
  type InitOptions,
  type Keyring,
  openKeyring,
  readPublished,
  type Rotation,
  targetFor,
} from '../signing/index.ts';
import type { Context } from './context.ts';

/** What commands that sign are told. */
export interface SigningOptions {
  /** The folder of keys. */
  readonly keys: string;
  /** Where drafts go that others have to sign too; without it they are published at once. */
  readonly out?: string | undefined;
}

const keyringOf = (context: Context, { keys }: SigningOptions) => openKeyring(context.world, keys, process.env);

/** Publishes a draft, or writes it into a folder for others to sign. */
async function hand(context: Context, draft: Draft, { out }: SigningOptions): Promise<ExitCode> {
  const { client, console, json } = context;
  const texts = console.texts.software;
  if (out !== undefined) {
    const files = Object.entries(draft).map(([role, text]: [string, string]) => ({
      path: join(out, `${role}.json`),
      text,
    }));
    for (const { path, text } of files) {
      try {
        await writeFile(path, text, { flag: 'wx' });
      } catch (cause) {
        return refuse(console, fail('FILE_NOT_WRITTEN', { facts: { path }, cause }).fault, json);
      }
    }
    if (json) console.out(JSON.stringify({ files: files.map(({ path }) => path) }));
    else for (const { path } of files) console.out(texts.drafted(path));
    return exit.ok;
  }
  const published = await client.publishSoftware(draft);
  if (!published.ok) return refuse(console, published.fault, json);
  if (json) console.out(JSON.stringify({ items: published.value }));
  else for (const { role, version, expires } of published.value) console.out(texts.role(role, version, expires));
  return exit.ok;
}

/** `tsunagu software init`: the first root and targets of a server, by keys on this machine. */
export async function initRepository(context: Context, options: SigningOptions & InitOptions): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const known = await readPublished(client);
  if (known.ok) return refuse(console, fail('SOFTWARE_REPOSITORY_EXISTS').fault, json);
  if (known.fault.code !== 'SOFTWARE_REPOSITORY_MISSING') return refuse(console, known.fault, json);
  const keyring = await keyringOf(context, options);
  if (!keyring.ok) return refuse(console, keyring.fault, json);
  const draft = await draftFirst(world, client, keyring.value, options);
  return draft.ok ? hand(context, draft.value, options) : refuse(console, draft.fault, json);
}

/** `tsunagu software renew|rotate`: targets or a root that follow those in force. */
export async function renewRepository(
  context: Context,
  options: SigningOptions & { readonly what: 'targets' | 'none' },
): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const ready = await signingOf(context, options);
  if (!ready.ok) return refuse(console, ready.fault, json);
  const { published, keyring } = ready.value;
  const draft = await (options.what === 'targets'
    ? ok(draftTargets(world, published, keyring))
    : draftRoot(world, client, published, keyring, options.what));
  return draft.ok ? hand(context, draft.value, options) : refuse(console, draft.fault, json);
}

/** `tsunagu software rotate targets` differs from renewing them: a new key takes over. */
export const rotateKeys = async (
  context: Context,
  options: SigningOptions & { readonly role: Rotation },
): Promise<ExitCode> => {
  const { client, console, json, world } = context;
  const ready = await signingOf(context, options);
  if (!ready.ok) return refuse(console, ready.fault, json);
  const draft = await draftRoot(world, client, ready.value.published, ready.value.keyring, options.role);
  return draft.ok ? hand(context, draft.value, options) : refuse(console, draft.fault, json);
};

async function signingOf(context: Context, options: SigningOptions) {
  const published = await readPublished(context.client);
  if (!published.ok) return published;
  const keyring = await keyringOf(context, options);
  return keyring.ok ? ok({ published: published.value, keyring: keyring.value }) : keyring;
}

/** What `tsunagu software publish` is told of an image. */
export interface PublishOptions extends SigningOptions {
  readonly versionMin?: string | undefined;
  readonly batteryPercentMin?: number | undefined;
  readonly revisions?: readonly string[] | undefined;
  /** Readers that its attestation has to be of, and cards at each of them. */
  readonly attestedReaders?: number | undefined;
  readonly attestedCards?: number | undefined;
  /** Whether emulated readers will do for its attestation. */
  readonly emulatedReadersDo?: boolean | undefined;
  /** A PEM file with the public key (or its private half) whose attestation the image needs. */
  readonly attestedBy?: string | undefined;
}

/** `tsunagu software publish FILE`: uploads an image and signs it into the targets. */
export async function publishImage(context: Context, path: string, options: PublishOptions): Promise<ExitCode> {
  const { console, json } = context;
  const image = await readImage(path);
  if (!image.ok) return refuse(console, image.fault, json);
  const ready = await signingOf(context, options);
  if (!ready.ok) return refuse(console, ready.fault, json);
  const draft = await draftImage(context, image.value, ready.value.published, ready.value.keyring, options);
  if (!draft.ok) return refuse(console, draft.fault, json);
  const { model, ...files } = draft.value;
  const code = await hand(context, files, options);
  // It may be meant for terminals that come later; a name mistyped looks the same.
  const has = code === exit.ok ? await context.client.hasTerminalOf(model) : ok(true);
  if (has.ok && !has.value) console.err(console.paint('warn', console.texts.software.noTerminalOf(model)));
  return code;
}

async function draftImage(
  { client, world }: Context,
  image: Uint8Array,
  published: Parameters<typeof draftTargets>[1],
  keyring: Keyring,
  options: PublishOptions,
): Promise<Result<Draft & { readonly model: string }>> {
  const more = await customOf(options);
  if (!more.ok) return more;
  const target = targetFor(image, more.value);
  if (!target.ok) return target;
  const { model } = target.value.file.custom;
  const known = await client.models();
  if (!known.ok) return known;
  // Nobody signs for what no terminal can be.
  if (!known.value.some(({ id }) => id === model)) return fail('MODEL_UNKNOWN', { field: 'model', facts: { model } });
  const uploaded = await client.uploadSoftware(image);
  if (!uploaded.ok) return uploaded;
  const { path, file } = target.value;
  return ok({ ...draftTargets(world, published, keyring, (listed) => ({ ...listed, [path]: file })), model });
}

async function customOf(
  options: PublishOptions,
): Promise<Result<Pick<TargetCustom, 'hardwareRevisions' | 'requires'>>> {
  const { versionMin, batteryPercentMin, revisions, attestedBy, emulatedReadersDo } = options;
  const { attestedReaders, attestedCards } = options;
  let attestation: string | undefined;
  if (attestedBy !== undefined) {
    try {
      const key = createPublicKey(await readFile(attestedBy));
      attestation = key.export({ type: 'spki', format: 'der' }).toString('base64');
    } catch (cause) {
      return fail('KEY_FILE_INVALID', { facts: { path: attestedBy }, cause });
    }
  }
  const requires = {
    ...(versionMin !== undefined && { versionMin }),
    ...(batteryPercentMin !== undefined && { batteryPercentMin }),
    ...(attestation !== undefined && { attestation }),
    ...((attestedReaders !== undefined || attestedCards !== undefined) && {
      attestationAtLeast: { readers: attestedReaders ?? 1, cards: attestedCards ?? 1 },
    }),
    ...(emulatedReadersDo === true && { emulatedReaders: true }),
  };
  return ok({
    ...(revisions && revisions.length > 0 && { hardwareRevisions: [...revisions] }),
    ...(Object.keys(requires).length > 0 && { requires }),
  });
}

export async function readImage(path: string): Promise<Result<Uint8Array, 'SOFTWARE_IMAGE_INVALID'>> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes === undefined || bytes.length > softwareBytesMax
    ? fail('SOFTWARE_IMAGE_INVALID', { facts: { path } })
    : ok(bytes);
}

/** Publishes an image that is not published yet, when the keys for it are here. */
export async function ensurePublished(
  context: Context,
  image: Uint8Array,
  digest: string,
  options: SigningOptions,
): Promise<Result<void>> {
  const { client } = context;
  const listed = await client.software();
  if (!listed.ok) return listed;
  if (listed.value.some((target) => target.digest === digest)) return ok(undefined);
  const ready = await signingOf(context, options);
  if (!ready.ok) return ready;
  const { published, keyring } = ready.value;
  if (keyring.of('targets').length === 0) return fail('SOFTWARE_NOT_PUBLISHED', { facts: { digest } });
  const draft = await draftImage(context, image, published, keyring, options);
  if (!draft.ok) return draft;
  const { model: _, ...files } = draft.value;
  const done = await client.publishSoftware(files);
  return done.ok ? ok(undefined) : done;
}

/** `tsunagu software list`: what terminals take. */
export async function listSoftware({ client, console, json }: Context): Promise<ExitCode> {
  const listed = await client.software();
  if (!listed.ok) return refuse(console, listed.fault, json);
  if (json) {
    console.out(JSON.stringify({ items: listed.value }));
    return exit.ok;
  }
  const heads = console.texts.software.columns;
  const rows = layOut<SoftwareTarget>(
    [
      { head: heads.model, cell: ({ model }) => model },
      { head: heads.version, cell: ({ version }) => version },
      { head: heads.counter, cell: ({ counter }) => String(counter), right: true },
      { head: heads.size, cell: ({ size }) => String(size), right: true },
      {
        head: heads.attested,
        cell: ({ attestation, requires }) => attestation?.madeAt ?? (requires?.attestation ? '–' : ''),
      },
      { head: heads.digest, cell: ({ digest }) => digest.slice(0, 16) },
    ],
    listed.value,
  );
  for (const row of rows) console.out(row);
  return exit.ok;
}

/** So long before its end a role that people sign is marked: they may have to fetch their keys. */
const nearMs = 90 * 86_400_000;

/** Whether what a role signed has run out, or people soon have to sign it anew; what the server signs it renews by itself. */
const endOf = ({ expires, isOnline }: SoftwareRole, now: number): 'passed' | 'near' | 'fine' => {
  const left = Date.parse(expires) - now;
  return left <= 0 ? 'passed' : !isOnline && left <= nearMs ? 'near' : 'fine';
};

/**
 * `tsunagu software keys`: the roles, when they expire, and whose keys are on this machine. Exit 5 when one has run out or soon will, so that a script
 * can watch it.
 */
export async function showKeys(context: Context, options: SigningOptions): Promise<ExitCode> {
  const { client, console, json, world } = context;
  const roles = await client.softwareRoles();
  if (!roles.ok) return refuse(console, roles.fault, json);
  const keyring = await keyringOf(context, options);
  if (!keyring.ok) return refuse(console, keyring.fault, json);
  const here = new Set(keyring.value.signers.map(({ keyId }) => keyId));
  const now = world.clock.now();
  const items = roles.value.map((role) => ({
    ...role,
    here: role.keyIds.filter((id) => here.has(id)).length,
    level: endOf(role, now),
  }));
  if (json) console.out(JSON.stringify({ folder: options.keys, items }));
  else
    for (const { role, version, expires, keyIds, threshold, isOnline, here: count, level } of items) {
      const { holders, runsOut } = console.texts.software;
      console.out(holders(role, version, expires, threshold, keyIds.length, isOnline ? 'server' : count));
      if (level === 'fine') continue;
      const tone = level === 'passed' ? 'error' : 'warn';
      console.out(`  ${console.paint(tone, runsOut(role, expires.slice(0, 10), level === 'passed', isOnline))}`);
    }
  return items.some(({ level }) => level !== 'fine') ? exit.otherOutcome : exit.ok;
}

/** `tsunagu software sign FILE`: adds the signatures of this machine to a draft. Needs no server. */
export async function signDraft(
  context: Pick<Context, 'world' | 'console' | 'json'>,
  path: string,
  { keys, role }: { readonly keys: string; readonly role: 'root' | 'targets' },
): Promise<ExitCode> {
  const { console, json, world } = context;
  const keyring = await openKeyring(world, keys, process.env);
  if (!keyring.ok) return refuse(console, keyring.fault, json);
  const text = await readFile(path, 'utf8').catch(() => '');
  const read = readMetadata(role, text);
  if (!read.ok) return refuse(console, read.fault, json);
  const signers = keyring.value.of(role);
  if (signers.length === 0)
    return refuse(console, fail('SOFTWARE_KEY_FILE_INVALID', { facts: { path: keys } }).fault, json);
  await writeFile(path, addSignatures(read.value, signers));
  const ids = signers.map(({ keyId }) => keyId.slice(0, 8));
  if (json) console.out(JSON.stringify({ path, signedBy: ids }));
  else console.out(console.texts.software.signed(path, ids.join(' ')));
  return exit.ok;
}

/** `tsunagu software submit FILE…`: publishes drafts that all have signed. */
export async function submitDrafts(context: Context, paths: readonly string[]): Promise<ExitCode> {
  const { console, json } = context;
  let draft: Draft = {};
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const role = (['root', 'targets'] as const).find((one) => readMetadata(one, text).ok);
    if (!role) return refuse(console, fail('SOFTWARE_METADATA_INVALID', { facts: { path } }).fault, json);
    draft = { ...draft, [role]: text };
  }
  return hand(context, draft, { keys: '' });
}

/** `tsunagu software attest DIGEST FILE`: hands in what a bridge attested of an image. */
export async function attestImage({ client, console, json }: Context, digest: string, path: string): Promise<ExitCode> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return refuse(console, fail('FILE_UNREADABLE', { facts: { path } }).fault, json);
  const bound = await client.attestSoftware(digest, text);
  if (!bound.ok) return refuse(console, bound.fault, json);
  if (json) console.out(JSON.stringify(bound.value));
  else console.out(console.texts.software.attested(digest.slice(0, 16), bound.value.passed, bound.value.readers));
  return exit.ok;
}
