import { describe, expect, it } from 'vitest';
import { verifyAnyCrawl } from './anycrawl.ts';
import { verifyFirecrawl } from './firecrawl.ts';
import { verifyGroupGm } from './groupgm.ts';
import { hexHmac, NOW, NOW_ISO, refusal, SECRET } from './signing.fixture.ts';
import { verifyTemplate } from './template.ts';

const body = '{"note":"大家早安!","n":1}';
const header = hexHmac(body);
const now = (): number => NOW;

describe.each([
  ['AC-14 verifyAnyCrawl', verifyAnyCrawl],
  ['FC-07 verifyFirecrawl', verifyFirecrawl],
  ['GG-04 verifyGroupGm', verifyGroupGm],
  ['TH-10 verifyTemplate', verifyTemplate],
])('%s', (_name, verify) => {
  it('accepts what the secret signed, as text and as bytes', () => {
    expect(verify({ body, header, secret: SECRET })).toEqual({ valid: true });
    expect(verify({ body: new TextEncoder().encode(body), header, secret: SECRET })).toEqual({ valid: true });
    expect(verify({ body, header: header.toUpperCase().replace('SHA', 'sha'), secret: SECRET })).toEqual({
      valid: true,
    });
  });

  it('ST-02 accepts any of several secrets, and no other', () => {
    expect(verify({ body, header, secrets: ['newer', SECRET] })).toEqual({ valid: true });
    expect(verify({ body, header, secret: 'newer', secrets: ['older'] })).toEqual(refusal('mismatch'));
  });

  it.each([
    ['missing', undefined],
    ['missing', ''],
    ['malformed', header.slice('sha256='.length)],
    ['malformed', `${header}, ${header}`],
    ['malformed', [header, header]],
    ['mismatch', hexHmac(`${body} `)],
  ])('refuses as %s: %s', (reason, wrong) => {
    expect(verify({ body, header: wrong, secret: SECRET })).toEqual(refusal(reason));
  });

  it('does not verify without a secret', () => {
    expect(() => verify({ body, header })).toThrow(TypeError);
    expect(() => verify({ body, header, secrets: [SECRET, ''] })).toThrow(TypeError);
  });
});

describe.each([
  ['AC-14 verifyAnyCrawl', verifyAnyCrawl],
  ['TH-10 verifyTemplate', verifyTemplate],
])('%s with a timestamp', (_name, verify) => {
  const at = (offsetSeconds: number): string => new Date(NOW + offsetSeconds * 1_000).toISOString();
  const signed = { body, header, secret: SECRET, now };

  it('allows five minutes in both directions', () => {
    for (const seconds of [-300, 0, 300]) {
      expect(verify({ ...signed, timestamp: at(seconds) })).toEqual({ valid: true });
    }
    expect(verify({ ...signed, timestamp: at(-301) })).toEqual(refusal('too_old'));
    expect(verify({ ...signed, timestamp: at(301) })).toEqual(refusal('too_new'));
  });

  it('allows what it is told to allow', () => {
    expect(verify({ ...signed, timestamp: at(-11), toleranceSeconds: 10 })).toEqual(refusal('too_old'));
    expect(verify({ ...signed, timestamp: at(-9e6), toleranceSeconds: Number.POSITIVE_INFINITY })).toEqual({
      valid: true,
    });
    expect(() => verify({ ...signed, timestamp: at(0), toleranceSeconds: Number.NaN })).toThrow(TypeError);
  });

  it('goes by the system’s clock unless told otherwise', () => {
    const { now: _injected, ...bySystem } = signed;
    expect(verify({ ...bySystem, timestamp: new Date().toISOString() })).toEqual({ valid: true });
    expect(verify({ ...bySystem, timestamp: '2020-01-01T00:00:00.000Z' })).toEqual(refusal('too_old'));
  });

  it.each([
    ['missing', undefined],
    ['malformed', '1769508000'],
    ['malformed', '2026-13-27T10:00:00.000Z'],
    ['malformed', [NOW_ISO, NOW_ISO]],
  ])('refuses as %s: %s', (reason, timestamp) => {
    expect(verify({ ...signed, timestamp })).toEqual(refusal(reason));
  });

  it('says mismatch rather than too old to whoever did not sign', () => {
    expect(verify({ ...signed, secret: 'other', timestamp: at(-900) })).toEqual(refusal('mismatch'));
  });
});
