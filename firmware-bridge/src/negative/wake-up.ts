/** What a terminal knows of its line to the server in this boot. */
export interface LineToServer {
  /** A connection stands. */
  readonly isUp: boolean;
  /** A connection was tried and ended, or never came. */
  readonly wasTried: boolean;
}

/**
 * Whether a list from before the start may be relied on. While it slept a card may have been blocked, so the head and overlay of this boot
 * come first: two round trips on a line that stands. Where the line was tried and is not there, the age of the list decides, as it does
 * for a terminal that lost its line while it ran.
 * @param hasHead whether a head and its overlay were accepted in this boot
 */
export const isAwake = (hasHead: boolean, { isUp, wasTried }: LineToServer): boolean => hasHead || (wasTried && !isUp);
