/** The browser that the suites drive: that of the system. */
export const browserPath = process.env['TSUNAGU_CHROMIUM'] ?? '/usr/bin/chromium';

export const browserFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
