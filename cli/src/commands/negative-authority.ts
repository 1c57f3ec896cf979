import { readFile, writeFile } from 'node:fs/promises';
import type { NegativeAuthority } from '@tsunagu/protocols/fleet';
import { makeKeyFile } from '@tsunagu/protocols/key-file';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  bytesToSign,
  decodeManifest,
  decodeRoot,
  decodeSigned,
  encodeRoot,
  encodeSigned,
  genuineSigners,
  negativeKeyId,
  nextRoot,
  rawKeyOfSpki,
  type RootDocument,
  type SignedBytes,
  withSignature,
} from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import { type Console, type ExitCode, exit, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { openKeyAt, type PassphraseOptions, passphraseOf, readKeyFile, writeKeyFile } from './key-files.ts';

/** What a command works with that needs no server. */
export interface Bench {
  readonly world: World;
  readonly console: Console;
  readonly json: boolean;
}

const purpose = 'negative';

/** `tsunagu negative key make FILE`: a root or list key that a person keeps. */
export async function makeNegativeKey(
  { world, console, json }: Bench,
  file: string,
  options: PassphraseOptions,
): Promise<ExitCode> {
  const passphrase = await passphraseOf(options);
  const made = passphrase.ok
    ? makeKeyFile(purpose, passphrase.value, (lengthBytes) => world.entropy(lengthBytes))
    : passphrase;
  if (!made.ok) return refused(console, made.fault, json);
  try {
    await writeKeyFile(file, made.value);
  } catch (cause) {
    return refused(console, fail('FILE_UNWRITABLE', { facts: { file }, cause }).fault, json);
  }
  const id = negativeKeyId(rawOf(made.value.publicKey));
  console.out(json ? JSON.stringify({ id, file }) : console.texts.negativeKeys.made(id, file));
  return exit.ok;
}

/** `tsunagu negative root fetch FILE`: the root in force, for those who make the next one. */
export async function fetchNegativeRoot({ client, console, json }: Context, file: string): Promise<ExitCode> {
  const answer = await client.negativeAuthority('regular');
  if (!answer.ok) return refuse(console, answer.fault, json);
  await writeFile(file, Buffer.from(answer.value.root.document, 'base64'));
  return showRootFile({ console, json }, file);
}

/** `tsunagu negative root propose FILE --from ROOT --root-key KEY… --list-key KEY…`: the next root, not signed yet. */
export async function proposeNegativeRoot(
  { world, console, json }: Bench,
  file: string,
  wanted: {
    readonly list: string;
    readonly from: string;
    readonly rootKey: readonly string[];
    readonly listKey: readonly string[];
    readonly threshold: number;
    readonly days: number;
  },
): Promise<ExitCode> {
  const base = await readRootAt(wanted.from);
  if (!base.ok) return refused(console, base.fault, json);
  const [rootKeys, listKeys] = [await publicKeys(wanted.rootKey), await publicKeys(wanted.listKey)];
  if (!rootKeys.ok) return refused(console, rootKeys.fault, json);
  if (!listKeys.ok) return refused(console, listKeys.fault, json);
  if (wanted.threshold > rootKeys.value.length)
    return refused(console, fail('INPUT_INVALID', { field: 'threshold' }).fault, json);
  const root = nextRoot(base.value.root, {
    rootKeys: rootKeys.value,
    listKeys: listKeys.value,
    threshold: wanted.threshold,
    notAfter: Math.floor(world.clock.now() / 1_000) + wanted.days * 86_400,
    list: wanted.list,
  });
  await writeFile(file, encodeSigned({ payload: encodeRoot(root), signatures: [] }));
  return showRootFile({ console, json }, file);
}

/** `tsunagu negative root sign FILE --key KEY`: one custodian's signature. */
export async function signNegativeRoot(
  { console, json }: Pick<Bench, 'console' | 'json'>,
  file: string,
  { key, ...options }: { readonly key: string } & PassphraseOptions,
): Promise<ExitCode> {
  const read = await readRootAt(file);
  const opened = await openKeyAt(key, purpose, options);
  if (!read.ok) return refused(console, read.fault, json);
  if (!opened.ok) return refused(console, opened.fault, json);
  const { document } = read.value;
  const signature = opened.value.sign(bytesToSign('root', document.payload));
  const keyId = negativeKeyId(rawKeyOfSpki(opened.value.publicKey));
  await writeFile(file, encodeSigned(withSignature(document, { keyId, signature })));
  return showRootFile({ console, json }, file);
}

/** `tsunagu negative root countersign FILE`: the server's own root keys sign, while it still has them. */
export async function countersignNegativeRoot({ client, console, json }: Context, file: string): Promise<ExitCode> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return refused(console, fail('FILE_UNREADABLE', { facts: { file } }).fault, json);
  const answer = await client.countersignNegativeRoot({ document: bytes.toString('base64') });
  if (!answer.ok) return refuse(console, answer.fault, json);
  await writeFile(file, Buffer.from(answer.value.document, 'base64'));
  return showRootFile({ console, json }, file);
}

/** `tsunagu negative root publish FILE`: brings the next root to the server. */
export async function publishNegativeRoot({ client, console, json }: Context, file: string): Promise<ExitCode> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return refused(console, fail('FILE_UNREADABLE', { facts: { file } }).fault, json);
  const answer = await client.bringNegativeRoot({ document: bytes.toString('base64') });
  return answer.ok ? sayAuthority(console, answer.value, json) : refuse(console, answer.fault, json);
}

