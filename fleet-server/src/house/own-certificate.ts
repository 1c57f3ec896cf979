import { writeFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { type Authority, changingTls } from '../identity/index.ts';

/** The subject of the certificate that the house shows on its wires. */
export const serverName = 'fleet-server';

/** The house's own certificate, its key and its roots; `root.pem` of the folder is what others trust it by. */
export async function openOwnCertificate(authority: Authority, folder: string, reachedAt: string) {
  const use = {
    kind: 'leaf',
    purposes: ['serverAuth'],
    names: [
      { dns: 'localhost' },
      { ip: '127.0.0.1' },
      ...(reachedAt === '127.0.0.1' || reachedAt === 'localhost'
        ? []
        : [isIPv4(reachedAt) ? { ip: reachedAt } : { dns: reachedAt }]),
    ],
  } as const;
  const now = async () => {
    const { certificateChain, privateKey } = await authority.credentials('server', serverName, use);
    return { cert: certificateChain, key: privateKey, ca: authority.believed };
  };
  const writeRoots = (): Promise<void> => writeFile(join(folder, 'root.pem'), authority.anchors, { mode: 0o644 });
  await writeRoots();
  const changing = changingTls(await now());
  return {
    tls: changing.tls,
    writeRoots,
    /** Made anew where it nears its end, or where the hierarchy has changed. */
    renew: async (): Promise<void> => changing.change(await now()),
  };
}
