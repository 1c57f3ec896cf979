import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accelerator, kernelRelease, output } from './machine.ts';

/** What the guest needs before it has a root; everything else it loads from there. */
const earlyModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'xhci_pci', 'usbip_core', 'vhci_hcd'];

/** A guest made ready: its images, and the folder that host and guest share. */
export interface Guest {
  readonly folder: string;
  readonly share: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Makes the images in `folder`. */
export function prepareGuest(folder: string): Guest {
  const release = kernelRelease() ?? '';
  const share = join(folder, 'share');
  mkdirSync(share, { recursive: true });
  const initrd = join(folder, 'initrd.gz');
  makeInitrd(release, join(folder, 'initrd'), initrd);
  return { folder, share, kernel: kernelImage(release, folder), initrd };
}

function makeInitrd(release: string, root: string, target: string): void {
  for (const part of ['bin', 'modules', 'dev', 'proc', 'sys', 'root', 'lower', 'layer'])
    mkdirSync(join(root, part), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  copyFileSync(fileURLToPath(new URL('init.sh', import.meta.url)), join(root, 'init'));
  chmodSync(join(root, 'init'), 0o755);
  const order: string[] = [];
  for (const name of earlyModules) {
    const needed = output('modprobe', ['-S', release, '--show-depends', name]);
    for (const [, path = ''] of needed.matchAll(/^insmod (\S+)/gm)) {
      if (order.includes(basename(path))) continue;
      copyFileSync(path, join(root, 'modules', basename(path)));
      order.push(basename(path));
    }
  }
  writeFileSync(join(root, 'modules', 'order'), `${order.join('\n')}\n`);
  output('sh', ['-c', `cd '${root}' && find . | cpio -o -H newc --quiet | gzip -1 > '${target}'`]);
  rmSync(root, { recursive: true });
}

/**
 * The kernel, unpacked where it is packed with xz: QEMU starts an ELF image directly, and the guest is spared three seconds of
 * unpacking on an emulated processor.
 */
function kernelImage(release: string, folder: string): string {
  const packed = `/boot/vmlinuz-${release}`;
  const image = readFileSync(packed);
  const at = image.indexOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]));
  if (at < 0) return packed;
  // What follows the packed part makes xz complain after it has written all of it.
  const { stdout } = spawnSync('xz', ['-dc'], { input: image.subarray(at), maxBuffer: 1 << 28 });
  if (stdout === null || stdout.subarray(0, 4).toString('latin1') !== '\u007FELF') return packed;
  const unpacked = join(folder, 'vmlinux');
  writeFileSync(unpacked, stdout);
  return unpacked;
}

/** A guest that runs its job. */
export interface RunningGuest {
  readonly child: ChildProcess;
  /** Its console, when it has ended; throws when it did not end in time or without a word. */
  readonly ended: Promise<string>;
}

/** Starts the guest: `share/job.sh` runs as root. @param devices further arguments of QEMU, several in a line */
export function startGuest(guest: Guest, devices: readonly string[], timeoutMs: number): RunningGuest {
  const { accel, cpu } = accelerator();
  const shared = (path: string, tag: string, more: string): string =>
    `-virtfs local,path=${path},mount_tag=${tag},security_model=none${more}`;
  const machine = [
    `-accel ${accel} -cpu ${cpu} -M q35 -m 1536 -smp 2`,
    '-nodefaults -display none -no-reboot -serial stdio -nic none',
    `-kernel ${guest.kernel} -initrd ${guest.initrd}`,
    shared('/', 'host', ',readonly=on,multidevs=remap'),
    shared(guest.share, 'share', ''),
    ...devices,
  ].flatMap((line) => line.split(' '));
  rmSync(join(guest.share, 'exit'), { force: true });
  const append = ['-append', 'console=ttyS0 panic=-1 quiet mitigations=off'];
  const child = spawn('qemu-system-x86_64', [...machine, ...append], { stdio: ['ignore', 'pipe', 'pipe'] });
  let console = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      if (console.length < 1 << 20) console += chunk.toString('utf8');
    });
  const ended = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      if (existsSync(join(guest.share, 'exit'))) resolve(console);
      else reject(new Error(`the guest did not end by itself within ${timeoutMs} ms:\n${console.slice(-4_000)}`));
    });
  });
  return { child, ended };
}
