import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { systemClock } from '@grapnel/runtime/clock';

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of one test; its certificates are for 127.0.0.1 and for clients alike. */
export class CertificateAuthority {
  readonly cert: string;
  readonly #name: string;
  readonly #key: KeyObject;
  #serial = 1;

  constructor(name: string) {
    const { publicKey, privateKey } = newKeys();
    this.#name = name;
    this.#key = privateKey;
    this.cert = this.#signed(name, publicKey, CA);
  }

  issue(name: string): Certificate {
    const { publicKey, privateKey } = newKeys();
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { cert: this.#signed(name, publicKey, LOOPBACK), key };
  }

  /** X.509 v3, as RFC 5280 has it. */
  #signed(subject: string, publicKey: KeyObject, extension: Buffer): string {
    const info = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([this.#serial++])),
      ECDSA_SHA256,
      nameOf(this.#name),
      sequence(utcTime(-DAY_MS), utcTime(DAY_MS)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extension)),
    );
    const signature = der(0x03, Buffer.from([0]), sign('sha256', info, this.#key));
    const base64 = sequence(info, ECDSA_SHA256, signature).toString('base64');
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
  }
}

const DAY_MS = 86_400_000;

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** One value of ASN.1 in its distinguished encoding. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));

function utcTime(fromNowMs: number): Buffer {
  const digits = new Date(systemClock.now() + fromNowMs).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
/** Basic constraints: it may sign others. */
const CA = sequence(oid('551d13'), der(0x01, Buffer.from([0xff])), der(0x04, sequence(der(0x01, Buffer.from([0xff])))));
/** Subject alternative name: the address 127.0.0.1. */
const LOOPBACK = sequence(oid('551d11'), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))));
