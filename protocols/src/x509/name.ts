import { type Asn1, oid, sequence, set, utf8String } from './der.ts';
import { oids } from './oids.ts';

/** A distinguished name: who a certificate is for, or who issued it. */
export interface DistinguishedName {
  readonly commonName: string;
  readonly organization?: string;
}

const attribute = (type: string, text: string): Asn1 => set(sequence(oid(type), utf8String(text)));

/** A name as an RDNSequence, organisation first. RFC 5280, 4.1.2.4. */
export const distinguishedName = (name: DistinguishedName): Asn1 =>
  sequence(
    ...(name.organization === undefined ? [] : [attribute(oids.organizationName, name.organization)]),
    attribute(oids.commonName, name.commonName),
  );
