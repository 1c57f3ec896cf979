import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import {
  type AuthoritiesView,
  type AuthorityView,
  parseJson,
  rootHeldStatement,
  trustDocument,
} from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { openParcel, rootOfKey, sealRoot } from '@tsunagu/protocols/offline-root';
import { type Column, type ExitCode, exit, layOut, printFault, refuse } from '../console/index.ts';
import { openRootAt } from './ca-offline.ts';
import { type PassphraseOptions, passphraseOf } from './key-files.ts';
import type { Context } from './context.ts';

/** `tsunagu ca show`: the authorities, and what hangs on each. With --json it is what `ca anchors` reads. */
export async function showAuthorities({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.authorities();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else for (const line of describe(console.texts, answer.value)) console.out(line);
  return exit.ok;
}

function describe({ identity, none }: Context['console']['texts'], view: AuthoritiesView): readonly string[] {
  const heads = identity.authorityColumns;
  const columns: readonly Column<AuthorityView>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.kind, cell: ({ kind }) => identity.authorityKind[kind] },
    { head: heads.name, cell: ({ name }) => name },
    { head: heads.state, cell: ({ state }) => identity.authorityState[state] },
    { head: heads.key, cell: ({ keyIsHere }) => (keyIsHere ? identity.keyHere : identity.keyElsewhere) },
    { head: heads.notAfter, cell: ({ notAfter }) => notAfter?.slice(0, 10) ?? none },
    { head: heads.certificates, cell: ({ certificates }) => String(certificates), right: true },
    { head: heads.terminals, cell: ({ terminals }) => String(terminals.count), right: true },
  ];
  const hanging = view.authorities.filter(({ state, terminals }) => state === 'superseded' && terminals.count > 0);
  return [
    ...layOut(columns, view.authorities),
    ...hanging.map(({ id, terminals }) => identity.hanging(id, terminals.first, terminals.count)),
    identity.trust(view.trust.version, view.trust.anchors.length, view.behind),
  ];
}

/** `tsunagu ca request --out FILE`: what a root is to sign, PEM. */
export async function requestAuthority({ client, console, json }: Context, out: string): Promise<ExitCode> {
  const made = await client.requestAuthority();
  if (!made.ok) return refuse(console, made.fault, json);
  await writeFile(out, made.value.request);
  if (json) console.out(JSON.stringify({ id: made.value.id, file: out }));
  else console.out(console.texts.identity.requestWritten(made.value.id, out));
  return exit.ok;
}

/** Prints how the authorities stand after something was done. */
function done({ console, json }: Context, view: AuthoritiesView, says: string): ExitCode {
  if (json) console.out(JSON.stringify(view));
  else console.out(says);
  return exit.ok;
}

/** `tsunagu ca install FILE`: takes a root's answer. */
export async function installAuthority(context: Context, file: string): Promise<ExitCode> {
  const certificate = await readFile(file, 'utf8').catch(() => '');
  const installed = await context.client.installAuthority(certificate);
  if (!installed.ok) return refuse(context.console, installed.fault, context.json);
  return done(context, installed.value, context.console.texts.identity.installed);
}

/** `tsunagu ca rotate [--root] --confirm ID`: a successor by keys that are on the server; confirmed by the id of the one that gives way. */
export async function rotateAuthority(
  context: Context,
  kind: 'issuing' | 'root',
  confirmed: string | undefined,
): Promise<ExitCode> {
  const view = await context.client.authorities();
  if (!view.ok) return refuse(context.console, view.fault, context.json);
  const current = view.value.authorities.find((one) => one.kind === kind && one.state === 'active');
  if (current && confirmed !== current.id) {
    const { fault } = fail('CONFIRMATION_MISSING', { facts: { option: `--confirm ${current.id}` } });
    printFault(context.console, fault, context.json);
    return exit.usage;
  }
  const rotated = await context.client.rotateAuthority(kind);
  if (!rotated.ok) return refuse(context.console, rotated.fault, context.json);
  return done(context, rotated.value, context.console.texts.identity.rotated);
}

