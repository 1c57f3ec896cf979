import { oid, sequence, setOf, utf8String } from '../der/index.ts';
import { oids } from './oids.ts';

/** A distinguished name: who a certificate is for, or who issued it. */
export interface DistinguishedName {
  readonly commonName: string;
  readonly organization?: string;
}

const attribute = (type: string, text: string): Uint8Array => setOf(sequence(oid(type), utf8String(text)));

/** A name as an RDNSequence, organisation first. RFC 5280, 4.1.2.4. */
export const distinguishedName = (name: DistinguishedName): Uint8Array =>
  sequence(
    ...(name.organization === undefined ? [] : [attribute(oids.organizationName, name.organization)]),
    attribute(oids.commonName, name.commonName),
  );
