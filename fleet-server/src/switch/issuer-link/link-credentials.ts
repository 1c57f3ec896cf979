import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issuerLink } from '@tsunagu/protocols/acquiring';
import { certificatesOf, type TenantId } from '@tsunagu/protocols/fleet';
import { toHex, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Authority } from '../../identity/index.ts';
import type { Vault } from '../../vault/index.ts';
import type { IssuerCredentials } from './credentials.ts';

/** What a card company is handed when its line is ordered: `DIR/links/card-company-1/credentials.json`, mode 0600. */
export const linkCredentials = z.object({
  /** PEM, leaf first. */
  certificate: z.string().max(16_384),
  /** PKCS #8, PEM. */
  privateKey: z.string().max(8_192),
  /** Roots of the house, PEM. */
  ca: z.string().max(16_384),
  /** Who may connect: the alternative name (URI) in the switch's certificate. */
  peer: z.string().max(200),
  /** Key-block protection key of the zone: AES-256, hex. */
  zoneKbpk: z.string().regex(/^[0-9A-F]{64}$/),
});
export type LinkCredentials = z.infer<typeof linkCredentials>;

/** Where the credentials of the emulated card company lie below a data folder. */
export const linkCredentialsPath = (dataFolder: string): string =>
  join(dataFolder, 'links', issuerLink.id, 'credentials.json');

/** What both ends of the line show, kept good while the house runs. */
export interface IssuerLinkCredentials {
  /** The switch's own: its next connection shows what counts by then. */
  readonly own: IssuerCredentials;
  /** Makes anew what nears its end at either end, and writes down what the card company is to show. */
  renew(): Promise<void>;
}

/** Makes the credentials of both ends of the line, writes down those of the card company, and hands out the switch's own. */
export async function prepareIssuerLink(
  authority: Authority,
  vault: Vault,
  tenant: TenantId,
  dataFolder: string,
): Promise<IssuerLinkCredentials> {
  const peer = `urn:tsunagu:${tenant}:link:${issuerLink.id}`;
  const zone = `zone/${issuerLink.id}`;
  const zonePin = `zone-pin/${issuerLink.id}`;
  await vault.ensure(zone, 'zone-protection');
  await vault.ensure(zonePin, 'zone-pin');
  const zoneKbpk = unwrap(vault.zoneKey(zone));
  const path = linkCredentialsPath(dataFolder);
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  let written: string | undefined;

  async function make() {
    const theirs = await authority.credentials('server', issuerLink.id, {
      kind: 'leaf',
      purposes: ['serverAuth'],
      names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
    });
    const ours = await authority.credentials('link', issuerLink.id, {
      kind: 'leaf',
      purposes: ['clientAuth'],
      names: [{ uri: peer }],
    });
    const handed: LinkCredentials = {
      certificate: theirs.certificateChain,
      privateKey: theirs.privateKey,
      // Of both ends: while a root gives way to another, either may stand below either.
      ca: [...new Set([...certificatesOf(authority.anchors), ...certificatesOf(authority.roots)])].join(''),
      peer,
      zoneKbpk: zoneKbpk.use(toHex),
    };
    const text = JSON.stringify(handed, undefined, 2);
    if (text !== written) {
      // Never half a file: the card company may be reading just now.
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
      written = text;
    }
    return { ...ours, ca: authority.roots };
  }

  let shown = await make();
  let renewing: Promise<void> = Promise.resolve();
  return {
    own: {
      get certificateChain() {
        return shown.certificateChain;
      },
      get privateKey() {
        return shown.privateKey;
      },
      get ca() {
        return shown.ca;
      },
      zoneKbpk,
      pinKey: { id: zonePin, keyBlock: () => unwrap(vault.wrapZonePin(zone, zonePin)).keyBlock },
    },
    renew() {
      // One after the other: two would write the same file.
      renewing = renewing
        .catch(() => undefined)
        .then(async () => {
          shown = await make();
        });
      return renewing;
    },
  };
}
