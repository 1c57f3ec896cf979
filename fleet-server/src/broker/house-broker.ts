import { generateKeyPairSync } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { PortName, Serial, TenantId } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Admission, Authority, ServerTls, TlsMaterial } from '../identity/index.ts';
import type { Vault } from '../vault/index.ts';
import { openAedesBroker } from './aedes-broker.ts';
import { openExternalBroker } from './external/external-broker.ts';
import { keepMosquittoFiles } from './external/mosquitto-files.ts';
import { writeMosquittoFolder } from './external/mosquitto.ts';
import type { Broker, BrokerHandlers } from './port.ts';
import { openTicketKeys } from './ticket-keys.ts';

/** A broker, and the ports of ours that it answers. */
export type OpenedBroker = Broker & {
  readonly ports: Readonly<Partial<Record<PortName, number>>>;
  /** Certificates have ended, or other authorities count: a broker that does not ask the house learns it now. */
  certificatesEnded?(): void;
};

/** What the broker of a house stands on. */
export interface HouseBrokerOptions {
  readonly world: World;
  readonly tenant: TenantId;
  readonly host: string;
  readonly ports: { readonly fleet: number; readonly fleetWebSocket: number };
  /** The server's own folder. */
  readonly folder: string;
  /** An MQTT broker (`mqtts://host:port`) that stands in for our own. */
  readonly url: string | undefined;
  readonly tls: TlsMaterial & Partial<Pick<ServerTls, 'follow'>>;
  readonly vault: Vault;
  readonly authority: Authority;
  readonly admit: Admission;
  /** Whether a terminal counts whose connection is another broker's. */
  readonly isHeard: (serial: Serial) => Promise<boolean>;
  /** The revocation list of each issuing CA, DER, made when it is called. */
  readonly revocationLists: () => Promise<readonly Uint8Array[]>;
  readonly handlers: BrokerHandlers;
}

/** Our own broker, or the one that was named: the same handlers stand on both. */
export async function openHouseBroker(options: HouseBrokerOptions): Promise<Result<OpenedBroker, 'PORT_TAKEN'>> {
  const { world, tenant, host, ports, folder, url, tls, vault, authority, admit, isHeard, revocationLists, handlers } =
    options;
  if (url === undefined) {
    const tickets = await openTicketKeys(join(folder, 'fleet-tickets'), vault, world);
    return await openAedesBroker({ world, tenant, host, ports, tls, admit, tickets, handlers });
  }
  const name = `fleet-server.${tenant}`;
  const credentials = () => authority.credentials('link', name, { kind: 'leaf', purposes: ['clientAuth'], names: [] });
  let own = await credentials();
  const mosquittoFolder = join(folder, 'external-broker');
  // Without them mosquitto does not start.
  const files = await keepMosquittoFiles(world, mosquittoFolder, async () => {
    own = await credentials();
    return { tls: { cert: tls.cert, key: tls.key, root: tls.ca.join('') }, lists: await revocationLists() };
  });
  tls.follow?.(() => files.changed());
  await writeMosquittoFolder(mosquittoFolder, {
    tenant,
    host,
    port: ports.fleet,
    user: userInfo().username,
    serverName: name,
  });
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const external = openExternalBroker({
    world,
    tenant,
    url,
    name,
    tls: () => ({ cert: own.certificateChain, key: own.privateKey, ca: authority.roots }),
    isHeard,
    standIn(serial) {
      const issued = authority.issueStandIn(serial, pair.publicKey);
      return issued.ok ? ok({ cert: issued.value.chain, key }) : issued;
    },
    handlers,
  });
  // Terminals dial the port at which it stands in for ours.
  const closeLink = external.close.bind(external);
  return ok(
    Object.assign(external, {
      ports: { fleet: ports.fleet },
      certificatesEnded: () => files.changed(),
      async close() {
        await files.close();
        await closeLink();
      },
    }),
  );
}
