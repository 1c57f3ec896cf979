/** English texts of `emulate` and `switch`. */
export const switchEn = {
  emulate: {
    events: { ready: 'ready', counts: 'so far', ended: 'ended', verdict: 'verdict' },
  },
};
