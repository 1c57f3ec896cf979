/** Japanese texts of `emulate` and `switch`. */
export const switchJa = {
  emulate: {
    events: { ready: '準備完了', counts: '途中経過', ended: '終了', verdict: '判定' },
  },
};
