import { readFile } from 'node:fs/promises';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { hex, Secret, secretPan } from '@tsunagu/protocols/kit';
import { writeValidityRequests } from '@tsunagu/protocols/validity';
import { linkNamed } from './small-centre.ts';
import type { SmallHouse } from './small-house.ts';

/** The centre that asks. */
export const centreLink = 'ec-centre-1';
const acquirer = linkNamed(centreLink).parties.far.padStart(11, '0');

let entropy = 0;
/** Bytes that are others each time. */
export const random = (lengthBytes: number): Uint8Array => {
  entropy += 1;
  return Uint8Array.from({ length: lengthBytes }, (_, index) => (entropy * 31 + index * 7) & 0xff);
};

/** The key of a centre's zone, as it was handed to the centre. */
export const zoneOf = async ({ folder }: SmallHouse, link = centreLink): Promise<Secret<'key'>> => {
  const handed = linkCredentials.parse(JSON.parse(await readFile(linkCredentialsPath(folder, link), 'utf8')));
  return Secret.take('key', hex(handed.zoneKbpk));
};

/** A file of the centre: references, numbers and expiries. */
export const fileOf = (
  zone: Secret<'key'>,
  fileId: number,
  asked: readonly (readonly [string, string, string?])[],
): string =>
  writeValidityRequests(
    { fileId: String(fileId).padStart(12, '0'), acquirer, merchant: 'SHOP', created: '261126120000' },
    asked.map(([reference, pan, expiry]) => ({ reference, pan: secretPan(pan), expiry })),
    zone,
    Secret.take('key', random(16)),
    random,
  );