/** `tsunagu negative authority`: who may sign what, and what waits. */
export async function showNegativeAuthority({ client, console, json }: Context, list: string): Promise<ExitCode> {
  const answer = await client.negativeAuthority(list);
  return answer.ok ? sayAuthority(console, answer.value, json) : refuse(console, answer.fault, json);
}

/** `tsunagu negative sign --key KEY`: signs the version that waits, after it was shown what it says. */
export async function signNegativeVersion(
  { client, console, json }: Context,
  {
    list,
    key,
    cards,
    ...options
  }: { readonly list: string; readonly key: string; readonly cards?: number | undefined } & PassphraseOptions,
): Promise<ExitCode> {
  const answer = await client.negativeAuthority(list);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { pending } = answer.value;
  if (!pending) {
    console.out(json ? JSON.stringify({ pending: null }) : console.texts.negativeKeys.nothingWaits);
    return exit.ok;
  }
  const payload = Uint8Array.from(Buffer.from(pending.payload, 'base64'));
  // What is signed is what is read here, not what the server says of it.
  const manifest = decodeManifest(payload);
  if (!manifest.ok) return refused(console, manifest.fault, json);
  if (!json)
    console.out(console.texts.negativeKeys.waits(manifest.value.version, manifest.value.count, pending.before));
  if (cards !== undefined && cards !== manifest.value.count)
    return refused(
      console,
      fail('INPUT_INVALID', { field: 'cards', facts: { count: manifest.value.count } }).fault,
      json,
    );
  const opened = await openKeyAt(key, purpose, options);
  if (!opened.ok) return refused(console, opened.fault, json);
  const signed = await client.signNegativeVersion({
    list,
    digest: pending.digest,
    keyId: negativeKeyId(rawKeyOfSpki(opened.value.publicKey)),
    signature: Buffer.from(opened.value.sign(bytesToSign('manifest', payload))).toString('base64'),
  });
  if (!signed.ok) return refuse(console, signed.fault, json);
  const { version, count, published } = signed.value;
  if (json) console.out(JSON.stringify(signed.value));
  else console.out(published ? console.texts.negative.published(version, count) : console.texts.negativeKeys.oneMore);
  return exit.ok;
}

/** `tsunagu negative root show FILE`: what a root says and who signed it. */
export async function showRootFile(
  { console, json }: Pick<Bench, 'console' | 'json'>,
  file: string,
): Promise<ExitCode> {
  const read = await readRootAt(file);
  if (!read.ok) return refused(console, read.fault, json);
  const { root, document } = read.value;
  const signers = document.signatures.map(({ keyId }) => keyId);
  const own = root.keys.filter(({ role }) => role === 'root');
  const facts = {
    version: root.version,
    notAfter: new Date(root.notAfter * 1_000).toISOString(),
    threshold: root.threshold,
    keys: root.keys.map(({ id, role, list }) => ({ id, role, list })),
    signers,
    ownSignatures: genuineSigners('root', document, own),
  };
  const { texts } = console;
  if (json) console.out(JSON.stringify(facts));
  else {
    console.out(texts.negativeKeys.root(facts.version, facts.notAfter, facts.threshold));
    for (const { id, role, list } of facts.keys)
      console.out(
        texts.negativeKeys.key(id, list === '' ? role : `${role} ${list}`, signers.includes(id) ? 'signed' : ''),
      );
    const others = signers.filter((id) => !facts.keys.some((named) => named.id === id));
    for (const id of others) console.out(texts.negativeKeys.key(id, 'root', 'before'));
  }
  return exit.ok;
}

function sayAuthority(console: Console, authority: NegativeAuthority, json: boolean): ExitCode {
  const { texts } = console;
  if (json) console.out(JSON.stringify(authority));
  else {
    for (const { id, role, held } of authority.keys) console.out(texts.negativeKeys.key(id, role, held ? 'held' : ''));
    if (authority.nextVersion !== null) console.out(texts.negativeKeys.next(authority.nextVersion));
    const { pending } = authority;
    console.out(
      pending
        ? `${texts.negativeKeys.waits(pending.version, pending.count, pending.before)} ${pending.signed}/${pending.signers}`
        : texts.negativeKeys.nothingWaits,
    );
  }
  return exit.ok;
}

async function readRootAt(
  file: string,
): Promise<
  Result<
    { readonly root: RootDocument; readonly document: SignedBytes },
    'FILE_UNREADABLE' | 'NEGATIVE_DOCUMENT_INVALID'
  >
> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return fail('FILE_UNREADABLE', { facts: { file } });
  const signed = decodeSigned(Uint8Array.from(bytes));
  if (!signed.ok) return signed;
  const root = decodeRoot(signed.value.document.payload);
  return root.ok ? ok({ root: root.value, document: signed.value.document }) : root;
}

async function publicKeys(files: readonly string[]): Promise<Result<readonly Uint8Array[], 'SIGNING_KEY_INVALID'>> {
  const keys: Uint8Array[] = [];
  for (const file of files) {
    const read = await readKeyFile(file);
    if (!read.ok) return read;
    keys.push(rawOf(read.value.publicKey));
  }
  return ok(keys);
}

const rawOf = (spki: string): Uint8Array => rawKeyOfSpki(Uint8Array.from(Buffer.from(spki, 'base64')));

function refused(console: Console, fault: Parameters<typeof printFault>[1], json: boolean): ExitCode {
  printFault(console, fault, json);
  return exit.failed;
}
