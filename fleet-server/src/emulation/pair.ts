import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  backdatedMs,
  buildAuthorityCertificate,
  buildCertificate,
  type CertificateUse,
  newSerialNumber,
  toPem,
} from '@tsunagu/protocols/x509';
import type { LinkCredentials } from '../switch/link/credentials.ts';

/** What both ends of an emulated line show, in files of a folder: `issuer.json` for the end that listens, `acquirer.json` for the one that dials. */
export const pairFiles = { issuer: 'issuer.json', acquirer: 'acquirer.json' } as const;

const lifeMs = 30 * 86_400_000;

/** Makes the credentials of an emulated line where the folder has none: an authority of their own, which nobody else believes. */
export async function preparePair(
  world: Pick<World, 'clock' | 'entropy'>,
  folder: string,
): Promise<Record<keyof typeof pairFiles, string>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = { issuer: join(folder, pairFiles.issuer), acquirer: join(folder, pairFiles.acquirer) };
  const known = await Promise.all(Object.values(paths).map((path) => readFile(path).catch(() => undefined)));
  if (known.every((file) => file !== undefined)) return paths;
  const now = world.clock.now();
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = { commonName: 'Tsunagu emulators' };
  const below = { commonName: 'Tsunagu emulators, lines' };
  const entropy = (lengthBytes: number): Uint8Array => world.entropy(lengthBytes);
  const life = { now, lifeMs };
  const rootPem = buildAuthorityCertificate(
    'root',
    { name, publicKey: root.publicKey },
    life,
    { name, privateKey: root.privateKey },
    entropy,
  );
  const issuingPem = buildAuthorityCertificate(
    'issuing',
    { name: below, publicKey: issuing.publicKey },
    life,
    { name, privateKey: root.privateKey },
    entropy,
  );
  const peer = 'urn:tsunagu:emulated:link';
  const zoneKbpk = toHex(world.entropy(32));
  const leaf = (commonName: string, use: CertificateUse): LinkCredentials => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = buildCertificate(
      {
        serialNumber: newSerialNumber(entropy),
        subject: { commonName },
        publicKey: pair.publicKey,
        notBefore: now - backdatedMs(lifeMs),
        notAfter: now + lifeMs,
        use,
      },
      { name: below, privateKey: issuing.privateKey },
    );
    return {
      certificate: toPem('CERTIFICATE', certificate) + issuingPem,
      privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ca: rootPem,
      peer,
      zoneKbpk,
    };
  };
  const made = {
    issuer: leaf('issuer', {
      kind: 'leaf',
      purposes: ['serverAuth'],
      names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
    }),
    acquirer: leaf('acquirer', { kind: 'leaf', purposes: ['clientAuth'], names: [{ uri: peer }] }),
  };
  for (const end of ['issuer', 'acquirer'] as const)
    await writeFile(paths[end], JSON.stringify(made[end], undefined, 2), { mode: 0o600 });
  return paths;
}
