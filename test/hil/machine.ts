import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';

/** Runs a program to its end and gives what it printed; throws when it fails. */
export function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

export const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** The newest kernel with modules that is installed here, by its release; it need not be the one that runs. */
export function kernelRelease(): string | undefined {
  const folder = '/lib/modules';
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((release) => existsSync(`/boot/vmlinuz-${release}`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Programs by what needs them; each is named when it is missing. */
const programs = {
  guest: ['qemu-system-x86_64', 'busybox', 'cpio', 'modprobe', 'usbip', 'lsusb', 'pcscd', 'opensc-tool', 'nfc-list'],
  namespace: ['unshare', 'ip', 'pcscd', 'opensc-tool', 'pcsc_scan', 'pgrep'],
} as const;

/** Why a suite cannot run on this machine; undefined when it can. */
export function missingFor(suite: keyof typeof programs): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (!isRoot()) return 'needs root';
  const missing = programs[suite].filter((program) => !has(program));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (suite === 'namespace')
    return spawnSync('unshare', ['-n', '-m', 'true']).status === 0 ? undefined : 'may not make a network namespace';
  if (process.arch !== 'x64') return `the guest is an x86-64 machine, and this is ${process.arch}`;
  return kernelRelease() === undefined ? 'no kernel image with its modules in /boot and /lib/modules' : undefined;
}

/**
 * How QEMU runs the guest. The device node of KVM alone proves nothing: where the processor shows no virtualisation, KVM may
 * be a paravirtual one on which stock kernels hang.
 */
export function accelerator(): { readonly accel: string; readonly cpu: string } {
  const flags = readFileSync('/proc/cpuinfo', 'utf8');
  try {
    accessSync('/dev/kvm', constants.W_OK);
    if (/\b(vmx|svm)\b/.test(flags)) return { accel: 'kvm', cpu: 'host' };
  } catch {
    // No KVM: emulated, some ten times slower.
  }
  return { accel: 'tcg,thread=multi', cpu: 'max' };
}
