import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian's softhsm2 puts its module. */
export const modulePath = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'].find(
  (path) => existsSync(path),
);
// The module reads its settings once in a process, and suites share one: the folder goes with the run (`folder.ts`).
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-softhsm-'));
mkdirSync(join(folder, 'tokens'));
writeFileSync(join(folder, 'softhsm2.conf'), `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
process.env['SOFTHSM2_CONF'] = join(folder, 'softhsm2.conf');

/** Of every token's user. */
export const pin = '271828';
let tokens = 0;
/** The address of a token that was just made. */
export function newToken(): string {
  const label = `vault-${tokens++}`;
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--so-pin', '314159', '--pin', pin]);
  return `pkcs11:token=${label}?module-path=${modulePath}`;
}

/** The objects on a token, as another program than ours sees them. */
export function objectsOn(place: string): string {
  const label = new URLSearchParams(place.slice('pkcs11:'.length).split('?')[0]).get('token') ?? '';
  const login = ['--module', modulePath ?? '', '--token-label', label, '--login', '--pin', pin];
  return execFileSync('pkcs11-tool', [...login, '-O'], { stdio: 'pipe' }).toString();
}
