/**
 * Where each listener of a house stands, as an offset from its port base (8880 unless told).
 * One table, so that the server, the terminals and the screen cannot disagree.
 */
export const portOffsets = {
  /** W5: management API and dashboard, HTTP on the loopback. */
  management: 0,
  /** Prometheus metrics, HTTP on the loopback. */
  metrics: 1,
  /** W1: MQTT 3.1.1 over TLS with client certificates. 8883 is the registered port (IANA, secure-mqtt). */
  fleet: 3,
  /** W1 over WebSocket, TLS as well. */
  fleetWebSocket: 4,
  /** W2: enrolment and artefacts, HTTPS. */
  device: 5,
  /** W3: ISO 8583 from terminals, TLS. */
  acquiring: 6,
  /** W4: the emulated card company, TLS. */
  cardCompany: 7,
  /** W8: ISO 8583 from merchant centres, TLS with client certificates. */
  centres: 8,
  /** W4: the emulated issuers of further schemes, in the order of their links (`houseIssuers`), TLS. */
  issuers: 11,
  /** The first parent's relay for its children; further parents follow. */
  relay: 20,
} as const;

export type PortName = keyof typeof portOffsets;

/** The base of a house that nobody moved: MQTT is then on 8883. */
export const defaultPortBase = 8880;

/** The port of a listener in the house with this base. */
export const portOf = (base: number, name: PortName): number => base + portOffsets[name];
