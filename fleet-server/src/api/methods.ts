import type { RouteOptions } from 'fastify';

/** Which methods there are at an address. */
export interface MethodBook {
  add(route: Pick<RouteOptions, 'method' | 'url'>): void;
  /** Of a path without its query; none where there is nothing at all. */
  at(path: string): readonly string[];
}

/** Of the routes that are told to it. A segment that begins with a colon stands for any one. */
export function methodBook(): MethodBook {
  const routes: { readonly segments: readonly string[]; readonly methods: readonly string[] }[] = [];
  return {
    add: ({ method, url }) => void routes.push({ segments: url.split('/'), methods: [method].flat() }),
    at(path) {
      const asked = path.split('/');
      const fits = (segments: readonly string[]): boolean =>
        segments.length === asked.length &&
        segments.every((segment, at) => (segment.startsWith(':') ? asked[at] !== '' : segment === asked[at]));
      return [...new Set(routes.flatMap(({ segments, methods }) => (fits(segments) ? methods : [])))].sort();
    },
  };
}
