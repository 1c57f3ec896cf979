import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { authoritiesView, authorityIdOf, certificatesOf, parseJson, type TrustAnchors } from '@tsunagu/protocols/fleet';
import { fail, type Result } from '@tsunagu/protocols/kit';
import {
  certifyIssuing,
  makeRoot,
  openRootFile,
  type OpenedRoot,
  rootFile,
  sealRoot,
  signTrust,
} from '@tsunagu/protocols/offline-root';
import type { World } from '@tsunagu/protocols/world';
import { type Console, type ExitCode, exit, refuse } from '../console/index.ts';
import { type PassphraseOptions, passphraseOf } from './key-files.ts';

const yearMs = 365 * 86_400_000;

/** What an offline command stands on. */
export interface Desk {
  readonly world: Pick<World, 'clock' | 'entropy'>;
  readonly console: Console;
  readonly json: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Opens a root's file. */
export async function openRootAt(
  path: string,
  options: PassphraseOptions,
  env: NodeJS.ProcessEnv,
): Promise<Result<OpenedRoot, 'KEY_PASSPHRASE_SHORT' | 'FILE_UNREADABLE' | 'ROOT_FILE_INVALID'>> {
  const passphrase = await passphraseOf(options, 'TSUNAGU_ROOT_PASSPHRASE', env);
  if (!passphrase.ok) return passphrase;
  const file = parseJson(rootFile, await readFile(path, 'utf8').catch(() => ''));
  return file.ok ? openRootFile(file.value, passphrase.value) : fail('ROOT_FILE_INVALID', { facts: { path } });
}

/** `tsunagu ca make-root FILE`: a root that no server ever sees the key of. */
export async function makeRootFile(
  { world, console, json, env }: Desk,
  path: string,
  { name, years, ...options }: { readonly name: string; readonly years: number } & PassphraseOptions,
): Promise<ExitCode> {
  const passphrase = await passphraseOf(options, 'TSUNAGU_ROOT_PASSPHRASE', env);
  if (!passphrase.ok) return refuse(console, passphrase.fault, json);
  const entropy = (lengthBytes: number): Uint8Array => world.entropy(lengthBytes);
  const { certificate, key } = makeRoot(name, { now: world.clock.now(), lifeMs: years * yearMs }, entropy);
  const file = sealRoot(certificate, key, passphrase.value, entropy);
  key.wipe();
  // Never over another: a root that is overwritten is gone.
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  const id = authorityIdOf(certificate);
  if (json) console.out(JSON.stringify({ id, file: path }));
  else console.out(console.texts.identity.rootMade(id, path));
  return exit.ok;
}

/** `tsunagu ca sign REQUEST --root FILE --out ANSWER`: answers a server's request. */
export async function signRequest(
  { world, console, json, env }: Desk,
  request: string,
  {
    root: file,
    out,
    years,
    ...options
  }: { readonly root: string; readonly out: string; readonly years: number } & PassphraseOptions,
): Promise<ExitCode> {
  const root = await openRootAt(file, options, env);
  if (!root.ok) return refuse(console, root.fault, json);
  const pem = await readFile(request, 'utf8').catch(() => '');
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const made = certifyIssuing(
    Uint8Array.from(der),
    root.value,
    { now: world.clock.now(), lifeMs: years * yearMs },
    (lengthBytes) => world.entropy(lengthBytes),
  );
  if (!made.ok) return refuse(console, made.fault, json);
  await writeFile(out, made.value);
  const id = authorityIdOf(made.value);
  const until = new Date(new X509Certificate(made.value).validTo).toISOString().slice(0, 10);
  if (json) console.out(JSON.stringify({ id, file: out, notAfter: until }));
  else console.out(console.texts.identity.signed(id, out, until));
  return exit.ok;
}

/**
 * `tsunagu ca anchors STATE --root FILE… --out FILE`: the next document about roots, out of what `ca show --json` says. Every root given signs: the
 * one that counts, and each new one, which comes in by that. `--drop` leaves one out.
 */
export async function signAnchors(
  { world, console, json, env }: Desk,
  state: string,
  {
    root: files,
    drop = [],
    out,
    ...options
  }: { readonly root: readonly string[]; readonly drop?: readonly string[]; readonly out: string } & PassphraseOptions,
): Promise<ExitCode> {
  const view = parseJson(authoritiesView, await readFile(state, 'utf8').catch(() => ''), 4 * 1_048_576);
  if (!view.ok) return refuse(console, fail('OPTION_INVALID', { field: 'state' }).fault, json);
  const roots: OpenedRoot[] = [];
  for (const file of files) {
    const root = await openRootAt(file, options, env);
    if (!root.ok) return refuse(console, root.fault, json);
    roots.push(root.value);
  }
  const { tenant, version, anchors } = view.value.trust;
  const all = new Map(
    [...anchors.flatMap(certificatesOf), ...roots.map((root) => root.certificate)].map((pem) => [
      authorityIdOf(pem),
      pem,
    ]),
  );
  const next: TrustAnchors = {
    tenant,
    version: version + 1,
    issuedAt: Math.floor(world.clock.now()),
    anchors: [...all].flatMap(([id, pem]) => (drop.includes(id) ? [] : [pem])),
  };
  await writeFile(out, `${JSON.stringify(signTrust(next, roots))}\n`);
  if (json) console.out(JSON.stringify({ version: next.version, file: out, roots: next.anchors.map(authorityIdOf) }));
  else console.out(console.texts.identity.anchorsWritten(next.version, out));
  return exit.ok;
}
