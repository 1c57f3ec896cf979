import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { toPem } from '@tsunagu/protocols/x509';

/** Files in mosquitto's folder. */
export const fileNames = {
  lists: 'revoked.pem',
  root: 'root.pem',
  cert: 'broker.pem',
  key: 'broker.key',
  pid: 'mosquitto.pid',
} as const;

/** What changes while mosquitto runs. */
export interface MosquittoMaterial {
  /** Its certificate and key, and the authorities that certificates come from, PEM. */
  readonly tls: { readonly cert: string; readonly key: string; readonly root: string };
  /** Revocation lists of all issuing CAs, DER. */
  readonly lists: readonly Uint8Array[];
}

/** Certificate, authorities and lists, where mosquitto looks. */
export interface MosquittoFiles {
  /** Certificates have ended, or others count: the files are made anew, soon. */
  changed(): void;
  close(): Promise<void>;
}

/** Of two lists the newer one counts, by the second in which it was made (RFC 5280, 5.1.2.4). */
const settleMs = 1_100;
/** A disk that is full, a store that is busy: until they are handed over, whoever has ended is let in. */
const againMs = 10_000;
/** Long before a list ends. */
const renewEveryMs = 12 * 3_600_000;

/**
 * Keeps what changes in mosquitto's folder as it is, and has mosquitto read it again (SIGHUP, mosquitto(8)) where it runs on this machine.
 * @param material made when it is called
 */
export async function keepMosquittoFiles(
  world: Pick<World, 'timers' | 'log'>,
  folder: string,
  material: () => Promise<MosquittoMaterial>,
): Promise<MosquittoFiles> {
  const put = async (name: string, text: string): Promise<void> => {
    const path = join(folder, name);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  const write = async (): Promise<void> => {
    const { tls, lists } = await material();
    // Authorities before the lists of them.
    await put(fileNames.root, tls.root);
    await put(fileNames.key, tls.key);
    await put(fileNames.cert, tls.cert);
    await put(fileNames.lists, lists.map((der) => toPem('X509 CRL', der)).join(''));
    const pid = await mosquittoIn(folder);
    if (pid !== undefined) process.kill(pid, 'SIGHUP');
  };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await write();
  let work: Promise<void> = Promise.resolve();
  let soon: { cancel(): void } | undefined;
  let isClosed = false;
  const writeAfter = (ms: number): void => {
    if (!isClosed)
      soon ??= world.timers.after(ms, () => {
        soon = undefined;
        writeNext();
      });
  };
  const writeNext = (): void => {
    work = work.then(write).catch((cause: unknown) => {
      world.log('error', 'brokerFilesNotHandedOver', { fault: fail('INTERNAL', { cause }).fault });
      writeAfter(againMs);
    });
  };
  const periodic = world.timers.every(renewEveryMs, writeNext);
  return {
    changed() {
      writeAfter(settleMs);
    },
    async close() {
      isClosed = true;
      soon?.cancel();
      periodic.cancel();
      await work;
    },
  };
}

/** The process that wrote its number there, if it is mosquitto still: the signal ends whoever does not expect it. */
async function mosquittoIn(folder: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(join(folder, fileNames.pid), 'utf8')).trim());
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    return Number.isSafeInteger(pid) && pid > 1 && name === 'mosquitto' ? pid : undefined;
  } catch {
    return undefined;
  }
}
