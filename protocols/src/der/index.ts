export { checkDer, contextTag, type DerElement, elementsOf, oidText, readDer, tags, timeOf } from './reader.ts';
export { DerWalk, malformed, walkInto } from './walk.ts';
export { der, nullElement, octetString, oid, sequence, setOf, small, tagged, utcTime } from './writer.ts';
