import {
  addNegative,
  addNegativeRange,
  allowNegative,
  explainNegative,
  importNegative,
  negativeAdded,
  negativeAuthority,
  negativeDiff,
  negativeExplanation,
  negativeImported,
  negativeLists,
  negativeListView,
  negativeOverview,
  negativePublished,
  negativeRootDocument,
  negativeSignatureBrought,
  negativeState,
  ofNegativeList,
  proveNegative,
  publishNegative,
  removeNegative,
  setNegativeList,
} from '@tsunagu/protocols/fleet';
import { fail, type Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { negativeProof } from '@tsunagu/protocols/negative/proof';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms, NegativeListRoom } from '../ports.ts';
import { isCardNumber } from '../../negative/rules.ts';
import { refused } from '../problems.ts';

// From here on a PAN is a secret: the parsed body holds no digits that a log could show.
const hidden = <B extends { readonly pan: string }>({ pan, ...rest }: B) => ({ ...rest, pan: secretPan(pan) });
const addSecretly = addNegative.transform(hidden);
const removeSecretly = removeNegative.transform(hidden);
const allowSecretly = allowNegative.transform(hidden);
const explainSecretly = explainNegative.transform(hidden);
const proveSecretly = proveNegative.transform(hidden);
const versions = ofNegativeList.extend({ from: z.coerce.number().int().min(1), to: z.coerce.number().int().min(1) });
/** An issuer's list of a million cards is some 25 MB of text. */
const importBytesMax = 64 * 1024 * 1024;

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

async function wiped<T>(pan: Secret<'pan'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    pan.wipe();
  }
}

