import { Readable } from 'node:stream';

/**
 * What aedes keeps beside its connections, and how it passes messages on: not at all. Sessions are clean, QoS 2 is not spoken, what a
 * terminal says goes to the house and what it hears comes through its own queue. As shipped, aedes keeps trees of all subscriptions and
 * wills, looks through retained messages at each SUBSCRIBE, and announces each connect below `$SYS/`, for nobody.
 */
const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const none = (): Promise<readonly never[]> => Promise.resolve([]);
const noStream = (): Readable =>
  new Readable({
    objectMode: true,
    read() {
      this.push(null);
    },
  });

/** aedes asks that it be an async function. */
async function setup(): Promise<void> {
  await nothing();
}

/** The `persistence` of aedes (aedes-persistence 11, `abstract.js`). A will is kept by its connection. */
export const noPersistence = {
  setup,
  storeRetained: nothing,
  createRetainedStream: noStream,
  createRetainedStreamCombi: noStream,
  addSubscriptions: nothing,
  removeSubscriptions: nothing,
  cleanSubscriptions: nothing,
  subscriptionsByClient: none,
  subscriptionsByTopic: none,
  countOffline: () => Promise.resolve({ subsCount: 0, clientsCount: 0 }),
  outgoingEnqueue: nothing,
  outgoingEnqueueCombi: nothing,
  outgoingUpdate: nothing,
  outgoingClearMessageId: nothing,
  // Asked at each connect: for an array `pipeline` makes one stream fewer.
  outgoingStream: (): readonly never[] => [],
  incomingStorePacket: nothing,
  incomingGetPacket: nothing,
  incomingDelPacket: nothing,
  putWill: nothing,
  getWill: nothing,
  delWill: nothing,
  streamWill: noStream,
  destroy: nothing,
};

type Done = (() => void) | undefined;
const later = (done: Done): void => {
  if (done) queueMicrotask(done);
};

/** The `mq` of aedes (mqemitter 7). */
export const noEmitter = {
  on: (_topic: string, _listener: unknown, done: Done) => later(done),
  removeListener: (_topic: string, _listener: unknown, done: Done) => later(done),
  emit: (_packet: unknown, done: Done) => later(done),
  close: (done: Done) => later(done),
};
