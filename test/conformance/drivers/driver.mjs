// Answers the cases on standard input with what the document's code says of each.
import { readFileSync } from 'node:fs';
import { verifyHex } from './hex.mjs';
import { verifyStandard } from './standard.mjs';

const answers = JSON.parse(readFileSync(0, 'utf8')).map(({ scheme, body, headers, signature, secrets, now }) => {
  const bytes = Buffer.from(body, 'base64');
  if (scheme === 'hex') return verifyHex(bytes, signature ?? undefined, secrets);
  const { id, timestamp } = headers;
  return verifyStandard(bytes, { id, timestamp, signature }, secrets, now);
});
console.log(JSON.stringify(answers));