/** The negative list: what is listed, how far the fleet has it, and what people change. */
export function negativeRoutes(app: ApiApp, { negative }: Pick<ApiRooms, 'negative'>): void {
  const tags = ['negative'];
  const look = { role: 'viewer' } as const;
  const change = { role: 'operator', isIdempotent: true } as const;
  const govern = { role: 'admin', isIdempotent: true } as const;
  const listNamed = (list: string): NegativeListRoom =>
    negative.of(list) ?? unwrap(fail('NEGATIVE_LIST_UNKNOWN', { field: 'list' }));

  app.get(
    '/api/v1/negative/lists',
    {
      config: look,
      schema: {
        summary: 'The negative lists: codec, version, how far the fleet has each, and exposure in money',
        tags,
        response: { 200: negativeLists, '4xx': refused },
      },
    },
    async () => ({ items: [...(await negative.lists())] }),
  );

  app.post(
    '/api/v1/negative/lists',
    {
      config: govern,
      schema: {
        summary: 'Make a list for an issuer or a brand, or have one published in another codec',
        tags,
        body: setNegativeList,
        response: { 200: negativeListView, '4xx': refused },
      },
    },
    async (request) => unwrap(await negative.setList(request.body.list, request.body.codec, actorOf(request))),
  );

  app.get(
    '/api/v1/negative',
    {
      config: look,
      schema: {
        summary: 'The negative list: version, entries newest first, how many terminals have it',
        tags,
        querystring: listQuery.extend(ofNegativeList.shape),
        response: { 200: negativeOverview, '4xx': refused },
      },
    },
    async (request) => unwrap(await listNamed(request.query.list).overview(pageOf(request.query))),
  );

  app.get(
    '/api/v1/negative/state',
    {
      config: look,
      schema: {
        summary: 'Versions, sources, how the newest head spread, and exposure in money',
        tags,
        querystring: ofNegativeList,
        response: { 200: negativeState, '4xx': refused },
      },
    },
    async ({ query }) => await listNamed(query.list).details(),
  );

  app.get(
    '/api/v1/negative/diff',
    {
      config: look,
      schema: {
        summary: 'How many cards came and went between two versions, and how large their delta is',
        tags,
        querystring: versions,
        response: { 200: negativeDiff, '4xx': refused },
      },
    },
    async ({ query }) => unwrap(await listNamed(query.list).diff(query.from, query.to)),
  );

  app.post(
    '/api/v1/negative/entries',
    {
      config: change,
      schema: {
        summary: 'List a card at once',
        tags,
        body: addSecretly,
        response: { 200: negativeAdded, 201: negativeAdded, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { list, pan, reason, source } = request.body;
      const added = unwrap(await wiped(pan, () => listNamed(list).add(pan, reason, actorOf(request), source)));
      return await reply.status(added.already ? 200 : 201).send(added);
    },
  );

  app.post(
    '/api/v1/negative/removals',
    {
      config: change,
      schema: {
        summary: 'Take a card off for one source; it stays while another source lists it',
        tags,
        body: removeSecretly,
        response: { 200: negativePublished, '4xx': refused },
      },
    },
    async (request) => {
      const { list, pan, source } = request.body;
      return unwrap(await wiped(pan, () => listNamed(list).remove(pan, source, actorOf(request))));
    },
  );

  app.post(
    '/api/v1/negative/imports',
    {
      config: change,
      bodyLimit: importBytesMax,
      schema: {
        summary: "Take in an issuer's list: CSV or JSON lines",
        tags,
        body: importNegative,
        response: { 200: negativeImported, '4xx': refused },
      },
    },
    async (request) => unwrap(await listNamed(request.body.list).importList(request.body, actorOf(request))),
  );

  app.post(
    '/api/v1/negative/ranges',
    {
      config: change,
      schema: {
        summary: 'Block cards by their leading digits, until a moment',
        tags,
        body: addNegativeRange,
        response: { 200: negativePublished, '4xx': refused },
      },
    },
    async (request) => unwrap(await listNamed(request.body.list).addRange(request.body, actorOf(request))),
  );

  app.post(
    '/api/v1/negative/exceptions',
    {
      config: change,
      schema: {
        summary: 'Let a good card through that meets a listed one by chance or lies in a blocked range, or end that',
        tags,
        body: allowSecretly,
        response: { 200: negativePublished, '4xx': refused },
      },
    },
    async (request) => {
      const { list, pan, withdraw } = request.body;
      return unwrap(await wiped(pan, () => listNamed(list).allow(pan, withdraw, actorOf(request))));
    },
  );

  app.post(
    '/api/v1/negative/versions',
    {
      config: change,
      schema: {
        summary:
          'Publish a new version; with the second signature, of a second person, when the list lets more than 5 % of its cards go',
        tags,
        body: publishNegative,
        response: { 200: negativePublished, '4xx': refused },
      },
    },
    async (request) => {
      const { list, secondSignature } = request.body;
      return unwrap(await listNamed(list).publishVersion(secondSignature ? actorOf(request) : undefined));
    },
  );

  app.get(
    '/api/v1/negative/authority',
    {
      config: look,
      schema: {
        summary: 'Who may sign what of the negative list, and the version that waits for signatures',
        tags,
        querystring: ofNegativeList,
        response: { 200: negativeAuthority, '4xx': refused },
      },
    },
    async ({ query }) => await listNamed(query.list).authority(),
  );

  app.post(
    '/api/v1/negative/roots',
    {
      config: govern,
      schema: {
        summary: 'Bring the next root, signed by enough keys of the one in force and of its own',
        tags,
        body: negativeRootDocument,
        response: { 200: negativeAuthority, '4xx': refused },
      },
    },
    async (request) => unwrap(await negative.bringRoot(bytesOf(request.body.document), actorOf(request))),
  );

  app.post(
    '/api/v1/negative/root-signatures',
    {
      config: govern,
      schema: {
        summary: 'Have the root keys that the server still holds sign a proposal for the next root',
        tags,
        body: negativeRootDocument,
        response: { 200: negativeRootDocument, '4xx': refused },
      },
    },
    async (request) => {
      await Promise.resolve();
      const signed = unwrap(negative.countersignRoot(bytesOf(request.body.document), actorOf(request)));
      return { document: Buffer.from(signed).toString('base64') };
    },
  );

  app.post(
    '/api/v1/negative/signatures',
    {
      config: change,
      schema: {
        summary: "Bring a list key's signature of the version that waits",
        tags,
        body: negativeSignatureBrought,
        response: { 200: negativePublished, '4xx': refused },
      },
    },
    async ({ body: { list, digest, keyId, signature } }) =>
      unwrap(await listNamed(list).sign(digest, { keyId, signature: bytesOf(signature) })),
  );

  app.post(
    '/api/v1/negative/explanations',
    {
      config: look,
      schema: {
        summary: 'Who lists a card, why and since when; the PAN travels in the body so that no log has it',
        tags,
        body: explainSecretly,
        response: { 200: negativeExplanation, '4xx': refused },
      },
    },
    async ({ body: { list, pan } }) =>
      await wiped(pan, async () => {
        // A number that no card has is a slip of the pen, and no answer to a question about a card.
        if (!pan.use(isCardNumber)) unwrap(fail('PAN_INVALID', { field: 'pan' }));
        return await listNamed(list).explain(pan);
      }),
  );

  app.post(
    '/api/v1/negative/proofs',
    {
      config: look,
      schema: {
        summary: 'Whether a card was blocked on a terminal at a time, with all that a stranger needs to check it',
        tags,
        body: proveSecretly,
        response: { 200: negativeProof, '4xx': refused },
      },
    },
    async ({ body }) =>
      unwrap(await wiped(body.pan, () => listNamed(body.list).prove(body.pan, body.serial, Date.parse(body.at)))),
  );
}
