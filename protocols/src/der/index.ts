export { checkDer, contextTag, type DerElement, elementsOf, oidText, readDer, tags, timeOf } from './reader.ts';
export { DerWalk, malformed, walkInto } from './walk.ts';
export {
  bitString,
  boolean,
  der,
  nullElement,
  octetString,
  oid,
  sequence,
  setOf,
  small,
  tagged,
  taggedBytes,
  time,
  unsigned,
  utcTime,
  utf8String,
} from './writer.ts';
