/** A FeliCa card (JIS X 6319-4) as an antenna sees it. */
export interface FelicaCard {
  /** Power comes on or the field was off: modes and sessions are forgotten. */
  reset(): void;
  /**
   * The response frame to a command frame; undefined when the card stays mute (a polling for another system, a wrong IDm).
   * Frames begin with their length byte; preamble, sync code and CRC are the antenna's.
   */
  transmit(frame: Uint8Array): Uint8Array | undefined;
}
