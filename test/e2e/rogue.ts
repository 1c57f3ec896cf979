import { generateKeyPairSync } from 'node:crypto';
import { request } from 'node:https';
import { claimBundle, claimProof, portOf, serialSchema } from '@tsunagu/protocols/fleet';
import { Secret } from '@tsunagu/protocols/kit';
import { buildCertificateRequest } from '@tsunagu/protocols/x509';
import { expect } from 'vitest';
import type { House } from './house.ts';

/** A terminal of our own making, enrolled as any other: what it then sends wrong is the test's business. */
export async function enrolRogue(
  house: House,
  serial: string,
): Promise<{ cert: string; key: string; ca: string; tenant: string }> {
  const registered = await house.api('/api/v1/terminals', {
    method: 'POST',
    headers: { 'idempotency-key': serial },
    body: JSON.stringify({ serial, model: 'CT-5100', place: { merchant: 'm', shop: 's' } }),
  });
  const claim = claimBundle.parse((registered.body as { claim: unknown }).claim);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const agreement = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'der' })
    .toString('base64');
  const csr = Buffer.from(buildCertificateRequest(serial, pair.privateKey)).toString('base64');
  const claimed = { serial: serialSchema.parse(serial), csr, agreementKey: agreement };
  const proof = Buffer.from(
    claimProof(Secret.take('claim', Uint8Array.from(Buffer.from(claim.claimSecret, 'base64'))), claimed),
  ).toString('base64');
  const { status, body } = await postEnrolment(house, { ...claimed, tenant: claim.tenant, model: 'CT-5100', proof });
  expect(status).toBeLessThan(300);
  return {
    cert: (body as { certificateChain: string }).certificateChain,
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ca: claim.rootCertificate,
    tenant: claim.tenant,
  };
}

/** Posts to the device API over a TLS socket of our own, since its certificate is not the browser world's. */
export async function postEnrolment(house: House, body: object): Promise<{ status: number; body: unknown }> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: portOf(house.portBase, 'device'),
        path: '/device/v1/enrolments',
        method: 'POST',
        rejectUnauthorized: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        let received = '';
        answer
          .setEncoding('utf8')
          .on('data', (chunk: string) => (received += chunk))
          .on('end', () =>
            resolve({ status: answer.statusCode ?? 0, body: received ? JSON.parse(received) : undefined }),
          );
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}
