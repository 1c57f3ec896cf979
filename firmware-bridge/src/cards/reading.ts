import { tlv } from '@tsunagu/protocols/tlv';
import { atcBytes } from './cryptogram.ts';
import { recall } from './state.ts';
import { sw } from './status.ts';
import { give, type Handler, refuse } from './step.ts';

/** READ RECORD of the application, once a transaction has begun. EMV 4.3 Book 3, 6.5.11. */
export const readRecord: Handler = ({ image }, state, { p1, p2 }) => {
  if ((p2 & 7) !== 4 || p1 === 0) return refuse(state, sw.wrongParameters);
  if (state.phase === 'selected') return refuse(state, sw.conditionsNotSatisfied);
  const found = image.records.find(({ sfi, record }) => sfi === p2 >> 3 && record === p1);
  if (found === undefined) return refuse(state, sw.recordNotFound);
  const { dynamicRecord } = image;
  if (state.cardAuthenticationData !== undefined && dynamicRecord?.sfi === found.sfi && dynamicRecord.record === p1)
    return give(state, tlv(0x70, tlv(0x9f69, state.cardAuthenticationData)));
  return give(state, recall(state).records.get(`${found.sfi}.${found.record}`) ?? found.bytes);
};

/** GET DATA: the counters, and the tries left where the card knows a PIN. EMV 4.3 Book 3, 6.5.7. */
export const getData: Handler = ({ card }, state, { p1, p2 }) => {
  const memory = recall(state);
  switch ((p1 << 8) | p2) {
    case 0x9f36:
      return give(state, tlv(0x9f36, atcBytes(memory.atc)));
    case 0x9f13:
      return give(state, tlv(0x9f13, atcBytes(memory.lastOnlineAtc)));
    case 0x9f17:
      return card.hasOfflinePin
        ? give(state, tlv(0x9f17, Uint8Array.of(memory.pinTriesLeft)))
        : refuse(state, sw.dataNotFound);
    default:
      return refuse(state, sw.dataNotFound);
  }
};
