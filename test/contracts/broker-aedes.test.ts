import { X509Certificate } from 'node:crypto';
import type { ShownCertificate } from '@tsunagu/fleet-server/identity/index';
import { openAedesBroker } from '@tsunagu/fleet-server/broker/index';
import { parseTerminalUri, type Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { brokerContract } from './broker.ts';
import { tenant, testAuthority } from './broker-pki.ts';

brokerContract('aedes', async (handlers) => {
  const authority = testAuthority();
  const revoked = new Set<Serial>();
  const ended = new Set<string>();
  const broker = unwrap(
    await openAedesBroker({
      world: systemWorld(() => undefined),
      tenant,
      host: '127.0.0.1',
      ports: { fleet: 0, fleetWebSocket: 0 },
      tls: { ...authority.server(), ca: [authority.root] },
      admit(certificate: ShownCertificate | undefined) {
        const named = parseTerminalUri((certificate?.subjectAltName ?? '').replace('URI:', ''));
        return Promise.resolve(
          named && !revoked.has(named.serial) && !ended.has(certificate?.fingerprint256 ?? '')
            ? ok(named.serial)
            : fail('CLIENT_CERTIFICATE_REFUSED'),
        );
      },
      handlers,
    }),
  );
  return {
    broker,
    port: broker.ports.fleet,
    authority,
    revoke: ({ serial }) => revoked.add(serial),
    end: ({ cert }) => ended.add(new X509Certificate(cert).fingerprint256),
    close: () => broker.close(),
  };
});
