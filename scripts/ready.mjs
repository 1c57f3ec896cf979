// Makes a checkout ready to run: installs what is missing, builds what is older than its sources.
// Plain JavaScript with no dependency, since it runs before anything is installed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Tsunagu needs Node 20.19 or newer; this is ${process.versions.node}. / Node 20.19 以上が必要です。`);
  process.exit(1);
}

const run = (command, args, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child
      .once('error', (error) => resolve(error.message))
      .once('exit', (status, signal) => resolve(status === 0 ? undefined : (signal ?? status)));
  }).then((failure) => {
    if (failure === undefined) return;
    console.error(`"${command} ${args.join(' ')}" ended with ${failure}.`);
    process.exit(1);
  });
const bin = (name) => join(root, 'node_modules', '.bin', name);
const modifiedMs = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
const newestMs = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).reduce((newest, entry) => {
    if (!entry.isFile()) return newest;
    return Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }, 0);

const installed = join(root, 'node_modules', '.package-lock.json');
if (modifiedMs(installed) < modifiedMs(join(root, 'package-lock.json')) && !sameInstall()) {
  console.error('Installing dependencies, about two minutes … / 依存パッケージを導入しています(約2分) …');
  await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
// The dashboard is built from the sources of the protocols, so that it need not wait for the compiler.
const web = join(root, 'fleet-server', 'web');
const sourcesMs = Math.max(newestMs(web), newestMs(join(root, 'protocols', 'src')));
const isWebOld = modifiedMs(join(root, 'fleet-server', 'dist-web', 'index.html')) < sourcesMs;
await Promise.all([
  run(bin('tsc'), ['-b']),
  isWebOld ? run(bin('vite'), ['build', web, '--logLevel', 'warn'], { NODE_ENV: 'production' }) : undefined,
]);

/** A fresh checkout has a new lock file's date with an old content: then the installed tree is still right. */
function sameInstall() {
  if (!existsSync(installed)) return false;
  try {
    execFileSync('npm', ['ls', '--all', '--silent'], { cwd: root, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
