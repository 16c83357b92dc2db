/** Where a request goes, in the pieces that making it needs: a URL's own getters put them together anew each time. */
export interface Target {
  readonly href: string;
  readonly origin: string;
  readonly hostname: string;
  /** Without the colon. */
  readonly scheme: string;
  /** With the query. */
  readonly path: string;
}

export function targetOf(url: URL): Target {
  const { href, origin, hostname, protocol, pathname, search } = url;
  return { href, origin, hostname, scheme: protocol.slice(0, -1), path: pathname + search };
}
