import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cardCompanyLink, type Link } from '@tsunagu/protocols/acquiring';
import { certificatesOf, type TenantId } from '@tsunagu/protocols/fleet';
import { toHex, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Authority } from '../../identity/index.ts';
import type { Vault } from '../../vault/index.ts';
import type { Zone } from './line-keys.ts';

/** What the far end of a link is handed when it is ordered: `DIR/links/ID/credentials.json`, mode 0600. */
export const linkCredentials = z.object({
  /** PEM, leaf first. */
  certificate: z.string().max(16_384),
  /** PKCS #8, PEM. */
  privateKey: z.string().max(8_192),
  /** Roots of the house, PEM. */
  ca: z.string().max(16_384),
  /** The alternative name (URI) in the certificate of the end that dials: whom an issuer lets in, and who a centre is. */
  peer: z.string().max(200),
  /** Key-block protection key of the zone: AES-256, hex. */
  zoneKbpk: z.string().regex(/^[0-9A-F]{64}$/),
});
export type LinkCredentials = z.infer<typeof linkCredentials>;

/** Where the credentials of the far end of a link lie below a data folder; the house's own card company unless another link is named. */
export const linkCredentialsPath = (dataFolder: string, link: string = cardCompanyLink.id): string =>
  join(dataFolder, 'links', link, 'credentials.json');

/** How the switch shows itself on a link, and the zone's keys. */
export interface OwnCredentials {
  /** PEM, leaf first. */
  readonly certificateChain: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** Roots that the far side's chain has to end in, PEM. */
  readonly ca: string;
  /** The URI of the end that dials. */
  readonly peer: string;
  readonly zone: Zone;
  /** The PIN key of the zone in the vault. */
  readonly pinKey: string;
}

/** A link with what both ends show, kept good while the house runs. */
export interface PreparedLink {
  readonly link: Link;
  /** The switch's own: its next connection shows what counts by then. */
  readonly own: OwnCredentials;
  /** Makes anew what nears its end at either end, and writes down what the far end is to show. */
  renew(): Promise<void>;
}

/** Makes the credentials of both ends of a link, writes down those of the far end, and hands out the switch's own. */
export async function prepareLink(
  authority: Authority,
  vault: Vault,
  tenant: TenantId,
  dataFolder: string,
  link: Link,
): Promise<PreparedLink> {
  const peer = `urn:tsunagu:${tenant}:link:${link.id}`;
  const zone = `zone/${link.id}`;
  const pinKey = `zone-pin/${link.id}`;
  await vault.ensure(zone, 'zone-protection');
  await vault.ensure(pinKey, 'zone-pin');
  const kbpk = unwrap(vault.zoneKey(zone));
  const path = linkCredentialsPath(dataFolder, link.id);
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  let written: string | undefined;

  const listening = () =>
    authority.credentials('server', link.id, {
      kind: 'leaf',
      purposes: ['serverAuth'],
      names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
    });
  const dialling = () =>
    authority.credentials('link', link.id, { kind: 'leaf', purposes: ['clientAuth'], names: [{ uri: peer }] });

  async function make() {
    const [server, client] = [await listening(), await dialling()];
    const [ours, theirs] = link.side === 'issuer' ? [client, server] : [server, client];
    const handed: LinkCredentials = {
      certificate: theirs.certificateChain,
      privateKey: theirs.privateKey,
      // Of both ends: while a root gives way to another, either may stand below either.
      ca: [...new Set([...certificatesOf(authority.anchors), ...certificatesOf(authority.roots)])].join(''),
      peer,
      zoneKbpk: kbpk.use(toHex),
    };
    const text = JSON.stringify(handed, undefined, 2);
    if (text !== written) {
      // Never half a file: the far end may be reading just now.
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
      written = text;
    }
    return { ...ours, ca: authority.roots };
  }

  let shown = await make();
  let renewing: Promise<void> = Promise.resolve();
  return {
    link,
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
      peer,
      // To an issuer the key only deciphers, from a centre it only enciphers.
      zone: {
        kbpk,
        pinKeyBlock: () => unwrap(vault.wrapZonePin(zone, pinKey, link.side === 'issuer' ? 'D' : 'E')).keyBlock,
      },
      pinKey,
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

/** Prepares several links. */
export async function prepareLinks(
  authority: Authority,
  vault: Vault,
  tenant: TenantId,
  dataFolder: string,
  links: readonly Link[],
): Promise<readonly PreparedLink[]> {
  const prepared: PreparedLink[] = [];
  for (const link of links) prepared.push(await prepareLink(authority, vault, tenant, dataFolder, link));
  return prepared;
}
