import type { Socket } from 'node:net';

/** Writes to a socket; all that is written in one turn of the event loop goes out as one record, in one call of the system. */
export function writeTogether(socket: Socket, bytes: Uint8Array, written?: () => void): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    // After the turn, and before anything that a timer or another socket does.
    process.nextTick(() => socket.uncork());
  }
  socket.write(bytes, written);
}