/** `tsunagu ca announce FILE`: tells terminals what `ca anchors` signed. */
export async function announceTrust(context: Context, file: string): Promise<ExitCode> {
  const { console, json, client } = context;
  const document = parseJson(trustDocument, await readFile(file, 'utf8').catch(() => ''));
  if (!document.ok) {
    printFault(console, fail('TRUST_DOCUMENT_INVALID', { field: 'form' }).fault, json);
    return exit.failed;
  }
  const announced = await client.announceTrust(document.value);
  if (!announced.ok) return refuse(console, announced.fault, json);
  return done(context, announced.value, console.texts.identity.announced(announced.value.trust.version));
}

/** `tsunagu ca retire ID`. */
export async function retireAuthority(context: Context, id: string): Promise<ExitCode> {
  const retired = await context.client.retireAuthority(id);
  if (!retired.ok) return refuse(context.console, retired.fault, context.json);
  return done(context, retired.value, context.console.texts.identity.retired(id));
}

/**
 * `tsunagu ca root export --out FILE`: a root's key into a sealed file. The server wraps it for a key that is made here for this once: the
 * passphrase never leaves this machine, and the key crosses no wire in clear.
 */
export async function exportRoot(
  { client, console, json, world }: Context,
  { out, id, ...options }: { readonly out: string; readonly id?: string } & PassphraseOptions,
  env: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const passphrase = await passphraseOf(options, 'TSUNAGU_ROOT_PASSPHRASE', env);
  if (!passphrase.ok) {
    printFault(console, passphrase.fault, json);
    return exit.usage;
  }
  const view = await client.authorities();
  if (!view.ok) return refuse(console, view.fault, json);
  const wanted = view.value.authorities.find(
    (one) => one.kind === 'root' && one.keyIsHere && (id ?? one.id) === one.id,
  );
  if (!wanted) return refuse(console, fail('ROOT_KEY_ELSEWHERE').fault, json);
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const receiver = own.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const exported = await client.exportRoot(wanted.id, receiver);
  if (!exported.ok) return refuse(console, exported.fault, json);
  const { certificate, parcel } = exported.value;
  const key = openParcel(parcel, own.privateKey);
  const isWhole =
    key !== undefined &&
    key.use(
      (der) => rootOfKey(certificate, createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })).ok,
    );
  if (!isWhole) return refuse(console, fail('ROOT_FILE_INVALID').fault, json);
  const file = sealRoot(certificate, key, passphrase.value, (lengthBytes) => world.entropy(lengthBytes));
  key.wipe();
  await writeFile(out, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  if (json) console.out(JSON.stringify({ id: wanted.id, file: out }));
  else console.out(console.texts.identity.rootExported(wanted.id, out));
  return exit.ok;
}

/** `tsunagu ca root remove --root FILE`: the key goes from the server, which is shown that the file can be opened. */
export async function removeRoot(
  context: Context,
  { root: file, confirm, ...options }: { readonly root: string; readonly confirm?: string } & PassphraseOptions,
  env: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const { client, console, json } = context;
  const root = await openRootAt(file, options, env);
  if (!root.ok) return refuse(console, root.fault, json);
  const { id } = root.value;
  if (confirm !== id) {
    printFault(console, fail('CONFIRMATION_MISSING', { facts: { option: `--confirm ${id}` } }).fault, json);
    return exit.usage;
  }
  const view = await client.authorities();
  if (!view.ok) return refuse(console, view.fault, json);
  const proof = Buffer.from(root.value.sign(rootHeldStatement(view.value.trust.tenant, id))).toString('base64url');
  const removed = await client.removeRoot(id, proof);
  if (!removed.ok) return refuse(console, removed.fault, json);
  return done(context, removed.value, console.texts.identity.rootRemoved(id));
}
