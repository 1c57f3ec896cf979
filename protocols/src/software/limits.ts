/** The most that a software image may be, bytes. */
export const softwareBytesMax = 16 * 1024 * 1024;
