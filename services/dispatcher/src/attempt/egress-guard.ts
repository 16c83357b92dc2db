import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { isPublicAddress } from '@grapnel/domain/security/address';
import { buildConnector } from 'undici';
import type { NameResolver } from './name-resolver.ts';

/** The address behind an endpoint is not one that may be reached from here (AC-20). */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_IP_BLOCKED';

  constructor() {
    super('the endpoint resolves to a private, loopback or otherwise non-public address');
    this.name = 'PrivateAddressError';
  }
}

export interface EgressOptions {
  /** Development only: any address may be reached. */
  readonly allowLocal: boolean;
  readonly connectTimeoutMs: number;
  /** Certificate authorities in PEM that are trusted beside the usual ones, for endpoints with a private one. */
  readonly ca: string | null;
}

type Connector = ReturnType<typeof buildConnector>;

/**
 * Connects for undici and refuses what is not public. Names are judged by every address they resolve to, in the very
 * look-up that the connection uses, so that a second answer cannot differ (DNS rebinding); then the connected socket is
 * judged once more, before a byte of the request is written.
 */
export function guardedConnector({ allowLocal, connectTimeoutMs, ca }: EgressOptions, names: NameResolver): Connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    maxCachedSessions: 1_000,
    secureContext: trusting(ca),
    lookup: lookupBy(names, allowLocal ? () => true : isPublicAddress),
  });
  if (allowLocal) return connect;
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isPublicAddress(host)) {
      callback(new PrivateAddressError(), null);
      return;
    }
    connect(options, (error, socket) => {
      if (error !== null) callback(error, null);
      else if (isAllowed(socket)) callback(null, socket);
      else {
        socket.destroy();
        callback(new PrivateAddressError(), null);
      }
    });
  };
}

/**
 * One for all connections: left to itself, each makes its own with a copy of all authorities, a quarter of what a handshake
 * costs. Node takes `ca` in place of its own authorities, not beside them.
 */
const trusting = (ca: string | null): SecureContext =>
  createSecureContext({ ca: [...getCACertificates('default'), ...(ca === null ? [] : [ca])] });

const isAllowed = (socket: Socket): boolean =>
  socket.remoteAddress !== undefined && isPublicAddress(socket.remoteAddress);

/** Refuses a name with one address that may not be reached, whichever of them would be used. */
function lookupBy(names: NameResolver, isAllowedAddress: (address: string) => boolean): LookupFunction {
  const judged = async (hostname: string): Promise<[LookupAddress, ...LookupAddress[]]> => {
    const [first, ...others] = await names.resolve(hostname);
    if (first === undefined || ![first, ...others].every(({ address }) => isAllowedAddress(address))) {
      throw new PrivateAddressError();
    }
    return [first, ...others];
  };
  return (hostname, options, callback) => {
    void judged(hostname).then(
      (addresses) =>
        options.all === true ? callback(null, addresses) : callback(null, addresses[0].address, addresses[0].family),
      (error: Error) => callback(error, '', 0),
    );
  };
}
